//! Shuttle models of whole scheduler scenes: workers, thieves, spare threads, the monitor and a change of N together, which
//! is more than can be tried in every interleaving (`models`, by loom).
//!
//! `RUSTFLAGS="--cfg dormouse_shuttle -C debug-assertions" cargo test -p dormouse-executor --lib --release`. [`dormouse_testing::flow`]
//! says how.
//!
//! They run the real [`ring`](crate::sched::ring), [`turn`](crate::sched::turn), [`idle`](crate::sched::idle) and
//! [`place`](crate::sched::place), put together as `seat`, `work` and `monitor` do; a task is a bare number. The net: each
//! task runs once, and threads that all sleep before that are a deadlock, which shuttle reports. All accesses are
//! sequentially consistent here.
mod flows;

use crate::sched::idle::{Idle, Wake};
use crate::sched::place::Place;
use crate::sched::ring::{Raw, Ring};
use crate::sched::turn::Turn;
use dormouse_wait::parker::Parker;
use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;
use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr::NonNull;

/// What a task does when it runs in a seat.
type Body = fn(&Arc<Scene>, &Seat<'_>, usize);

/// As much of a runtime as the scenes need.
struct Scene {
    idle: Idle,
    /// What the injector is, for shuttle to see.
    injector: Mutex<VecDeque<usize>>,
    slots: Vec<Slot>,
    /// How often each task ran.
    ran: Vec<AtomicUsize>,
    left: AtomicUsize,
    body: Body,
    /// Threads that were started on need.
    started: Mutex<Vec<thread::JoinHandle<()>>>,
}

struct Slot {
    ring: Ring,
    turn: Turn,
    place: Place,
}

/// A thread at work, as `sched::seat`.
struct Seat<'s> {
    slot: Cell<Option<&'s Slot>>,
    searching: Cell<bool>,
}

fn raw(number: usize) -> Raw {
    NonNull::new(std::ptr::without_provenance_mut(number + 1)).expect("not null")
}

fn number(task: Raw) -> usize {
    task.addr().get() - 1
}

impl Scene {
    /// `workers` of at most `most`, and `spare` threads, for that many tasks.
    fn new(workers: usize, most: usize, spare: usize, tasks: usize, body: Body) -> Arc<Scene> {
        let slot = || {
            let slot = Slot { ring: Ring::new(), turn: Turn::new(true), place: Place::new() };
            slot.ring.prepare();
            slot
        };
        Arc::new(Scene {
            idle: Idle::new(workers, workers + spare),
            injector: Mutex::new(VecDeque::new()),
            slots: (0..most + spare).map(|_| slot()).collect(),
            ran: (0..tasks).map(|_| AtomicUsize::new(0)).collect(),
            left: AtomicUsize::new(tasks),
            body,
            started: Mutex::new(Vec::new()),
        })
    }

    fn ended(&self) -> bool {
        self.left.load(SeqCst) == 0
    }

    /// As `Shared::published`.
    fn published(self: &Arc<Scene>) {
        if self.idle.pushed() {
            self.wake_one();
        }
    }

    fn wake_one(self: &Arc<Scene>) {
        if let Wake::Start { .. } = self.idle.wake_one(0) {
            let thread = self.worker(true);
            self.started.lock().expect("no panic").push(thread);
        }
    }

    fn inject(self: &Arc<Scene>, task: usize) {
        self.put(task);
        self.published();
    }

    fn put(&self, task: usize) {
        self.injector.lock().expect("no panic").push_back(task);
    }

    fn pop(&self) -> Option<usize> {
        self.injector.lock().expect("no panic").pop_front()
    }

    fn has_work(&self, rings: bool) -> bool {
        !self.injector.lock().expect("no panic").is_empty()
            || (rings && self.slots.iter().any(|slot| !slot.ring.is_empty()))
    }

    /// As `Shared::hand_over`.
    fn hand_over(self: &Arc<Scene>) {
        if self.has_work(true) {
            self.published();
        }
    }

    fn worker(self: &Arc<Scene>, searching: bool) -> thread::JoinHandle<()> {
        let scene = self.clone();
        thread::spawn(move || scene.work(searching))
    }

    /// What a worker does, as `work::worker`.
    fn work(self: &Arc<Scene>, mut searching: bool) {
        let me = Arc::new(Parker::current());
        while !self.ended() {
            let seat = self.sit(searching);
            searching &= seat.is_none();
            if let Some(seat) = &seat {
                while let Some(task) = self.next(seat)
                    && self.run(seat, task)
                {}
            }
            let searched = seat.as_ref().map_or(searching, |seat| seat.searching.get());
            let seated = seat.is_some_and(|seat| self.clear(&seat));
            let rings = self.idle.sleep(&me, seated, searched);
            let work = self.has_work(rings) && self.idle.has_free_seat();
            if !work && !self.ended() {
                me.park_until(None);
            }
            searching = self.idle.awake(&me, work);
        }
        if searching {
            self.idle.searched_without_seat();
        }
    }

    fn sit(&self, searching: bool) -> Option<Seat<'_>> {
        self.idle.sit().then(|| {
            loop {
                if let Some(slot) = self.slots.iter().find(|slot| slot.place.take()) {
                    return Seat { slot: Cell::new(Some(slot)), searching: Cell::new(searching) };
                }
                thread::yield_now();
            }
        })
    }

    /// Leaves the slot: what is queued there goes to the injector. False if the seat is gone already.
    fn clear(&self, seat: &Seat<'_>) -> bool {
        let Some(slot) = seat.slot.take() else { return false };
        // SAFETY: this thread sits there.
        while let Some(task) = slot.turn.take().or_else(|| unsafe { slot.ring.pop() }) {
            self.put(number(task));
        }
        slot.place.release();
        true
    }

    /// As `Seat::next`, with a round at each turn.
    fn next(self: &Arc<Scene>, seat: &Seat<'_>) -> Option<usize> {
        let slot = seat.slot.get()?;
        if !seat.searching.get() && self.idle.has_surplus() && self.idle.is_surplus() {
            self.clear(seat);
            self.idle.retire();
            return None;
        }
        // SAFETY: this thread sits there.
        let near = slot.turn.take().or_else(|| unsafe { slot.ring.pop() }).map(number);
        if let Some(task) = near {
            return Some(task);
        }
        let found = self.pop().or_else(|| {
            if !seat.searching.get() && !self.idle.begin_search() {
                return None;
            }
            seat.searching.set(true);
            let others = self.slots.iter().filter(|other| !std::ptr::eq(*other, slot));
            // SAFETY: this thread sits in the slot that is stolen into, which is empty.
            let stolen = others.filter_map(|other| unsafe { other.ring.steal_into(&slot.ring) }).next();
            stolen.map(number).or_else(|| self.pop())
        });
        if found.is_some() && seat.searching.replace(false) && self.idle.end_search() {
            self.published();
        }
        found
    }

    /// As `Seat::run`. False if the seat is gone.
    fn run(self: &Arc<Scene>, seat: &Seat<'_>, task: usize) -> bool {
        let slot = seat.slot.get().expect("it sits");
        slot.turn.begin();
        (self.body)(self, seat, task);
        self.ran[task].fetch_add(1, SeqCst);
        let last = self.left.fetch_sub(1, SeqCst) == 1;
        if last {
            self.idle.wake_all();
        }
        if slot.turn.end() && slot.turn.pass() && !self.idle.stay() {
            self.clear(seat);
            self.idle.retire();
            return false;
        }
        true
    }

    /// As `Seat::push_next`.
    fn push(self: &Arc<Scene>, seat: &Seat<'_>, task: usize) {
        let slot = seat.slot.get().expect("it sits");
        if let Some(displaced) = slot.turn.put(raw(task)) {
            self.push_back(slot, displaced);
        }
        if slot.turn.is_open()
            && let Some(task) = slot.turn.take_back()
        {
            self.push_back(slot, task);
        }
    }

    fn push_back(self: &Arc<Scene>, slot: &Slot, task: Raw) {
        // SAFETY: the caller's thread sits there.
        unsafe { slot.ring.push(task) }.expect("room");
        self.published();
    }

    /// The monitor, which takes each poll that it sees for stuck: some are.
    fn monitor(self: &Arc<Scene>) -> thread::JoinHandle<()> {
        let scene = self.clone();
        thread::spawn(move || {
            while !scene.ended() {
                for slot in &scene.slots {
                    let epoch = slot.turn.epoch();
                    if epoch % 2 == 1 {
                        scene.relieve(slot, epoch);
                    }
                }
                thread::yield_now();
            }
        })
    }

    fn relieve(self: &Arc<Scene>, slot: &Slot, epoch: u64) {
        if slot.turn.has_next()
            && let Some(task) = slot.turn.hold(epoch, |held| held.steal()).flatten()
        {
            self.inject(number(task));
        }
        if self.has_work(true) {
            let relieved = slot.turn.hold(epoch, |mut held| held.relieve(|| self.idle.relieve()));
            if relieved == Some(true) {
                self.wake_one();
            }
        }
    }

    /// Waits for all threads, and looks that each task ran once, and that as many sit as may.
    fn end(self: &Arc<Scene>, threads: Vec<thread::JoinHandle<()>>) {
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        while let Some(thread) = { self.started.lock().expect("no panic").pop() } {
            thread.join().expect("no panic");
        }
        for (task, ran) in self.ran.iter().enumerate() {
            assert_eq!(ran.load(SeqCst), 1, "task {task}");
        }
        let counts = self.idle.counts();
        assert_eq!((counts.seated, counts.searching), (0, 0));
    }
}
