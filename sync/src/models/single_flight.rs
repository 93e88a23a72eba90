//! Single flights: the map under those who come, finish and go at the same time. (The waiting is the cell's: `once`.)
use super::{block_on, poll};
use crate::SingleFlight;
use dormouse_testing::Count;
use dormouse_testing::model::{Signal, explore, step};
use dormouse_wait::prim::atomic::{AtomicUsize, Ordering::AcqRel};
use dormouse_wait::prim::thread;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

type Flight = Arc<SingleFlight<u32, u32>>;

/// How many works were done, and how many are under way.
#[derive(Default)]
struct Works {
    done: Count,
    running: AtomicUsize,
}

/// A work that must be the only one of its key.
async fn work(works: Arc<Works>) -> u32 {
    // Ordering: as strict as can be; the flight is what is tested.
    assert_eq!(works.running.fetch_add(1, AcqRel), 0, "two at the same work");
    step();
    works.running.fetch_sub(1, AcqRel);
    works.done.add();
    7
}

/// Two want the same: both have a result, and nothing is left.
#[test]
fn single_flight_two_come() {
    explore(Some(3), Some(2), || {
        let (flight, works) = (Flight::default(), Arc::<Works>::default());
        let other = {
            let (flight, works) = (flight.clone(), works.clone());
            thread::spawn(move || block_on(flight.work(1, work(works))))
        };
        let mine = block_on(flight.work(1, work(works.clone())));
        let other = other.join().unwrap();
        assert_eq!((mine.value, other.value), (7, 7));
        // Whoever comes while the other one is at it joins.
        assert!(works.done.get() == 2 || mine.shared && other.shared);
        assert!(flight.is_empty());
    });
}

/// One gives up while another one comes, and a third forgets the call.
#[test]
fn single_flight_dropped_and_forgotten() {
    explore(Some(3), Some(2), || {
        let (flight, works) = (Flight::default(), Arc::<Works>::default());
        let dropper = {
            let flight = flight.clone();
            thread::spawn(move || {
                let mut work = pin!(flight.work(1, pending()));
                let _ = poll(work.as_mut(), &Signal::new().1);
            })
        };
        let other = {
            let (flight, works) = (flight.clone(), works.clone());
            thread::spawn(move || block_on(flight.work(1, work(works))))
        };
        step();
        flight.forget(&1);
        dropper.join().unwrap();
        assert_eq!(other.join().unwrap().value, 7);
        assert_eq!(works.done.get(), 1);
        assert!(flight.is_empty());
    });
}
