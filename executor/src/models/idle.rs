//! Sleeping and waking: nothing that can run lies unseen while all sleep.
use super::runtime::{Rt, join, worker};
use super::{model, push, ring};
use crate::sched::idle::{Idle, NEVER, Wake};
use dormouse_wait::parker::Parker;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*, fence};
use loom::thread;

#[test]
fn idle_an_injected_task_finds_the_only_worker() {
    model(3, || {
        let rt = Rt::new(1, 2);
        let worker = worker(&rt, |_| ());
        rt.inject(1);
        rt.inject(2);
        worker.join().expect("no panic");
    });
}

#[test]
fn idle_two_workers_two_pushes() {
    model(2, || {
        let rt = Rt::new(2, 2);
        let workers = [(); 2].map(|()| worker(&rt, |_| ()));
        rt.inject(1);
        rt.inject(2);
        join(workers);
    });
}

#[test]
fn idle_the_last_searcher_wakes_one_more() {
    model(2, || {
        let rt = Rt::new(2, 2);
        let begun = Arc::new(AtomicUsize::new(0));
        let workers = [(); 2].map(|()| {
            // Each task is busy until the other one has begun: it takes two workers at once.
            let begun = begun.clone();
            worker(&rt, move |_| {
                begun.fetch_add(1, AcqRel);
                while begun.load(Acquire) < 2 {
                    thread::yield_now();
                }
            })
        });
        rt.inject(1);
        rt.inject(2);
        join(workers);
    });
}

#[test]
fn idle_a_task_in_the_ring_of_a_busy_seat_is_stolen() {
    model(2, || {
        let rt = Rt::new(2, 1);
        // This thread sits, pushes, and is then busy until somebody else has run the task.
        let place = rt.sit().expect("free");
        let thief = worker(&rt, |_| ());
        push(&rt.rings[place], 1).expect("room");
        rt.published();
        while !rt.ended() {
            thread::yield_now();
        }
        thief.join().expect("no panic");
    });
}

#[test]
fn idle_a_ring_is_nobodys_when_the_last_searcher_found_work_elsewhere() {
    model(2, || {
        let rt = Rt::new(3, 2);
        // This thread sits, with task 2 in its ring, and is busy to the end. One worker is a searcher already, so that
        // the push wakes nobody; it may find task 1, which keeps it busy to the end as well. So the other worker, which
        // may not search beside it, must find task 2, whenever it falls asleep.
        let place = rt.sit().expect("free");
        assert!(rt.idle.begin_search());
        let second = Arc::new(AtomicUsize::new(0));
        let workers = [true, false].map(|searching| {
            let (rt, second) = (rt.clone(), second.clone());
            thread::spawn(move || {
                rt.work_on(searching, |number| {
                    while number == 1 && second.load(Acquire) == 0 {
                        thread::yield_now();
                    }
                    second.store(number - 1, Release);
                });
            })
        });
        push(&rt.rings[place], 2).expect("room");
        rt.published();
        rt.inject(1);
        join(workers);
    });
}

/// A timer from a thread without a seat (S5): whoever sleeps learns of it, by its own look or by being woken.
#[test]
fn idle_a_timer_from_outside_is_watched() {
    model(3, || {
        let rt = Rt::new(1, 1);
        let due = Arc::new(AtomicU64::new(NEVER));
        let worker = thread::spawn({
            let (rt, due) = (rt.clone(), due.clone());
            move || {
                let me = Arc::new(Parker::current());
                let mut searching = false;
                loop {
                    let place = rt.sit().expect("nobody else sits");
                    rt.places[place].release();
                    let _ = rt.idle.sleep(&me, true, searching);
                    if due.load(Relaxed) != NEVER {
                        // As `Thread::watch` does.
                        assert!(rt.idle.watch(due.load(Relaxed)));
                        rt.idle.unwatch(due.load(Relaxed));
                        return rt.idle.awake(&me, false);
                    }
                    me.park_until(None);
                    searching = rt.idle.awake(&me, false);
                }
            }
        });
        due.store(7, Relaxed);
        if rt.idle.all_asleep() && !rt.idle.is_watched(7) {
            assert_eq!(rt.idle.wake_one(0), Wake::Done);
        }
        worker.join().expect("no panic");
    });
}

/// A push that wakes nobody because of a thread that is just going: this one looks at the queues after it went, and
/// wakes somebody then. The runtime has two slots, and a last thread that can be started.
fn leaving_against_a_push(come: fn(&Idle, &AtomicUsize), go: fn(&Idle, &AtomicUsize)) {
    model(3, move || {
        let idle = Arc::new(Idle::new(2, 2));
        let (ring, guests) = (Arc::new(ring()), Arc::new(AtomicUsize::new(0)));
        let started = Arc::new(AtomicUsize::new(0));
        let published = {
            let (idle, guests, started) = (idle.clone(), guests.clone(), started.clone());
            move || {
                if idle.pushed() && idle.wake_one(guests.load(Relaxed)) == (Wake::Start { spare: false }) {
                    started.fetch_add(1, Relaxed);
                }
            }
        };
        assert!(idle.sit());
        come(&idle, &guests);
        let leaver = thread::spawn({
            let (idle, ring, guests, published) =
                (idle.clone(), ring.clone(), guests.clone(), published.clone());
            move || {
                go(&idle, &guests);
                if !ring.is_empty() {
                    published();
                }
            }
        });
        push(&ring, 1).expect("room");
        published();
        leaver.join().expect("no panic");
        assert_eq!(started.load(Relaxed), 1);
    });
}

#[test]
fn idle_a_thread_that_could_not_be_started_is_asked_for_again() {
    model(3, || {
        let idle = Idle::new(1, 1);
        for _ in 0..2 {
            assert!(idle.pushed());
            assert_eq!(idle.wake_one(0), Wake::Start { spare: false });
            assert!(!idle.pushed(), "it is counted as a searcher");
            idle.start_failed();
        }
        assert_eq!(idle.wake_one(1), Wake::Done);
    });
}

#[test]
fn idle_a_seat_is_left_while_something_is_pushed() {
    leaving_against_a_push(|idle, _| assert!(idle.sit()), |idle, _| idle.left(false));
}

#[test]
fn idle_a_searcher_gives_up_while_something_is_pushed() {
    leaving_against_a_push(|idle, _| assert!(idle.begin_search()), |idle, _| idle.searched_without_seat());
}

#[test]
fn idle_a_guest_leaves_while_something_is_pushed() {
    // As the Drop of `work::Guest`.
    let go = |_: &Idle, guests: &AtomicUsize| {
        guests.fetch_sub(1, Relaxed);
        fence(SeqCst);
    };
    leaving_against_a_push(|_, guests| guests.store(1, Relaxed), go);
}
