//! How many sit: relief, retirement, polls that leave their seat.
use super::model;
use crate::sched::idle::{Idle, Wake};
use dormouse_wait::parker::Parker;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread;

/// A retirement against a thread that wants to sit: N sit in the end, and never more than are wanted.
#[test]
fn idle_a_retirement_frees_no_seat() {
    model(3, || {
        let idle = Arc::new(Idle::new(1, 3));
        assert!(idle.sit());
        assert!(idle.relieve());
        let sitters = [(); 2].map(|()| {
            let idle = idle.clone();
            thread::spawn(move || usize::from(idle.sit()))
        });
        let mut sit = 1;
        if !idle.stay() {
            idle.retire();
            sit = 0;
        }
        sit += sitters.into_iter().map(|sitter| sitter.join().expect("no panic")).sum::<usize>();
        let counts = idle.counts();
        assert_eq!((counts.seated, counts.seats), (sit, 1));
        assert!(sit <= 1);
    });
}

/// Only so many seats as there may be threads.
#[test]
fn idle_relief_has_a_limit() {
    model(1, || {
        let idle = Idle::new(2, 3);
        assert!(idle.relieve());
        assert!(!idle.relieve());
    });
}

/// The only worker sits.
fn busy(limit: usize) -> Arc<Idle> {
    let idle = Arc::new(Idle::new(1, limit));
    assert_eq!(idle.wake_one(0), Wake::Start { spare: false });
    assert!(idle.sit());
    assert!(idle.end_search());
    idle
}

/// The only worker is stuck in a poll, and pushes while its slot is relieved for what it has pushed before: one thread
/// is started.
#[test]
fn idle_a_relieved_slots_work_is_found() {
    model(3, || {
        let idle = busy(2);
        let queue = Arc::new(AtomicUsize::new(0));
        let published =
            |idle: &Idle| usize::from(idle.pushed() && idle.wake_one(0) == Wake::Start { spare: true });
        let monitor = thread::spawn({
            let (idle, queue) = (idle.clone(), queue.clone());
            move || {
                let relieved = queue.load(Relaxed) > 0 && idle.relieve();
                (relieved, if relieved { published(&idle) } else { 0 })
            }
        });
        let mut started = 0;
        for number in 1..=2 {
            queue.store(number, Relaxed);
            started += published(&idle);
        }
        let (relieved, more) = monitor.join().expect("no panic");
        assert_eq!(started + more, usize::from(relieved));
    });
}

/// A thread leaves its seat within a poll, while something is pushed: a thread is started for it, as nobody sleeps.
#[test]
fn idle_a_seat_left_within_a_poll_is_anothers() {
    model(3, || {
        let idle = busy(2);
        let queue = Arc::new(AtomicUsize::new(0));
        let started = Arc::new(AtomicUsize::new(0));
        let published = {
            let (idle, started) = (idle.clone(), started.clone());
            move || {
                if idle.pushed() && idle.wake_one(0) == (Wake::Start { spare: true }) {
                    started.fetch_add(1, Relaxed);
                }
            }
        };
        let pusher = thread::spawn({
            let (queue, published) = (queue.clone(), published.clone());
            move || {
                queue.store(1, Relaxed);
                published();
            }
        });
        idle.go_away(false);
        if queue.load(Relaxed) == 1 {
            published();
        }
        pusher.join().expect("no panic");
        assert_eq!(started.load(Relaxed), 1);
    });
}

/// A spare thread that leaves after a long sleep, against a push: it is woken, or a new one is started.
#[test]
fn idle_a_spare_thread_leaves_or_is_woken() {
    model(3, || {
        let idle = busy(2);
        assert!(idle.relieve());
        assert_eq!(idle.wake_one(0), Wake::Start { spare: true });
        let spare = thread::spawn({
            let idle = idle.clone();
            move || {
                let me = Arc::new(Parker::current());
                let _ = idle.sleep(&me, false, true);
                // It has slept for long.
                let left = idle.leave_for_good(&me);
                assert!(left || idle.awake(&me, false), "popped, so it searches");
                left
            }
        });
        while !idle.pushed() {
            thread::yield_now();
        }
        let wake = idle.wake_one(0);
        let left = spare.join().expect("no panic");
        assert_eq!(wake, if left { Wake::Start { spare: true } } else { Wake::Done });
        assert_eq!(idle.counts().threads, 2);
    });
}

/// N goes from 2 to 1 and perhaps back, while one thread is between two polls and the other goes to sleep: what is wanted
/// is N in the end, and nobody sits beyond.
#[test]
fn idle_a_lowered_n_is_reached() {
    for back in [false, true] {
        model(2, move || {
            let idle = Arc::new(Idle::new(2, 2));
            assert!(idle.sit() && idle.sit());
            let worker = thread::spawn({
                let idle = idle.clone();
                move || {
                    let goes = idle.has_surplus() && idle.is_surplus();
                    if goes {
                        idle.retire();
                    }
                    goes
                }
            });
            let sleeper = thread::spawn({
                let idle = idle.clone();
                move || {
                    let me = Arc::new(Parker::current());
                    let _ = idle.sleep(&me, true, false);
                    assert!(!idle.awake(&me, false));
                }
            });
            assert_eq!(idle.resize(1), 2);
            if back {
                assert_eq!(idle.resize(2), 1);
            }
            let gone = worker.join().expect("no panic");
            sleeper.join().expect("no panic");
            let (counts, left) = (idle.counts(), usize::from(idle.has_surplus()));
            let wanted = if back { 2 } else { 1 };
            assert_eq!((counts.seats, counts.seated), (wanted + left, usize::from(!gone)));
            assert!(left == 0, "one of the two has gone for it");
        });
    }
}

/// A task is pushed while N is raised: a thread is started for it.
#[test]
fn idle_a_raised_n_is_for_what_waits() {
    model(3, || {
        let idle = busy(1);
        let queue = Arc::new(AtomicUsize::new(0));
        let published = |idle: &Idle| usize::from(idle.pushed() && idle.wake_one(0) != Wake::Done);
        let raiser = thread::spawn({
            let (idle, queue) = (idle.clone(), queue.clone());
            move || {
                assert_eq!(idle.resize(2), 1);
                if queue.load(Relaxed) > 0 { published(&idle) } else { 0 }
            }
        });
        queue.store(1, Relaxed);
        let started = published(&idle);
        assert_eq!(started + raiser.join().expect("no panic"), 1);
    });
}
