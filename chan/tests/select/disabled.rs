//! Arms that cannot be chosen: false conditions, patterns that do not match, `else`, and no arm at all.
use crate::now;
use dormouse_chan::{Receiver, bounded, select};
use dormouse_testing::watch;
use std::future::{pending, ready};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn a_pattern_that_does_not_match_disables_its_arm() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut task = spawn(async {
        select! {
            Some(v) = ready(None::<u8>) => v,
            Ok(v) = ready(Err::<u8, ()>(())) => v,
            recv(rx) -> v => v.unwrap(),
        }
    });
    assert_pending!(task.poll());
    assert_pending!(task.poll());
    tx.try_send(1).unwrap();
    assert_ready_eq!(task.poll(), 1);
}

#[test]
fn a_pattern_that_matches_binds() {
    let _watch = watch();
    let got = now(async {
        select! {
            None = ready(Some(String::from("a"))) => String::new(),
            Some(mut text) = ready(Some(String::from("b"))) => { text.push('!'); text }
        }
    });
    assert_eq!(got, "b!");
}

#[test]
fn else_runs_when_every_arm_is_disabled() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let none: Option<&Receiver<u8>> = None;
    let mut place: Option<u8> = None;
    let got = now(async {
        select! {
            recv(rx) -> _, if false => 1,
            recv(none) -> _ => 2,
            send_from(tx, place) -> _ => 3,
            Some(()) = ready(None) => 4,
            () = pending(), if false => 5,
            else => 6,
        }
    });
    assert_eq!(got, 6);
    assert_eq!(
        now(async {
            select! { else => 1 }
        }),
        1
    );
    place = Some(1);
    assert_eq!(
        now(async {
            select! { send_from(tx, place) -> _ => 3, else => 6 }
        }),
        3
    );
}

#[test]
fn else_goes_before_default_if_no_arm_is_enabled() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(0);
    let none: Option<&Receiver<u8>> = None;
    let mut place: Option<u8> = None;
    // Channel arms, decided at once.
    assert_eq!(select! { default => 1, else => 2 }, 2);
    assert_eq!(select! { biased; recv(rx) -> _, if false => 0, default => 1, else => 2 }, 2);
    assert_eq!(select! { recv(none) -> _ => 0, send_from(tx, place) -> _ => 0, default => 1, else => 2 }, 2);
    // With futures: disabled by a condition, and by their patterns in this very poll.
    let got = now(async {
        select! {
            recv(rx) -> _, if false => 0,
            () = ready(()), if false => 0,
            Some(()) = ready(None) => 0,
            default => 1,
            else => 2,
        }
    });
    assert_eq!(got, 2);
}

#[test]
fn default_goes_before_else_if_an_arm_is_enabled() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(0);
    // One channel; several; a future; a future beside channels.
    assert_eq!(select! { recv(rx) -> _ => 0, default => 1, else => 2 }, 1);
    assert_eq!(select! { recv(rx) -> _ => 0, send(tx, 1) -> _ => 0, default => 1, else => 2 }, 1);
    let futures = async {
        select! { recv(rx) -> _, if false => 0, () = pending() => 0, default => 1, else => 2 }
    };
    assert_eq!(now(futures), 1);
    let both = async {
        select! { recv(rx) -> _ => 0, Some(()) = ready(None) => 0, default => 1, else => 2 }
    };
    assert_eq!(now(both), 1);
}

#[test]
fn else_waits_while_an_arm_may_be_ready_yet() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut task = spawn(async {
        select! { recv(rx) -> v => v, Some(()) = ready(None) => None, else => Some(9) }
    });
    assert_pending!(task.poll());
    tx.try_send(1).unwrap();
    assert_ready_eq!(task.poll(), Some(1));
    // The last arm that was left becomes disabled during the wait.
    let mut polls = 0;
    let mut task = spawn(async {
        select! {
            Some(()) = std::future::poll_fn(|_| {
                polls += 1;
                if polls < 3 { std::task::Poll::Pending } else { std::task::Poll::Ready(None) }
            }) => 1,
            else => 2,
        }
    });
    assert_pending!(task.poll());
    assert_pending!(task.poll());
    assert_ready_eq!(task.poll(), 2);
}

#[test]
fn without_an_enabled_arm_it_waits_for_ever() {
    let _watch = watch();
    let (_tx, rx) = bounded::<u8>(0);
    fn waits<F: Future>(future: F) {
        let mut task = spawn(future);
        for _ in 0..10 {
            assert!(task.poll().is_pending());
        }
        assert!(!task.is_woken());
    }
    waits(async {
        select! {}
    });
    waits(async {
        select! { biased; }
    });
    waits(async {
        select! { recv(rx) -> _, if false => () }
    });
    waits(async {
        select! { recv(None::<&Receiver<u8>>) -> _ => () }
    });
    waits(async {
        select! { Some(()) = ready(None) => () }
    });
}

#[test]
fn a_loop_drains_until_all_are_closed() {
    let _watch = watch();
    let ((a_tx, a), (b_tx, b)) = (bounded(3), bounded(2));
    (0..3).for_each(|n| a_tx.try_send(n).unwrap());
    (10..12).for_each(|n| b_tx.try_send(n).unwrap());
    drop((a_tx, b_tx));
    let (mut a, mut b, mut got) = (Some(a), Some(b), Vec::new());
    now(async {
        loop {
            select! {
                recv(a) -> v => match v { Some(v) => got.push(v), None => a = None },
                recv(b) -> v => match v { Some(v) => got.push(v), None => b = None },
                else => break,
            }
        }
    });
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2, 10, 11]);
}
