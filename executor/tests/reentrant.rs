//! Wakers whose clone, wake, wake_by_ref and drop call back into timers and runtime, or panic: no waker is touched under
//! a lock, and whatever it does, timers and runtime go on.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Handle, Runtime};
use dormouse_executor::task;
use dormouse_executor::time::{Duration, Instant, Interval, Sleep, Timeout, interval, sleep, timeout};
use dormouse_testing::{Calls, EVENTS, Event, watch};
use std::future::{Future, Pending, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::{Mutex, TryLockError};
use std::task::{Context, Waker};

/// What holds a waker.
enum Object {
    Sleep(Pin<Box<Sleep>>),
    Timeout(Pin<Box<Timeout<Pending<()>>>>),
    Interval(Interval),
    Join(task::JoinHandle<()>),
}

const KINDS: [&str; 4] = ["sleep", "timeout", "interval", "join"];

impl Object {
    fn new(kind: &str, wait: Duration) -> Object {
        match kind {
            "sleep" => Object::Sleep(Box::pin(sleep(wait))),
            "timeout" => Object::Timeout(Box::pin(timeout(wait, pending()))),
            "interval" => {
                let mut ticks = interval(wait);
                assert!(ticks.poll_tick(&mut Context::from_waker(Waker::noop())).is_ready());
                Object::Interval(ticks)
            }
            _ => Object::Join(task::spawn(async move { sleep(wait).await })),
        }
    }

    /// Polls it; true if it is ready.
    fn poll(&mut self, waker: &Waker) -> bool {
        let mut cx = Context::from_waker(waker);
        match self {
            Object::Sleep(sleep) => sleep.as_mut().poll(&mut cx).is_ready(),
            Object::Timeout(timeout) => timeout.as_mut().poll(&mut cx).is_ready(),
            Object::Interval(ticks) => ticks.poll_tick(&mut cx).is_ready(),
            Object::Join(join) => join.is_finished() || Pin::new(join).poll(&mut cx).is_ready(),
        }
    }
}

type Shared = Arc<Mutex<Option<Object>>>;

/// Uses everything that has a lock in the runtime's one slot, and the object itself if it is not in use.
fn call_back(handle: &Handle, object: &Shared) {
    let _guard = handle.enter();
    let mut cx = Context::from_waker(Waker::noop());
    // Both set a timer in the slot that the object's waker is or was in, and take it off.
    let mut other = pin!(sleep(Duration::from_secs(1_000)));
    let _ = catch_unwind(AssertUnwindSafe(|| other.as_mut().poll(&mut cx)));
    drop(dormouse_wait::host::alarm(Instant::now(), Waker::noop().clone()));
    let task = task::spawn(async {});
    task.abort();
    drop(task);
    assert!(handle.task_waits().len() < 1_000);
    match object.try_lock() {
        Ok(mut object) => drop(object.take()),
        Err(TryLockError::Poisoned(poisoned)) => drop(poisoned.into_inner().take()),
        Err(TryLockError::WouldBlock) => {}
    }
}

/// Leads an object through poll, poll with another waker, and its end, with a waker of `calls`. Gives whether it was
/// woken by its end.
fn lead(rt: &Runtime, kind: &str, end: &str, calls: &Arc<Calls>, waker: &Waker, object: &Shared) -> bool {
    let get = || object.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let woken = rt.block_on(async {
        let wait = Duration::from_millis(if end == "fires" { 2 } else { 1_000_000 });
        let made = Object::new(kind, wait);
        *get() = Some(made);
        // `None` if the waker panicked.
        let poll = |waker: &Waker| {
            catch_unwind(AssertUnwindSafe(|| get().as_mut().is_none_or(|object| object.poll(waker)))).ok()
        };
        let waits = poll(waker) == Some(false);
        match end {
            "fires" => {
                while waits && calls.woken() == 0 {
                    sleep(Duration::from_millis(1)).await;
                }
                while poll(Waker::noop()) != Some(true) {
                    sleep(Duration::from_millis(1)).await;
                }
            }
            "is polled with another waker" => {
                poll(Waker::noop());
                poll(waker);
            }
            _ => {}
        }
        let last = get().take();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(last)));
        assert!(dropped.is_ok(), "a waker's panic stays where it is");
        waits && end == "fires"
    });
    assert_eq!(rt.block_on(async { task::spawn(async { 6 }).await.unwrap() }), 6);
    woken
}

#[test]
fn wakers_of_timers_and_joins_call_back_or_panic() {
    let _watch = watch();
    for kind in KINDS {
        for end in ["fires", "is polled with another waker", "is dropped"] {
            for event in EVENTS {
                for panics in [false, true] {
                    if kind == "join" && panics {
                        // Ends the process, as `JoinHandle` says: tests/peers.rs.
                        continue;
                    }
                    let rt = Builder::current_thread().build().unwrap();
                    let object = Shared::default();
                    let (inside, handle) = (object.clone(), rt.handle().clone());
                    let calls = Calls::new(move |now: Event| {
                        if now == event {
                            assert!(!panics, "a waker's {event:?}");
                            call_back(&handle, &inside);
                        }
                    });
                    let waker = calls.waker();
                    let woken = lead(&rt, kind, end, &calls, &waker, &object);
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
                    rt.shutdown_timeout(Duration::from_secs(60));
                    calls.quiet();
                    assert_eq!(calls.alive(), 0, "no waker is leaked: {kind} {end} {event:?} {panics}");
                    assert!(!woken || event != Event::Wake || calls.hooked() > 0);
                }
            }
        }
    }
}

#[test]
fn wakers_that_the_end_of_the_runtime_wakes() {
    let _watch = watch();
    for kind in ["sleep", "timeout", "interval"] {
        for panics in [false, true] {
            let rt = Builder::current_thread().build().unwrap();
            let object = Shared::default();
            let (inside, handle) = (object.clone(), rt.handle().clone());
            let calls = Calls::new(move |now: Event| {
                if now == Event::Wake {
                    assert!(!panics, "a waker's wake");
                    call_back(&handle, &inside);
                }
            });
            let waker = calls.waker();
            let _alarm = rt.block_on(async {
                let mut made = Object::new(kind, Duration::from_secs(1_000));
                assert!(!made.poll(&waker));
                *object.lock().unwrap() = Some(made);
                let at = Instant::now() + Duration::from_secs(1_000);
                (dormouse_wait::host::alarm(at, waker.clone()), dormouse_wait::host::soon(&waker))
            });
            rt.shutdown_timeout(Duration::from_secs(60));
            assert_eq!(calls.woken(), 3, "{kind}");
            calls.quiet();
            drop(waker);
            object.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
            assert_eq!(calls.alive(), 0);
        }
    }
}
