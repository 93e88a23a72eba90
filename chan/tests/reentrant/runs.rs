//! One run: something waits, its waker does something, something happens to it; and all runs.
use crate::world::{Act, OBJECTS, Object, Task, World};
use dormouse_chan::{Receiver, Sender, bounded, unbounded};
use dormouse_testing::{Calls, EVENTS, Event, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

pub(crate) const CALLS: [Act; 8] = [
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
pub(crate) fn poll_with(task: &mut Option<Task>, calls: &Arc<Calls>) -> bool {
    let waker = calls.waker();
    let panicked = poll(task, &waker);
    // Our own waker: its panic is ours to catch.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    panicked
}

pub(crate) fn poll(task: &mut Option<Task>, waker: &Waker) -> bool {
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

pub(crate) fn serve(world: &World, object: Object) {
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

pub(crate) fn run_all(acts: &[Act]) {
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
