//! The grammar of `select!`.
//!
//! ```text
//! select  = "(" path of the chan crate ")" [ "biased" ";" ] { arm }
//! arm     = "recv"      "(" EXPR ")"             "->" PAT [ "," "if" EXPR ] "=>" body
//!         | "send"      "(" EXPR "," EXPR ")"    "->" PAT [ "," "if" EXPR ] "=>" body
//!         | "send_from" "(" EXPR "," PLACE ")"   "->" PAT [ "," "if" EXPR ] "=>" body
//!         | PAT "=" EXPR [ "," "if" EXPR ] "=>" body
//!         | "default" "=>" body                                                       (at most one)
//!         | "else" "=>" body                                                          (at most one)
//! body    = block [ "," ] | EXPR ","                                    (the last comma may be left out)
//! ```
//! `recv`, `send` and `send_from` are no keywords: they begin a channel arm only before a parenthesis and `->`.
//! A block body is passed on as it stands, unparsed: what the compiler understands there is its own affair.
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, Pat, Result, Token, token};

/// How many arms a select may have, `default` and `else` not counted.
const MAX_ARMS: usize = 64;

/// What may stand where an arm begins, for error messages.
const ARMS: &str = "a select arm is `recv(RX) -> PATTERN => BODY`, `send(TX, VALUE) -> PATTERN => BODY`, \
    `send_from(TX, OPTION) -> PATTERN => BODY`, `PATTERN = FUTURE => BODY`, `default => BODY` or `else => BODY`";

/// A whole `select!`.
pub(super) struct Select {
    /// The path of the chan crate.
    pub(super) krate: TokenStream,
    pub(super) biased: bool,
    pub(super) arms: Vec<Arm>,
    /// The body of `default`.
    pub(super) default: Option<TokenStream>,
    /// The body of `else`.
    pub(super) otherwise: Option<TokenStream>,
}

/// An arm that can win: not `default`, not `else`.
pub(super) struct Arm {
    pub(super) operation: Operation,
    pub(super) pattern: Pat,
    pub(super) condition: Option<Expr>,
    pub(super) body: TokenStream,
}

/// What an arm does.
pub(super) enum Operation {
    Recv { channel: Expr },
    Send { channel: Expr, value: Expr },
    SendFrom { channel: Expr, place: Expr },
    Future(Expr),
}

impl Parse for Select {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let krate = parse_crate(input)?;
        let biased = is_word(input, "biased") && input.peek2(Token![;]);
        if biased {
            input.parse::<Ident>()?;
            input.parse::<Token![;]>()?;
        }
        let mut select = Select { krate, biased, arms: Vec::new(), default: None, otherwise: None };
        while !input.is_empty() {
            select.parse_arm(input)?;
        }
        Ok(select)
    }
}

impl Select {
    fn parse_arm(&mut self, input: ParseStream<'_>) -> Result<()> {
        if is_word(input, "biased") && (input.peek2(Token![;]) || input.peek2(Token![,])) {
            return Err(input.error("`biased;` stands once, before all arms, and ends in a semicolon"));
        }
        if input.peek(Token![else]) {
            let word = input.parse::<Token![else]>()?;
            return last_resort(&mut self.otherwise, "else", word, input);
        }
        if is_word(input, "default") && !is_single_equals(input) {
            let word = input.parse::<Ident>()?;
            return last_resort(&mut self.default, "default", word, input);
        }
        if self.arms.len() == MAX_ARMS {
            return Err(input.error("`select!` takes at most 64 arms, not counting `default` and `else`"));
        }
        let arm = if at_channel_arm(input)? { channel_arm(input)? } else { future_arm(input)? };
        self.arms.push(arm);
        Ok(())
    }
}

/// The parenthesis that `dormouse_chan::select!` puts first. Its tokens are kept as they are: `$crate` is no path that
/// a parser knows.
fn parse_crate(input: ParseStream<'_>) -> Result<TokenStream> {
    match input.parse()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Ok(group.stream()),
        other => Err(Error::new_spanned(other, "expected the path of the chan crate: use `select!`")),
    }
}

/// Whether the next token is this identifier.
fn is_word(input: ParseStream<'_>, word: &str) -> bool {
    input.cursor().ident().is_some_and(|(ident, _)| ident == word)
}

/// Whether `=`, and not `=>`, follows the next token: then even `default` is an ordinary pattern.
fn is_single_equals(input: ParseStream<'_>) -> bool {
    input.peek2(Token![=]) && !input.peek2(Token![=>])
}

/// `=> BODY` after the word `default` or `else`.
fn last_resort(
    slot: &mut Option<TokenStream>,
    name: &str,
    word: impl ToTokens,
    input: ParseStream<'_>,
) -> Result<()> {
    if slot.is_some() {
        return Err(Error::new_spanned(word, format!("a select has at most one `{name}` arm")));
    }
    if !input.peek(Token![=>]) {
        return Err(Error::new_spanned(
            word,
            format!("`{name}` takes no operand and no precondition: write `{name} => BODY`"),
        ));
    }
    *slot = Some(parse_body(input)?);
    Ok(())
}

/// Whether a channel arm begins here. An error if it looks like one, but its `-> PATTERN` is missing.
fn at_channel_arm(input: ParseStream<'_>) -> Result<bool> {
    if !["recv", "send", "send_from"].iter().any(|word| is_word(input, word)) || !input.peek2(token::Paren) {
        return Ok(false);
    }
    let ahead = input.fork();
    let word: Ident = ahead.parse()?;
    let operands: TokenTree = ahead.parse()?;
    if ahead.peek(Token![->]) {
        return Ok(true);
    }
    if ahead.is_empty() || ahead.peek(Token![=>]) || ahead.peek(Token![,]) {
        let mut tokens = word.to_token_stream();
        operands.to_tokens(&mut tokens);
        return Err(Error::new_spanned(
            tokens,
            format!(
                "`-> PATTERN` is missing after `{word}(..)`: name the result, or write `-> _` to ignore it"
            ),
        ));
    }
    Ok(false)
}

fn channel_arm(input: ParseStream<'_>) -> Result<Arm> {
    let word: Ident = input.parse()?;
    let content;
    let parenthesis = syn::parenthesized!(content in input);
    let operands = content.parse_terminated(Expr::parse, Token![,])?;
    let count = operands.len();
    let mut operands = operands.into_iter();
    let operation = match (word.to_string().as_str(), operands.next(), operands.next(), count) {
        ("recv", Some(channel), None, 1) => Operation::Recv { channel },
        ("send", Some(channel), Some(value), 2) => Operation::Send { channel, value },
        ("send_from", Some(channel), Some(place), 2) => Operation::SendFrom { channel, place },
        (name, ..) => {
            let wants = match name {
                "recv" => "one operand: `recv(RX)`",
                "send" => "two operands: `send(TX, VALUE)`",
                _ => "two operands: `send_from(TX, OPTION)`",
            };
            return Err(Error::new(parenthesis.span.join(), format!("`{name}` takes {wants}")));
        }
    };
    input.parse::<Token![->]>()?;
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    let condition = parse_condition(input)?;
    Ok(Arm { operation, pattern, condition, body: parse_body(input)? })
}

fn future_arm(input: ParseStream<'_>) -> Result<Arm> {
    let start = input.fork();
    let pattern =
        Pat::parse_multi_with_leading_vert(input).map_err(|error| Error::new(error.span(), ARMS))?;
    if input.peek(Token![=>]) || !input.peek(Token![=]) {
        return Err(if input.is_empty() { start.error(ARMS) } else { input.error(ARMS) });
    }
    input.parse::<Token![=]>()?;
    let future = input.parse()?;
    let condition = parse_condition(input)?;
    Ok(Arm { operation: Operation::Future(future), pattern, condition, body: parse_body(input)? })
}

/// `, if CONDITION`, if it is there.
fn parse_condition(input: ParseStream<'_>) -> Result<Option<Expr>> {
    if input.peek(Token![if]) {
        return Err(input.error("a comma stands before a precondition: `, if CONDITION =>`"));
    }
    if !input.peek(Token![,]) {
        return Ok(None);
    }
    input.parse::<Token![,]>()?;
    if !input.peek(Token![if]) {
        return Err(input.error("expected `if CONDITION =>`: an arm's body follows `=>`"));
    }
    input.parse::<Token![if]>()?;
    if input.peek(Token![let]) {
        return Err(input
            .error("a precondition is a plain `bool`: instead of `if let`, use `matches!` or `is_some()`"));
    }
    input.parse().map(Some)
}

/// `=> BODY` with its comma.
fn parse_body(input: ParseStream<'_>) -> Result<TokenStream> {
    if !input.peek(Token![=>]) {
        return Err(input.error("expected `=> BODY`, or `, if CONDITION => BODY`"));
    }
    let arrow: Token![=>] = input.parse()?;
    if input.is_empty() {
        let message = "a body is missing after `=>`: a block, or an expression and a comma";
        return Err(Error::new_spanned(arrow, message));
    }
    if input.peek(token::Brace) {
        let block: TokenTree = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        return Ok(block.into());
    }
    let body = Expr::parse_with_earlier_boundary_rule(input)?;
    let comma: Option<Token![,]> = input.parse()?;
    if comma.is_none() && !input.is_empty() && !ends_alone(&body) {
        return Err(input.error("expected `,` after the arm's body (only a block needs none)"));
    }
    Ok(body.into_token_stream())
}

/// Whether a body needs no comma after it, as in `match`.
fn ends_alone(body: &Expr) -> bool {
    matches!(
        body,
        Expr::Block(_)
            | Expr::Const(_)
            | Expr::ForLoop(_)
            | Expr::If(_)
            | Expr::Loop(_)
            | Expr::Match(_)
            | Expr::Unsafe(_)
            | Expr::While(_)
    )
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
