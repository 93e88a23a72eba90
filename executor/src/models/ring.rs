//! The ring: its owner against thieves. Each task is got once, by one of them.
use super::{model, number, pop, push, steal};
use crate::sched::ring::{CAPACITY, Ring};
use loom::sync::Arc;
use loom::thread;

/// All that a thief gets hold of.
fn loot(from: &Ring) -> Vec<usize> {
    let own = super::ring();
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
        let ring = Arc::new(super::ring());
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
        let ring = Arc::new(super::ring());
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
        let (ring, first) = (Arc::new(super::ring()), Arc::new(super::ring()));
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
        let ring = Arc::new(super::ring());
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
        let ring = Arc::new(super::ring());
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
