//! Polls that do not end: everybody else goes on.
#![allow(missing_docs)]

#[path = "support/monitor.rs"]
mod asleep;
#[path = "monitor/economy.rs"]
mod economy;
#[path = "monitor/kit.rs"]
mod kit;
#[path = "monitor/progress.rs"]
mod progress;
#[path = "monitor/seats.rs"]
mod seats;
#[path = "support/seats.rs"]
mod support;
#[path = "monitor/timers.rs"]
mod timers;

use dormouse_executor::runtime::{Builder, Handle};
use dormouse_executor::task;
use dormouse_testing::{child, until};
use std::time::Duration;

#[test]
fn long_polls_are_counted_and_told_once_for_a_place() {
    let run = |value: &str| {
        let out = child("child_polls_long").env("DORMOUSE_LONG_POLLS", value).output().unwrap();
        assert!(out.status.success());
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    let text = run("1");
    let line: Vec<_> = text.lines().filter(|line| line.contains("a long poll")).collect();
    assert_eq!(line.len(), 3, "{text}");
    assert!(
        line.iter().any(|line| line.contains("\"sleepy\", spawned at executor/tests/monitor.rs:")),
        "{text}"
    );
    assert!(line.iter().any(|line| line.contains("the future in `block_on`")), "{text}");
    assert!(!run("0").contains("long poll"));
}

#[test]
#[ignore = "run by long_polls_are_counted_and_told_once_for_a_place"]
fn child_polls_long() {
    let rt =
        Builder::multi_thread().worker_threads(2).blocked_after(Duration::from_millis(2)).build().unwrap();
    let seen = |polls| until(|| Handle::current().metrics().long_polls >= polls);
    rt.block_on(async {
        let mut polls = 0;
        for _ in 0..3 {
            polls += 1;
            task::Builder::new().name("sleepy").spawn(async move { seen(polls) }).await.unwrap();
        }
        polls += 1;
        task::spawn(async move { seen(polls) }).await.unwrap();
        seen(polls + 1);
        task::yield_now().await;
        seen(polls + 2);
    });
}
