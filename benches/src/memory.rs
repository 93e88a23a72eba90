//! Resident bytes per parked task: a million tasks wait, on a receive and on a timer; then all of them finish.
use crate::hosts::OURS;
use dormouse_executor::task::spawn;
use dormouse_executor::time::{Duration, Instant, sleep_until};

const TASKS: usize = 1_000_000;

/// Parks, measures, releases, and prints both cells.
pub(crate) fn report() {
    OURS.block_on(async {
        spawn(async {
            parked_on_receive().await;
            parked_on_sleep().await;
        })
        .await
        .expect("no panic");
    });
}

async fn parked_on_receive() {
    let (tx, rx) = dormouse_chan::bounded::<()>(0);
    let before = resident();
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(TASKS);
    let handles = std::mem::size_of_val(&spawn(async {})) * TASKS;
    for _ in 0..TASKS {
        let rx = rx.clone();
        tasks.push(spawn(async move { rx.recv().await.is_none() }));
    }
    dormouse_executor::task::yield_now().await;
    let held = resident() - before - handles;
    tx.close();
    let mut finished = 0;
    for task in tasks {
        finished += usize::from(task.await.expect("no panic"));
    }
    assert_eq!(finished, TASKS);
    println!("parked on a receive: {} bytes per task; all done in {:?}", held / TASKS, start.elapsed());
}

async fn parked_on_sleep() {
    let before = resident();
    let start = Instant::now();
    let deadline = start + Duration::from_secs(3);
    let mut tasks = Vec::with_capacity(TASKS);
    let handles = std::mem::size_of_val(&spawn(async {})) * TASKS;
    for _ in 0..TASKS {
        tasks.push(spawn(sleep_until(deadline)));
    }
    dormouse_executor::task::yield_now().await;
    let held = resident().saturating_sub(before + handles);
    for task in tasks {
        task.await.expect("no panic");
    }
    println!(
        "parked on a sleep: {} bytes per task (memory of the first cell is reused); all done {:?} after the deadline",
        held / TASKS,
        Instant::now() - deadline
    );
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize =
        statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}
