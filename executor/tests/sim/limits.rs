//! What the simulator has no control over: it says so, and what to do; bad options and seeds.
use crate::{fails, says};
use dormouse_executor::runtime::Runtime;
use dormouse_executor::sim::{self, Builder, FailureKind};
use dormouse_executor::task;
use dormouse_testing::{Gate, child, panics, watch};
use std::future::pending;

#[test]
fn blocking_jobs() {
    let _watch = watch();
    let job = || async { task::spawn_blocking(|| 7).await.unwrap() };
    assert!(panics(|| _ = Builder::new().run(job())).contains("sim::Builder::inline_blocking"));
    assert_eq!(Builder::new().inline_blocking().run(job()), 7);
    let failure = fails(&Builder::new().inline_blocking(), async {
        let blocks = || dormouse_wait::blocking::wait_for("`recv_blocking`", "recv().await", pending::<()>());
        task::spawn_blocking(blocks).await.unwrap();
    });
    says(&failure, &["`recv_blocking` was called inside an async task"]);
}

#[test]
fn other_runtimes_are_refused() {
    let _watch = watch();
    Builder::new().run(async {
        let error = Runtime::new().unwrap_err();
        assert!(error.to_string().contains("inside a simulated run"), "{error}");
    });
    let nested = || Builder::new().run(async { Builder::new().run(async {}) });
    assert!(panics(nested).contains("inside an async task"));
    assert!(Runtime::new().is_ok());
}

#[test]
fn a_wake_up_from_another_thread_fails_the_run() {
    let _watch = watch();
    for main in [false, true] {
        let failure = fails(&Builder::new(), async {
            let gate = Gate::default();
            let waiting = gate.clone();
            let waits = async {
                let opens = gate.clone();
                sim::wait().await;
                std::thread::spawn(move || opens.open()).join().unwrap();
                task::yield_now().await;
            };
            if main {
                futures::join!(waits, waiting);
            } else {
                task::go(waiting);
                waits.await;
            }
        });
        assert_eq!(failure.kind(), FailureKind::Disturbed);
        says(&failure, &["another thread woke a task"]);
    }
}

#[test]
fn outside_of_a_run() {
    assert!(!sim::is_active());
    assert!(panics(|| _ = sim::now()).contains("`sim::now` was called outside of a simulated run"));
    assert!(panics(|| _ = sim::rng()).contains("outside of a simulated run"));
    assert!(panics(|| futures::executor::block_on(sim::wait())).contains("`sim::wait`"));
    Builder::new().run(async { assert!(sim::is_active()) });
}

#[test]
fn bad_numbers() {
    assert!(panics(|| _ = Builder::new().spurious_polls(1.5)).contains("from 0.0 to 1.0, not 1.5"));
    assert!(panics(|| _ = Builder::new().random_aborts(f64::NAN)).contains("not NaN"));
    Builder::new().run(async {
        let rng = sim::rng();
        assert!(panics(|| _ = rng.chance(-0.1)).contains("not -0.1"));
        let empty = 3..3;
        assert!(panics(|| _ = rng.range(empty)).contains("empty range: 3..3"));
        assert_eq!(rng.pick::<u8>(&[]), None);
    });
}

#[test]
fn bad_seeds_in_the_environment() {
    let _watch = watch();
    let run = |variable: &str, value: &str| {
        let out = child("limits::child_explores").env(variable, value).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap();
        (out.status.success(), said)
    };
    for variable in ["DORMOUSE_SEED", "DORMOUSE_SEEDS"] {
        for value in ["x", "-1", "", "1.5"] {
            let (ok, said) = run(variable, value);
            assert!(
                !ok && said.contains(&format!("{variable} is \"{value}\", but must be a whole number")),
                "{said}"
            );
        }
    }
    assert!(run("DORMOUSE_SEEDS", "0").1.contains("at least one seed"));
    assert_eq!(run("DORMOUSE_SEED", "5").1.matches("ran ").count(), 1);
    assert_eq!(run("DORMOUSE_SEEDS", "9").1.matches("ran ").count(), 9);
    assert_eq!(run("DORMOUSE_OTHER", "9").1.matches("ran ").count(), 3);
}

#[test]
#[ignore = "run by bad_seeds_in_the_environment"]
fn child_explores() {
    let _watch = watch();
    sim::explore(3, || async { println!("ran {}", sim::rng().next_u64()) });
}
