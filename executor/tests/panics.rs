//! Panics of user code: in a future, in destructors, with and without a joiner.
//!
//! A panic in the waker of whoever joins a task aborts the process: async-task calls it where it cannot unwind.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, OnPanic, Runtime};
use dormouse_executor::task;
use dormouse_testing::{Count, Gate, OnDrop, child, on_drop, watch};
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

fn runtimes() -> [Runtime; 2] {
    [Builder::multi_thread().worker_threads(2).build().unwrap(), Builder::current_thread().build().unwrap()]
}

fn works(rt: &Runtime) {
    rt.block_on(async { assert_eq!(task::spawn(async { 1 }).await.unwrap(), 1) });
}

#[test]
fn in_the_future() {
    let _watch = watch();
    for rt in runtimes() {
        let error = rt.block_on(async {
            task::spawn(async { panic!("at {}", std::hint::black_box("work")) }).await.unwrap_err()
        });
        assert!(error.is_panic());
        assert!(error.to_string().contains("panicked: at work"), "{error}");
        assert_eq!(error.into_panic().downcast_ref::<String>().unwrap(), "at work");
        works(&rt);
    }
}

#[test]
fn in_the_future_after_a_wait() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let task = task::Builder::new().name("late").spawn(async {
                task::yield_now().await;
                panic!("later")
            });
            let error = task.await.unwrap_err();
            assert!(error.to_string().contains("\"late\""), "{error}");
        });
        works(&rt);
    }
}

#[test]
fn in_the_futures_destructor() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let guard = on_drop(|| panic!("in drop"));
            let aborted = task::spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            task::yield_now().await;
            aborted.abort();
            let error = aborted.await.unwrap_err();
            assert!(error.is_panic(), "a panic is not lost behind a cancellation");

            // A destructor that runs after the last poll, as a captured variable of a finished future may not.
            struct Late(Option<OnDrop<fn()>>);
            impl std::future::Future for Late {
                type Output = u8;
                fn poll(
                    self: std::pin::Pin<&mut Self>,
                    _: &mut std::task::Context<'_>,
                ) -> std::task::Poll<u8> {
                    assert!(self.0.is_some());
                    std::task::Poll::Ready(1)
                }
            }
            let error = task::spawn(Late(Some(on_drop(|| panic!("late drop"))))).await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"late drop"));
        });
        works(&rt);
    }
}

#[test]
fn in_the_outputs_destructor() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let before = task::spawn(async { on_drop(|| panic!("output")) });
            while !before.is_finished() {
                task::yield_now().await;
            }
            drop(before);
            task::go(async { on_drop(|| panic!("output, detached")) });
            task::yield_now().await;
        });
        works(&rt);
    }
}

#[test]
fn in_a_payloads_destructor() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            drop(task::spawn(async { std::panic::panic_any(on_drop(|| panic!("payload"))) }));
            task::yield_now().await;
            task::yield_now().await;
        });
        works(&rt);
    }
}

#[test]
fn in_the_root_future_leaves_the_runtime_usable() {
    let _watch = watch();
    for rt in runtimes() {
        let stranded = Count::shared();
        let count = stranded.clone();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            rt.block_on(async {
                for _ in 0..300 {
                    let count = count.clone();
                    task::go(async move { count.add() });
                }
                panic!("root");
            })
        }));
        assert!(result.is_err());
        assert!(rt.enter_is_possible());
        rt.block_on(async {
            while stranded.get() < 300 {
                task::yield_now().await;
            }
        });
    }
}

trait Possible {
    fn enter_is_possible(&self) -> bool;
}
impl Possible for Runtime {
    fn enter_is_possible(&self) -> bool {
        let _guard = self.enter();
        dormouse_executor::runtime::Handle::try_current().is_ok()
    }
}

#[test]
fn of_the_main_task_goes_on_in_the_caller() {
    let _watch = watch();
    for rt in runtimes() {
        let result =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| rt.run_main(async { panic!("main") })));
        assert_eq!(result.unwrap_err().downcast_ref::<&str>(), Some(&"main"));
        works(&rt);
    }
}

#[test]
fn in_a_wakers_wake_of_a_timer() {
    let _watch = watch();
    struct Bad;
    impl std::task::Wake for Bad {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("waker");
        }
    }
    for rt in runtimes() {
        rt.block_on(async {
            let bad = std::task::Waker::from(std::sync::Arc::new(Bad));
            // On a slow machine a short one may be over before its first poll.
            let sleep = (0..).find_map(|n| {
                let millis = std::time::Duration::from_millis(1 << n);
                let mut sleep = Box::pin(dormouse_executor::time::sleep(millis));
                sleep.as_mut().poll(&mut std::task::Context::from_waker(&bad)).is_pending().then_some(sleep)
            });
            let sleep = sleep.unwrap();
            while !sleep.is_elapsed() {
                dormouse_executor::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        });
        works(&rt);
    }
    use std::future::Future;
}

/// Runs one of the `child_*` tests below in a process of its own.
fn run(name: &str) -> (Option<i32>, String) {
    let out = child(name).output().unwrap();
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn nobody_joins_report() {
    let (code, stderr) = run("child_report");
    assert_eq!(code, Some(0), "{stderr}");
    for text in ["\"worker-7\"", "tests/panics.rs", "nobody joins it", "lost"] {
        assert!(stderr.contains(text), "{text:?} is missing in: {stderr}");
    }
    assert!(!stderr.contains("nobody joins it: joined"), "{stderr}");
}

#[test]
#[ignore = "run by nobody_joins_report"]
fn child_report() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let dropped = task::Builder::new().name("worker-7").spawn(async { panic!("lost") });
            while !dropped.is_finished() {
                task::yield_now().await;
            }
            drop(dropped);
            assert!(task::spawn(async { panic!("joined") }).await.is_err());
        });
    }
}

#[test]
fn nobody_joins_abort() {
    let (code, stderr) = run("child_abort");
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("nobody joins it: fatal"), "{stderr}");
}

#[test]
#[ignore = "run by nobody_joins_abort"]
fn child_abort() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).on_panic(OnPanic::Abort).build().unwrap();
    rt.block_on(async {
        assert!(task::spawn(async { panic!("joined") }).await.is_err());
        task::go(async { panic!("fatal") });
        pending::<()>().await
    });
}

/// As in Go, where `wg.Go` counts a panic as no end: the program ends before anybody learns that the task has.
#[test]
fn nobody_goes_on_after_the_fatal_panic() {
    for name in ["child_abort_go", "child_abort_dropped"] {
        let (code, stderr) = run(name);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("nobody joins it: fatal") && !stderr.contains("let them go on"), "{stderr}");
    }
}

/// What others wait for, as the future of `WaitGroup::track` is.
struct Awaited(Gate);

impl Future for Awaited {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.0).poll(cx));
        panic!("fatal")
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        eprintln!("let them go on");
    }
}

fn abort_by(spawn: impl FnOnce(Awaited)) {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).on_panic(OnPanic::Abort).build().unwrap();
    rt.block_on(async {
        let gate = Gate::default();
        spawn(Awaited(gate.clone()));
        gate.open();
        pending::<()>().await
    });
}

#[test]
#[ignore = "run by nobody_goes_on_after_the_fatal_panic"]
fn child_abort_go() {
    abort_by(task::go);
}

#[test]
#[ignore = "run by nobody_goes_on_after_the_fatal_panic"]
fn child_abort_dropped() {
    abort_by(|awaited| drop(task::spawn(awaited)));
}
