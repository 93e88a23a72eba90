//! The place of a slot: lent to one thread at a time, and handed over with what is in the slot.
use super::runtime::{Rt, worker};
use super::{model, pop, push, task};
use crate::sched::place::Place;
use dormouse_wait::prim::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

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
        let place = rt.sit().expect("free");
        let worker = worker(&rt, |_| ());
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
