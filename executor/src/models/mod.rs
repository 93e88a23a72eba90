//! Loom models of the scheduler: ring, parking, the hand-over of a slot, the end of a runtime.
//!
//! They run the real [`ring`](crate::sched::ring), [`turn`](crate::sched::turn), [`idle`](crate::sched::idle), [`place`](crate::sched::place) and
//! [`parker`](crate::sched::parker), with a ring of four. What loom cannot see into is replaced: the injector is a
//! mutexed queue, and a task is a bare number, or for the end of a runtime a stand-in for async-task's `Runnable`.
//!
//! What loom cannot show: a load that sees a store which comes after it. So no model fails if a ring's `head` loses its
//! Acquire or Release, which keep a cell from being written again before a thief has read it.
//!
//! `RUSTFLAGS="--cfg dormouse_loom" cargo test -p dormouse-executor --lib --release`
mod attention;
mod ended;
mod idle;
mod parker;
mod place;
mod ring;
mod runtime;
mod seats;
mod shard;
mod source;
mod turn;
mod visit;

use crate::sched::ring::{Raw, Ring};
use std::ptr::NonNull;

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

fn ring() -> Ring {
    let ring = Ring::new();
    ring.prepare();
    ring
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
