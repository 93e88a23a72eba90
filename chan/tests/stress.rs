//! Real threads: channels and selects under tokio's scheduler and on plain threads, with waits given up at random.
//! In each test every value is accounted for: sent = received + left in the channel, and all that were made are dropped.

use dormouse_chan::{Receiver, Sender, TrySendError, bounded, select, unbounded};
use dormouse_testing::watch;
use dormouse_wait::random::below;
use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use tokio::runtime::Runtime;
use tokio::task::{JoinHandle, yield_now};

/// What became of the values of one test.
struct Tally {
    made: AtomicUsize,
    dropped: AtomicUsize,
    sent: AtomicUsize,
    /// Plain sends that were given up while they waited: they may have been taken just before.
    unknown: AtomicUsize,
    received: Mutex<HashSet<usize>>,
}

impl Tally {
    fn new() -> Arc<Self> {
        let zero = || AtomicUsize::new(0);
        let received = Mutex::default();
        Arc::new(Tally { made: zero(), dropped: zero(), sent: zero(), unknown: zero(), received })
    }

    fn make(self: &Arc<Self>) -> Value {
        Value { number: self.made.fetch_add(1, SeqCst), tally: self.clone() }
    }

    fn note_sent(&self) {
        self.sent.fetch_add(1, SeqCst);
    }

    fn received(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// Nothing is lost and nothing is there twice; `left` values were dropped with their channel.
    #[track_caller]
    fn settle(&self, left: usize) {
        let (sent, unknown) = (self.sent.load(SeqCst), self.unknown.load(SeqCst));
        let found = self.received() + left;
        assert!((sent..=sent + unknown).contains(&found), "{sent} sent, {unknown} given up, {found} found");
        assert_eq!(self.made.load(SeqCst), self.dropped.load(SeqCst), "all that were made are dropped");
    }
}

struct Value {
    number: usize,
    tally: Arc<Tally>,
}

impl Value {
    fn note_received(self) {
        let first = self.tally.received.lock().unwrap().insert(self.number);
        assert!(first, "value {} was received twice", self.number);
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.tally.dropped.fetch_add(1, SeqCst);
    }
}

/// Pending a few times, at random, each time with its task woken again.
async fn some_turns() {
    let mut turns = below(4);
    poll_fn(move |cx| {
        if turns == 0 {
            return Poll::Ready(());
        }
        turns -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls `future` until it is done, or a few turns have passed.
async fn or_give_up<F: Future>(future: F) -> Option<F::Output> {
    let (mut future, mut end) = (pin!(future), pin!(some_turns()));
    poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => end.as_mut().poll(cx).map(|()| None),
    })
    .await
}

fn runtime(workers: usize) -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

fn channel(capacity: Option<usize>) -> (Sender<Value>, Receiver<Value>) {
    capacity.map_or_else(unbounded, bounded)
}

const CAPACITIES: [Option<usize>; 4] = [Some(0), Some(1), Some(8), None];

/// Sends one value in a random way; false if the channel is closed.
async fn send_somehow(tx: &Sender<Value>, tally: &Arc<Tally>) -> bool {
    if below(8) == 0 {
        yield_now().await; // a send that need not wait does not give way
    }
    let value = tally.make();
    let sent = match below(6) {
        0 => tx.send(value).await.map_err(drop),
        1 => match or_give_up(tx.send(value)).await {
            Some(sent) => sent.map_err(drop),
            None => {
                tally.unknown.fetch_add(1, SeqCst);
                return true;
            }
        },
        2 => {
            let mut place = Some(value);
            loop {
                if let Some(sent) = or_give_up(tx.send_from(&mut place)).await {
                    break sent.map_err(drop);
                }
                if place.is_none() {
                    break Ok(()); // it was taken before it was given up
                }
            }
        }
        3 => select! {
            send(tx, value) -> sent => sent.map_err(drop),
            () = some_turns() => return true,
        },
        4 => {
            let mut place = Some(value);
            loop {
                select! {
                    send_from(tx, place) -> sent => break sent.map_err(drop),
                    () = some_turns() => assert!(place.is_some(), "it lost, so it has its value"),
                }
            }
        }
        _ => match tx.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                yield_now().await;
                return true;
            }
            Err(TrySendError::Closed(_)) => Err(()),
        },
    };
    if sent.is_ok() {
        tally.note_sent();
    }
    sent.is_ok()
}

/// Receives one value in a random way, or none; false if the channel is closed and drained.
async fn recv_somehow(rx: &Receiver<Value>) -> bool {
    let value = match below(4) {
        0 => rx.recv().await,
        1 => match or_give_up(rx.recv()).await {
            Some(value) => value,
            None => return true,
        },
        2 => select! { recv(rx) -> value => value, () = some_turns() => return true },
        _ => {
            yield_now().await;
            select! { recv(rx) -> value => value, default => return true }
        }
    };
    value.map(Value::note_received).is_some()
}

fn spawn_receivers(count: usize, rx: Receiver<Value>) -> Vec<JoinHandle<()>> {
    let receive = |rx: Receiver<Value>| async move { while recv_somehow(&rx).await {} };
    (0..count).map(|_| tokio::spawn(receive(rx.clone()))).collect()
}

async fn all(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        task.await.unwrap();
    }
}

/// `senders` tasks to `receivers` tasks, at each capacity.
fn many_to_many(senders: usize, receivers: usize, each: usize, workers: usize) {
    for capacity in CAPACITIES {
        let tally = Tally::new();
        let (tx, rx) = channel(capacity);
        let runtime = runtime(workers);
        runtime.block_on(async {
            let receivers = spawn_receivers(receivers, rx);
            let send = |tx: Sender<Value>, tally: Arc<Tally>| async move {
                for _ in 0..each {
                    assert!(send_somehow(&tx, &tally).await, "nobody has closed it");
                }
            };
            let senders = (0..senders).map(|_| tokio::spawn(send(tx.clone(), tally.clone()))).collect();
            drop(tx);
            all(senders).await;
            all(receivers).await;
        });
        drop(runtime);
        tally.settle(0);
        assert!(tally.received() > each / 4, "most of it arrives");
    }
}

#[test]
fn one_to_one() {
    let _watch = watch();
    many_to_many(1, 1, 4_000, 2);
}

#[test]
fn many_to_one() {
    let _watch = watch();
    many_to_many(4, 1, 1_000, 2);
}

#[test]
fn many_to_many_on_four_workers() {
    let _watch = watch();
    many_to_many(4, 4, 1_000, 4);
}

/// Tasks that both send and receive on both channels, in one select.
#[test]
fn selects_that_meet_each_other() {
    let _watch = watch();
    const TASKS: usize = 6;
    const EACH: usize = 1_000;
    for capacity in [Some(0), Some(1), Some(8)] {
        let tally = Tally::new();
        let ((a_tx, a), (b_tx, b)) = (channel(capacity), channel(capacity));
        let meet = |a_tx: Sender<Value>,
                    a: Receiver<Value>,
                    b_tx: Sender<Value>,
                    b: Receiver<Value>,
                    tally: Arc<Tally>| async move {
            let mut kept = None;
            for _ in 0..EACH {
                kept.get_or_insert_with(|| tally.make());
                select! {
                    recv(a) -> value => value.unwrap().note_received(),
                    send(a_tx, tally.make()) -> sent => sent.map(|()| tally.note_sent()).map_err(drop).unwrap(),
                    recv(b) -> value => value.unwrap().note_received(),
                    send_from(b_tx, kept) -> sent => sent.map(|()| tally.note_sent()).map_err(drop).unwrap(),
                    () = some_turns() => {}
                }
            }
        };
        let runtime = runtime(2);
        runtime.block_on(async {
            let task =
                |_| tokio::spawn(meet(a_tx.clone(), a.clone(), b_tx.clone(), b.clone(), tally.clone()));
            all((0..TASKS).map(task).collect()).await;
        });
        drop(runtime);
        let left = a.len() + b.len();
        assert!(left <= 2 * capacity.unwrap());
        drop((a, b));
        tally.settle(left);
        assert!(tally.received() > 0, "they do meet");
    }
}

/// A close in the middle: what was sent before is received, what was not sent is given back.
#[test]
fn a_close_races_with_everything() {
    let _watch = watch();
    const SENDERS: usize = 3;
    for round in 0..60 {
        let capacity = CAPACITIES[round % 4];
        let tally = Tally::new();
        let (tx, rx) = channel(capacity);
        let runtime = runtime(2);
        runtime.block_on(async {
            let receivers = spawn_receivers(3, rx.clone());
            let send = |tx: Sender<Value>, tally: Arc<Tally>| async move {
                for _ in 0..500 {
                    if !send_somehow(&tx, &tally).await {
                        assert!(tx.is_closed());
                        break;
                    }
                }
            };
            let senders = (0..SENDERS).map(|_| tokio::spawn(send(tx.clone(), tally.clone()))).collect();
            for _ in 0..round {
                yield_now().await;
            }
            assert!(if round % 2 == 0 { tx.close() } else { rx.close() });
            drop(rx);
            all(senders).await;
            all(receivers).await;
            assert_eq!(tx.len(), 0, "drained");
        });
        drop(runtime);
        drop(tx);
        tally.settle(0);
    }
}

/// The receivers go while the senders are at it: what is left is dropped with the channel.
#[test]
fn the_last_receiver_goes() {
    let _watch = watch();
    for round in 0..60 {
        let tally = Tally::new();
        let (tx, rx) = channel(CAPACITIES[round % 4]);
        let runtime = runtime(2);
        runtime.block_on(async {
            let receive = |rx: Receiver<Value>| async move {
                for _ in 0..below(200) {
                    recv_somehow(&rx).await;
                }
            };
            let receivers: Vec<_> = (0..3).map(|_| tokio::spawn(receive(rx.clone()))).collect();
            drop(rx);
            let send = |tx: Sender<Value>, tally: Arc<Tally>| async move {
                while send_somehow(&tx, &tally).await {}
            };
            all((0..3).map(|_| tokio::spawn(send(tx.clone(), tally.clone()))).collect()).await;
            all(receivers).await;
        });
        drop(runtime);
        assert!(tx.is_closed() && tx.is_empty());
        // What was left went with the receivers: no more can be said than that nothing came twice, and nothing stays.
        assert!(tally.received() <= tally.sent.load(SeqCst) + tally.unknown.load(SeqCst));
        assert_eq!(tally.made.load(SeqCst), tally.dropped.load(SeqCst), "all that were made are dropped");
    }
}

/// Plain threads on one side or both, tasks on the other.
#[test]
fn threads_and_tasks_share_a_channel() {
    let _watch = watch();
    const EACH: usize = 1_000;
    for capacity in CAPACITIES {
        let tally = Tally::new();
        let (tx, rx) = channel(capacity);
        let send_blocking = |tx: Sender<Value>, tally: Arc<Tally>| {
            move || {
                for _ in 0..EACH {
                    tx.send_blocking(tally.make()).map_err(drop).unwrap();
                    tally.note_sent();
                }
            }
        };
        let mut threads: Vec<_> =
            (0..2).map(|_| thread::spawn(send_blocking(tx.clone(), tally.clone()))).collect();
        let blocking_rx = rx.clone();
        threads.push(thread::spawn(move || blocking_rx.iter().for_each(Value::note_received)));
        let runtime = runtime(2);
        runtime.block_on(async {
            let receivers = spawn_receivers(2, rx);
            let send = |tx: Sender<Value>, tally: Arc<Tally>| async move {
                for _ in 0..EACH {
                    assert!(send_somehow(&tx, &tally).await);
                }
            };
            let senders = (0..2).map(|_| tokio::spawn(send(tx.clone(), tally.clone()))).collect();
            drop(tx);
            all(senders).await;
            all(receivers).await;
        });
        drop(runtime);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        tally.settle(0);
    }
}

/// With one sender and no cancellation, order is kept through any number of hops.
#[test]
fn order_is_kept_through_a_pipeline() {
    let _watch = watch();
    runtime(2).block_on(async {
        let (tx, mut rx) = bounded(0);
        let sender = tokio::spawn(async move {
            for n in 0..2_000 {
                select! { send(tx, n) -> sent => sent.unwrap(), () = std::future::pending() => {} }
            }
        });
        for hop in 0..8 {
            let (next_tx, next_rx) = if hop == 4 { unbounded() } else { bounded(hop % 3) };
            let from = std::mem::replace(&mut rx, next_rx);
            tokio::spawn(async move {
                while let Some(n) = from.recv().await {
                    next_tx.send(n).await.unwrap();
                }
            });
        }
        for n in 0..2_000 {
            assert_eq!(rx.recv().await, Some(n));
        }
        assert_eq!(rx.recv().await, None);
        sender.await.unwrap();
    });
}
