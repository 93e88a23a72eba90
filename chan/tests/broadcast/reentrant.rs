//! Wakers that call back into the channel at their clone, wake and drop, or panic: none of that happens under the lock, a
//! panic of `wake` or `drop` ends where it happens, and one of `clone` leaves the poll that wanted it, before anything has
//! happened.
use crate::kit::{Item, Items};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::{Overflow, Receiver, Sender};
use dormouse_testing::{Calls, EVENTS, Event, hide_panics, watch};
use futures::stream::StreamExt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio_test::task::spawn;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// What holds a waker.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Object {
    Recv,
    Stream,
    Send,
    Closed,
}

const OBJECTS: [Object; 4] = [Object::Recv, Object::Stream, Object::Send, Object::Closed];

/// What the waker does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Send,
    Recv,
    Look,
    Wait,
    Subscribe,
    Close,
    DropReceivers,
    Panic,
}

const CALLS: [Act; 7] =
    [Act::Send, Act::Recv, Act::Look, Act::Wait, Act::Subscribe, Act::Close, Act::DropReceivers];

/// What happens to the waiting tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trigger {
    Sent,
    Received,
    Closed,
    ReceiversGone,
    Dropped,
    SentAndDropped,
    PolledAgain,
}

const TRIGGERS: [Trigger; 7] = [
    Trigger::Sent,
    Trigger::Received,
    Trigger::Closed,
    Trigger::ReceiversGone,
    Trigger::Dropped,
    Trigger::SentAndDropped,
    Trigger::PolledAgain,
];

struct World {
    items: Items,
    tx: Sender<Item>,
    receivers: Mutex<Vec<Receiver<Item>>>,
}

impl World {
    /// Each with receivers of its own: the world's lock is not held while the channel is used.
    fn with_receivers(&self, f: impl FnOnce(&mut Vec<Receiver<Item>>)) {
        let mut receivers = std::mem::take(&mut *self.receivers.lock().unwrap());
        f(&mut receivers);
        self.receivers.lock().unwrap().append(&mut receivers);
    }

    fn act(&self, act: Act) {
        match act {
            Act::Send => drop(self.tx.try_send(self.items.item(1))),
            Act::Recv => self.with_receivers(|all| all.iter_mut().for_each(|rx| drop(rx.try_recv()))),
            Act::Look => self.with_receivers(|all| {
                let _ = format!("{:?} {all:?} {}", self.tx, self.tx.receiver_count());
            }),
            Act::Wait => self.with_receivers(|all| {
                drop(spawn(self.tx.send(self.items.item(2))).poll());
                let _ = spawn(self.tx.closed()).poll();
                all.iter_mut().for_each(|rx| drop(spawn(rx.recv()).poll()));
            }),
            Act::Subscribe => self.with_receivers(|all| {
                if all.len() < 20 {
                    all.extend(all.first().cloned());
                    all.push(self.tx.subscribe());
                }
            }),
            Act::Close => drop(self.tx.close()),
            Act::DropReceivers => self.with_receivers(Vec::clear),
            Act::Panic => panic!("a waker panics"),
        }
    }

    fn task(self: &Arc<Self>, object: Object) -> Task {
        let (world, tx, mut rx) = (self.clone(), self.tx.clone(), self.tx.subscribe());
        Box::pin(async move {
            match object {
                Object::Recv => drop(rx.recv().await),
                Object::Stream => drop(rx.next().await),
                Object::Send => {
                    drop(rx); // so that it does not wait for itself
                    drop(tx.send(world.items.item(3)).await);
                }
                Object::Closed => tx.closed().await,
            }
        })
    }
}

/// One poll with a waker of its own; true if it panicked.
fn poll(task: &mut Option<Task>, calls: &Arc<Calls>) -> bool {
    let waker = calls.waker();
    let outcome = task
        .as_mut()
        .map(|task| catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut Context::from_waker(&waker)))));
    // Our own waker: its panic is ours to catch.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    let panicked = matches!(outcome, Some(Err(_)));
    if !matches!(outcome, Some(Ok(Poll::Pending))) {
        *task = None;
    }
    panicked
}

fn run(overflow: Overflow, object: Object, trigger: Trigger, event: Event, act: Act) -> usize {
    let items = Items::default();
    let (tx, rx) = broadcast(1, overflow);
    let more = tx.subscribe();
    let world = Arc::new(World { items, tx, receivers: Mutex::new(vec![rx, more]) });
    let hooked = Arc::downgrade(&world);
    let calls = Calls::new(move |at| {
        if at == event
            && let Some(world) = hooked.upgrade()
        {
            world.act(act);
        }
    });
    let may_panic = act == Act::Panic && event == Event::Clone;
    if object == Object::Send {
        world.act(Act::Send); // full
    }
    let mut tasks = [0, 1].map(|_| Some(world.task(object)));
    let panicked = tasks.each_mut().map(|task| poll(task, &calls));
    assert!(may_panic || panicked == [false; 2], "a panic left the first poll");
    let outcome = catch_unwind(AssertUnwindSafe(|| match trigger {
        Trigger::Sent | Trigger::SentAndDropped => world.act(Act::Send),
        Trigger::Received => world.act(Act::Recv),
        Trigger::Closed => world.act(Act::Close),
        Trigger::ReceiversGone => world.act(Act::DropReceivers),
        Trigger::Dropped | Trigger::PolledAgain => {}
    }));
    assert!(outcome.is_ok(), "a panic left {trigger:?}");
    if !matches!(trigger, Trigger::Dropped | Trigger::SentAndDropped) {
        for _ in 0..2 {
            let panicked = tasks.each_mut().map(|task| poll(task, &calls));
            assert!(may_panic || panicked == [false; 2], "a panic left a later poll");
        }
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| tasks = [None, None]));
    assert!(outcome.is_ok(), "a panic left the drop of the tasks");
    let hooked = calls.hooked();
    calls.quiet();
    assert_eq!(calls.alive(), 0, "wakers alive at the end");
    check_usable(&world);
    let items = world.items.clone();
    drop(world);
    assert_eq!(items.alive(), 0);
    hooked
}

/// Nobody waits and values pass, at once and after a wait.
fn check_usable(world: &World) {
    let tx = &world.tx;
    world.with_receivers(Vec::clear);
    assert_eq!((tx.len(), tx.receiver_count()), (0, 0));
    if tx.is_closed() {
        return;
    }
    let mut rx = tx.subscribe();
    let mut recv = spawn(rx.recv());
    assert!(recv.poll().is_pending());
    tx.try_send(world.items.item(7)).unwrap();
    assert!(recv.is_woken());
    assert!(matches!(recv.poll(), Poll::Ready(Ok(Item { number: 7, .. }))));
}

fn run_all(acts: &[Act]) {
    let mut callbacks = [0; EVENTS.len()];
    for overflow in [Overflow::Wait, Overflow::DropOldest] {
        for object in OBJECTS {
            for trigger in TRIGGERS {
                for (i, event) in EVENTS.into_iter().enumerate() {
                    for &act in acts {
                        let name = format!("{overflow:?} {object:?} {trigger:?} {event:?} {act:?}");
                        match catch_unwind(|| run(overflow, object, trigger, event, act)) {
                            Ok(hooked) => callbacks[i] += hooked,
                            Err(payload) => {
                                eprintln!("in the run {name}");
                                std::panic::resume_unwind(payload);
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(callbacks.iter().all(|&count| count > 0), "an event that never happened: {callbacks:?}");
}

#[test]
fn wakers_that_call_back() {
    let _watch = watch();
    run_all(&CALLS);
}

#[test]
fn wakers_that_panic() {
    let _watch = watch();
    hide_panics("a waker panics");
    run_all(&[Act::Panic]);
}
