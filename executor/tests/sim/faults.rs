//! Faults on purpose; and the end, however it comes: every destructor runs.
use crate::{fails, noisy, says, secs};
use dormouse_executor::sim::{self, Builder, FailureKind};
use dormouse_executor::task;
use dormouse_executor::time::sleep;
use dormouse_testing::{Count, Gate, on_drop, watch};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

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
            let dropped = Count::shared();
            let handles: Vec<_> = (0..4)
                .map(|_| {
                    let guard = dropped.on_drop();
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
            assert_eq!(dropped.get(), 4);
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

#[test]
fn every_destructor_runs_however_it_ends() {
    let _watch = watch();
    let dropped = Count::shared();
    let guard = || dropped.on_drop();
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
    assert_eq!(dropped.get(), 21);
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
