//! Real threads: everything is accounted for, and the order is one.
use crate::kit::{Item, Items, POLICIES};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::{Overflow, Receiver, RecvError, SendError};
use dormouse_testing::watch;
use dormouse_wait::random::below;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;
use std::thread;

const SENDERS: u32 = 3;
const EACH: u32 = 400;

/// All that comes, and the number of values missed before each.
fn listen<T: Clone>(mut rx: Receiver<T>) -> Vec<(u64, T)> {
    let (mut seen, mut missed) = (Vec::new(), 0);
    loop {
        match rx.recv_blocking() {
            Ok(value) => seen.push((std::mem::take(&mut missed), value)),
            Err(RecvError::Lagged(n)) => missed += n, // more may have gone since the last time
            Err(RecvError::Closed) => return seen,
        }
    }
}

/// `SENDERS` threads send, `receivers` threads receive from the start.
fn run(capacity: usize, overflow: Overflow, receivers: usize) {
    let items = Items::default();
    let (tx, rx) = broadcast::<Item>(capacity, overflow);
    let refused = AtomicU32::new(0);
    let seen: Vec<Vec<(u64, u32)>> = thread::scope(|scope| {
        let listeners: Vec<_> = (1..receivers)
            .map(|_| tx.subscribe())
            .chain([rx])
            .map(|rx| {
                scope.spawn(move || {
                    listen(rx).into_iter().map(|(missed, item)| (missed, item.number)).collect()
                })
            })
            .collect();
        for sender in 0..SENDERS {
            let (tx, items, refused) = (tx.clone(), items.clone(), &refused);
            scope.spawn(move || {
                for n in 0..EACH {
                    match tx.send_blocking(items.item(sender * EACH + n)) {
                        Ok(()) => {}
                        Err(SendError::Full(_)) => {
                            refused.fetch_add(1, SeqCst);
                            thread::yield_now();
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
        drop(tx);
        listeners.into_iter().map(|listener| listener.join().unwrap()).collect()
    });
    assert_eq!(items.alive(), 0);
    let sent = u64::from(SENDERS * EACH - refused.load(SeqCst));
    // Each knows at which place of the order each of its values stood; all must agree.
    let mut order = vec![None; sent as usize];
    for seen in &seen {
        let mut place = 0;
        let mut last = [None; SENDERS as usize];
        for &(missed, number) in seen {
            assert!(missed == 0 || overflow == Overflow::DropOldest);
            place += missed as usize;
            assert_eq!(*order[place].get_or_insert(number), number, "one order for all");
            let sender = (number / EACH) as usize;
            assert!(last[sender].replace(number) < Some(number), "and each sender's own");
            place += 1;
        }
        assert_eq!(place as u64, sent, "all that was sent was seen or missed");
    }
}

#[test]
fn all_see_all_in_one_order() {
    let _watch = watch();
    for overflow in POLICIES {
        for (capacity, receivers) in [(1, 3), (3, 2), (16, 4)] {
            run(capacity, overflow, receivers);
        }
    }
}

/// Polls `future` until it is done, or a few turns have passed.
async fn or_give_up<F: Future>(future: F) -> Option<F::Output> {
    let (mut future, mut turns) = (pin!(future), below(3));
    poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if turns == 0 => Poll::Ready(None),
        Poll::Pending => {
            turns -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// Receivers come and go, sends and receives are given up: who stays sees a value exactly if it was sent.
#[test]
fn whoever_comes_and_goes_and_gives_up() {
    let _watch = watch();
    let items = Items::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    for capacity in [1, 4] {
        let (tx, stays) = broadcast(capacity, Overflow::Wait);
        let seen = runtime.block_on(async {
            let senders: Vec<_> = (0..SENDERS)
                .map(|sender| {
                    let (tx, items) = (tx.clone(), items.clone());
                    tokio::spawn(async move {
                        let mut sent = Vec::new();
                        for n in 0..EACH / 2 {
                            let number = sender * EACH + n;
                            if below(3) == 0 {
                                // It may have been sent just before it is given up.
                                let _ = or_give_up(tx.send(items.item(number))).await;
                            } else {
                                tx.send(items.item(number)).await.unwrap();
                                sent.push(number);
                            }
                        }
                        sent
                    })
                })
                .collect();
            for _ in 0..3 {
                let mut rx = stays.clone();
                tokio::spawn(async move {
                    loop {
                        match below(10) {
                            0 => rx = rx.resubscribe(),
                            1 => rx = rx.clone(),
                            _ => match or_give_up(rx.recv()).await {
                                Some(Err(RecvError::Closed)) => break,
                                Some(Err(RecvError::Lagged(_))) => panic!("nobody lags"),
                                _ => tokio::task::yield_now().await,
                            },
                        }
                    }
                });
            }
            drop(tx);
            let listener = tokio::task::spawn_blocking(move || listen(stays));
            let mut sent = Vec::new();
            for sender in senders {
                sent.extend(sender.await.unwrap());
            }
            let seen: Vec<u32> = listener.await.unwrap().into_iter().map(|(_, item)| item.number).collect();
            let mut once = seen.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), seen.len(), "no value twice");
            assert!(
                sent.iter().all(|number| once.binary_search(number).is_ok()),
                "all that was sent was seen"
            );
            seen
        });
        assert!(!seen.is_empty());
    }
    drop(runtime);
    assert_eq!(items.alive(), 0);
}
