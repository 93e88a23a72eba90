//! As much of a runtime as the models of sleeping, waking and ending need.
use super::{number, pop, ring, steal, task};
use crate::sched::idle::{Idle, Wake};
use crate::sched::injector::Injector;
use crate::sched::place::Place;
use crate::sched::ring::Ring;
use dormouse_wait::parker::Parker;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread::{self, JoinHandle};

/// The parts of a runtime that sleeping and waking need, put together as `work` and `seat` do.
pub(super) struct Rt {
    pub(super) idle: Idle,
    pub(super) injector: Injector,
    pub(super) rings: Vec<Ring>,
    pub(super) places: Vec<Place>,
    pub(super) left: AtomicUsize,
}

impl Rt {
    pub(super) fn new(slots: usize, tasks: usize) -> Arc<Rt> {
        Arc::new(Rt {
            idle: Idle::new(slots, 0),
            injector: Injector::new(),
            rings: (0..slots).map(|_| ring()).collect(),
            places: (0..slots).map(|_| Place::new()).collect(),
            left: AtomicUsize::new(tasks),
        })
    }

    pub(super) fn published(&self) {
        if self.idle.pushed() {
            assert_eq!(self.idle.wake_one(0), Wake::Done);
        }
    }

    pub(super) fn inject(&self, number: usize) {
        self.injector.push(task(number));
        self.published();
    }

    /// As `Shared::has_work` and `Idle::has_free_seat`.
    pub(super) fn has_work(&self, rings: bool) -> bool {
        (!self.injector.is_empty() || (rings && self.rings.iter().any(|ring| !ring.is_empty())))
            && self.idle.has_free_seat()
    }

    /// One task is done; the last one's end wakes all, as a runtime's end does.
    pub(super) fn done(&self) {
        if self.left.fetch_sub(1, AcqRel) == 1 {
            self.idle.wake_all();
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.left.load(Acquire) == 0
    }

    /// As `Seat::sit`.
    pub(super) fn sit(&self) -> Option<usize> {
        self.idle.sit().then(|| {
            loop {
                if let Some(place) = (0..self.places.len()).find(|&place| self.places[place].take()) {
                    return place;
                }
                thread::yield_now();
            }
        })
    }

    /// Finds a task as a seat does: own ring, injector, other rings while searching. Gives whether it still searches.
    pub(super) fn find(&self, own: usize, searching: &mut bool) -> Option<usize> {
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
    pub(super) fn work(&self, run: impl Fn(usize)) {
        self.work_on(false, run);
    }

    /// [`work`](Rt::work), from the state `searching`.
    pub(super) fn work_on(&self, mut searching: bool, run: impl Fn(usize)) {
        let me = Arc::new(Parker::current());
        while !self.ended() {
            let place = self.sit();
            if let Some(place) = place {
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

/// A thread that works until all tasks are done.
pub(super) fn worker(rt: &Arc<Rt>, run: impl Fn(usize) + 'static) -> JoinHandle<()> {
    let rt = rt.clone();
    thread::spawn(move || rt.work(run))
}

pub(super) fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("no panic");
    }
}
