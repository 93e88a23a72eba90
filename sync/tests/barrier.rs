//! The barrier poll by poll: rounds, each drop.
mod common;

use common::poll;
use dormouse_sync::Barrier;
use dormouse_sync::futures::BarrierWait;
use dormouse_testing::{Event, hooked, panics};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready};

fn waiting(barrier: &Barrier, count: usize) -> Vec<Spawn<BarrierWait<'_>>> {
    let mut waits: Vec<_> = (0..count).map(|_| spawn(barrier.wait())).collect();
    for wait in &mut waits {
        assert_pending!(wait.poll());
    }
    waits
}

/// The last one leads; again and again, beyond one batch of wakers.
#[test]
fn the_last_one_leads() {
    for size in [2, 3, 100] {
        let barrier = Barrier::new(size);
        for _ in 0..3 {
            let mut waits = waiting(&barrier, size - 1);
            assert!(waits.iter().all(|wait| !wait.is_woken()));
            assert!(assert_ready!(spawn(barrier.wait()).poll()).is_leader());
            for wait in &mut waits {
                assert!(wait.is_woken());
                assert!(!assert_ready!(wait.poll()).is_leader());
            }
        }
    }
}

#[test]
fn for_one_or_none_it_holds_nobody_up() {
    for size in [0, 1] {
        let barrier = Barrier::new(size);
        for _ in 0..3 {
            assert!(assert_ready!(spawn(barrier.wait()).poll()).is_leader());
        }
    }
}

/// Released is released: who comes next belongs to the next round, though the others have not been polled.
#[test]
fn rounds() {
    let barrier = Barrier::new(2);
    let mut first = waiting(&barrier, 1);
    assert!(assert_ready!(spawn(barrier.wait()).poll()).is_leader());
    let mut second = waiting(&barrier, 1);
    assert_ready!(first[0].poll());
    assert_pending!(second[0].poll());
    assert!(assert_ready!(spawn(barrier.wait()).poll()).is_leader());
    assert_ready!(second[0].poll());
}

/// X8, and one that goes has not come: another one must, in its place.
#[test]
fn dropped_has_not_come() {
    let barrier = Barrier::new(3);
    let unpolled = barrier.wait();
    let mut waits = waiting(&barrier, 2);
    drop(unpolled);
    drop(waits.remove(0));
    assert_eq!(format!("{barrier:?}"), "Barrier { size: 3, arrived: 1 }");
    waits.append(&mut waiting(&barrier, 1));
    assert!(assert_ready!(spawn(barrier.wait()).poll()).is_leader());
    for wait in &mut waits {
        assert_ready!(wait.poll());
    }
}

/// One that goes after it was released counts for the round that is over, not for the next one.
#[test]
fn dropped_when_released() {
    let barrier = Barrier::new(2);
    let waits = waiting(&barrier, 1);
    assert_ready!(spawn(barrier.wait()).poll());
    let mut next = waiting(&barrier, 1);
    drop(waits);
    assert_eq!(format!("{barrier:?}"), "Barrier { size: 2, arrived: 1 }");
    assert_ready!(spawn(barrier.wait()).poll());
    assert_ready!(next[0].poll());
}

/// While a release of more than one batch is on: who comes then is of the next round; who has not been reached by it is
/// released all the same, and may go without counting out.
#[test]
fn a_batch_is_no_mark() {
    let barrier = Arc::new(Barrier::new(73));
    type Wait = std::pin::Pin<Box<dyn Future<Output = bool> + Send>>;
    let wait = |barrier: &Arc<Barrier>| -> Wait {
        let barrier = barrier.clone();
        Box::pin(async move { barrier.wait().await.is_leader() })
    };
    let (late, next) =
        (Arc::new(std::sync::Mutex::new(Vec::<Wait>::new())), Arc::new(std::sync::Mutex::new(None)));
    let hook = {
        let (barrier, late, next) = (barrier.clone(), late.clone(), next.clone());
        hooked(move |call| {
            if call == Event::Wake {
                let mut late = std::mem::take(&mut *late.lock().unwrap());
                assert!(poll(late[0].as_mut(), Waker::noop()).is_ready());
                let mut new = spawn(wait(&barrier));
                assert_pending!(new.poll());
                *next.lock().unwrap() = Some(new);
                drop(late);
                assert_eq!(format!("{barrier:?}"), "Barrier { size: 73, arrived: 1 }");
            }
        })
    };
    let mut first = pin!(barrier.wait());
    assert!(poll(first.as_mut(), &hook).is_pending());
    drop(hook);
    let mut waits = waiting(&barrier, 69);
    for _ in 0..2 {
        let mut wait = wait(&barrier);
        assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
        late.lock().unwrap().push(wait);
    }
    assert_ready!(spawn(barrier.wait()).poll());
    for wait in &mut waits {
        assert!(wait.is_woken());
        assert_ready!(wait.poll());
    }
    assert!(poll(first.as_mut(), Waker::noop()).is_ready());
    let mut next = next.lock().unwrap().take().expect("the first one was woken");
    assert!(!next.is_woken());
    assert_pending!(next.poll());
}

#[test]
fn another_task_is_woken() {
    let barrier = Barrier::new(2);
    let mut wait = pin!(barrier.wait());
    common::another_task_is_woken(wait.as_mut(), 0, || _ = assert_ready!(spawn(barrier.wait()).poll()));
    assert!(wait.is_terminated());
    assert!(panics(|| poll(wait.as_mut(), Waker::noop())).contains("polled after it had finished"));
}

#[test]
fn wait_reason_and_format() {
    let barrier = Barrier::new(2);
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    let (mut wait, line) = (spawn(barrier.wait()), line!());
    frame.enter(|| assert_pending!(wait.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::BarrierWait, line, file!()));
    assert_eq!(format!("{:?}", barrier.wait()), "BarrierWait { done: false, .. }");
}

/// One operation per wait; a refused one has not come, and a released one does not ask.
#[test]
fn budget() {
    let (barrier, open) = (Barrier::new(2), Barrier::new(1));
    Frame::new(&Waits::new()).enter(|| {
        let mut released = waiting(&barrier, 1);
        assert_ready!(spawn(barrier.wait()).poll());
        for _ in 2..BUDGET {
            assert_ready!(spawn(open.wait()).poll());
        }
        let mut refused = spawn(barrier.wait());
        assert_pending!(refused.poll());
        assert!(refused.is_woken());
        assert_eq!(format!("{barrier:?}"), "Barrier { size: 2, arrived: 0 }");
        assert_ready!(released[0].poll());
    });
}
