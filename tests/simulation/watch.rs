//! The latest value: senders and watchers that come and go, wait in every way, give up, are aborted.
use crate::kit::{ALL, NO_ABORTS, Seen, after_turns, below, give_up, join_all, one_in, pause, search, us};
use dormouse::chan::watch;
use dormouse::prelude::*;
use futures::StreamExt;
use std::pin::pin;
use std::sync::{Arc, Mutex};

/// When each value was sent. The values are 1, 2, 3 ...; the first one, 0, was there before.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Instant>>>);

impl Log {
    /// Sends the next value somehow; false if there is no receiver.
    fn send(&self, tx: &watch::Sender<u64>) -> bool {
        let next = self.last() + 1;
        let sent = match below(4) {
            0 => tx.send(next).is_ok(),
            1 => tx.send_replace(next) + 1 == next,
            2 => {
                tx.send_modify(|value| *value += 1);
                true
            }
            _ => tx.send_if_modified(|value| std::mem::replace(value, next) + 1 == next),
        };
        if sent {
            self.0.lock().unwrap().push(Instant::now());
        }
        sent && !tx.is_closed()
    }

    fn last(&self) -> u64 {
        self.0.lock().unwrap().len() as u64
    }

    fn sent_at(&self, value: u64) -> Instant {
        self.0.lock().unwrap()[value as usize - 1]
    }
}

const WAITED: usize = 0;
const AT_ONCE: usize = 1;
const GIVEN_UP: usize = 2;
const ENDED: usize = 3;

/// Watches for some rounds, or to the end if `always`.
async fn watcher(mut rx: watch::Receiver<u64>, log: Log, always: bool, seen: Seen<4>) -> u64 {
    let (mut last, mut rounds) = (*rx.borrow(), below(6));
    while always || rounds > 0 {
        rounds = rounds.saturating_sub(1);
        if one_in(2) {
            pause().await;
        }
        // Something to find at once: unseen, or looked at by a wait that was given up.
        let fresh = {
            let value = rx.borrow();
            value.has_changed() || *value > last
        };
        let value = match below(4) {
            0 => give_up(rx.changed()).await.map(|changed| changed.map(|()| *rx.borrow())),
            1 => {
                let at_least = last + 1 + below(3);
                let found = give_up(rx.wait_for(|value| *value >= at_least)).await;
                found.map(|found| found.map(|value| *value).inspect(|value| assert!(*value >= at_least)))
            }
            2 => {
                let next = give_up(pin!(rx.changes()).next()).await;
                next.map(|value| value.ok_or(watch::RecvError))
            }
            _ => give_up(rx.changed()).await.map(|changed| changed.map(|()| *rx.borrow_and_update())),
        };
        match value {
            None => seen.note(GIVEN_UP),
            Some(Err(_)) => {
                assert_eq!(*rx.borrow(), log.last(), "it ended before its last value");
                seen.note(ENDED);
                return *rx.borrow();
            }
            Some(Ok(value)) => {
                assert!(value > last || fresh, "no change");
                assert!(
                    value >= last && value == log.last(),
                    "{value} after {last}, the latest is {}",
                    log.last()
                );
                last = value;
                if !fresh {
                    assert_eq!(Instant::now(), log.sent_at(value), "it learned of it late");
                }
                seen.note(if fresh { AT_ONCE } else { WAITED });
            }
        }
    }
    last
}

/// Whoever watches to the end has seen the last value; each change is learned of at once.
#[test]
fn the_last_value_is_seen_by_all() {
    search(ALL, async |seen: Seen<4>| {
        let (tx, mut rx) = chan::watch(0);
        let log = Log::default();
        let watchers =
            (0..1 + below(3)).map(|_| spawn(watcher(rx.clone(), log.clone(), true, seen.clone()))).collect();
        let senders = (0..1 + below(2))
            .map(|_| {
                let (tx, log) = (tx.clone(), log.clone());
                spawn(async move {
                    for _ in 0..below(6) {
                        pause().await;
                        assert!(log.send(&tx), "this test's own receiver is there");
                        if one_in(4) {
                            let closed = after_turns(below(4), tx.closed()).await;
                            assert!(closed.is_none(), "this test's own receiver is there");
                        }
                    }
                })
            })
            .collect();
        drop(tx);
        join_all(senders).await;
        for value in join_all(watchers).await.into_iter().flatten() {
            assert_eq!(value, log.last());
        }
        assert_eq!(rx.changed().await.is_ok(), log.last() > 0);
        assert_eq!(*rx.borrow_and_update(), log.last());
        assert!(rx.changed().await.is_err());
    });
}

/// When the last watcher goes, whoever waits for that learns of it at once.
#[test]
fn the_last_watcher_goes() {
    search(NO_ABORTS, async |seen: Seen<4>| {
        let (tx, rx) = chan::watch(0);
        let log = Log::default();
        let watchers: Vec<_> =
            (0..1 + below(3)).map(|_| spawn(watcher(rx.clone(), log.clone(), false, seen.clone()))).collect();
        drop(rx);
        let waiting = tx.clone();
        let waiter = spawn(async move {
            waiting.closed().await;
            assert_eq!(waiting.receiver_count(), 0);
            Instant::now()
        });
        let sender = spawn({
            let log = log.clone();
            async move {
                loop {
                    select! {
                        () = tx.closed() => break,
                        () = time::sleep(us(1 + below(3))) => if !log.send(&tx) { break },
                    }
                }
            }
        });
        join_all(watchers).await;
        let now = Instant::now();
        assert_eq!(waiter.await.unwrap(), now, "it learned of it late");
        seen.note(ENDED);
        sender.await.unwrap();
    });
}
