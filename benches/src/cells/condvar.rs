//! Condition variables: two tasks take turns, and each tells the other when it is its turn. One operation is one turn.
//!
//! No peer has one for tasks; `std`'s is for threads.
use crate::cells::tools::{Latch, measured};
use crate::hosts::{Dormouse, Host, Tokio};
use crate::measure::Sample;
use crate::registry::{Cell, Scale};
use dormouse_sync::{Condvar, Mutex};
use std::sync::Arc;

pub(crate) fn cells() -> Vec<Cell> {
    let cell = Cell::new("sync/condvar", "turn", "ns");
    let cell = ours(cell, Dormouse::ALL);
    let cell = ours(cell, Dormouse::ONE);
    let cell = ours(cell, Tokio::ALL);
    vec![cell.with(Tokio::ALL.with("std, blocking"), "std", |scale| {
        Tokio::ALL.run(measured(count(scale), 2, |each| async move { threads(each) }))
    })]
}

fn ours<H: Host>(cell: Cell, host: H) -> Cell {
    cell.with(host.with("dormouse"), "dormouse", move |scale| signalling(host, scale))
}

/// Turns of each.
fn count(scale: Scale) -> u64 {
    scale.of(200_000) / 2
}

fn signalling<H: Host>(host: H, scale: Scale) -> Sample {
    async fn all<H: Host>(each: u64) -> u64 {
        let (turn, latch) = (Arc::new((Mutex::new(0), Condvar::new())), Latch::new(2));
        for me in 0..2 {
            let (turn, latch) = (Arc::clone(&turn), Arc::clone(&latch));
            H::go(async move {
                let (number, changed) = &*turn;
                for _ in 0..each {
                    let number = number.lock().await;
                    let mut number = changed.wait_while(number, |number| *number % 2 != me).await;
                    *number += 1;
                    drop(number);
                    changed.notify_one();
                }
                latch.done(each);
            });
        }
        latch.wait().await
    }
    host.run(measured(count(scale), 2, all::<H>))
}

fn threads(each: u64) -> u64 {
    let (number, changed) = (std::sync::Mutex::new(0), std::sync::Condvar::new());
    std::thread::scope(|scope| {
        for me in 0..2 {
            let (number, changed) = (&number, &changed);
            scope.spawn(move || {
                for _ in 0..each {
                    let number = number.lock().unwrap();
                    let mut number = changed.wait_while(number, |number| *number % 2 != me).unwrap();
                    *number += 1;
                    drop(number);
                    changed.notify_one();
                }
            });
        }
    });
    2 * each
}
