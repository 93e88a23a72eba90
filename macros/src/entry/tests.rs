//! Which functions `#[main]` and `#[test]` refuse, with which words. What they make of the others is compiled and run
//! in `tests/entry_shape.rs`.
use super::{Kind, entry};

#[track_caller]
fn refuses(kind: Kind, item: &str, says: &str) {
    let code = entry(kind, Default::default(), item.parse().unwrap()).to_string();
    assert!(code.contains("compile_error") && code.contains(says), "{item}\nmakes: {code}\nnot: {says}");
    assert_eq!(code.contains("fn main"), item.contains("fn main"), "{item}\nmakes: {code}");
}

#[test]
fn functions_that_cannot_be_run_are_refused() {
    for kind in [Kind::Main, Kind::Test] {
        refuses(kind, "fn main() {}", "needs an `async fn`: write `async` before `fn`");
        refuses(kind, "async fn main(x: u8) {}", "takes no arguments");
        refuses(kind, "async fn run(&self) {}", "takes no arguments");
        refuses(kind, "async fn run<T>() {}", "cannot be generic");
        refuses(kind, "async fn run<'a>() {}", "cannot be generic");
        refuses(kind, "async fn run() where u8: Copy {}", "cannot have a `where` clause");
        refuses(kind, "async unsafe fn run() {}", "cannot be `unsafe`");
        refuses(kind, "struct Main;", "stands before an `async fn`");
    }
}

#[test]
fn a_test_is_a_test_once() {
    refuses(Kind::Test, "#[test] async fn run() {}", "a second test attribute");
    refuses(Kind::Test, "#[tokio::test] async fn run() {}", "a second test attribute");
    let code = entry(Kind::Main, Default::default(), "#[test] async fn run() {}".parse().unwrap());
    assert!(!code.to_string().contains("compile_error"));
}

#[test]
fn options_are_refused_with_a_main_left() {
    let code = entry(Kind::Main, "workers = 0".parse().unwrap(), "async fn main() {}".parse().unwrap());
    let code = code.to_string();
    assert!(code.contains("compile_error") && code.contains("fn main () { }"), "{code}");
}

#[test]
fn the_facade_is_the_default_path() {
    let code = entry(Kind::Main, Default::default(), "async fn main() {}".parse().unwrap()).to_string();
    assert!(code.contains(":: dormouse :: runtime :: Builder :: multi_thread () . build ()"), "{code}");
}
