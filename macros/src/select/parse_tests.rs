//! What the parser of `select!` takes, and what it says to what it does not take.
use super::{Operation, Select};
use quote::ToTokens;

fn parse(arms: &str) -> syn::Result<Select> {
    syn::parse_str(&format!("(krate) {arms}"))
}

fn parsed(arms: &str) -> Select {
    parse(arms).unwrap_or_else(|error| panic!("{arms}: {error}"))
}

/// The message for `arms`, and the source text it points at (the first token of it).
fn error(arms: &str) -> (String, String) {
    let source = format!("(krate) {arms}");
    let error = match syn::parse_str::<Select>(&source) {
        Ok(_) => panic!("accepted: {arms}"),
        Err(error) => error,
    };
    let start = error.span().start();
    let rest: String = source.chars().skip(start.column).collect();
    let token = rest.split_whitespace().next().unwrap_or("the end").to_string();
    (error.to_string(), token)
}

#[track_caller]
fn refuses(arms: &str, says: &str, points_at: &str) {
    let (message, token) = error(arms);
    assert!(message.contains(says), "{arms}\nsays: {message}\nnot: {says}");
    assert_eq!(token, points_at, "{arms}\nsays: {message}");
}

/// One letter for each arm.
fn kinds(select: &Select) -> String {
    let kind = |arm: &super::Arm| match arm.operation {
        Operation::Recv { .. } => 'r',
        Operation::Send { .. } => 's',
        Operation::SendFrom { .. } => 'o',
        Operation::Future(_) => 'f',
    };
    select.arms.iter().map(kind).collect()
}

#[test]
fn takes_every_kind_of_arm() {
    let select = parsed(
        "recv(jobs) -> job => a(),
         send(out, v + 1) -> sent => { b() }
         send_from(out, self.q) -> sent => { c() },
         Some(line) = reader.next_line(), if !done => d(),
         _ = sleep(x) => e(),
         default => f(),
         else => g()",
    );
    assert_eq!(kinds(&select), "rsoff");
    assert_eq!(select.krate.to_string(), "krate");
    assert!(!select.biased);
    assert!(select.default.is_some() && select.otherwise.is_some());
    let conditions: Vec<_> = select.arms.iter().map(|arm| arm.condition.is_some()).collect();
    assert_eq!(conditions, [false, false, false, true, false]);
    assert_eq!(select.arms[3].pattern.to_token_stream().to_string(), "Some (line)");
}

#[test]
fn takes_no_arm_at_all() {
    assert_eq!(kinds(&parsed("")), "");
    assert!(parsed("biased;").biased);
    assert!(parsed("default => ()").arms.is_empty());
}

#[test]
fn takes_default_and_else_anywhere() {
    assert_eq!(kinds(&parsed("else => {} default => {} recv(a) -> _ => {}")), "r");
    assert_eq!(kinds(&parsed("recv(a) -> _ => {} default => 1, recv(b) -> _ => 2, else => 3,")), "rr");
}

#[test]
fn takes_preconditions_on_channel_arms() {
    let select =
        parsed("recv(a) -> v, if x > 1 => {} send(b, 1) -> _, if y => 2, send_from(b, q) -> _, if z => 3");
    assert!(select.arms.iter().all(|arm| arm.condition.is_some()));
}

#[test]
fn a_block_body_is_kept_unparsed() {
    // `gen` blocks and what else the future brings are the compiler's affair.
    let select = parsed("recv(a) -> _ => { gen yeet 1 } recv(b) -> _ => 1");
    assert_eq!(select.arms[0].body.to_string(), "{ gen yeet 1 }");
}

#[test]
fn bodies_end_as_in_match() {
    assert_eq!(
        kinds(&parsed("recv(a) -> _ => if x { 1 } else { 2 } recv(b) -> _ => match y {} recv(c) -> _ => 1")),
        "rrr"
    );
    refuses("recv(a) -> _ => b() recv(c) -> _ => d()", "expected `,` after the arm's body", "recv(c)");
}

#[test]
fn words_of_channel_arms_are_no_keywords() {
    let select = parsed("recv = a => 1, send = recv(x) => 2, default = c => 3, biased = d => 4");
    assert_eq!(kinds(&select), "ffff");
    // A pattern: the compiler will say whether there is such a tuple struct.
    assert_eq!(kinds(&parsed("recv(x) = a => 1")), "f");
    assert_eq!(kinds(&parsed("send::X(y) = a => 1")), "f");
}

#[test]
fn patterns_may_offer_alternatives() {
    assert_eq!(kinds(&parsed("| Ok(x) | Err(x) = a => x, recv(b) -> Some(_) | None => 1")), "fr");
}

#[test]
fn a_missing_arrow_is_named() {
    refuses("recv(rx) => 1", "`-> PATTERN` is missing after `recv(..)`", "recv(rx)");
    refuses("send(tx, 1), if x => 1", "`-> PATTERN` is missing after `send(..)`", "send(tx,");
    refuses("send_from(tx, q)", "`-> PATTERN` is missing after `send_from(..)`", "send_from(tx,");
}

#[test]
fn operands_are_counted() {
    refuses("recv() -> x => 1", "`recv` takes one operand: `recv(RX)`", "()");
    refuses("recv(a, b) -> x => 1", "`recv` takes one operand: `recv(RX)`", "(a,");
    refuses("send(a) -> x => 1", "`send` takes two operands: `send(TX, VALUE)`", "(a)");
    refuses("send(a, b, c) -> x => 1", "`send` takes two operands", "(a,");
    refuses("send_from(a) -> x => 1", "`send_from` takes two operands: `send_from(TX, OPTION)`", "(a)");
    assert_eq!(kinds(&parsed("send(a, b::<c, d>(),) -> x => 1")), "s");
}

#[test]
fn last_resorts_stand_once_and_alone() {
    refuses("default => 1, default => 2", "at most one `default`", "default");
    refuses("else => 1, else => 2", "at most one `else`", "else");
    refuses("default, if x => 1", "`default` takes no operand and no precondition", "default,");
    refuses("else, if x => 1", "`else` takes no operand and no precondition", "else,");
    refuses("default -> x => 1", "`default` takes no operand", "default");
}

#[test]
fn biased_stands_first() {
    refuses("recv(a) -> _ => {} biased;", "`biased;` stands once, before all arms", "biased;");
    refuses("biased; biased;", "`biased;` stands once", "biased;");
    refuses("biased, recv(a) -> _ => {}", "ends in a semicolon", "biased,");
}

#[test]
fn preconditions_are_plain() {
    refuses("x = a if b => 1", "a comma stands before a precondition", "if");
    refuses("x = a, b => 1", "expected `if CONDITION =>`", "b");
    refuses("x = a, if let Some(y) = z => 1", "a precondition is a plain `bool`", "let");
}

#[test]
fn what_is_no_arm_is_told_what_an_arm_is() {
    refuses("receive(rx) -> v => 1", "a select arm is `recv(RX) -> PATTERN => BODY`", "->");
    refuses("x => 1", "`PATTERN = FUTURE => BODY`", "=>");
    refuses("x", "a select arm is", "x");
    refuses("; recv(a) -> _ => {}", "a select arm is", ";");
    refuses("x = a; 1", "expected `=> BODY`", ";");
    refuses("recv(a) -> Some(v) { 1 }", "expected `=> BODY`", "{");
    refuses("recv(a) -> v =>", "a body is missing after `=>`", "=>");
}

#[test]
fn sixty_four_arms_are_the_most() {
    let arms = |n: usize| (0..n).map(|i| format!("recv(c{i}) -> _ => {{}} ")).collect::<String>();
    assert_eq!(parsed(&format!("{} default => {{}} else => {{}}", arms(64))).arms.len(), 64);
    refuses(&format!("{} recv(one_more) -> _ => {{}}", arms(64)), "at most 64 arms", "recv(one_more)");
}

#[test]
fn the_chan_crate_comes_first() {
    let Err(error) = syn::parse_str::<Select>("recv(rx) -> v => 1") else { panic!("accepted") };
    assert!(error.to_string().contains("use `select!`"));
}
