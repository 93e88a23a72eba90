//! What a runtime counts.
#![allow(missing_docs)]

use dormouse_executor::runtime::{Builder, Handle, Metrics};
use dormouse_executor::{task, time};
use dormouse_testing::{Gate, child, until, watch};
use std::sync::mpsc;
use std::time::Duration;

fn builder(workers: usize) -> Builder {
    Builder::multi_thread().worker_threads(workers)
}

#[test]
fn tasks_timers_and_polls() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let gate = Gate::default();
    let tasks: Vec<_> = (0..10).map(|_| rt.spawn(gate.clone())).collect();
    let before = rt.metrics();
    assert_eq!((before.tasks_alive, before.tasks_spawned, before.injector_depth), (10, 10, 10));
    assert_eq!((before.workers, before.seated, before.polls), (1, 0, 0));
    rt.block_on(async {
        let sleeper = task::spawn(time::sleep(Duration::MAX));
        while gate.waiting() < 10 || Handle::current().metrics().timers == 0 {
            task::yield_now().await;
        }
        let within = Handle::current().metrics();
        assert_eq!((within.tasks_alive, within.timers, within.seated), (11, 1, 1));
        sleeper.abort();
        assert!(sleeper.await.unwrap_err().is_cancelled());
        assert_eq!(Handle::current().metrics().timers, 0, "a dropped one is not set any more");
        task::go(async {});
        assert_eq!(Handle::current().metrics().slots[0].queue_depth, 1);
        gate.open();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let after = rt.metrics();
    assert_eq!((after.tasks_alive, after.tasks_spawned), (0, 12));
    // Two polls of each that waited, one of the empty one, and at least one of `block_on`.
    assert!(after.polls >= 24, "{after:?}");
    assert_eq!(after.polls, after.slots.iter().map(|slot| slot.polls).sum());
    assert!(after.parks == 0 && after.wakeups == 0, "one thread that always had work: {after:?}");
    assert!(after.poll_time.is_none() && after.schedule_latency.is_none(), "nobody asked for them");
}

#[test]
fn a_sleeping_timer_that_fires_is_not_set_any_more() {
    let _watch = watch();
    let rt = builder(1).build().unwrap();
    rt.block_on(async {
        let mut sleeps: Vec<_> =
            (0..100).map(|_| task::spawn(time::sleep(Duration::from_micros(1)))).collect();
        while let Some(sleep) = sleeps.pop() {
            sleep.await.unwrap();
        }
    });
    assert_eq!(rt.metrics().timers, 0);
}

#[test]
fn what_is_stolen_and_who_is_woken() {
    let _watch = watch();
    let rt = builder(2).build().unwrap();
    let (tell, told) = mpsc::channel();
    rt.block_on(async move {
        for _ in 0..10 {
            let tell = tell.clone();
            task::go(async move { tell.send(()).unwrap() });
        }
        // Only another thread can take them out of this one's queue. (The last one the monitor may have taken.)
        (0..10).for_each(|_| told.recv().unwrap());
    });
    let metrics = rt.metrics();
    assert!(metrics.stolen >= 9, "{metrics:?}");
    assert!(metrics.wakeups >= 1 || metrics.parks == 0, "whoever slept was woken: {metrics:?}");
    until(|| rt.metrics().parks >= 1);
}

#[test]
fn an_idle_runtime_wakes_nobody() {
    let _watch = watch();
    let rt = builder(2).build().unwrap();
    until(|| rt.metrics().parks == 1);
    let before = rt.metrics();
    assert_eq!(before.seated, 0);
    std::thread::sleep(Duration::from_millis(150));
    let after = rt.metrics();
    assert_eq!((before.parks, before.wakeups, before.polls), (after.parks, after.wakeups, after.polls));
}

#[test]
fn blocking_jobs() {
    let _watch = watch();
    let rt = builder(1).max_blocking_threads(1).build().unwrap();
    let (open, wall) = mpsc::channel::<()>();
    let first = rt.spawn_blocking(move || wall.recv().unwrap());
    let second = rt.spawn_blocking(|| ());
    let metrics = rt.metrics();
    assert_eq!(metrics.blocking_threads, 1);
    assert!((1..=2).contains(&metrics.blocking_depth), "{metrics:?}");
    open.send(()).unwrap();
    rt.block_on(async { (first.await.unwrap(), second.await.unwrap()) });
    assert_eq!(rt.metrics().blocking_depth, 0);
}

/// The longest duration that was counted is in a bucket that ends after `least`.
fn reaches(metrics: &Metrics, least: Duration) -> (bool, bool) {
    let of = |histogram: &Option<dormouse_executor::runtime::Histogram>| {
        histogram.as_ref().unwrap().quantile(1.0).unwrap() > least
    };
    (of(&metrics.poll_time), of(&metrics.schedule_latency))
}

#[test]
fn poll_times_and_schedule_latencies() {
    let _watch = watch();
    const LONG: Duration = Duration::from_millis(40);
    let rt =
        Builder::current_thread().measure_poll_time(true).measure_schedule_latency(true).build().unwrap();
    rt.block_on(async { task::spawn(async {}).await.unwrap() });
    let before = rt.metrics();
    assert!(before.poll_time.as_ref().unwrap().count() >= 2, "the task and `block_on`");
    assert_eq!(before.schedule_latency.as_ref().unwrap().count(), 1, "`block_on` is not queued");
    rt.block_on(async {
        // It can go on from here, but the thread is kept.
        let late = task::spawn(async {});
        std::thread::sleep(LONG);
        late.await.unwrap();
    });
    assert_eq!(reaches(&rt.metrics(), LONG), (true, true));
    let latency = rt.metrics().schedule_latency.unwrap();
    assert_eq!(latency.count(), latency.buckets().map(|(_, count)| count).sum());
    assert!(latency.buckets().all(|(range, count)| range.start < range.end && count > 0));
    assert_eq!(latency.quantile(0.0), latency.buckets().next().map(|(range, _)| range.end));
}

#[test]
fn a_woken_task_waits_from_its_wake_up_on() {
    let _watch = watch();
    const LONG: Duration = Duration::from_millis(20);
    let rt = Builder::current_thread().measure_schedule_latency(true).build().unwrap();
    let gate = Gate::default();
    let task = rt.spawn(gate.clone());
    rt.block_on(async {
        while gate.waiting() == 0 {
            task::yield_now().await;
        }
    });
    let before = rt.metrics().schedule_latency.unwrap();
    std::thread::sleep(LONG);
    // From outside, through the injector.
    gate.open();
    rt.block_on(task).unwrap();
    let after = rt.metrics().schedule_latency.unwrap();
    assert_eq!(after.count(), before.count() + 1);
    let long = |histogram: &dormouse_executor::runtime::Histogram| {
        histogram.buckets().filter(|(range, _)| range.end > LONG).map(|(_, count)| count).sum::<u64>()
    };
    assert!(long(&after) <= long(&before) + 1, "the time before the wake-up is no latency");
}

#[test]
#[should_panic(expected = "`quantile` of 1.5: it must be from 0 to 1")]
fn a_quantile_is_a_part() {
    let rt = Builder::current_thread().measure_poll_time(true).build().unwrap();
    let _ = rt.metrics().poll_time.unwrap().quantile(1.5);
}

#[test]
fn a_line_every_so_often() {
    let _watch = watch();
    let run = |value: &str| {
        let out = child("child_is_traced").env("DORMOUSE_SCHEDTRACE", value).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    let text = run("1");
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("SCHED ")).collect();
    assert!(lines.len() >= 2, "{text}");
    assert!(lines[0].contains("ms: workers=2 seats=2 seated="), "{text}");
    assert!(lines.iter().any(|line| line.contains(" tasks=1 timers=0 injector=0 queues=[0 0] ")), "{text}");
    assert!(!run("0").contains("SCHED"));
    assert!(run("often").contains(
        "DORMOUSE_SCHEDTRACE is \"often\", but must be a whole number of milliseconds from 1 to 86400000, or 0 for off"
    ));
}

#[test]
#[ignore = "run by a_line_every_so_often"]
fn child_is_traced() {
    let rt = match builder(2).build() {
        Ok(rt) => rt,
        Err(error) => return eprintln!("{error}"),
    };
    let task = rt.spawn(std::future::pending::<()>());
    std::thread::sleep(Duration::from_millis(300));
    drop((rt, task));
}
