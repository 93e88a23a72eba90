//! The simulator: same seed, same run; virtual time; what fails a run, and what it says.
#![allow(missing_docs)]
use dormouse_executor::runtime::Runtime;
use dormouse_executor::sim::{self, Builder, Failure, FailureKind, Strategy};
use dormouse_executor::task;
use dormouse_executor::time::{Instant, interval, sleep, timeout};
use dormouse_testing::{Gate, on_drop, watch};
use std::collections::BTreeSet;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const STRATEGIES: [Strategy; 4] =
    [Strategy::Mixed, Strategy::Random, Strategy::Pct { changes: 2 }, Strategy::RoundRobin];

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Tasks that yield and sleep, and note the order in which they did.
async fn noisy(tasks: u32) -> Vec<u32> {
    let order = Arc::new(Mutex::new(Vec::new()));
    let handles: Vec<_> = (0..tasks)
        .map(|n| {
            let order = order.clone();
            task::spawn(async move {
                for _ in 0..3 {
                    task::yield_now().await;
                    sleep(secs(sim::rng().range(0..3))).await;
                    order.lock().unwrap().push(n);
                }
            })
        })
        .collect();
    for handle in handles {
        handle.await.unwrap();
    }
    Arc::into_inner(order).unwrap().into_inner().unwrap()
}

fn fails(builder: &Builder, future: impl Future<Output = ()>) -> Failure {
    builder.try_run(future).map(|_| ()).unwrap_err()
}

#[track_caller]
fn says(failure: &Failure, parts: &[&str]) {
    let text = failure.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[track_caller]
fn panics(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it should panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().expect("a text").to_string(),
    }
}

// --- the same run ---------------------------------------------------------------------------------------------------

#[test]
fn a_seed_repeats_its_run() {
    let _watch = watch();
    for strategy in STRATEGIES {
        let mut hashes = BTreeSet::new();
        for seed in 0..50 {
            let run = || Builder::new().strategy(strategy).seed(seed).try_run(noisy(5)).unwrap();
            let (a, b) = (run(), run());
            assert_eq!((&a.output, a.hash, a.steps, a.elapsed()), (&b.output, b.hash, b.steps, b.elapsed()));
            hashes.insert(a.hash);
        }
        assert!(hashes.len() > 40, "{strategy:?}: {} different runs of 50", hashes.len());
    }
}

#[test]
fn a_seed_repeats_its_run_in_another_process() {
    let _watch = watch();
    let hash = || Builder::new().seed(11).try_run(noisy(5)).unwrap().hash;
    if std::env::var_os("DORMOUSE_TEST_CHILD").is_some() {
        println!("hash={}", hash());
        return;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_seed_repeats_its_run_in_another_process", "--nocapture"])
        .env("DORMOUSE_TEST_CHILD", "1")
        .output()
        .unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    assert!(said.contains(&format!("hash={}", hash())), "{said}");
}

#[test]
fn equal_timers_fire_in_any_order() {
    let _watch = watch();
    let mut firsts = BTreeSet::new();
    sim::explore(50, async || {
        let first = Arc::new(Mutex::new(None));
        let handles: Vec<_> = (0..3)
            .map(|n| {
                let first = first.clone();
                task::spawn(async move {
                    sleep(secs(1)).await;
                    first.lock().unwrap().get_or_insert(n);
                })
            })
            .collect();
        for handle in handles {
            handle.await.unwrap();
        }
        firsts.insert(first.lock().unwrap().unwrap());
    });
    assert_eq!(firsts.len(), 3);
}

#[test]
fn every_order_of_three_tasks_is_found() {
    let _watch = watch();
    for strategy in [Strategy::Mixed, Strategy::Random, Strategy::Pct { changes: 1 }] {
        let mut orders = BTreeSet::new();
        for seed in 0..200 {
            let order = Builder::new().strategy(strategy).seed(seed).run(async {
                let order = Arc::new(Mutex::new(Vec::new()));
                let handles = [0, 1, 2].map(|n| {
                    let order = order.clone();
                    task::spawn(async move { order.lock().unwrap().push(n) })
                });
                for handle in handles {
                    handle.await.unwrap();
                }
                order.lock().unwrap().clone()
            });
            orders.insert(order);
        }
        assert_eq!(orders.len(), 6, "{strategy:?}");
    }
}

// --- time -----------------------------------------------------------------------------------------------------------

#[test]
fn time_is_virtual_and_exact() {
    let _watch = watch();
    for strategy in STRATEGIES {
        let run = Builder::new().strategy(strategy).try_run(async {
            let start = Instant::now();
            for n in [1, 999, 1_000_000, 123_456_789_123] {
                sleep(Duration::from_nanos(n)).await;
            }
            sleep(secs(86_400 * 365)).await;
            start.elapsed()
        });
        let run = run.unwrap();
        assert_eq!(run.output, secs(86_400 * 365) + Duration::from_nanos(123_457_790_123));
        assert_eq!(run.elapsed(), run.output);
    }
}

#[test]
fn the_clock_stands_while_anything_can_run() {
    let _watch = watch();
    Builder::new().run(async {
        let busy = task::spawn(async {
            for _ in 0..1_000 {
                task::yield_now().await;
            }
            sim::now()
        });
        sleep(secs(1)).await;
        assert_eq!(busy.await.unwrap(), Duration::ZERO);
    });
}

#[test]
fn timeouts_and_intervals() {
    let _watch = watch();
    sim::explore(20, || async {
        assert!(timeout(secs(3), pending::<()>()).await.is_err());
        assert_eq!(sim::now(), secs(3));
        assert_eq!(timeout(secs(3), sleep(secs(2))).await, Ok(()));
        assert_eq!(sim::now(), secs(5));
        let mut ticks = interval(secs(10));
        for n in 0..4 {
            ticks.tick().await;
            assert_eq!(sim::now(), secs(5 + 10 * n));
        }
    });
}

#[test]
fn many_tasks_and_much_time() {
    let _watch = watch();
    let run = Builder::new().try_run(async {
        let tasks: Vec<_> = (0..10_000)
            .map(|n| {
                task::spawn(async move {
                    for turn in 0..10 {
                        sleep(secs((n * 7 + turn * 13) % 200_000)).await;
                    }
                    sleep(secs(1_000_000).saturating_sub(sim::now())).await;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let run = run.unwrap();
    assert_eq!(run.elapsed(), secs(1_000_000));
}

// --- quiet moments --------------------------------------------------------------------------------------------------

#[test]
fn wait_returns_when_all_others_are_blocked() {
    let _watch = watch();
    sim::explore(100, || async {
        let count = Arc::new(AtomicU32::new(0));
        for _ in 0..5 {
            let count = count.clone();
            task::go(async move {
                task::yield_now().await;
                count.fetch_add(1, SeqCst);
                sleep(secs(1)).await;
                count.fetch_add(1, SeqCst);
            });
        }
        sim::wait().await;
        assert_eq!((count.load(SeqCst), sim::now()), (5, Duration::ZERO));
        sim::sleep(secs(1)).await;
        assert_eq!((count.load(SeqCst), sim::now()), (10, secs(1)));
    });
}

#[test]
fn several_wait_one_after_the_other() {
    let _watch = watch();
    sim::explore(50, || async {
        let order = Arc::new(Mutex::new(Vec::new()));
        let waits = |n: u32| {
            let order = order.clone();
            async move {
                sim::wait().await;
                order.lock().unwrap().push(n);
                task::yield_now().await;
                order.lock().unwrap().push(n);
            }
        };
        let (a, b) = (task::spawn(waits(1)), task::spawn(waits(2)));
        a.await.unwrap();
        b.await.unwrap();
        let order = order.lock().unwrap();
        assert!(*order == [1, 1, 2, 2] || *order == [2, 2, 1, 1], "{order:?}");
    });
}

#[test]
fn a_dropped_wait_waits_no_more() {
    let _watch = watch();
    Builder::new().run(async {
        let mut wait = Box::pin(sim::wait());
        assert!(futures::poll!(wait.as_mut()).is_pending());
        drop(wait);
        sim::wait().await;
        assert!(timeout(secs(1), async { sim::sleep(secs(5)).await }).await.is_err());
    });
}

// --- failures -------------------------------------------------------------------------------------------------------

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
            "task 1 \"waits\" [external], spawned at executor/tests/sim.rs:",
            "task 1 \"waits\" runs, then [external]",
            "main runs, then [sleep] at executor/tests/sim.rs:",
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

// --- what it has no control over ------------------------------------------------------------------------------------

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
    if std::env::var_os("DORMOUSE_TEST_CHILD").is_some() {
        sim::explore(3, || async { println!("ran {}", sim::rng().next_u64()) });
        return;
    }
    let child = |variable: &str, value: &str| {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "bad_seeds_in_the_environment", "--nocapture"])
            .env("DORMOUSE_TEST_CHILD", "1")
            .env(variable, value)
            .output()
            .unwrap();
        let said = String::from_utf8(child.stdout).unwrap() + &String::from_utf8(child.stderr).unwrap();
        (child.status.success(), said)
    };
    for variable in ["DORMOUSE_SEED", "DORMOUSE_SEEDS"] {
        for value in ["x", "-1", "", "1.5"] {
            let (ok, said) = child(variable, value);
            assert!(
                !ok && said.contains(&format!("{variable} is \"{value}\", but must be a whole number")),
                "{said}"
            );
        }
    }
    assert!(child("DORMOUSE_SEEDS", "0").1.contains("at least one seed"));
    assert_eq!(child("DORMOUSE_SEED", "5").1.matches("ran ").count(), 1);
    assert_eq!(child("DORMOUSE_SEEDS", "9").1.matches("ran ").count(), 9);
    assert_eq!(child("DORMOUSE_OTHER", "9").1.matches("ran ").count(), 3);
}

// --- faults ---------------------------------------------------------------------------------------------------------

#[test]
fn spurious_polls_happen_and_do_no_harm() {
    let _watch = watch();
    let polls = Arc::new(AtomicU32::new(0));
    Builder::new().spurious_polls(0.5).explore(50, || {
        let polls = polls.clone();
        async move {
            let gate = Gate::default();
            let waiting = gate.clone();
            let counts = task::spawn(std::future::poll_fn(move |cx| {
                polls.fetch_add(1, SeqCst);
                std::pin::pin!(waiting.clone()).poll(cx)
            }));
            noisy(3).await;
            gate.open();
            counts.await.unwrap();
        }
    });
    assert!(polls.load(SeqCst) > 200, "{polls:?} polls in 50 runs");
}

#[test]
fn random_aborts_happen_at_awaits() {
    let _watch = watch();
    let (mut aborted, mut finished) = (0, 0);
    for seed in 0..200 {
        Builder::new().seed(seed).random_aborts(0.1).run(async {
            let dropped = Arc::new(AtomicU32::new(0));
            let handles: Vec<_> = (0..4)
                .map(|_| {
                    let dropped = dropped.clone();
                    let guard = on_drop(move || _ = dropped.fetch_add(1, SeqCst));
                    task::spawn(async move {
                        let _guard = guard;
                        for _ in 0..3 {
                            task::yield_now().await;
                        }
                    })
                })
                .collect();
            for handle in handles {
                match handle.await {
                    Ok(()) => finished += 1,
                    Err(error) => {
                        assert!(error.is_cancelled());
                        aborted += 1;
                    }
                }
            }
            assert_eq!(dropped.load(SeqCst), 4);
        });
    }
    assert!(aborted > 50 && finished > 50, "{aborted} aborted, {finished} finished");
}

/// No fault comes between a quiet moment and the turn of who waited for it.
#[test]
fn faults_leave_a_quiet_moment_alone() {
    let _watch = watch();
    Builder::new().random_aborts(0.3).explore(1_000, || async {
        let ran = Arc::new(AtomicU32::new(0));
        let counts = ran.clone();
        let waits = task::spawn(async move {
            let _guard = on_drop(move || {
                counts.fetch_add(1, SeqCst);
                task::go(async move { _ = counts.fetch_sub(1, SeqCst) });
            });
            pending::<()>().await;
        });
        sim::wait().await;
        // Aborted or not: whom its destructor spawned has ended, by itself or by an abort.
        assert!(!waits.is_finished() || Arc::strong_count(&ran) == 1, "it is not quiet");
        waits.abort();
        _ = waits.await;
    });
}

// --- the end --------------------------------------------------------------------------------------------------------

#[test]
fn every_destructor_runs_however_it_ends() {
    let _watch = watch();
    let dropped = Arc::new(AtomicU32::new(0));
    let guard = || {
        let dropped = dropped.clone();
        on_drop(move || _ = dropped.fetch_add(1, SeqCst))
    };
    let failure = fails(&Builder::new(), async {
        for _ in 0..10 {
            let (outer, inner) = (guard(), guard());
            task::go(async move {
                let _outer = outer;
                task::go(async move {
                    let _inner = inner;
                    sleep(Duration::MAX).await;
                });
                pending::<()>().await;
            });
        }
        let _own = guard();
        sleep(secs(1)).await;
        panic!("enough");
    });
    assert_eq!(failure.kind(), FailureKind::Main);
    assert_eq!(dropped.load(SeqCst), 21);
}

#[test]
fn a_destructor_may_spawn_and_panic() {
    let _watch = watch();
    let failure = fails(&Builder::new().allow_leaks(), async {
        let guard = on_drop(|| {
            task::go(async {}); // refused, and dropped
            panic!("in drop");
        });
        task::go(async move {
            let _guard = guard;
            pending::<()>().await;
        });
    });
    says(&failure, &["in drop"]);
}
