//! Bugs that other runtimes had, and bad input that only a process of its own can be given.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Runtime};
use dormouse_executor::task;
use dormouse_executor::time::{Duration, sleep};
use dormouse_testing::{Calls, Event, Gate, OnDrop, child, on_drop, until, watch};
#[cfg(all(target_os = "linux", not(dormouse_asan)))]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::cell::RefCell;
use std::future::{Future, pending};
use std::pin::pin;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, mpsc};
use std::task::Context;

fn runtimes() -> [Runtime; 2] {
    [Builder::multi_thread().worker_threads(2).build().unwrap(), Builder::current_thread().build().unwrap()]
}

/// Runs one of the `child_*` tests below in a process of its own: its exit code, and what it says on stderr.
fn run(name: &str, envs: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut child =
        child(name).envs(envs.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let text = std::thread::spawn(move || std::io::read_to_string(&mut stderr).unwrap());
    for _ in 0..3_000 {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), text.join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("{name} hangs: {}", text.join().unwrap());
}

/// tokio#2309: a thread cannot be started. 256 TiB of stack are beyond every address space.
#[test]
fn no_thread_can_be_started() {
    let _watch = watch();
    let (code, stderr) = run("child_without_threads", &[("RUST_MIN_STACK", "281474976710656")]);
    assert_eq!(code, Some(0), "{stderr}");
    for text in [
        "dormouse: a worker thread could not be started",
        "dormouse: a blocking job is cancelled, as no thread could be started for it",
        "dormouse: no thread could be started to drop the runtime's tasks, they stay",
    ] {
        assert_eq!(stderr.matches(text).count(), 1, "{text:?} in: {stderr}");
    }
}

#[test]
#[ignore = "run by no_thread_can_be_started"]
fn child_without_threads() {
    let error = Builder::multi_thread().worker_threads(2).build().unwrap_err().to_string();
    assert!(error.contains("a worker thread could not be started"), "{error}");
    // The thread that blocks on it is one of the workers: nothing else is needed.
    let rt = Builder::multi_thread().worker_threads(1).build().unwrap();
    let waits: Vec<_> = (0..10).map(|number| rt.spawn(async move { number })).collect();
    rt.block_on(async {
        for (number, task) in waits.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), number);
        }
        let job = task::spawn_blocking(|| 1);
        assert!(job.await.unwrap_err().is_cancelled());
    });
    drop(rt.spawn(pending::<()>()));
    rt.shutdown_timeout(Duration::ZERO);
}

/// tokio#8408: a job comes while the workers are the only threads, and no more can be started: nobody would take it.
#[test]
#[cfg(all(target_os = "linux", not(dormouse_asan)))]
fn no_thread_beside_the_workers_can_be_started() {
    let _watch = watch();
    // As much stack as the rest of the process has no room for. And one heap, as a new one takes all the room for a moment.
    let envs = [("RUST_MIN_STACK", "268435456"), ("MALLOC_ARENA_MAX", "1")];
    let (code, stderr) = run("child_at_the_limit", &envs);
    assert_eq!(code, Some(0), "{stderr}");
    let told = "dormouse: a blocking job is cancelled, as no thread could be started for it";
    assert_eq!(stderr.matches(told).count(), 1, "{stderr}");
}

#[test]
#[cfg(all(target_os = "linux", not(dormouse_asan)))]
#[ignore = "run by no_thread_beside_the_workers_can_be_started"]
fn child_at_the_limit() {
    let _watch = watch();
    let build = || Builder::multi_thread().worker_threads(2).build().unwrap();
    let (without, with) = (build(), build());
    let (begin, begun) = mpsc::channel();
    let (open, opened) = mpsc::channel();
    let first = with.spawn_blocking(move || {
        begin.send(()).unwrap();
        opened.recv().unwrap()
    });
    begun.recv().unwrap();
    // Room for half a stack; less, if a thread has begun to start meanwhile: then once more.
    let taken = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
        pages * rustix::param::page_size() as u64
    };
    let maximum = getrlimit(Resource::As).maximum;
    while {
        let room = taken() + (128 << 20);
        setrlimit(Resource::As, Rlimit { current: Some(room), maximum }).unwrap();
        taken() + (64 << 20) > room
    } {}
    assert!(std::thread::Builder::new().spawn(|| ()).is_err());

    let job = without.spawn_blocking(|| 1);
    assert!(without.block_on(job).unwrap_err().is_cancelled());
    assert_eq!(without.block_on(without.spawn(async { 2 })).unwrap(), 2);
    // Where there is a thread, it takes the job after its own.
    let second = with.spawn_blocking(|| 3);
    open.send(4).unwrap();
    assert_eq!(with.block_on(first).unwrap(), 4);
    assert_eq!(with.block_on(second).unwrap(), 3);
}

/// tokio#6999: `yield_now` under the `block_on` of another library, inside a task: nobody but that one polls it again.
#[test]
fn a_yield_under_a_foreign_block_on_returns() {
    let _watch = watch();
    for rt in runtimes() {
        let yields = || futures::executor::block_on(task::yield_now());
        rt.block_on(async {
            yields();
            task::spawn(async move { yields() }).await.unwrap();
            task::spawn_blocking(yields).await.unwrap();
        });
        let handle = rt.handle().clone();
        rt.block_on(rt.spawn_blocking(move || handle.block_on(task::yield_now()))).unwrap();
    }
}

/// Not from a peer: names that the system does not take, and a function for names that panics.
#[test]
fn bad_thread_names_do_no_harm() {
    let _watch = watch();
    let name = || std::thread::current().name().map(String::from);
    let rt = Builder::multi_thread().worker_threads(2).thread_name("a\0b").build().unwrap();
    assert_eq!(rt.block_on(rt.spawn_blocking(name)).unwrap().as_deref(), Some("ab"));
    let bad = || -> String { panic!("no name") };
    let rt = Builder::multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .thread_name_fn(bad)
        .build()
        .unwrap();
    for _ in 0..3 {
        assert_eq!(rt.block_on(rt.spawn_blocking(|| 7)).unwrap(), 7);
        assert_eq!(rt.block_on(rt.spawn(async { 8 })).unwrap(), 8);
    }
}

type Late = RefCell<Option<OnDrop<Box<dyn FnOnce()>>>>;

/// async-executor#136, on the runtime's own threads: they end, and their thread-locals wake, spawn and abort.
#[test]
fn thread_local_destructors_of_the_runtimes_own_threads() {
    thread_local!(static LATE: Late = const { RefCell::new(None) });
    let _watch = watch();
    for _ in 0..20 {
        let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
        let (ran, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let gate = Gate::default();
        let waits = rt.spawn(gate.clone());
        until(|| gate.waiting() == 1);
        let wakers = gate.wakers();
        let abort = waits.abort_handle();
        let late = {
            let (ran, refused, handle) = (ran.clone(), refused.clone(), rt.handle().clone());
            move || {
                let late: Box<dyn FnOnce()> = Box::new(move || {
                    wakers.iter().for_each(|waker| waker.wake_by_ref());
                    abort.abort();
                    let task = handle.spawn(async {});
                    refused.fetch_add(usize::from(task.is_finished()), SeqCst);
                    ran.fetch_add(1, SeqCst);
                });
                LATE.set(Some(on_drop(late)));
            }
        };
        let job = rt.spawn_blocking(late.clone());
        let task = rt.spawn(async move { late() });
        until(|| job.is_finished() && task.is_finished());
        rt.shutdown_timeout(Duration::from_secs(60));
        until(|| ran.load(SeqCst) == 2);
        assert_eq!(refused.load(SeqCst), 2, "their runtime has ended");
        assert!(waits.is_finished());
    }
}

/// async-executor#60: tasks are spawned and woken in the Drop of tasks, of outputs and of panics.
#[test]
fn drops_spawn_and_wake() {
    let _watch = watch();
    for rt in runtimes() {
        let (gate, ran) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
        let guard = || {
            let (gate, ran) = (gate.clone(), ran.clone());
            on_drop(move || {
                gate.wakers().into_iter().for_each(|waker| waker.wake());
                task::go(async move { _ = ran.fetch_add(1, SeqCst) });
            })
        };
        rt.block_on(async {
            task::go(gate.clone());
            let (first, second, third) = (guard(), guard(), guard());
            let aborted = task::spawn(async move {
                let _first = first;
                pending::<()>().await
            });
            task::yield_now().await;
            aborted.abort();
            drop(aborted);
            task::go(async move { second });
            drop(task::spawn(async move { std::panic::panic_any(third) }));
            while ran.load(SeqCst) < 3 {
                task::yield_now().await;
            }
            gate.open();
        });
    }
}

/// async-executor#57, #104: a worker leaves with a full ring and a full LIFO cell, by a panic of its root future.
#[test]
fn a_root_that_panics_leaves_its_tasks_to_others() {
    let _watch = watch();
    for (index, rt) in runtimes().into_iter().enumerate() {
        let ran = Arc::new(AtomicUsize::new(0));
        let lost = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            rt.block_on(async {
                for _ in 0..1_000 {
                    let ran = ran.clone();
                    task::go(async move { _ = ran.fetch_add(1, SeqCst) });
                }
                panic!("root");
            })
        }));
        assert!(lost.is_err());
        if index == 1 {
            // The current-thread one, where nobody else works.
            rt.block_on(async {
                while ran.load(SeqCst) < 1_000 {
                    task::yield_now().await;
                }
            });
        }
        // Without another sitter in the slot that was left.
        until(|| ran.load(SeqCst) == 1_000);
    }
}

/// Not from a peer: an abort is finished when the destructor is, not when it begins.
#[test]
fn an_abort_is_not_finished_inside_the_destructor() {
    let _watch = watch();
    for rt in runtimes() {
        let own = Arc::new(OnceLock::<task::AbortHandle>::new());
        let inside = own.clone();
        let guard = on_drop(move || assert!(!inside.wait().is_finished()));
        let waits = rt.spawn(async move {
            let _guard = guard;
            pending::<()>().await
        });
        own.set(waits.abort_handle()).unwrap();
        waits.abort();
        assert!(rt.block_on(waits).unwrap_err().is_cancelled(), "the destructor did not panic");
        assert!(own.wait().is_finished());
    }
}

/// The one exception among wakers that panic: one that waits for a task ends the process, after its own message.
#[test]
fn a_joiners_waker_that_panics_ends_the_process() {
    let _watch = watch();
    let (code, stderr) = run("child_joiner", &[]);
    assert_eq!(code, None, "a signal: {stderr}");
    assert!(stderr.contains("the joiner's waker") && !stderr.contains("goes on"), "{stderr}");
}

#[test]
#[ignore = "run by a_joiners_waker_that_panics_ends_the_process"]
fn child_joiner() {
    let rt = Builder::current_thread().build().unwrap();
    let calls = Calls::new(|event| assert_ne!(event, Event::Wake, "the joiner's waker"));
    let waker = calls.waker();
    let mut join = pin!(rt.spawn(async {}));
    assert!(join.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    rt.block_on(sleep(Duration::from_millis(1)));
    eprintln!("goes on");
}
