//! Polls that do not end: everybody else goes on.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Handle, Runtime, SchedulerCounts};
use dormouse_executor::{task, time};
use dormouse_testing::{Count, Gate, child, until, watch};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A gate that blocks threads.
#[derive(Clone, Default)]
struct Wall(Arc<(Mutex<(bool, usize)>, Condvar)>);

impl Wall {
    fn block(&self) {
        let mut state = self.0.0.lock().unwrap();
        state.1 += 1;
        drop(self.0.1.wait_while(state, |state| !state.0).unwrap());
    }

    fn blocked(&self) -> usize {
        self.0.0.lock().unwrap().1
    }

    fn open(&self) {
        self.0.0.lock().unwrap().0 = true;
        self.0.1.notify_all();
    }
}

fn runtime(workers: usize) -> Runtime {
    Builder::multi_thread().worker_threads(workers).build().unwrap()
}

fn counts(rt: &Runtime) -> SchedulerCounts {
    rt.handle().scheduler_counts()
}

/// Waits until the seats are as many as the workers again.
fn until_back(rt: &Runtime, workers: usize) {
    until(|| {
        let counts = counts(rt);
        assert!(counts.seated <= counts.seats);
        counts.seats == workers
    });
}

#[test]
fn all_go_on_while_every_worker_is_blocked() {
    let _watch = watch();
    for workers in [1, 2] {
        let rt = runtime(workers);
        let (wall, done) = (Wall::default(), Count::shared());
        let timer = rt.spawn({
            let done = done.clone();
            async move {
                for _ in 0..5 {
                    time::sleep(Duration::from_millis(3)).await;
                }
                done.add();
            }
        });
        let blocked: Vec<_> = (0..workers)
            .map(|_| {
                let (wall, done) = (wall.clone(), done.clone());
                rt.spawn(async move {
                    // One in the cell, and what it displaces in the ring.
                    for _ in 0..2 {
                        let done = done.clone();
                        task::go(async move { done.add() });
                    }
                    wall.block();
                    done.add();
                })
            })
            .collect();
        until(|| wall.blocked() == workers);
        for _ in 0..100 {
            let done = done.clone();
            drop(rt.spawn(async move {
                task::yield_now().await;
                task::spawn(async {}).await.unwrap();
                done.add();
            }));
        }
        until(|| done.get() == 101 + 2 * workers);
        assert!(counts(&rt).seats > workers);
        assert!(blocked.iter().all(|task| !task.is_finished()));
        wall.open();
        until(|| done.get() == 101 + 3 * workers);
        until_back(&rt, workers);
        rt.block_on(async {
            timer.await.unwrap();
            for task in blocked {
                task.await.unwrap();
            }
        });
    }
}

/// Alone in the cell of a worker that blocks: nobody was woken for it.
#[test]
fn what_is_in_the_cell_of_a_blocked_worker_runs() {
    let _watch = watch();
    let rt = runtime(2);
    let (wall, done) = (Wall::default(), Count::shared());
    for round in 0..20 {
        let wall = Wall::default();
        let (task, ran) = (wall.clone(), done.clone());
        let blocks = rt.spawn(async move {
            task::go(async move { ran.add() });
            task.block();
        });
        until(|| done.get() == round + 1);
        wall.open();
        rt.block_on(blocks).unwrap();
    }
    // Again and again within one poll, with the monitor asleep in between or not.
    let (task, ran) = (wall.clone(), done.clone());
    let blocks = rt.spawn(async move {
        for round in 0..5 {
            let (ran, seen) = (ran.clone(), ran.clone());
            task::go(async move { ran.add() });
            until(|| seen.get() == 20 + round + 1);
            std::thread::sleep(Duration::from_millis(if round == 3 { 250 } else { 1 }));
        }
        task.block();
    });
    until(|| wall.blocked() == 1);
    wall.open();
    rt.block_on(blocks).unwrap();
    assert_eq!(done.get(), 25);
}

/// The poll of a root future is relieved like any other.
#[test]
fn tasks_go_on_while_the_future_of_block_on_blocks() {
    let _watch = watch();
    for workers in [1, 2] {
        let rt = runtime(workers);
        let (wall, done) = (Wall::default(), Count::shared());
        rt.block_on(async {
            for _ in 0..50 {
                let (wall, done) = (wall.clone(), done.clone());
                task::go(async move {
                    time::sleep(Duration::from_millis(2)).await;
                    done.add();
                    if done.get() == 50 {
                        wall.open();
                    }
                });
            }
            wall.block();
            // The thread goes on in the same poll, and then with or without a seat.
            task::spawn(async { time::sleep(Duration::from_millis(1)).await }).await.unwrap();
        });
        assert_eq!(done.get(), 50);
        until_back(&rt, workers);
    }
}

/// The same without a seat: the only one is another task's, and nothing waited when `block_on` began to block.
#[test]
fn a_task_goes_on_while_block_on_blocks_without_a_seat() {
    let _watch = watch();
    for _ in 0..5 {
        let rt = runtime(1);
        let wall = Wall::default();
        let task = wall.clone();
        let blocks = rt.spawn(async move { task.block() });
        until(|| wall.blocked() == 1);
        rt.block_on(async {
            let task = wall.clone();
            task::go(async move { task.open() });
            wall.block();
        });
        rt.block_on(blocks).unwrap();
        until_back(&rt, 1);
    }
}

/// A thread that was woken to search, and whose own future is then ready: it passes the search on before it polls that.
#[test]
fn a_searcher_that_polls_its_own_future_keeps_nobody_from_being_woken() {
    let _watch = watch();
    let rt = runtime(2);
    for _ in 0..50 {
        let (gate, wall) = (Gate::default(), Wall::default());
        std::thread::scope(|scope| {
            let main = scope.spawn(|| {
                rt.block_on(async {
                    gate.clone().await;
                    wall.block();
                })
            });
            // It sleeps last, so it is woken first.
            until(|| gate.waiting() == 1 && counts(&rt).seated == 0);
            let task = wall.clone();
            drop(rt.spawn(async move { task.open() }));
            gate.open();
            main.join().unwrap();
        });
    }
}

/// A poll that sleeps is told from one that computes by its thread's clock, while other polls keep the monitor awake.
#[test]
fn a_poll_that_sleeps_is_relieved_whatever_blocked_after_says() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).blocked_after(Duration::MAX).build().unwrap();
    let (wall, end) = (Wall::default(), Arc::new(AtomicBool::new(false)));
    let task = wall.clone();
    drop(rt.spawn(async move { task.block() }));
    for _ in 0..10 {
        let end = end.clone();
        drop(rt.spawn(async move {
            while !end.load(SeqCst) {
                task::yield_now().await;
            }
        }));
    }
    until(|| counts(&rt).seats == 3);
    end.store(true, SeqCst);
    wall.open();
    until_back(&rt, 2);
}

/// The program of tokio#4730: a task that never gives its thread back, once it has come to another one.
#[test]
fn one_bad_task_does_not_halt_the_others() {
    let _watch = watch();
    let rt = runtime(4);
    let (end, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    rt.run_main(async move {
        let good = task::spawn(async {
            for _ in 0..20 {
                time::sleep(Duration::from_millis(5)).await;
            }
        });
        let bad = task::spawn({
            let (end, ended) = (end.clone(), ended.clone());
            async move {
                let first = std::thread::current().id();
                for _ in 0..100 {
                    if std::thread::current().id() != first {
                        break;
                    }
                    time::sleep(Duration::from_millis(1)).await;
                }
                while !end.load(SeqCst) {
                    std::hint::spin_loop();
                }
                ended.store(true, SeqCst);
            }
        });
        good.await.unwrap();
        assert!(!ended.load(SeqCst));
        // (If it keeps the thread of `block_on`, that cannot return before.)
        end.store(true, SeqCst);
        bad.await.unwrap();
    });
}

/// tokio#6315, tokio#8010: tasks that compute on every worker, and wake another before they begin.
#[test]
fn tasks_go_on_beside_tasks_that_compute() {
    let _watch = watch();
    let rt =
        Builder::multi_thread().worker_threads(2).blocked_after(Duration::from_millis(3)).build().unwrap();
    let (end, woken) = (Arc::new(AtomicBool::new(false)), Count::shared());
    let gates = [Gate::default(), Gate::default()];
    for gate in gates.clone() {
        let (end, woken) = (end.clone(), woken.clone());
        drop(rt.spawn({
            let gate = gate.clone();
            async move {
                gate.await;
                woken.add();
            }
        }));
        until(|| gate.waiting() == 1);
        drop(rt.spawn(async move {
            gate.open();
            while !end.load(SeqCst) {
                std::hint::spin_loop();
            }
        }));
    }
    until(|| woken.get() == 2);
    end.store(true, SeqCst);
    until_back(&rt, 2);
}

#[test]
fn no_more_than_the_limit_are_relieved() {
    let _watch = watch();
    for (spare, seats) in [(0, 1), (1, 2)] {
        let rt = Builder::multi_thread().worker_threads(1).max_spare_threads(spare).build().unwrap();
        let (wall, done) = (Wall::default(), Count::shared());
        for _ in 0..3 {
            let wall = wall.clone();
            drop(rt.spawn(async move { wall.block() }));
        }
        until(|| wall.blocked() == seats);
        for _ in 0..10 {
            let done = done.clone();
            drop(rt.spawn(async move { done.add() }));
        }
        for _ in 0..50 {
            let counts = counts(&rt);
            assert!(counts.seats <= seats && counts.threads <= seats, "{counts:?}");
            assert_eq!(done.get(), 0, "all threads that there may be are blocked");
            std::thread::sleep(Duration::from_millis(1));
        }
        wall.open();
        until(|| done.get() == 10);
        until_back(&rt, 1);
    }
}

#[test]
fn too_many_spare_threads_are_refused() {
    let error = Builder::multi_thread().max_spare_threads(4097).build().unwrap_err().to_string();
    assert_eq!(error, "max_spare_threads is \"4097\", but must be a whole number from 0 to 4096");
}

#[test]
fn spare_threads_leave_and_come_back() {
    let _watch = watch();
    let rt = Builder::multi_thread()
        .worker_threads(2)
        .spare_threads_stay(Duration::from_millis(20))
        .build()
        .unwrap();
    for _ in 0..3 {
        let wall = Wall::default();
        for _ in 0..6 {
            let wall = wall.clone();
            drop(rt.spawn(async move { wall.block() }));
        }
        until(|| wall.blocked() == 6);
        assert!(counts(&rt).threads >= 6);
        wall.open();
        until_back(&rt, 2);
        until(|| counts(&rt).threads == 2);
        let done = Count::shared();
        for _ in 0..100 {
            let done = done.clone();
            drop(rt.spawn(async move { done.add() }));
        }
        until(|| done.get() == 100);
    }
}

/// At `Duration::MAX` a poll that computes is never relieved, nor counted; one that sleeps is.
#[test]
fn blocked_after_may_be_never_and_at_once() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).blocked_after(Duration::MAX).build().unwrap();
    let (wall, done) = (Wall::default(), Count::shared());
    let (task, count) = (wall.clone(), done.clone());
    let blocks = rt.spawn(async move { task.block() });
    drop(rt.spawn(async move { count.add() }));
    until(|| done.get() == 1);
    wall.open();
    rt.block_on(blocks).unwrap();
    assert_eq!(counts(&rt).long_polls, 0);

    let rt = Builder::multi_thread().worker_threads(1).blocked_after(Duration::ZERO).build().unwrap();
    let end = Arc::new(AtomicBool::new(false));
    let (seen, count) = (end.clone(), done.clone());
    let computes = rt.spawn(async move {
        while !seen.load(SeqCst) {
            std::hint::spin_loop();
        }
    });
    drop(rt.spawn(async move { count.add() }));
    until(|| done.get() == 2);
    end.store(true, SeqCst);
    rt.block_on(computes).unwrap();
    assert!(counts(&rt).long_polls >= 1);
}

/// A timer that is registered within a poll that goes on to block: nobody else knows of it.
#[test]
fn a_timer_of_a_poll_that_blocks_fires() {
    let _watch = watch();
    for workers in [1, 2] {
        let rt = runtime(workers);
        rt.run_main(async {
            task::spawn(async {
                futures::executor::block_on(time::sleep(Duration::from_millis(3)));
                // Longer than the monitor stays awake without a poll.
                std::thread::sleep(Duration::from_millis(250));
                futures::executor::block_on(time::sleep(Duration::from_millis(3)));
            })
            .await
            .unwrap();
        });
    }
}

/// What comes from outside while all workers are blocked, after the monitor has gone to sleep.
#[test]
fn a_task_from_outside_after_a_long_block() {
    let _watch = watch();
    let rt = runtime(1);
    let (wall, done) = (Wall::default(), Count::shared());
    let task = wall.clone();
    let blocks = rt.spawn(async move { task.block() });
    until(|| wall.blocked() == 1);
    for (round, pause) in [250, 250, 1].into_iter().enumerate() {
        std::thread::sleep(Duration::from_millis(pause));
        let count = done.clone();
        drop(rt.spawn(async move {
            time::sleep(Duration::from_millis(2)).await;
            count.add();
        }));
        until(|| done.get() == round + 1);
    }
    wall.open();
    rt.block_on(blocks).unwrap();
    until_back(&rt, 1);
}

#[test]
fn a_runtime_ends_while_slots_are_relieved() {
    let _watch = watch();
    for _ in 0..20 {
        let rt = runtime(2);
        let (wall, dropped) = (Wall::default(), Count::shared());
        for _ in 0..2 {
            let wall = wall.clone();
            drop(rt.spawn(async move { wall.block() }));
        }
        for _ in 0..100 {
            let guard = dropped.on_drop();
            drop(rt.spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
        }
        until(|| wall.blocked() == 2);
        let ends = std::thread::spawn(move || rt.shutdown_timeout(Duration::from_secs(60)));
        until(|| dropped.get() == 100);
        wall.open();
        ends.join().unwrap();
    }
}

/// Many polls that block for a short while, beside many that do not: nothing is lost, and N sit in the end.
#[test]
fn slots_are_relieved_and_retire_again_and_again() {
    let _watch = watch();
    let rt = runtime(2);
    let done = Count::shared();
    rt.block_on(async {
        let tasks: Vec<_> = (0..64)
            .map(|number: u64| {
                let done = done.clone();
                task::spawn(async move {
                    for round in 0..20 {
                        if (number + round).is_multiple_of(16) {
                            std::thread::sleep(Duration::from_micros(500 * (number % 8)));
                        }
                        let count = done.clone();
                        task::spawn(async move { count.add() }).await.unwrap();
                        if round % 4 == 0 {
                            time::sleep(Duration::from_micros(100 * number)).await;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(done.get(), 64 * 20);
    until_back(&rt, 2);
}

#[test]
fn long_polls_are_counted_and_told_once_for_a_place() {
    let run = |value: &str| {
        let out = child("child_polls_long").env("DORMOUSE_LONG_POLLS", value).output().unwrap();
        assert!(out.status.success());
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    let text = run("1");
    let line: Vec<_> = text.lines().filter(|line| line.contains("a long poll")).collect();
    assert_eq!(line.len(), 3, "{text}");
    assert!(
        line.iter().any(|line| line.contains("\"sleepy\", spawned at executor/tests/monitor.rs:")),
        "{text}"
    );
    assert!(line.iter().any(|line| line.contains("the future in `block_on`")), "{text}");
    assert!(!run("0").contains("long poll"));
}

#[test]
#[ignore = "run by long_polls_are_counted_and_told_once_for_a_place"]
fn child_polls_long() {
    let rt =
        Builder::multi_thread().worker_threads(2).blocked_after(Duration::from_millis(2)).build().unwrap();
    let seen = |polls| until(|| Handle::current().scheduler_counts().long_polls >= polls);
    rt.block_on(async {
        let mut polls = 0;
        for _ in 0..3 {
            polls += 1;
            task::Builder::new().name("sleepy").spawn(async move { seen(polls) }).await.unwrap();
        }
        polls += 1;
        task::spawn(async move { seen(polls) }).await.unwrap();
        seen(polls + 1);
        task::yield_now().await;
        seen(polls + 2);
    });
}
