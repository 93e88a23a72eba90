//! Task-local values: who sees which, when they are dropped, what a panic leaves.
#![allow(missing_docs)]
#[path = "support/tasks.rs"]
mod tasks;

use dormouse_executor::task::local::AccessError;
use dormouse_executor::{sim, task};
use dormouse_testing::{on_drop, panics, watch};
use futures::FutureExt;
use futures::future::FusedFuture;
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tasks::{both, now, settle};

task::local! {
    static NUMBER: u32;
    /// Not `Clone`, not `Send`-able by reference, and public.
    pub static LOG: RefCell<Vec<u32>>;
}
task::local!(static NAME: String);
task::local! {}

#[test]
fn each_task_sees_its_own_wherever_it_runs() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let tasks: Vec<_> = (0..100)
                .map(|n| {
                    task::spawn(NUMBER.scope(n, async move {
                        for _ in 0..20 {
                            assert_eq!(NUMBER.get(), n);
                            task::yield_now().await;
                        }
                        // A task of its own is outside.
                        task::spawn(async { NUMBER.try_get() }).await.unwrap()
                    }))
                })
                .collect();
            for task in tasks {
                assert_eq!(task.await.unwrap(), Err(NUMBER.try_get().unwrap_err()));
            }
        });
    }
    sim::explore(50, || async {
        let one = task::spawn(LOG.scope(RefCell::default(), async {
            for n in 0..5 {
                LOG.with(|log| log.borrow_mut().push(n));
                task::yield_now().await;
            }
            LOG.with(|log| log.borrow().len())
        }));
        let two = task::spawn(LOG.scope(RefCell::default(), async {
            task::yield_now().await;
            LOG.with(|log| log.borrow().len())
        }));
        assert_eq!((one.await.unwrap(), two.await.unwrap()), (5, 0));
    });
}

#[test]
fn scopes_nest() {
    let _watch = watch();
    let text = |key: &'static task::LocalKey<String>| key.try_with(String::clone).unwrap_or_default();
    let nested = async {
        assert_eq!(text(&NAME), "outer");
        let inner = NAME.scope("inner".into(), async {
            task::yield_now().await;
            // Beside another key, in a function, and within a borrow of the value.
            NUMBER.sync_scope(1, || {
                NAME.with(|name| {
                    NAME.sync_scope(format!("{name}most"), || assert_eq!(text(&NAME), "innermost"));
                    assert_eq!(name, "inner");
                });
                assert_eq!((NUMBER.get(), text(&NAME)), (1, "inner".into()));
            });
            text(&NAME)
        });
        let mut inner = pin!(inner);
        assert!(now(inner.as_mut()).is_none());
        assert_eq!(text(&NAME), "outer", "between its polls, the inner one is not there");
        assert_eq!(inner.await, "inner");
        text(&NAME)
    };
    assert_eq!(futures::executor::block_on(NAME.scope("outer".into(), nested)), "outer");
    assert_eq!(text(&NAME), "");
}

#[test]
fn outside_there_is_none() {
    let _watch = watch();
    let error: AccessError = NUMBER.try_with(|_| -> () { panic!("it was called") }).unwrap_err();
    assert!(error.to_string().contains("no scope"));
    assert!(panics(|| NUMBER.get()).contains("outside of every `scope`"));
    assert!(panics(|| NAME.with(String::len)).contains("outside of every `scope`"));
}

/// A value, or a future's guard, that notes what the key has when it is dropped.
fn noting(who: &'static str, log: &Notes) -> impl Send + 'static {
    let log = log.clone();
    on_drop(move || log.lock().unwrap().push((who, GUARDED.try_with(|_| ()).is_ok())))
}

type Notes = Arc<Mutex<Vec<(&'static str, bool)>>>;
task::local!(static GUARDED: Box<dyn std::any::Any + Send>);

#[test]
fn the_future_is_dropped_inside_and_before_the_value() {
    let _watch = watch();
    for rt in both() {
        for aborted in [false, true] {
            let log = Notes::default();
            let (value, guard) = (Box::new(noting("value", &log)), noting("future", &log));
            rt.block_on(async {
                let handle = task::spawn(GUARDED.scope(value, async move {
                    let _guard = guard;
                    if aborted {
                        pending::<()>().await;
                    }
                }));
                if aborted {
                    task::yield_now().await;
                    handle.abort();
                }
                assert_eq!(handle.await.is_err(), aborted);
            });
            assert_eq!(*log.lock().unwrap(), [("future", true), ("value", false)]);
        }
    }
    // What the future captures, and never polled.
    struct Done<G>(Option<G>);
    impl<G: Unpin> Future for Done<G> {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
            assert!(self.0.is_some());
            std::task::Poll::Ready(())
        }
    }
    for polled in [false, true] {
        let log = Notes::default();
        let guard = Box::new(noting("future", &log));
        let mut scope = Box::pin(GUARDED.scope(Box::new(noting("value", &log)), Done(Some(guard))));
        assert!(!polled || now(scope.as_mut()).is_some());
        assert_eq!(
            log.lock().unwrap().len(),
            usize::from(polled),
            "at its end the future goes, not the value"
        );
        drop(scope);
        assert_eq!(*log.lock().unwrap(), [("future", true), ("value", false)]);
    }
    let log = Notes::default();
    GUARDED.sync_scope(Box::new(noting("value", &log)), || drop(noting("function", &log)));
    assert_eq!(*log.lock().unwrap(), [("function", true), ("value", false)]);
}

#[test]
fn a_panic_restores_what_was() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(NUMBER.scope(1, async {
            assert_eq!(panics(|| NUMBER.sync_scope(2, || panic!("in the function"))), "in the function");
            assert_eq!(NUMBER.get(), 1);
            let inner = AssertUnwindSafe(NUMBER.scope(3, async {
                task::yield_now().await;
                panic!("in the future")
            }));
            assert!(inner.catch_unwind().await.is_err());
            assert_eq!(NUMBER.get(), 1);
            let bomb = on_drop(|| panic!("at {}", NUMBER.get()));
            let dropped = NUMBER.scope(4, async move { drop(bomb) });
            assert_eq!(panics(|| drop(dropped)), "at 4");
            assert_eq!(NUMBER.get(), 1);
        }));
        // On a worker that goes on with other tasks.
        rt.block_on(async {
            assert!(task::spawn(NUMBER.scope(5, async { panic!("in a task") })).await.is_err());
            let seen: Vec<_> = (0..10).map(|_| task::spawn(async { NUMBER.try_get().is_err() })).collect();
            for seen in seen {
                assert!(seen.await.unwrap());
            }
        });
    }
}

#[test]
fn the_value_can_be_taken_out() {
    let _watch = watch();
    let mut scope = pin!(NAME.scope("name".into(), async {
        let before = NAME.try_get();
        task::yield_now().await;
        (before, NAME.try_get().is_err())
    }));
    assert!(now(scope.as_mut()).is_none());
    assert_eq!(scope.as_mut().take_value().as_deref(), Some("name"));
    assert_eq!(scope.as_mut().take_value(), None);
    // Without one, it does not see that of an outer scope either.
    let seen = NAME.sync_scope("outer".into(), || now(scope.as_mut()));
    assert_eq!(seen, Some((Ok("name".into()), true)));
    assert!(scope.is_terminated());
    assert!(panics(|| now(scope)).contains("after it was ready"));
}

#[test]
fn it_is_there_in_a_destructor_at_the_runtimes_end() {
    let _watch = watch();
    for rt in both() {
        let seen = Arc::new(Mutex::new(None));
        rt.block_on(async {
            let waits = Arc::new(Mutex::new(false));
            let (inner, begun) = (seen.clone(), waits.clone());
            task::go(NUMBER.scope(9, async move {
                let _guard = on_drop(move || *inner.lock().unwrap() = NUMBER.try_get().ok());
                *begun.lock().unwrap() = true;
                pending::<()>().await;
            }));
            settle(|| *waits.lock().unwrap()).await;
        });
        rt.shutdown_timeout(std::time::Duration::from_secs(60));
        assert_eq!(*seen.lock().unwrap(), Some(9));
    }
}

#[test]
fn a_scope_is_send_if_value_and_future_are() {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    type Scope<T> = task::local::Scope<T, std::future::Ready<()>>;
    assert_impl_all!(task::LocalKey<std::rc::Rc<u8>>: Send, Sync);
    assert_impl_all!(Scope<Cell<u8>>: Send);
    assert_not_impl_any!(Scope<Cell<u8>>: Sync);
    assert_not_impl_any!(Scope<std::rc::Rc<u8>>: Send);
}
