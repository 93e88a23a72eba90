//! "All tasks are asleep": what is told, and what is not. Each case is a process of its own, as the report goes to stderr.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Deadlock, Runtime};
use dormouse_executor::{task, time};
use dormouse_testing::{Gate, child, watch};
use dormouse_wait::outside::Outside;
use dormouse_wait::{Reason, frame};
use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader};
use std::panic::Location;
use std::pin::pin;
use std::process::{Child, Stdio};
use std::task::Poll;
use std::time::Duration;

const TOLD: &str = "dormouse: all tasks are asleep - deadlock!";

/// Waits for ever, as a receive on a channel does that nobody will send into.
#[track_caller]
fn receive() -> impl Future<Output = ()> {
    let site = Location::caller();
    poll_fn(move |_| {
        frame::note(Reason::ChanReceive, Some(site));
        Poll::Pending
    })
}

fn runtime() -> Runtime {
    Builder::multi_thread().worker_threads(2).deadlock(Deadlock::Warn).build().unwrap()
}

/// What the process of a case does.
fn case(name: &str) {
    match name {
        "tasks" => runtime().block_on(async {
            task::Builder::new().name("one").spawn(receive()).await.unwrap();
        }),
        "current_thread" => {
            Builder::current_thread().deadlock(Deadlock::Warn).build().unwrap().block_on(receive());
        }
        "after_work" => runtime().block_on(async {
            for _ in 0..100 {
                task::spawn(task::yield_now()).await.unwrap();
            }
            time::sleep(Duration::from_millis(150)).await;
            receive().await;
        }),
        "off" => quiet_for(Builder::multi_thread().deadlock(Deadlock::Off).build().unwrap(), receive()),
        "timer" => quiet_for(runtime(), async {
            task::go(receive());
            time::sleep(Duration::from_secs(3600)).await;
        }),
        // tokio#5710: the tick of its deadline ends behind the last nanosecond that there is.
        "far_timer" => quiet_for(runtime(), async {
            let far = pin!(time::sleep(Duration::from_nanos(u64::MAX)));
            futures::future::select(far, pin!(receive())).await;
        }),
        "foreign" => quiet_for(runtime(), async {
            task::go(receive());
            Gate::default().await;
        }),
        "foreign_task" => quiet_for(runtime(), async {
            task::go(Gate::default());
            receive().await;
        }),
        "blocking_job" => quiet_for(runtime(), async {
            drop(task::spawn_blocking(std::thread::park));
            receive().await;
        }),
        "foreign_local_task" => quiet_for(runtime(), async {
            let set = task::LocalSet::new();
            drop(set.spawn_local(Gate::default()));
            set.run_until(receive()).await;
        }),
        "pinned_task" => quiet_for(runtime(), async {
            drop(task::spawn_pinned(|| async { task::block_in_place(std::thread::park) }));
            receive().await;
        }),
        "outside" => {
            let _outside = Outside::new();
            quiet_for(runtime(), receive());
        }
        "nobody_in_block_on" => {
            let rt = runtime();
            rt.block_on(async { task::go(receive()) });
            println!("quiet");
            std::thread::park();
        }
        other => panic!("no case {other:?}"),
    }
}

/// Runs `future` and says so: it is quiet from then on.
fn quiet_for(rt: Runtime, future: impl Future<Output = ()>) {
    rt.block_on(async {
        println!("quiet");
        future.await;
    });
}

#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn child_case() {
    case(&std::env::var("DORMOUSE_TEST_CASE").unwrap());
}

struct Case(Child);

impl Case {
    fn start(name: &str) -> Case {
        let child = child("child_case")
            .env("DORMOUSE_TEST_CASE", name)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Case(child.unwrap())
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The report of a case: `lines` lines of stderr from the first one on.
fn report(name: &str, lines: usize) -> String {
    let mut case = Case::start(name);
    let stderr = BufReader::new(case.0.stderr.take().unwrap());
    let told = stderr.lines().map(Result::unwrap).skip_while(|line| line != TOLD);
    told.take(lines).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_can_never_go_on_is_told() {
    let _watch = watch();
    let text = report("tasks", 4);
    assert!(text.contains("\n  main [join]"), "{text}");
    assert!(text.contains("\n  task 1 \"one\" [chan receive] at executor/tests/deadlock.rs:"), "{text}");
    assert!(text.contains(", spawned at executor/tests/deadlock.rs:"), "{text}");
    assert!(text.contains("runtime::Builder::deadlock"), "{text}");
    for case in ["current_thread", "after_work"] {
        let text = report(case, 2);
        assert!(text.contains("\n  main [chan receive] at executor/tests/deadlock.rs:"), "{case}: {text}");
    }
}

/// Nothing is told for three times as long as it takes. (Slower machines tell later; then this sees less, but is right.)
#[test]
fn what_may_go_on_is_not_told() {
    let _watch = watch();
    let names = [
        "off",
        "timer",
        "far_timer",
        "foreign",
        "foreign_task",
        "foreign_local_task",
        "blocking_job",
        "pinned_task",
        "outside",
        "nobody_in_block_on",
    ];
    let mut cases = names.map(Case::start);
    for case in &mut cases {
        let stdout = BufReader::new(case.0.stdout.as_mut().unwrap());
        assert!(stdout.lines().any(|line| line.unwrap().ends_with("quiet")));
    }
    std::thread::sleep(Duration::from_millis(300));
    for (name, mut case) in names.into_iter().zip(cases) {
        case.0.kill().unwrap();
        let stderr = BufReader::new(case.0.stderr.take().unwrap());
        let text: Vec<_> = stderr.lines().map(Result::unwrap).collect();
        assert!(!text.iter().any(|line| line == TOLD), "{name}: {text:?}");
    }
}
