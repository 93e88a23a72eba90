//! A test that hangs ends its process, and what that has started, and is named; who asks for more time has it.
use dormouse_testing::{child, watch, watch_for};
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::thread::{park, sleep};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Runs one of the ignored tests below, with no time at all unless it asks for some.
fn run(test: &str) -> Output {
    child(test).env("DORMOUSE_TEST_LIMIT", "0").output().unwrap()
}

#[test]
fn a_test_that_hangs_is_named_and_ends_its_process() {
    let _watch = watch();
    let out = run("hangs");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success() && said.contains("hangs, at testing/tests/watchdog.rs:"), "{said}");
}

#[test]
#[ignore = "run by a_test_that_hangs_is_named_and_ends_its_process"]
fn hangs() {
    let _over = watch_for(HOUR);
    let _watch = watch();
    drop(watch());
    loop {
        park();
    }
}

#[test]
fn what_a_test_that_hangs_has_started_ends_with_it() {
    let _watch = watch();
    // Its stderr ends when all who could write to it have ended.
    let out = run("hangs_with_children");
    assert!(!out.status.success() && String::from_utf8_lossy(&out.stderr).contains("hangs, at"), "{out:?}");
}

#[test]
#[ignore = "run by what_a_test_that_hangs_has_started_ends_with_it"]
fn hangs_with_children() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "sleep 100 & sleep 100 & echo both; wait"]).stdout(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "both\n");
    let _watch = watch();
    let _ = shell.wait();
    loop {
        park();
    }
}

/// Three of the watchdog's rounds are long enough to see it bark.
#[test]
fn who_asks_for_more_time_has_it() {
    let _watch = watch();
    let out = run("takes_long");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
#[ignore = "run by who_asks_for_more_time_has_it"]
fn takes_long() {
    drop(watch());
    let _watch = watch_for(HOUR);
    sleep(Duration::from_secs(3));
}
