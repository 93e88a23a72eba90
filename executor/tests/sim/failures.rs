//! What fails a run, and what the report says.
use crate::{STRATEGIES, fails, noisy, says, secs};
use dormouse_executor::sim::{self, Builder, FailureKind, Strategy};
use dormouse_executor::task;
use dormouse_executor::time::sleep;
use dormouse_testing::{Gate, panics, watch};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

#[test]
fn a_deadlock_is_told() {
    let _watch = watch();
    let gate = Gate::default();
    let failure = fails(&Builder::new().seed(5), async {
        let gate = gate.clone();
        let waits = task::Builder::new().name("waits").spawn(gate);
        sleep(secs(2)).await;
        waits.await.unwrap();
    });
    assert_eq!((failure.kind(), failure.seed()), (FailureKind::Deadlock, 5));
    says(
        &failure,
        &[
            "all tasks are asleep - deadlock!",
            "seed 5, virtual time 2s",
            "DORMOUSE_SEED=5",
            "main [join]",
            "task 1 \"waits\" [external], spawned at executor/tests/sim/failures.rs:",
            "task 1 \"waits\" runs, then [external]",
            "main runs, then [sleep] at executor/tests/sim/failures.rs:",
            "the clock moves on",
        ],
    );
}

#[test]
fn the_report_of_a_seed_is_always_the_same() {
    let _watch = watch();
    let failure = || {
        fails(&Builder::new().seed(3), async {
            noisy(3).await;
            pending::<()>().await;
        })
    };
    let (a, b) = (failure(), failure());
    assert_eq!((a.hash(), a.to_string()), (b.hash(), b.to_string()));
}

#[test]
fn tasks_left_are_told() {
    let _watch = watch();
    let leaky = || async {
        task::go(pending::<()>());
        task::go(async { sleep(secs(1)).await }); // the clock stands when main is done
        task::go(async { task::yield_now().await }); // ends by itself
    };
    let failure = fails(&Builder::new(), leaky());
    assert_eq!(failure.kind(), FailureKind::Leak);
    says(&failure, &["main is done, and 2 of its tasks are left", "[sleep]", "task 1 [external]"]);
    Builder::new().allow_leaks().run(leaky());
}

#[test]
fn livelocks_are_told() {
    let _watch = watch();
    for strategy in STRATEGIES {
        let failure = fails(&Builder::new().strategy(strategy).max_steps(1_000), async {
            loop {
                task::yield_now().await;
            }
        });
        assert_eq!(failure.kind(), FailureKind::Livelock);
        says(&failure, &["no end after 1000 steps", "main runs, then [yield]"]);
    }
    let failure = fails(&Builder::new().max_time(secs(60)), async {
        loop {
            sleep(secs(7)).await;
        }
    });
    assert_eq!(failure.kind(), FailureKind::Livelock);
    says(&failure, &["virtual time 63s"]);
}

/// However often main is woken before its turn, it is polled once, and not after its end.
#[test]
fn main_has_one_turn_at_a_time() {
    let _watch = watch();
    sim::explore(200, || async {
        let (a, b) = (task::spawn(sleep(secs(1))), task::spawn(sleep(secs(1))));
        futures::future::select(a, b).await.factor_first().0.unwrap();
    });
}

#[test]
fn a_report_tells_of_options_and_of_what_could_run() {
    let _watch = watch();
    let builder = Builder::new().strategy(Strategy::RoundRobin).spurious_polls(0.001).max_steps(500);
    let failure = fails(&builder, async {
        task::Builder::new().name("spins").go(async {
            loop {
                task::yield_now().await;
            }
        });
        pending::<()>().await;
    });
    says(&failure, &["strategy RoundRobin, spurious_polls 0.001", "task 1 \"spins\" [runnable]", " times\n"]);
}

/// Who yields lets the others go on, with every strategy.
#[test]
fn a_spinning_task_starves_nobody() {
    let _watch = watch();
    for strategy in STRATEGIES {
        Builder::new().strategy(strategy).max_steps(100_000).explore(50, || async {
            let flag = Arc::new(AtomicBool::new(false));
            let set = flag.clone();
            task::go(async move { set.store(true, SeqCst) });
            while !flag.load(SeqCst) {
                task::yield_now().await;
            }
        });
    }
}

#[test]
fn a_panic_that_nobody_joins_fails_the_run() {
    let _watch = watch();
    let failure = fails(&Builder::new(), async {
        task::go(async { panic!("nobody sees this") });
        sleep(secs(1)).await;
    });
    assert_eq!(failure.kind(), FailureKind::Panic);
    says(&failure, &["panicked, and nobody joins it: nobody sees this", "virtual time 0ns"]);
    // One that is joined is the joiner's.
    Builder::new().run(async {
        assert!(task::spawn(async { panic!("joined") }).await.unwrap_err().is_panic());
    });
    // The handle goes at the very end.
    let failure = fails(&Builder::new().allow_leaks(), async {
        let bad = task::spawn(async { panic!("late") });
        task::go(async move {
            pending::<()>().await;
            drop(bad);
        });
    });
    assert_eq!(failure.kind(), FailureKind::Panic);
    says(&failure, &["late"]);
}

#[test]
fn mains_panic_goes_on() {
    let _watch = watch();
    let run = || Builder::new().run(async { panic!("main's own") });
    assert_eq!(panics(run), "main's own");
    let failure = fails(&Builder::new(), async { panic!("main's own") });
    assert_eq!(failure.kind(), FailureKind::Main);
    says(&failure, &["main panicked: main's own"]);
    let failure = Builder::new().try_explore(3, || async { Err("no luck") }).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Main);
    says(&failure, &["main returned an error: \"no luck\""]);
}

#[test]
fn explore_gives_the_first_seed_that_fails() {
    let _watch = watch();
    let failure = Builder::new()
        .seed(10)
        .try_explore(100, || async { assert!(sim::rng().range(0..10) != 3) })
        .unwrap_err();
    assert!((10..110).contains(&failure.seed()));
    let again = fails(&Builder::new().seed(failure.seed()), async { assert!(sim::rng().range(0..10) != 3) });
    assert_eq!(failure.hash(), again.hash());
}
