//! Single flights: the map under those who come, finish and go at the same time. (The waiting is the cell's: `once`.)
use super::{block_on, poll};
use crate::SingleFlight;
use dormouse_testing::Count;
use dormouse_testing::model::{Signal, explore, step};
use dormouse_wait::prim::thread;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

type Flight = Arc<SingleFlight<u32, u32>>;

async fn work(works: Arc<Count>) -> u32 {
    step();
    works.add();
    7
}

/// Two want the same: both have a result, and nothing is left.
#[test]
fn single_flight_two_come() {
    explore(Some(3), Some(2), || {
        let (flight, works) = (Flight::default(), Count::shared());
        let other = {
            let (flight, works) = (flight.clone(), works.clone());
            thread::spawn(move || block_on(flight.work(1, work(works))))
        };
        let mine = block_on(flight.work(1, work(works.clone())));
        let other = other.join().unwrap();
        assert_eq!((mine.value, other.value), (7, 7));
        // Whoever comes while the other one is at it joins.
        assert!(works.get() == 2 || mine.shared && other.shared);
        assert!(flight.is_empty());
    });
}

/// One gives up while another one comes, and a third forgets the call.
#[test]
fn single_flight_dropped_and_forgotten() {
    explore(Some(3), Some(2), || {
        let (flight, works) = (Flight::default(), Count::shared());
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
        assert_eq!(works.get(), 1);
        assert!(flight.is_empty());
    });
}
