//! What the options of `#[main]` and `#[test]` may be, and what is said to those that they may not be.
use super::{Flavor, Kind, Options, parse};
use quote::ToTokens;

fn parsed(kind: Kind, text: &str) -> Options {
    parse(kind, text.parse().unwrap()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn refuses(text: &str, says: &str) {
    for kind in [Kind::Main, Kind::Test] {
        let Err(error) = parse(kind, text.parse().unwrap()) else { panic!("accepted: {text}") };
        let error = error.to_string();
        assert!(error.contains(says), "{text}\nsays: {error}\nnot: {says}");
    }
}

fn text(tokens: Option<impl ToTokens>) -> Option<String> {
    tokens.map(|tokens| tokens.to_token_stream().to_string())
}

#[test]
fn nothing_need_be_said() {
    let main = parsed(Kind::Main, "");
    assert_eq!((main.local, main.flavor), (false, Flavor::MultiThread));
    assert!(main.workers.is_none() && main.krate.is_none());
    assert_eq!(parsed(Kind::Test, "").flavor, Flavor::CurrentThread);
}

#[test]
fn everything_may_be_said() {
    let options = parsed(Kind::Main, r#"local, flavor = "multi_thread", workers = 2 * N, crate = "a::b","#);
    assert_eq!((options.local, options.flavor), (true, Flavor::MultiThread));
    assert_eq!(text(options.workers).as_deref(), Some("2 * N"));
    assert_eq!(text(options.krate).as_deref(), Some("a :: b"));
    assert_eq!(text(parsed(Kind::Main, "crate = ::a::b").krate).as_deref(), Some(":: a :: b"));
    assert_eq!(text(parsed(Kind::Main, "crate = \"crate\"").krate).as_deref(), Some("crate"));
    for kind in [Kind::Main, Kind::Test] {
        assert_eq!(parsed(kind, "flavor = \"current_thread\"").flavor, Flavor::CurrentThread);
        assert_eq!(parsed(kind, "flavor = \"multi_thread\"").flavor, Flavor::MultiThread);
    }
}

#[test]
fn a_test_with_workers_is_multi_threaded() {
    assert_eq!(parsed(Kind::Test, "workers = 4").flavor, Flavor::MultiThread);
}

#[test]
fn workers_are_a_number_from_one_on() {
    for wrong in ["0", "0usize", "0x0", "-1", "\"4\"", "1.5", "true"] {
        refuses(&format!("workers = {wrong}"), "`workers` is a whole number from 1 on");
    }
    for fine in ["1", "64usize", "N", "cpus() / 2"] {
        assert!(parsed(Kind::Main, &format!("workers = {fine}")).workers.is_some());
    }
    refuses("flavor = \"current_thread\", workers = 2", "`current_thread` has one thread");
}

#[test]
fn options_are_known_and_said_once() {
    refuses("worker_threads = 2", "knows `local`, `flavor = \"multi_thread\"`");
    refuses("2", "knows `local`");
    refuses("local, local", "`local` is said twice");
    refuses("workers = 1, workers = 1", "`workers` is said twice");
    refuses("local = true", "`local` takes no value");
    refuses("workers", "`workers` needs a value");
    refuses("flavor(multi_thread)", "`flavor` needs a value");
    refuses("flavor = \"many\"", "a flavor is \"multi_thread\" or \"current_thread\"");
    refuses("flavor = multi_thread", "a flavor is");
    refuses("crate = \"1 + 1\"", "`crate` is the path of the dormouse crate");
    refuses("local workers = 1", "expected `,`");
}

#[test]
fn a_test_may_be_simulated() {
    assert_eq!(text(parsed(Kind::Test, "").sim), None);
    assert_eq!(text(parsed(Kind::Test, "sim").sim).as_deref(), Some("1"));
    assert_eq!(text(parsed(Kind::Test, "sim, seeds = 2 * N").sim).as_deref(), Some("2 * N"));
    let refuses = |text: &str, says: &str| {
        let Err(error) = parse(Kind::Test, text.parse().unwrap()) else { panic!("accepted: {text}") };
        assert!(error.to_string().contains(says), "{text}\nsays: {error}\nnot: {says}");
    };
    refuses("seeds = 5", "write `sim, seeds = N`");
    refuses("sim = 5", "write `sim, seeds = N`");
    refuses("sim, seeds = 0", "`seeds` is a whole number from 1 on");
    refuses("sim, sim", "`sim` is said twice");
    for other in ["local", "workers = 2", "flavor = \"current_thread\""] {
        refuses(&format!("sim, {other}"), "leave out `local`, `flavor` and `workers`");
    }
    for main in ["sim", "seeds = 5"] {
        let Err(error) = parse(Kind::Main, main.parse().unwrap()) else { panic!("accepted: {main}") };
        assert!(error.to_string().starts_with("`#[dormouse::main]` knows `local`"), "{error}");
    }
}
