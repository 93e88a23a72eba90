//! Wakers that use the channel, or panic, from their clone, their wake and their drop.
use dormouse_chan::watch;
use dormouse_chan::watch::{Receiver, Sender};
use dormouse_testing::{Calls, Event, hide_panics, watch as watchdog};
use futures::stream::StreamExt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

const CALLS: [Event; 3] = [Event::Clone, Event::Wake, Event::Drop];

/// What a waker does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Look,
    Send,
    Modify,
    /// Waits for each thing, and gives it up.
    Wait,
    Subscribe,
    DropSenders,
    DropReceivers,
    Panic,
}

const ACTS: [Act; 8] = [
    Act::Look,
    Act::Send,
    Act::Modify,
    Act::Wait,
    Act::Subscribe,
    Act::DropSenders,
    Act::DropReceivers,
    Act::Panic,
];

/// The handles that wakers use; those of the wait itself are apart.
type World = Arc<Mutex<(Vec<Sender<u64>>, Vec<Receiver<u64>>)>>;

fn act(act: Act, world: &World) {
    if act == Act::Panic {
        panic!("a waker panics");
    }
    // Nothing is used under the world's own lock.
    let (tx, rx) = {
        let world = world.lock().unwrap();
        (world.0.first().cloned(), world.1.first().cloned())
    };
    match act {
        Act::Look => {
            if let (Some(tx), Some(rx)) = (&tx, &rx) {
                let _ = format!("{tx:?} {rx:?} {} {:?}", *tx.borrow(), rx.has_changed());
            }
        }
        Act::Send => tx.into_iter().for_each(|tx| _ = (tx.send(100), tx.send_replace(101))),
        Act::Modify => tx.into_iter().for_each(|tx| tx.send_modify(|value| *value += 1)),
        Act::Wait => {
            let cx = &mut Context::from_waker(Waker::noop());
            if let Some(mut rx) = rx {
                let _ = pin!(rx.changed()).poll(cx);
                let _ = pin!(rx.wait_for(|_| false)).poll(cx).map(|found| found.is_ok());
            }
            if let Some(tx) = tx {
                let _ = pin!(tx.closed()).poll(cx);
            }
        }
        Act::Subscribe => {
            let more = tx.map(|tx| (tx.clone(), tx.subscribe()));
            if let Some((tx, rx)) = more {
                let mut world = world.lock().unwrap();
                world.0.push(tx);
                world.1.push(rx);
            }
        }
        Act::DropSenders => {
            drop(tx);
            let gone = std::mem::take(&mut world.lock().unwrap().0);
            drop(gone);
        }
        Act::DropReceivers => {
            drop(rx);
            let gone = std::mem::take(&mut world.lock().unwrap().1);
            drop(gone);
        }
        Act::Panic => unreachable!(),
    }
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The objects that hold a waker: a task that waits with each, for some change, or the end of the others.
const OBJECTS: [fn(Sender<u64>, Receiver<u64>) -> Task; 4] = [
    |tx, mut rx| {
        drop(tx);
        Box::pin(async move { _ = rx.changed().await })
    },
    |tx, mut rx| {
        drop(tx);
        Box::pin(async move { _ = rx.wait_for(|n| *n != 0).await.is_ok() })
    },
    |tx, mut rx| {
        drop(tx);
        Box::pin(async move { _ = pin!(rx.changes()).next().await })
    },
    |tx, rx| {
        drop(rx);
        Box::pin(async move { tx.closed().await })
    },
];

/// A poll; true if the task is done. Only the waker's clone may make it panic.
fn poll(task: &mut Option<Task>, waker: &Waker, event: Event) {
    let Some(now) = task else { return };
    match catch_unwind(AssertUnwindSafe(|| now.as_mut().poll(&mut Context::from_waker(waker)))) {
        Ok(Poll::Ready(())) => *task = None,
        Ok(Poll::Pending) => {}
        Err(_) => {
            assert_eq!(event, Event::Clone, "a panic of a waker's wake or drop came out of a poll");
            *task = None;
        }
    }
}

/// How the life of a waiting task ends.
const ENDS: [fn(&World, &mut Option<Task>); 5] = [
    |world, _| {
        let tx = world.lock().unwrap().0.first().cloned();
        tx.into_iter().for_each(|tx| _ = tx.send(1));
    },
    |world, _| {
        let tx = world.lock().unwrap().0.first().cloned();
        tx.into_iter().for_each(|tx| tx.send_modify(|value| *value = 1));
    },
    |world, _| {
        let gone = std::mem::take(&mut world.lock().unwrap().0);
        drop(gone);
    },
    |world, _| {
        let gone = std::mem::take(&mut world.lock().unwrap().1);
        drop(gone);
    },
    |_, task| *task = None,
];

#[test]
fn wakers_that_call_back_or_panic() {
    let _watch = watchdog();
    hide_panics("a waker panics");
    for event in CALLS {
        let mut reached = 0;
        for what in ACTS {
            for object in OBJECTS {
                for end in ENDS {
                    reached += life(event, what, object, end);
                }
            }
        }
        assert!(reached > 0, "{event:?} was never reached");
    }
}

fn life(
    event: Event,
    what: Act,
    object: fn(Sender<u64>, Receiver<u64>) -> Task,
    end: fn(&World, &mut Option<Task>),
) -> usize {
    let (tx, rx) = watch(0);
    let mut task = Some(object(tx.clone(), rx.clone()));
    let mut other = Some(object(tx.clone(), rx.clone()));
    let world: World = Arc::new(Mutex::new((vec![tx], vec![rx])));
    let calls = [(); 2].map(|()| {
        let world = world.clone();
        Calls::new(move |now| {
            if now == event {
                act(what, &world);
            }
        })
    });
    let wakers = calls.each_ref().map(|calls| calls.waker());
    for waker in &wakers {
        poll(&mut task, waker, event);
        poll(&mut other, Waker::noop(), event);
    }
    end(&world, &mut task);
    poll(&mut task, Waker::noop(), event);
    poll(&mut other, Waker::noop(), event);
    for waker in wakers {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    }
    calls.iter().for_each(|calls| calls.quiet());
    check_usable(&world);
    drop((task, other));
    for calls in &calls {
        assert_eq!(calls.alive(), 0, "{event:?} {what:?}: a waker is left");
    }
    calls.iter().map(|calls| calls.hooked()).sum()
}

/// The channel works.
fn check_usable(world: &World) {
    let (mut senders, mut receivers) = std::mem::take(&mut *world.lock().unwrap());
    let Some(tx) = senders.pop() else { return };
    let mut rx = receivers.pop().unwrap_or_else(|| tx.subscribe());
    rx.mark_unchanged();
    let cx = &mut Context::from_waker(Waker::noop());
    let mut changed = pin!(rx.changed());
    assert!(changed.as_mut().poll(cx).is_pending());
    tx.send(7).unwrap();
    assert_eq!(changed.as_mut().poll(cx), Poll::Ready(Ok(())));
    assert_eq!((tx.send_replace(8), *tx.borrow()), (7, 8));
}

/// The change comes while the waker is cloned, and the clone, of no use any more, panics when it is dropped.
#[test]
fn the_change_comes_during_the_clone() {
    for waits in [false, true] {
        let (tx, mut rx) = watch(0);
        let mut changed = pin!(rx.changed());
        if waits {
            assert!(changed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let calls = Calls::new(move |event| match event {
            Event::Clone => tx.send(1).unwrap(),
            Event::Drop => panic!("a waker panics"),
            Event::Wake | Event::WakeByRef => unreachable!("nobody waited with it"),
        });
        let waker = calls.waker();
        assert_eq!(changed.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok(())));
        calls.quiet();
        drop(waker);
        assert_eq!(calls.alive(), 0);
    }
}
