//! A runtime that has nothing to do.
//!
//! One operation: a second of idleness. The value is how often the threads of the process were switched to meanwhile; the
//! thread that looks is switched to once, so nothing is less than 1.
use crate::cells::tools::on_hosts;
use crate::hosts::Host;
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use std::fs;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

/// After what came before.
const SETTLE: Duration = Duration::from_millis(300);
/// Tasks that wait.
const TASKS: u64 = 1_000;

pub(crate) fn cells() -> Vec<Cell> {
    vec![on_hosts!(Cell::new("scheduler/idle", "second", "switches"), idle)]
}

/// A thousand tasks sleep for long, and the main future waits for another thread, which looks.
fn idle<H: Host>(host: H, scale: Scale) -> Sample {
    let second = Duration::from_millis(scale.of(1_000));
    host.run(async move {
        for _ in 0..TASKS {
            H::go(H::sleep(Duration::from_secs(3_600)));
        }
        let watch = Stopwatch::start();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let looks = thread::spawn({
            let seen = Arc::clone(&seen);
            move || {
                thread::sleep(SETTLE);
                let before = switches();
                thread::sleep(second);
                let count = switches() - before;
                let mut seen = seen.lock().expect("nobody panics");
                seen.count = Some(count);
                seen.waker.take().into_iter().for_each(Waker::wake);
            }
        });
        let count = poll_fn(|cx| {
            let mut seen = seen.lock().expect("nobody panics");
            seen.waker = Some(cx.waker().clone());
            seen.count.map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        looks.join().expect("the looking thread has counted");
        watch.stop_with(1, TASKS, count as f64 / second.as_secs_f64())
    })
}

#[derive(Default)]
struct Seen {
    count: Option<u64>,
    waker: Option<Waker>,
}

/// How often the threads of this process were switched to, as the system says.
fn switches() -> u64 {
    let threads = fs::read_dir("/proc/self/task").expect("Linux has it");
    let status = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("status")).ok();
    let all = threads.flatten().filter_map(status);
    all.flat_map(|text| text.lines().filter_map(switches_in).collect::<Vec<_>>()).sum()
}

fn switches_in(line: &str) -> Option<u64> {
    let (name, count) = line.split_once(':')?;
    name.ends_with("_ctxt_switches").then(|| count.trim().parse().expect("a number"))
}
