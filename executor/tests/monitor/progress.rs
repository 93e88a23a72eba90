//! Everybody else goes on: tasks, timers, the future of `block_on`, and what was next in the cell.
use crate::kit::{Wall, runtime};
use crate::support::until_back;
use dormouse_executor::runtime::Builder;
use dormouse_executor::{task, time};
use dormouse_testing::{Count, Gate, until, watch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

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
        assert!(rt.metrics().seats > workers);
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
            until(|| gate.waiting() == 1 && rt.metrics().seated == 0);
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
    until(|| rt.metrics().seats == 3);
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
