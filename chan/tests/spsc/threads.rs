//! Real threads: each value is received, comes back, or is dropped with its send or its receiver; once.
use dormouse_chan::spsc::{bounded, unbounded};
use dormouse_testing::{Tally, watch};
use dormouse_wait::random::below;
use futures::FutureExt;
use futures::executor::block_on;
use std::thread;

const VALUES: u32 = 2_000;

/// Both sides give some of their waits up; then one side goes early.
fn conserved(capacity: Option<usize>, receiver_goes: bool) {
    let tally = Tally::new();
    let (mut tx, mut rx) = capacity.map_or_else(unbounded, bounded);
    let values = tally.clone();
    let sender = thread::spawn(move || {
        let mut sent = Vec::new();
        for n in 0..VALUES {
            let value = values.value(n);
            let ok = match below(3) {
                0 => tx.send(value).now_or_never().is_some_and(|sent| sent.is_ok()),
                1 => tx.try_send(value).is_ok(),
                _ => block_on(tx.send(value)).is_ok(),
            };
            if ok {
                sent.push(n);
            }
        }
        sent
    });
    let mut got = Vec::new();
    loop {
        let value = match below(3) {
            0 => match rx.recv().now_or_never() {
                Some(value) => value,
                None => continue,
            },
            1 => match rx.try_recv() {
                Ok(value) => Some(value),
                Err(error) if error.is_closed() => None,
                Err(_) => continue,
            },
            _ => block_on(rx.recv()),
        };
        match value {
            Some(value) => got.push(value.number),
            None => break,
        }
        if receiver_goes && got.len() == VALUES as usize / 4 {
            drop(rx);
            let sent = sender.join().unwrap();
            assert!(sent.starts_with(&got));
            return tally.check();
        }
    }
    assert_eq!(got, sender.join().unwrap());
    drop(rx);
    tally.check();
}

#[test]
fn values_are_conserved() {
    let _watch = watch();
    for capacity in [Some(1), Some(2), Some(33), None] {
        conserved(capacity, false);
        conserved(capacity, true);
    }
}
