//! What `#[main]` and `#[test]` make of a function, on a stand-in for the runtime. `#[main]` may stand on any
//! function, which is how it is tested here.
#![deny(warnings, clippy::all, clippy::pedantic)]

#[allow(dead_code, unreachable_pub, clippy::pedantic)]
#[path = "mock/runtime.rs"]
mod runtime;

/// The facade's stand-in.
mod facade {
    pub(crate) use crate::runtime;
}

use runtime::used;
use std::num::ParseIntError;
use std::process::{Command, ExitCode, Termination};
use std::rc::Rc;

#[dormouse_macros::main(crate = "crate::facade")]
async fn plain() -> String {
    std::future::ready(used()).await
}

#[dormouse_macros::main(crate = crate::facade, local, workers = 3)]
async fn local() -> (String, Rc<u8>) {
    let not_send = Rc::new(1);
    std::future::ready(()).await;
    (used(), not_send)
}

const WORKERS: usize = 2;

#[dormouse_macros::main(crate = "crate::facade", flavor = "multi_thread", workers = WORKERS + 2)]
async fn workers() -> String {
    used()
}

#[dormouse_macros::main(crate = "crate::facade", flavor = "current_thread")]
async fn current_thread() -> String {
    used()
}

#[test]
fn the_runtime_is_the_one_asked_for() {
    assert_eq!(plain(), "multi_thread None run_main");
    assert_eq!(local(), ("multi_thread Some(3) run_local_main".into(), Rc::new(1)));
    assert_eq!(workers(), "multi_thread Some(4) run_main");
    assert_eq!(current_thread(), "current_thread None run_main");
}

#[dormouse_macros::main(crate = "crate::facade")]
async fn asks() -> Result<u8, ParseIntError> {
    if std::future::ready("1").await.parse::<u8>()? == 1 {
        return "two".parse();
    }
    Ok(3)
}

#[dormouse_macros::main(crate = "crate::facade")]
async fn hidden() -> impl Termination + Send {
    ExitCode::from(7)
}

#[dormouse_macros::main(crate = "crate::facade")]
#[must_use]
/// Documented, and public in its module.
pub(crate) async fn decorated() -> u8 {
    1
}

#[test]
fn functions_return_what_they_say() {
    assert!(asks().is_err());
    assert_eq!(hidden().report(), ExitCode::from(7));
    assert_eq!(decorated(), 1);
}

#[dormouse_macros::test(crate = "crate::facade")]
async fn a_test_runs_on_one_thread() {
    assert_eq!(used(), "current_thread None run_main");
}

#[dormouse_macros::test(crate = "crate::facade", workers = 2)]
async fn a_test_with_workers_runs_on_them() {
    assert_eq!(used(), "multi_thread Some(2) run_main");
}

#[dormouse_macros::test(crate = "crate::facade", local)]
async fn a_local_test_may_hold_what_is_not_send() -> Result<(), ParseIntError> {
    let one = Rc::new("1");
    std::future::ready(()).await;
    assert_eq!(used(), "current_thread None run_local_main");
    assert_eq!(one.parse::<u8>()?, 1);
    Ok(())
}

#[dormouse_macros::test(crate = "crate::facade")]
#[should_panic(expected = "on purpose")]
async fn should_panic_is_kept() {
    panic!("on purpose");
}

#[dormouse_macros::test(crate = "crate::facade")]
#[ignore = "would fail"]
async fn ignore_is_kept() {
    panic!("an ignored test was run");
}

const NONE: usize = 0;

#[dormouse_macros::test(crate = "crate::facade", workers = NONE)]
#[should_panic(expected = "dormouse: 0 workers cannot run anything")]
async fn a_test_without_a_runtime_fails() {
    unreachable!();
}

#[dormouse_macros::main(crate = "crate::facade", workers = NONE)]
async fn refused() {
    unreachable!();
}

const CHILD: &str = "DORMOUSE_TEST_REFUSED";

/// Runs itself as a child, which asks for a runtime that is refused.
#[test]
fn a_main_without_a_runtime_says_so_and_exits() {
    if std::env::var_os(CHILD).is_some() {
        refused();
        unreachable!();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_main_without_a_runtime_says_so_and_exits", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.trim(), "dormouse: 0 workers cannot run anything");
}
