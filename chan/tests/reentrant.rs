//! One harness of wakers that call back, over every object of a channel: a waker whose clone, wake, wake_by_ref and
//! drop call into the channel that holds it, or panic.
//!
//! The rules: no waker is cloned, woken or dropped under the channel's lock (I8), so nothing here can deadlock. A
//! panic of `wake` or `drop` ends where it happens; a panic of `clone` leaves the poll that wanted the clone, before
//! anything has happened. Either way the channel goes on, no value is lost, and no waker is leaked.

use dormouse_chan::{Receiver, Sender, bounded, select, unbounded};
use dormouse_testing::watch;
use dormouse_testing::{Calls, EVENTS, Event};
use dormouse_testing::{Tally, Value};
use futures::stream::StreamExt;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio_test::assert_pending;
use tokio_test::task::spawn;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The objects that hold a waker.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Object {
    Recv,
    Stream,
    SelectRecv,
    SelectRecvAndFuture,
    Send,
    SendFrom,
    SelectSend,
    SelectSendFromAndFuture,
    SelectBoth,
}

const OBJECTS: [Object; 9] = [
    Object::Recv,
    Object::Stream,
    Object::SelectRecv,
    Object::SelectRecvAndFuture,
    Object::Send,
    Object::SendFrom,
    Object::SelectSend,
    Object::SelectSendFromAndFuture,
    Object::SelectBoth,
];

/// A channel under test, and what became of its values.
struct World {
    tally: Tally,
    next: AtomicU32,
    /// Values that a send reported as sent, and values that a receive gave.
    sent: AtomicU32,
    received: AtomicU32,
    handles: Mutex<(Option<Sender<Value>>, Option<Receiver<Value>>)>,
}

impl World {
    fn new((tx, rx): (Sender<Value>, Receiver<Value>)) -> Arc<Self> {
        Arc::new(World {
            tally: Tally::new(),
            next: AtomicU32::new(0),
            sent: AtomicU32::new(0),
            received: AtomicU32::new(0),
            handles: Mutex::new((Some(tx), Some(rx))),
        })
    }

    fn value(&self) -> Value {
        self.tally.value(self.next.fetch_add(1, SeqCst))
    }

    /// Handles of our own: the lock of the world is not held while the channel is used.
    fn tx(&self) -> Option<Sender<Value>> {
        self.handles.lock().unwrap().0.clone()
    }

    fn rx(&self) -> Option<Receiver<Value>> {
        self.handles.lock().unwrap().1.clone()
    }

    fn try_send(&self) {
        if let Some(tx) = self.tx() {
            let sent = tx.try_send(self.value()).is_ok();
            self.sent.fetch_add(sent.into(), SeqCst);
        }
    }

    fn try_recv(&self) {
        if let Some(rx) = self.rx() {
            let received = rx.try_recv().is_ok();
            self.received.fetch_add(received.into(), SeqCst);
        }
    }

    fn act(&self, act: Act) {
        match act {
            Act::TrySend => self.try_send(),
            Act::TryRecv => self.try_recv(),
            Act::Look => {
                if let (Some(tx), Some(rx)) = (self.tx(), self.rx()) {
                    let _ = (tx.len(), rx.is_empty(), tx.is_full(), rx.is_closed(), tx.capacity());
                    let _ = format!("{tx:?} {rx:?} {:?}", rx.recv());
                }
            }
            Act::WaitAndLeave => {
                let cx = &mut Context::from_waker(Waker::noop());
                if let Some(rx) = self.rx()
                    && let Poll::Ready(Some(_)) = pin!(rx.recv()).poll(cx)
                {
                    self.received.fetch_add(1, SeqCst);
                }
                if let Some(tx) = self.tx()
                    && let Poll::Ready(Ok(())) = pin!(tx.send(self.value())).poll(cx)
                {
                    self.sent.fetch_add(1, SeqCst);
                }
            }
            Act::Select => {
                if let (Some(tx), Some(rx)) = (self.tx(), self.rx()) {
                    let mut place = Some(self.value());
                    select! {
                        recv(rx) -> value => { self.received.fetch_add(value.is_some().into(), SeqCst); }
                        send_from(tx, place) -> sent => { self.sent.fetch_add(sent.is_ok().into(), SeqCst); }
                        default => {}
                    }
                }
            }
            Act::Close => {
                if let Some(tx) = self.tx() {
                    tx.close();
                }
            }
            Act::DropSender => {
                let tx = self.handles.lock().unwrap().0.take();
                drop(tx);
            }
            Act::DropReceiver => {
                let rx = self.handles.lock().unwrap().1.take();
                drop(rx);
            }
            Act::Panic => panic!("a waker panics"),
        }
    }

    /// A task around `object`, with handles of its own.
    fn task(self: &Arc<Self>, object: Object) -> Task {
        let world = self.clone();
        let (tx, rx) = (self.tx(), self.rx());
        Box::pin(async move {
            let received = |value: Option<Value>| {
                world.received.fetch_add(value.is_some().into(), SeqCst);
            };
            let sent = |ok: bool| {
                world.sent.fetch_add(ok.into(), SeqCst);
            };
            let (Some(tx), Some(mut rx)) = (tx, rx) else { return };
            let mut place = None;
            match object {
                Object::Recv => drop_first(tx, rx.recv(), received).await,
                Object::Stream => drop_first(tx, rx.next(), received).await,
                Object::SelectRecv => {
                    drop(tx);
                    select! { recv(rx) -> value => received(value) }
                }
                Object::SelectRecvAndFuture => {
                    drop(tx);
                    select! { recv(rx) -> value => received(value), () = pending() => () }
                }
                Object::Send => drop_first(rx, tx.send(world.value()), |result| sent(result.is_ok())).await,
                Object::SendFrom => {
                    place = Some(world.value());
                    drop_first(rx, tx.send_from(&mut place), |result| sent(result.is_ok())).await;
                }
                Object::SelectSend => {
                    drop(rx);
                    select! { send(tx, world.value()) -> result => sent(result.is_ok()) }
                }
                Object::SelectSendFromAndFuture => {
                    drop(rx);
                    place = Some(world.value());
                    select! { send_from(tx, place) -> result => sent(result.is_ok()), () = pending() => () }
                }
                Object::SelectBoth => {
                    place = Some(world.value());
                    select! {
                        recv(rx) -> value => received(value),
                        send_from(tx, place) -> result => sent(result.is_ok()),
                    }
                }
            }
            drop(place);
        })
    }

    /// All is over: what was sent was received, or is in the channel and comes out of it now. A send that is dropped
    /// after its match has sent and cannot say so: there are at most `dropped` of them.
    fn settle(&self, dropped: u32) {
        let (tx, rx) = std::mem::take(&mut *self.handles.lock().unwrap());
        if let Some(rx) = rx {
            while rx.try_recv().is_ok() {
                self.received.fetch_add(1, SeqCst);
            }
            let (sent, received) = (self.sent.load(SeqCst), self.received.load(SeqCst));
            assert!((sent..=sent + dropped).contains(&received), "sent {sent}, received {received}");
            if let Some(tx) = &tx
                && !tx.is_closed()
            {
                check_usable(tx, &rx, || self.value());
            }
        }
        drop(tx);
        self.tally.check();
    }
}

/// Waits for `future` without the other half, so that its last handle may go meanwhile.
async fn drop_first<F: Future>(half: impl Sized, future: F, done: impl FnOnce(F::Output)) {
    drop(half);
    done(future.await);
}

/// Waits and matches in both directions, with nobody left over from before.
fn check_usable(tx: &Sender<Value>, rx: &Receiver<Value>, value: impl Fn() -> Value) {
    assert!(rx.try_recv().is_err());
    let mut receiver = spawn(rx.recv());
    assert_pending!(receiver.poll());
    tx.try_send(value()).unwrap();
    assert!(receiver.is_woken());
    assert!(matches!(receiver.poll(), Poll::Ready(Some(_))));
    for _ in 0..tx.capacity().unwrap_or(0) {
        tx.try_send(value()).unwrap();
    }
    if tx.capacity().is_some() {
        let mut sender = spawn(tx.send(value()));
        assert_pending!(sender.poll());
        assert!(rx.try_recv().is_ok());
        assert!(sender.is_woken());
        assert!(matches!(sender.poll(), Poll::Ready(Ok(()))));
        while rx.try_recv().is_ok() {}
        assert!(tx.is_empty());
    }
}

/// What a waker does when it is called.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    TrySend,
    TryRecv,
    Look,
    WaitAndLeave,
    Select,
    Close,
    DropSender,
    DropReceiver,
    Panic,
}

const CALLS: [Act; 8] = [
    Act::TrySend,
    Act::TryRecv,
    Act::Look,
    Act::WaitAndLeave,
    Act::Select,
    Act::Close,
    Act::DropSender,
    Act::DropReceiver,
];

/// What happens to the waiting task.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trigger {
    Served,
    Closed,
    SendersGone,
    ReceiversGone,
    PolledAgain,
    Dropped,
    DroppedAfterServed,
}

const TRIGGERS: [Trigger; 7] = [
    Trigger::Served,
    Trigger::Closed,
    Trigger::SendersGone,
    Trigger::ReceiversGone,
    Trigger::PolledAgain,
    Trigger::Dropped,
    Trigger::DroppedAfterServed,
];

/// One poll with a waker of its own, which goes afterwards; true if the poll panicked.
fn poll_with(task: &mut Option<Task>, calls: &Arc<Calls>) -> bool {
    let waker = calls.waker();
    let panicked = poll(task, &waker);
    // Our own waker: its panic is ours to catch.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    panicked
}

fn poll(task: &mut Option<Task>, waker: &Waker) -> bool {
    let Some(running) = task else { return false };
    match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(&mut Context::from_waker(waker)))) {
        Ok(Poll::Pending) => false,
        Ok(Poll::Ready(())) => {
            *task = None;
            false
        }
        Err(_) => {
            *task = None;
            true
        }
    }
}

fn serve(world: &World, object: Object) {
    match object {
        Object::Recv | Object::Stream | Object::SelectRecv | Object::SelectRecvAndFuture => world.try_send(),
        _ => world.try_recv(),
    }
}

/// One run: `object` waits with a waker that does `act` at `event`; then `trigger` happens. Two wait, if `two`: what
/// one's waker does may then serve or leave the other. Gives the number of callbacks.
fn run(
    channel: (Sender<Value>, Receiver<Value>),
    object: Object,
    trigger: Trigger,
    event: Event,
    act: Act,
    two: bool,
) -> usize {
    let world = World::new(channel);
    let hooked = Arc::downgrade(&world);
    let calls = Calls::new(move |at| {
        if at == event
            && let Some(world) = hooked.upgrade()
        {
            world.act(act);
        }
    });
    // Only a clone's panic may leave a poll, and nothing else may panic.
    let may_panic = act == Act::Panic && event == Event::Clone;
    let mut other = two.then(|| world.task(object));
    let mut task = Some(world.task(object));
    if matches!(
        object,
        Object::Send | Object::SendFrom | Object::SelectSend | Object::SelectSendFromAndFuture
    ) {
        // So that it has to wait. (Not the unbounded one: it never does.)
        for _ in 0..world.tx().and_then(|tx| tx.capacity()).unwrap_or(0) {
            world.try_send();
        }
    }
    let panicked = poll_with(&mut other, &calls) | poll_with(&mut task, &calls);
    assert!(!panicked || may_panic, "a panic left the first poll");
    let outcome = catch_unwind(AssertUnwindSafe(|| match trigger {
        Trigger::Served | Trigger::DroppedAfterServed => serve(&world, object),
        Trigger::Closed => world.act(Act::Close),
        Trigger::SendersGone => world.act(Act::DropSender),
        Trigger::ReceiversGone => world.act(Act::DropReceiver),
        Trigger::PolledAgain | Trigger::Dropped => {}
    }));
    assert!(outcome.is_ok(), "a panic left {trigger:?}");
    if !matches!(trigger, Trigger::Dropped | Trigger::DroppedAfterServed) {
        for _ in 0..2 {
            let panicked = poll_with(&mut other, &calls) | poll_with(&mut task, &calls);
            assert!(!panicked || may_panic, "a panic left a later poll");
        }
    }
    let dropped = u32::from(task.is_some()) + u32::from(other.is_some());
    let outcome = catch_unwind(AssertUnwindSafe(|| drop((task.take(), other.take()))));
    assert!(outcome.is_ok(), "a panic left the drop of the task");
    let hooked = calls.hooked();
    calls.quiet();
    world.settle(dropped);
    assert_eq!(calls.alive(), 0, "wakers alive at the end");
    hooked
}

fn channels() -> [fn() -> (Sender<Value>, Receiver<Value>); 4] {
    [|| bounded(0), || bounded(1), || bounded(2), unbounded]
}

fn run_all(acts: &[Act]) {
    let mut callbacks = [0; EVENTS.len()];
    for make in channels() {
        for object in OBJECTS {
            for trigger in TRIGGERS {
                for (i, event) in EVENTS.into_iter().enumerate() {
                    for &act in acts {
                        for two in [false, true] {
                            let channel = make();
                            let capacity = channel.0.capacity();
                            let name =
                                format!("{object:?} {trigger:?} {event:?} {act:?} {capacity:?} two: {two}");
                            let go = AssertUnwindSafe(|| run(channel, object, trigger, event, act, two));
                            match catch_unwind(go) {
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
    }
    assert!(callbacks.iter().all(|&count| count > 0), "an event that never happened: {callbacks:?}");
}

/// The panics on purpose are not printed.
fn quietly(f: impl FnOnce()) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let on_purpose = info.payload().downcast_ref::<&str>() == Some(&"a waker panics");
        if !on_purpose {
            hook(info);
        }
    }));
    f();
}

#[test]
fn wakers_that_call_back() {
    let _watch = watch();
    run_all(&CALLS);
}

#[test]
fn wakers_that_panic() {
    let _watch = watch();
    quietly(|| run_all(&[Act::Panic]));
}

/// A waker whose clones have addresses of their own is a new one at each poll, and that is no reason to spin.
#[test]
fn wakers_whose_clones_look_different() {
    let _watch = watch();
    for object in OBJECTS {
        let world = World::new(bounded(0));
        let calls = Calls::new(|_| ());
        let waker = calls.waker();
        let mut task = Some(world.task(object));
        for _ in 0..10 {
            poll(&mut task, &waker);
            assert!(task.is_some(), "{object:?}: nobody is there");
        }
        serve(&world, object);
        assert_eq!(calls.woken(), 1, "{object:?}");
        poll(&mut task, &waker);
        assert!(task.is_none(), "{object:?}");
        drop(waker);
        world.settle(0);
        assert_eq!(calls.alive(), 0);
    }
}

/// A closing channel wakes everybody, though every second waker panics, and more of them wait than are woken at once.
#[test]
fn close_wakes_all_though_some_wakers_panic() {
    let _watch = watch();
    quietly(|| {
        for half in [true, false] {
            let world = World::new(bounded(0));
            let object = if half { Object::Recv } else { Object::Send };
            let mut tasks: Vec<_> = (0..100)
                .map(|n| {
                    let calls = Calls::new(move |event| {
                        if n % 2 == 0 && event == Event::Wake {
                            panic!("a waker panics");
                        }
                    });
                    let mut task = Some(world.task(object));
                    assert!(!poll_with(&mut task, &calls));
                    assert!(task.is_some());
                    (task, calls)
                })
                .collect();
            world.act(Act::Close);
            for (task, calls) in &mut tasks {
                assert_eq!(calls.woken(), 1);
                poll(task, Waker::noop());
                assert!(task.is_none());
                assert_eq!(calls.alive(), 0);
            }
            world.settle(0);
        }
    });
}

/// Beside a select that was won through another arm, the hint says "maybe" and nothing is there: the waker is cloned
/// late, and not under the lock.
#[test]
fn wakers_cloned_late_call_back() {
    let _watch = watch();
    let ((a, from_a), (b, from_b)) = (bounded::<u32>(0), bounded::<u32>(0));
    let (observed, observer) = (b.clone(), from_b.clone());
    let calls = Calls::new(move |_| assert_eq!((observed.len(), observer.is_closed()), (0, false)));
    let waker = calls.waker();
    let cx = &mut Context::from_waker(&waker);
    {
        let mut won = spawn(async {
            select! {
                send(a, 1) -> sent => sent.is_ok(),
                send(b, 2) -> _ => unreachable!(),
            }
        });
        assert_pending!(won.poll());
        assert_eq!(from_a.try_recv(), Ok(1));
        assert!(pin!(from_b.recv()).poll(cx).is_pending()); // passes over the arm that still stands there
        assert!(matches!(won.poll(), Poll::Ready(true)));
    }
    {
        let mut won = spawn(async {
            select! {
                recv(from_a) -> value => value,
                recv(from_b) -> _ => unreachable!(),
            }
        });
        assert_pending!(won.poll());
        assert_eq!(a.try_send(3), Ok(()));
        assert!(pin!(b.send(4)).poll(cx).is_pending());
        assert!(matches!(won.poll(), Poll::Ready(Some(3))));
    }
    assert!(calls.hooked() >= 4);
    drop(waker);
    calls.quiet();
    assert_eq!(calls.alive(), 0);
}
