//! What timers wake: whether that is one thread's or shared.
use crate::kit::{Wall, runtime};
use dormouse_executor::runtime::Runtime;
use dormouse_executor::task::{self, JoinHandle};
use dormouse_executor::time::{self, Duration, Instant};
use dormouse_testing::{Count, until, watch};

/// Tasks that sleep until the same points in time, and then call `then`.
fn sleepers(
    rt: &Runtime,
    tasks: usize,
    turns: u32,
    then: impl Fn(usize) + Clone + Send + 'static,
) -> Vec<JoinHandle<()>> {
    let start = Instant::now() + Duration::from_millis(5);
    let sleeper = |number| {
        let then = then.clone();
        rt.spawn(async move {
            for turn in 0..turns {
                time::sleep_until(start + turn * Duration::from_millis(3)).await;
            }
            then(number);
        })
    };
    (0..tasks).map(sleeper).collect()
}

fn join(rt: &Runtime, tasks: Vec<JoinHandle<()>>) {
    rt.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// One thread does them all, which is awake. (Again and again, until it is so: a busy machine makes tasks slow.)
#[test]
#[cfg_attr(dormouse_asan, ignore = "nothing is done soon there")]
fn tasks_that_do_next_to_nothing_when_they_wake_do_not_wake_a_second_thread() {
    let _watch = watch();
    const TASKS: usize = 2; // so few are done soon in a debug build, too
    const TURNS: u32 = 80;
    let rt = runtime(2);
    loop {
        let before = rt.metrics().wakeups;
        join(&rt, sleepers(&rt, TASKS, TURNS, |_| {}));
        // What else wakes threads: the spawns, and the first turn, before which nothing is known.
        if rt.metrics().wakeups - before < u64::from(TURNS) / 4 {
            return;
        }
    }
}

/// They were done at once as long as they only slept, so nobody was woken for those behind one that blocks.
#[test]
fn all_that_timers_wake_goes_on_while_the_first_of_it_blocks() {
    let _watch = watch();
    const TASKS: usize = 3;
    for workers in [1, 2] {
        let rt = runtime(workers);
        let (wall, done) = (Wall::default(), Count::shared());
        let tasks = sleepers(&rt, TASKS, 10, {
            let (wall, done) = (wall.clone(), done.clone());
            move |_| {
                if wall.blocked() == 0 {
                    wall.block();
                }
                done.add();
                // What is pushed from there is anybody's.
                let done = done.clone();
                task::go(async move { done.add() });
            }
        });
        until(|| done.get() >= 2 * (TASKS - 1));
        wall.open();
        join(&rt, tasks);
        until(|| done.get() == 2 * TASKS);
    }
}
