//! Concurrency is not parallelism: the same two tasks on one worker and on two.
//!
//! After `tutorials/003_860d97b1ef600f4e.txt`, "Concurrency vs Parallelism in Go" (`go task1()`, `go task2()`). What is printed
//! does not depend on timing: on one worker the steps of the tasks alternate and never overlap, though both tasks are
//! under way; on two workers each task waits, inside a step, for the other, which one worker could never satisfy.
use dormouse::{go, runtime, sync::WaitGroup, task::yield_now};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};

const STEPS: usize = 4;

/// What the tasks' steps leave behind.
#[derive(Default)]
struct Seen {
    order: Mutex<Vec<&'static str>>,
    inside: AtomicUsize,
    most_inside: AtomicUsize,
}

impl Seen {
    /// One piece of CPU work without an `await`, and how many tasks were in one at the same time.
    fn step(&self, name: &'static str) {
        self.most_inside.fetch_max(self.inside.fetch_add(1, SeqCst) + 1, SeqCst);
        self.order.lock().unwrap().push(name);
        black_box((1..200_000_u64).fold(0, |sum, n| black_box(sum ^ n)));
        self.inside.fetch_sub(1, SeqCst);
    }

    fn alternate(&self) -> bool {
        self.order.lock().unwrap().windows(2).all(|pair| pair[0] != pair[1])
    }
}

/// Yields between its steps: a task gives up its worker only where it awaits.
async fn steps(name: &'static str, started: WaitGroup, seen: Arc<Seen>) {
    started.done();
    started.wait().await; // both tasks exist before either takes its first step
    for _ in 0..STEPS {
        seen.step(name);
        yield_now().await;
    }
}

async fn concurrent() {
    let seen = Arc::new(Seen::default());
    let (started, wg) = (WaitGroup::new(), WaitGroup::new());
    started.add(2);
    go(wg.track(steps("task1", started.clone(), seen.clone())));
    go(wg.track(steps("task2", started.clone(), seen.clone())));
    wg.wait().await;
    println!("1 worker: {} steps, the tasks alternate: {}", 2 * STEPS, seen.alternate());
    println!("1 worker: most tasks inside a step at once: {}", seen.most_inside.load(SeqCst));
}

async fn parallel() {
    let wg = WaitGroup::new();
    let rendezvous = Arc::new(Barrier::new(2)); // std's blocks its thread, so two threads must get here
    for _task in 1..=2 {
        let rendezvous = rendezvous.clone();
        go(wg.track(async move {
            rendezvous.wait();
        }));
    }
    wg.wait().await;
    println!("2 workers: both tasks were inside a step at once");
}

fn main() {
    // No spare threads: else another one would take the place of a worker that a step keeps for more than 10 ms.
    let workers =
        |n| runtime::Builder::multi_thread().worker_threads(n).max_spare_threads(0).build().unwrap();
    workers(1).block_on(concurrent());
    workers(2).block_on(parallel());
}
