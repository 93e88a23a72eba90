//! Threads that block beside tasks that wait, on one channel.
use super::*;
use shuttle::thread;

fn threads(capacity: usize) {
    flow(move || {
        let ledger = Ledger::new();
        let (tx, rx) = bounded(capacity);
        let blocking_sender = {
            let (tx, ledger) = (tx.clone(), ledger.clone());
            thread::spawn(move || {
                for number in 0..3 {
                    assert!(ledger.outcome(tx.send_blocking(ledger.value(number))));
                }
            })
        };
        let sender = {
            let ledger = ledger.clone();
            spawn(async move {
                for number in 3..6 {
                    let mut place = Some(ledger.value(number));
                    let _ = impatient(tx.send_from(&mut place)).await;
                    ledger.place(place);
                }
            })
        };
        let blocking_receiver = {
            let (rx, ledger) = (rx.clone(), ledger.clone());
            thread::spawn(move || {
                while let Some(value) = rx.recv_blocking() {
                    ledger.received(value);
                }
            })
        };
        let receiver = {
            let (rx, ledger) = (rx.clone(), ledger.clone());
            spawn(async move {
                for _ in 0..2 {
                    if let Some(Some(value)) = impatient(rx.recv()).await {
                        ledger.received(value);
                    }
                }
            })
        };
        blocking_sender.join().unwrap();
        join(sender);
        join(receiver);
        blocking_receiver.join().unwrap();
        ledger.settle(6, vec![rx]);
    });
}

#[test]
fn threads_0() {
    threads(0);
}

#[test]
fn threads_1() {
    threads(1);
}

/// `close` ends those who block and those who wait.
#[test]
fn threads_beside_close() {
    flow(|| {
        let ledger = Ledger::new();
        let (tx, rx) = bounded(0);
        let sender = {
            let (tx, ledger) = (tx.clone(), ledger.clone());
            thread::spawn(move || {
                (0..2).for_each(|number| _ = ledger.outcome(tx.send_blocking(ledger.value(number))))
            })
        };
        let task = {
            let (tx, ledger) = (tx.clone(), ledger.clone());
            spawn(async move { _ = ledger.outcome(tx.send(ledger.value(2)).await) })
        };
        let receiver = {
            let (rx, ledger) = (rx.clone(), ledger.clone());
            thread::spawn(move || {
                while let Some(value) = rx.recv_blocking() {
                    ledger.received(value);
                }
            })
        };
        block_on(pause());
        tx.close();
        sender.join().unwrap();
        join(task);
        receiver.join().unwrap();
        ledger.settle(3, vec![rx]);
    });
}
