//! Signals, sent by this process to itself once it listens for them.
#![allow(missing_docs)]
#![cfg(target_os = "linux")]
mod support;

use dormouse_executor::task;
use dormouse_net::signal::unix::{SignalKind, signal};
use dormouse_net::signal::{ctrl_c, shutdown};
use dormouse_testing::watch;
use futures::{FutureExt, StreamExt};
use rustix::process::{Signal, getpid, kill_process};
use std::io::ErrorKind;
use support::{on_each, waiting};

fn send(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

#[test]
fn ctrl_c_and_shutdown_count_from_their_calls() {
    let _watch = watch();
    on_each(|| async {
        let waits = ctrl_c();
        send(Signal::INT);
        waits.await.unwrap();
        let waits = task::spawn(async { ctrl_c().await.unwrap() });
        waiting(1).await;
        send(Signal::INT);
        waits.await.unwrap();
        for signal in [Signal::INT, Signal::TERM] {
            let (shutdown, second) = (shutdown(), shutdown());
            let waits = task::spawn(async { shutdown.await.unwrap() });
            waiting(1).await;
            send(signal);
            waits.await.unwrap();
            second.await.unwrap();
        }
    });
}

#[test]
fn each_listener_is_told_and_what_comes_together_is_one() {
    let _watch = watch();
    on_each(|| async {
        let mut one = signal(SignalKind::user_defined1()).unwrap();
        let mut other = signal(SignalKind::user_defined1()).unwrap();
        let gone = signal(SignalKind::user_defined1()).unwrap();
        let mut foreign = signal(SignalKind::user_defined2()).unwrap();
        for _ in 0..3 {
            send(Signal::USR1);
        }
        one.recv().await.unwrap();
        assert!(one.recv().now_or_never().is_none(), "three at once are one");
        drop(gone);
        assert_eq!(other.next().await, Some(()));
        send(Signal::USR1);
        one.recv().await.unwrap();
        assert_eq!(other.next().await, Some(()));
        assert!(foreign.recv().now_or_never().is_none());
        send(Signal::USR2);
        foreign.recv().await.unwrap();
    });
}

#[test]
fn more_signals_than_a_socket_holds() {
    let _watch = watch();
    on_each(|| async {
        let mut hangups = signal(SignalKind::hangup()).unwrap();
        for _ in 0..2_000 {
            send(Signal::HUP);
        }
        hangups.recv().await.unwrap();
        send(Signal::HUP);
        hangups.recv().await.unwrap();
    });
}

#[test]
fn what_cannot_be_handled_is_refused() {
    let _watch = watch();
    assert!(signal(SignalKind::terminate()).unwrap_err().to_string().contains("outside of a runtime"));
    on_each(|| async {
        for number in [Signal::KILL.as_raw(), Signal::SEGV.as_raw()] {
            let error = signal(SignalKind::from_raw(number)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert!(signal(SignalKind::from_raw(4000)).is_err());
    });
}
