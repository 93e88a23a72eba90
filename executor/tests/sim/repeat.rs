//! The same seed makes the same run, and other seeds make other runs.
use crate::{STRATEGIES, noisy, secs};
use dormouse_executor::sim::{self, Builder, Strategy};
use dormouse_executor::task;
use dormouse_executor::time::sleep;
use dormouse_testing::{child, watch};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

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
    let out = child("repeat::child_run").output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.contains(&format!("hash={}", hash_of_a_run())), "{said}");
}

#[test]
#[ignore = "run by a_seed_repeats_its_run_in_another_process"]
fn child_run() {
    let _watch = watch();
    println!("hash={}", hash_of_a_run());
}

fn hash_of_a_run() -> u64 {
    Builder::new().seed(11).try_run(noisy(5)).unwrap().hash
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
