//! Real threads: no change is lost, values and versions fit, and nothing is left over.
use dormouse_chan::watch;
use dormouse_testing::{Tally, watch as watchdog};
use dormouse_wait::random::below;
use futures::FutureExt;
use futures::executor::block_on;
use std::thread;

const ROUNDS: u64 = 20_000;

/// Each watcher sees values that grow, and the last one; whatever it gives up meanwhile.
#[test]
fn the_last_value_is_seen_by_all() {
    let _watch = watchdog();
    let (tx, rx) = watch(0);
    let watchers: Vec<_> = (0..3)
        .map(|_| {
            let mut rx = rx.clone();
            thread::spawn(move || {
                let (mut last, mut looks) = (0, 0);
                loop {
                    if below(3) == 0 {
                        let _ = rx.changed().now_or_never();
                    }
                    let ended = block_on(rx.changed()).is_err();
                    let now = *rx.borrow_and_update();
                    assert!(now >= last, "an older value");
                    (last, looks) = (now, looks + 1);
                    if ended {
                        return (last, looks);
                    }
                }
            })
        })
        .collect();
    drop(rx);
    let senders = [tx.clone(), tx].map(|tx| {
        thread::spawn(move || {
            for _ in 0..ROUNDS {
                match below(2) {
                    0 => tx.send_modify(|value| *value += 1),
                    _ => assert!(tx.send_if_modified(|value| {
                        *value += 1;
                        true
                    })),
                }
            }
        })
    });
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    for watcher in watchers {
        let (last, looks) = watcher.join().unwrap();
        assert_eq!(last, 2 * ROUNDS);
        assert!(looks > 1);
    }
}

/// Ping-pong over two channels: a lost wake-up stops it.
#[test]
fn no_wake_up_is_lost() {
    let _watch = watchdog();
    let ((ping, mut pinged), (pong, mut ponged)) = (watch(0), watch(0));
    let other = thread::spawn(move || {
        while block_on(pinged.changed()).is_ok() {
            let n = *pinged.borrow_and_update();
            pong.send(n).unwrap();
        }
    });
    for n in 1..=ROUNDS {
        ping.send(n).unwrap();
        assert_eq!(block_on(ponged.wait_for(|back| *back >= n)).map(|back| *back), Ok(n));
    }
    drop(ping);
    other.join().unwrap();
}

/// Senders of every kind beside looks that last, subscribers that come and go, and waits for their end: each value is
/// dropped once.
#[test]
fn values_are_dropped_once() {
    let _watch = watchdog();
    let tally = Tally::new();
    let (tx, rx) = watch(tally.value(0));
    let lookers = [(); 2].map(|()| {
        let (tx, mut rx) = (tx.clone(), rx.clone());
        thread::spawn(move || {
            for _ in 0..ROUNDS / 4 {
                let look = if below(2) == 0 { rx.borrow() } else { rx.borrow_and_update() };
                let number = look.number;
                if below(4) == 0 {
                    thread::yield_now();
                }
                assert_eq!(look.number, number);
                drop(look);
                if below(8) == 0 {
                    rx = tx.subscribe();
                }
            }
        })
    });
    drop(rx);
    let senders = [1, 2].map(|maker: u32| {
        let (tx, tally) = (tx.clone(), tally.clone());
        thread::spawn(move || {
            for n in 0..ROUNDS as u32 / 4 {
                let value = tally.value(2 * n + maker);
                match below(3) {
                    0 => drop(tx.send(value)),
                    1 => drop(tx.send_replace(value)),
                    _ => tx.send_modify(|place| *place = value),
                }
            }
        })
    });
    block_on(tx.closed());
    lookers.into_iter().for_each(|looker| looker.join().unwrap());
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    drop(tx);
    tally.check();
}
