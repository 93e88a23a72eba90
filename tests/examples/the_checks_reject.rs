//! A check that accepted everything would be none.
use super::*;

fn accepts(rule: Rule, lines: &[&str]) {
    assert_eq!(rule(lines), Ok(()));
    for gone in 0..lines.len() {
        let mut lines = lines.to_vec();
        let line = lines.remove(gone);
        assert!(rule(&lines).is_err(), "accepted without {line:?}");
        lines.extend([line, line]);
        assert!(rule(&lines).is_err(), "accepted with {line:?} twice");
    }
}

fn rejects_swapped(rule: Rule, lines: &[&str], a: usize, b: usize) {
    let mut lines = lines.to_vec();
    lines.swap(a, b);
    assert!(rule(&lines).is_err(), "accepted {lines:?}");
}

#[test]
fn exact_and_any_order() {
    assert!(check(&Exactly(&["a", "b"]), &["b", "a"]).is_err());
    assert!(check(&Exactly(&["a", "b"]), &["a"]).is_err());
    assert!(check(&AnyOrder(&["a", "b"]), &["b", "a"]).is_ok());
    assert!(check(&AnyOrder(&["a", "b"]), &["b", "b"]).is_err());
    assert!(check(&AnyOrder(&["a", "b"]), &["b", "a", "a"]).is_err());
}

#[test]
fn a_pool_out_of_order() {
    let good = [
        "Worker 3 processing job 1",
        "Worker 1 processing job 2",
        "Worker 2 processing job 3",
        "Result: 4",
        "Worker 1 processing job 4",
        "Result: 2",
        "Worker 3 processing job 5",
        "Result: 6",
        "Result: 8",
        "Result: 10",
    ];
    accepts(pool_of_three, &good);
    rejects_swapped(pool_of_three, &good, 0, 5);
    let mut fourth = good;
    fourth[0] = "Worker 4 processing job 1";
    assert!(pool_of_three(&fourth).is_err());
}

#[test]
fn a_barrier_out_of_order() {
    let good = [
        "Worker 1 started job 1",
        "Worker 2 started job 2",
        "Worker 3 started job 3",
        "Worker 2 finished job 2",
        "Worker 2 started job 4",
        "Worker 1 finished job 1",
        "Worker 1 started job 5",
        "Worker 3 finished job 3",
        "Worker 3 started job 6",
        "Worker 3 finished job 6",
        "Worker 2 finished job 4",
        "Worker 1 finished job 5",
        "All workers have completed their tasks!",
    ];
    accepts(barrier_of_three, &good);
    for (a, b) in [(0, 5), (3, 4), (11, 12), (5, 7)] {
        rejects_swapped(barrier_of_three, &good, a, b);
    }
}

#[test]
fn counters_numbers_workers_and_logs_out_of_order() {
    let counted = ["1", "1", "2", "3", "2", "4", "3", "4", "5", "5", "Main function done"];
    accepts(two_counters, &counted);
    rejects_swapped(two_counters, &counted, 1, 3);
    rejects_swapped(two_counters, &counted, 9, 10);

    let mixed = ["1", "A", "B", "2", "3", "C", "D", "4", "5", "E"];
    accepts(numbers_and_letters, &mixed);
    rejects_swapped(numbers_and_letters, &mixed, 0, 3);
    rejects_swapped(numbers_and_letters, &mixed, 1, 2);

    let workers = ["Worker 3 started", "Worker 1 started", "Worker 2 started", "All workers completed"];
    accepts(wait_for_workers, &workers);
    rejects_swapped(wait_for_workers, &workers, 2, 3);

    let mut logs = Vec::new();
    for request in 1..=5 {
        logs.extend(["bob", "alice", "carol"].map(|client| format!("log: {client} request {request}")));
    }
    logs.push("15 lines were logged".to_string());
    let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
    accepts(process_logs, &logs);
    rejects_swapped(process_logs, &logs, 0, 3);
}

#[test]
fn deadlocks_that_are_none() {
    let good = [
        "simulated run failed: all tasks are asleep - deadlock!",
        "  seed 0, virtual time 0ns",
        "",
        "live tasks:",
        "  main [chan send] at examples/full_buffer_deadlock.rs:12:8",
        "",
        "last steps:",
    ];
    assert_eq!(full_buffer_deadlock(&good), Ok(()));
    for essential in [0, 3, 4, 6] {
        let mut lines = good.to_vec();
        lines[essential] = "something else";
        assert!(full_buffer_deadlock(&lines).is_err(), "accepted {lines:?}");
    }
    let mut two = good.to_vec();
    two.insert(5, good[4]);
    assert!(full_buffer_deadlock(&two).is_err());

    let workers = [1, 2, 3]
        .map(|w| format!("  task {w} [chan send] at examples/worker_pool_deadlock.rs:14:17, spawned at x"));
    let mut pool =
        vec!["Worker 2 processing job 1", "Worker 1 processing job 2", "Worker 3 processing job 3"];
    pool.extend(&good[..4]);
    pool.push("  main [chan send] at examples/worker_pool_deadlock.rs:29:17");
    pool.extend(workers.iter().map(String::as_str));
    pool.extend(&good[5..]);
    assert_eq!(worker_pool_deadlock(&pool), Ok(()));
    for gone in [0, 1, 2, 3, 6, 7, 8, 9, 10, 12] {
        let mut lines = pool.clone();
        lines.remove(gone);
        assert!(worker_pool_deadlock(&lines).is_err(), "accepted {lines:?}");
    }
    pool[1] = pool[0];
    assert!(worker_pool_deadlock(&pool).is_err());
}
