//! Reservations and permits, some of them given up or forgotten, beside a plain sender, a receiver, and a close.
use super::*;

fn permits(capacity: usize) {
    flow(move || {
        let ledger = Ledger::new();
        let (tx, rx) = bounded(capacity);
        let reserving = [0..2, 2..4].map(|numbers| {
            let (tx, ledger) = (tx.clone(), ledger.clone());
            spawn(async move {
                for number in numbers {
                    let value = ledger.value(number);
                    match (impatient(tx.reserve()).await, thread_rng().gen_range(0..6)) {
                        (Some(Ok(permit)), 0) => std::mem::forget(permit), // its place is lost, nothing else
                        (Some(Ok(permit)), 1) => drop(permit),
                        (Some(Ok(permit)), _) => {
                            pause().await;
                            ledger.outcome(permit.send(value));
                            continue;
                        }
                        (Some(Err(_)), _) => assert!(tx.is_closed()),
                        (None, _) => {}
                    }
                    ledger.kept(value);
                }
            })
        });
        let plain = {
            let (tx, ledger) = (tx.clone(), ledger.clone());
            spawn(async move {
                for number in 4..6 {
                    ledger.outcome(tx.send(ledger.value(number)).await);
                }
            })
        };
        let receiver = {
            let (rx, ledger) = (rx.clone(), ledger.clone());
            spawn(async move {
                while let Some(value) = rx.recv().await {
                    ledger.received(value);
                }
            })
        };
        block_on(pause());
        tx.close();
        reserving.into_iter().for_each(join);
        join(plain);
        join(receiver);
        ledger.settle(6, vec![rx]);
    });
}

#[test]
fn permits_1() {
    permits(1);
}

#[test]
fn permits_2() {
    permits(2);
}

/// Without a close and with nothing forgotten: each place comes back, so that all who wait are served.
#[test]
fn places_come_back() {
    flow(|| {
        let ledger = Ledger::new();
        let (tx, rx) = bounded(1);
        let reserving = [0, 1].map(|number| {
            let (tx, ledger) = (tx.clone(), ledger.clone());
            spawn(async move {
                drop(impatient(tx.reserve()).await);
                assert!(ledger.outcome(tx.reserve().await.unwrap().send(ledger.value(number))));
            })
        });
        let plain = {
            let ledger = ledger.clone();
            spawn(async move { assert!(ledger.outcome(tx.send(ledger.value(2)).await)) })
        };
        for _ in 0..3 {
            ledger.received(block_on(rx.recv()).unwrap());
        }
        reserving.into_iter().for_each(join);
        join(plain);
        ledger.settle(3, vec![rx]);
    });
}
