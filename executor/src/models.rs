//! Loom models of the scheduler: ring, parking, the hand-over of a slot, the end of a runtime.
//!
//! They run the real [`ring`](crate::sched::ring), [`idle`](crate::sched::idle), [`place`](crate::sched::place) and
//! [`parker`](crate::sched::parker), with a ring of four. What loom cannot see into is replaced: the injector is a
//! mutexed queue, and a task is a bare number, or for the end of a runtime a stand-in for async-task's `Runnable`.
//!
//! What loom cannot show: a load that sees a store which comes after it. So no model fails if a ring's `head` loses its
//! Acquire or Release, which keep a cell from being written again before a thief has read it.
//!
//! `RUSTFLAGS="--cfg dormouse_loom" cargo test -p dormouse-executor --lib --release`
use crate::sched::idle::{Idle, NEVER, Wake};
use crate::sched::injector::Injector;
use crate::sched::parker::Parker;
use crate::sched::place::Place;
use crate::sched::ring::{CAPACITY, Raw, Ring};
use crate::task::meta::Meta;
use crate::task::registry::Shard;
use dormouse_wait::prim::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*, fence};
use loom::thread;
use std::ptr::NonNull;
use std::task::Waker;

fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(f);
}

fn task(number: usize) -> Raw {
    NonNull::new(std::ptr::without_provenance_mut(number)).expect("numbers begin at 1")
}

fn number(task: Raw) -> usize {
    task.addr().get()
}

fn push(ring: &Ring, number: usize) -> Result<(), Raw> {
    // SAFETY: each model's rings have one owner's thread.
    unsafe { ring.push(task(number)) }
}

fn pop(ring: &Ring) -> Option<usize> {
    // SAFETY: each model's rings have one owner's thread.
    unsafe { ring.pop() }.map(number)
}

fn steal(from: &Ring, into: &Ring) -> Option<usize> {
    // SAFETY: the caller owns `into`, which is empty.
    unsafe { from.steal_into(into) }.map(number)
}

/// All that a thief gets hold of.
fn loot(from: &Ring) -> Vec<usize> {
    let own = Ring::new();
    let mut got: Vec<_> = steal(from, &own).into_iter().collect();
    got.extend(std::iter::from_fn(|| pop(&own)));
    got
}

fn each_once(mut got: Vec<usize>, count: usize) {
    got.sort_unstable();
    assert_eq!(got, (1..=count).collect::<Vec<_>>());
}

#[test]
fn ring_owner_against_a_thief() {
    model(3, || {
        let ring = Arc::new(Ring::new());
        push(&ring, 1).expect("room");
        push(&ring, 2).expect("room");
        let thief = thread::spawn({
            let ring = ring.clone();
            move || loot(&ring)
        });
        let mut got: Vec<_> = pop(&ring).into_iter().collect();
        push(&ring, 3).expect("room");
        got.extend(std::iter::from_fn(|| pop(&ring)));
        got.extend(thief.join().expect("no panic"));
        got.extend(std::iter::from_fn(|| pop(&ring)));
        each_once(got, 3);
    });
}

#[test]
fn ring_two_thieves() {
    model(3, || {
        let ring = Arc::new(Ring::new());
        for number in 1..=3 {
            push(&ring, number).expect("room");
        }
        let thieves: Vec<_> = (0..2)
            .map(|_| {
                let ring = ring.clone();
                thread::spawn(move || loot(&ring))
            })
            .collect();
        let mut got: Vec<_> = thieves.into_iter().flat_map(|thief| thief.join().expect("no panic")).collect();
        got.extend(std::iter::from_fn(|| pop(&ring)));
        each_once(got, 3);
    });
}

#[test]
fn ring_thief_of_a_thief() {
    model(3, || {
        let (ring, first) = (Arc::new(Ring::new()), Arc::new(Ring::new()));
        for number in 1..=4 {
            push(&ring, number).expect("room");
        }
        // The second one first, so that loom lets it find what the other has already done.
        let second = thread::spawn({
            let first = first.clone();
            move || loot(&first)
        });
        let mut got: Vec<_> = steal(&ring, &first).into_iter().collect();
        got.extend(second.join().expect("no panic"));
        for ring in [&ring, &first] {
            got.extend(std::iter::from_fn(|| pop(ring)));
        }
        each_once(got, 4);
    });
}

#[test]
fn ring_cells_are_reused_behind_a_thief() {
    model(3, || {
        let ring = Arc::new(Ring::new());
        let full = CAPACITY as usize;
        for number in 1..=full {
            push(&ring, number).expect("room");
        }
        let thief = thread::spawn({
            let ring = ring.clone();
            move || loot(&ring)
        });
        // Full, or as much room as was taken out of it.
        let mut got = Vec::new();
        for number in full + 1..=full + 2 {
            if push(&ring, number).is_err() {
                got.push(number);
            }
        }
        got.extend(thief.join().expect("no panic"));
        got.extend(std::iter::from_fn(|| pop(&ring)));
        each_once(got, full + 2);
    });
}

#[test]
fn ring_overflow_against_a_thief() {
    model(3, || {
        let ring = Arc::new(Ring::new());
        for number in 1..=CAPACITY as usize {
            push(&ring, number).expect("room");
        }
        let thief = thread::spawn({
            let ring = ring.clone();
            move || loot(&ring)
        });
        let mut got = Vec::new();
        // SAFETY: this thread owns the ring.
        unsafe { ring.take_half(|task| got.push(number(task))) };
        got.extend(thief.join().expect("no panic"));
        got.extend(std::iter::from_fn(|| pop(&ring)));
        each_once(got, CAPACITY as usize);
    });
}

/// The parts of a runtime that sleeping and waking need, put together as `work` and `seat` do.
struct Rt {
    idle: Idle,
    injector: Injector,
    rings: Vec<Ring>,
    places: Vec<Place>,
    left: AtomicUsize,
}

impl Rt {
    fn new(slots: usize, tasks: usize) -> Arc<Rt> {
        Arc::new(Rt {
            idle: Idle::new(slots, false),
            injector: Injector::new(),
            rings: (0..slots).map(|_| Ring::new()).collect(),
            places: (0..slots).map(|_| Place::new()).collect(),
            left: AtomicUsize::new(tasks),
        })
    }

    fn published(&self) {
        if self.idle.pushed() {
            assert_eq!(self.idle.wake_one(false), Wake::Done);
        }
    }

    fn inject(&self, number: usize) {
        self.injector.push(task(number));
        self.published();
    }

    /// As `Shared::has_work` and `Shared::has_free_slot`.
    fn has_work(&self, rings: bool) -> bool {
        (!self.injector.is_empty() || (rings && self.rings.iter().any(|ring| !ring.is_empty())))
            && self.places.iter().any(Place::is_free)
    }

    /// One task is done; the last one's end wakes all, as a runtime's end does.
    fn done(&self) {
        if self.left.fetch_sub(1, AcqRel) == 1 {
            self.idle.wake_all();
        }
    }

    fn ended(&self) -> bool {
        self.left.load(Acquire) == 0
    }

    fn take_place(&self) -> Option<usize> {
        (0..self.places.len()).find(|&place| self.places[place].take())
    }

    /// Finds a task as a seat does: own ring, injector, other rings while searching. Gives whether it still searches.
    fn find(&self, own: usize, searching: &mut bool) -> Option<usize> {
        let near = pop(&self.rings[own]).or_else(|| self.injector.pop().map(number));
        let found = near.or_else(|| {
            if !*searching {
                *searching = self.idle.begin_search();
            }
            let others = (0..self.rings.len()).filter(|&other| other != own && *searching);
            let stolen = others.filter_map(|other| steal(&self.rings[other], &self.rings[own])).next();
            stolen.or_else(|| self.injector.pop().map(number))
        });
        if found.is_some() && std::mem::take(searching) && self.idle.end_search() {
            self.published();
        }
        found
    }

    /// What a worker does, in short: until all tasks are done.
    fn work(&self, run: impl Fn(usize)) {
        self.work_on(false, run);
    }

    /// [`work`](Rt::work), from the state `searching`.
    fn work_on(&self, mut searching: bool, run: impl Fn(usize)) {
        let me = Arc::new(Parker::new());
        while !self.ended() {
            let place = self.take_place();
            if let Some(place) = place {
                self.idle.sat_down();
                while let Some(number) = self.find(place, &mut searching) {
                    run(number);
                    self.done();
                }
                self.places[place].release();
            }
            let rings = self.idle.sleep(&me, place.is_some(), searching);
            let work = self.has_work(rings);
            if !self.ended() && !work {
                me.park_until(None);
            }
            searching = self.idle.awake(&me, work);
        }
    }
}

#[test]
fn idle_an_injected_task_finds_the_only_worker() {
    model(3, || {
        let rt = Rt::new(1, 2);
        let worker = thread::spawn({
            let rt = rt.clone();
            move || rt.work(|_| ())
        });
        rt.inject(1);
        rt.inject(2);
        worker.join().expect("no panic");
    });
}

#[test]
fn idle_two_workers_two_pushes() {
    model(2, || {
        let rt = Rt::new(2, 2);
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let rt = rt.clone();
                thread::spawn(move || rt.work(|_| ()))
            })
            .collect();
        rt.inject(1);
        rt.inject(2);
        for worker in workers {
            worker.join().expect("no panic");
        }
    });
}

#[test]
fn idle_the_last_searcher_wakes_one_more() {
    model(2, || {
        let rt = Rt::new(2, 2);
        let begun = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let (rt, begun) = (rt.clone(), begun.clone());
                thread::spawn(move || {
                    // Each task is busy until the other one has begun: it takes two workers at once.
                    rt.work(|_| {
                        begun.fetch_add(1, AcqRel);
                        while begun.load(Acquire) < 2 {
                            thread::yield_now();
                        }
                    })
                })
            })
            .collect();
        rt.inject(1);
        rt.inject(2);
        for worker in workers {
            worker.join().expect("no panic");
        }
    });
}

#[test]
fn idle_a_task_in_the_ring_of_a_busy_seat_is_stolen() {
    model(2, || {
        let rt = Rt::new(2, 1);
        // This thread sits, pushes, and is then busy until somebody else has run the task.
        let place = rt.take_place().expect("free");
        rt.idle.sat_down();
        let thief = thread::spawn({
            let rt = rt.clone();
            move || rt.work(|_| ())
        });
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
        let place = rt.take_place().expect("free");
        rt.idle.sat_down();
        assert!(rt.idle.begin_search());
        let second = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = [true, false]
            .map(|searching| {
                let (rt, second) = (rt.clone(), second.clone());
                thread::spawn(move || {
                    rt.work_on(searching, |number| {
                        while number == 1 && second.load(Acquire) == 0 {
                            thread::yield_now();
                        }
                        second.store(number - 1, Release);
                    });
                })
            })
            .into();
        push(&rt.rings[place], 2).expect("room");
        rt.published();
        rt.inject(1);
        for worker in workers {
            worker.join().expect("no panic");
        }
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
                let me = Arc::new(Parker::new());
                let mut searching = false;
                loop {
                    let place = rt.take_place().expect("nobody else sits");
                    rt.idle.sat_down();
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
            assert_eq!(rt.idle.wake_one(false), Wake::Done);
        }
        worker.join().expect("no panic");
    });
}

/// A push that wakes nobody because of a thread that is just going: this one looks at the queues after it went, and
/// wakes somebody then. The runtime has two slots, and a last thread that can be started.
fn leaving_against_a_push(come: fn(&Idle, &AtomicUsize), go: fn(&Idle, &AtomicUsize)) {
    model(3, move || {
        let idle = Arc::new(Idle::new(2, true));
        let (ring, guests) = (Arc::new(Ring::new()), Arc::new(AtomicUsize::new(0)));
        let started = Arc::new(AtomicUsize::new(0));
        let published = {
            let (idle, guests, started) = (idle.clone(), guests.clone(), started.clone());
            move || {
                if idle.pushed() && idle.wake_one(guests.load(Relaxed) == 0) == Wake::Start {
                    started.fetch_add(1, Relaxed);
                }
            }
        };
        idle.sat_down();
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
        let idle = Idle::new(1, true);
        for _ in 0..2 {
            assert!(idle.pushed());
            assert_eq!(idle.wake_one(true), Wake::Start);
            assert!(!idle.pushed(), "it is counted as a searcher");
            idle.start_failed();
        }
        assert_eq!(idle.wake_one(false), Wake::Done);
    });
}

#[test]
fn idle_a_seat_is_left_while_something_is_pushed() {
    leaving_against_a_push(|idle, _| idle.sat_down(), |idle, _| idle.left(false));
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

/// The end of a shard against a spawn (G2): the shard is told empty once, by the closer or by the last task.
#[test]
fn shard_closes_while_a_task_is_spawned_and_ends() {
    model(3, || {
        let shard = Arc::new(Shard::new(crate::task::id::Ids::new()));
        let told = Arc::new(AtomicUsize::new(0));
        let spawner = thread::spawn({
            let (shard, told) = (shard.clone(), told.clone());
            move || {
                let meta = Meta::new(NonNull::dangling(), 0);
                let spawned = std::panic::Location::caller();
                let (_, entered) = shard.insert(0, Waker::noop().clone(), &meta, spawned, None);
                assert_eq!(entered, meta.place().is_some());
                if let Some((_, key)) = meta.place()
                    && shard.remove(key).last
                {
                    told.fetch_add(1, Relaxed);
                }
            }
        });
        if shard.close() {
            told.fetch_add(1, Relaxed);
        }
        spawner.join().expect("no panic");
        assert_eq!(told.load(Relaxed), 1);
    });
}

#[test]
fn place_lends_its_slot_to_one_thread_at_a_time() {
    model(3, || {
        // As a slot's LIFO cell: loom sees two threads in it at once, or one that does not see what the other did.
        let slot = Arc::new((Place::new(), UnsafeCell::new(0)));
        let sit = |slot: &(Place, UnsafeCell<usize>)| {
            let taken = slot.0.take();
            if taken {
                slot.1.with_mut(|turns| {
                    // SAFETY: who sits has the slot for itself.
                    unsafe { *turns += 1 }
                });
                slot.0.release();
            }
            usize::from(taken)
        };
        let other = thread::spawn({
            let slot = slot.clone();
            move || sit(&slot)
        });
        let mut turns = sit(&slot) + sit(&slot);
        turns += other.join().expect("no panic");
        assert!(turns > 0 && slot.0.take());
        // SAFETY: the other thread is gone.
        slot.1.with(|seen| assert_eq!(unsafe { *seen }, turns));
    });
}

#[test]
fn place_is_handed_over() {
    model(3, || {
        let rt = Rt::new(1, 1);
        // This thread has the only slot, and leaves with a task in its ring.
        let place = rt.take_place().expect("free");
        rt.idle.sat_down();
        let worker = thread::spawn({
            let rt = rt.clone();
            move || rt.work(|_| ())
        });
        push(&rt.rings[place], 1).expect("room");
        while let Some(number) = pop(&rt.rings[place]) {
            rt.injector.push(task(number));
        }
        rt.places[place].release();
        rt.idle.left(false);
        if rt.has_work(true) {
            rt.published();
        }
        worker.join().expect("no panic");
    });
}

/// A runtime whose memory goes with its last strong reference; the flag outside of it says so.
struct Mortal {
    rt: Arc<Rt>,
    gone: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Mortal {
    fn touch(&self) -> &Rt {
        assert!(!self.gone.load(std::sync::atomic::Ordering::SeqCst), "used after it was freed");
        &self.rt
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        assert!(!self.gone.swap(true, std::sync::atomic::Ordering::SeqCst), "freed twice");
    }
}

/// The end of a runtime against a foreign waker (S3, S4, async-executor#163). The stand-in for a task is a number that
/// the waker holds, and a raw pointer to the runtime; its run is its end, and gives up the runtime's own reference.
#[test]
fn visit_outlives_the_task_that_it_publishes() {
    model(3, || {
        let gone = std::sync::Arc::default();
        let shared = Arc::new(Mortal { rt: Rt::new(1, 1), gone: std::sync::Arc::clone(&gone) });
        let own = Arc::into_raw(Arc::clone(&shared)).expose_provenance();
        let waker = thread::spawn(move || {
            let shared = std::ptr::with_exposed_provenance::<Mortal>(own);
            // As `Visit::begin`: counted before the task is published.
            // SAFETY: the task is not published, so the runtime's own reference stands.
            unsafe { Arc::increment_strong_count(shared) };
            // SAFETY: the reference that was just counted.
            let visit = unsafe { Arc::from_raw(shared) };
            visit.touch().injector.push(task(1));
            visit.touch().published();
        });
        let worker = thread::spawn(move || {
            shared.touch().work(|_| {
                // The task's end, the last of a closed runtime.
                // SAFETY: once; `shared` is another reference.
                unsafe { Arc::decrement_strong_count(std::ptr::with_exposed_provenance::<Mortal>(own)) };
            });
        });
        waker.join().expect("no panic");
        worker.join().expect("no panic");
        assert!(gone.load(std::sync::atomic::Ordering::SeqCst), "nothing leaks");
    });
}
