//! Two senders and two receivers that give up at random, beside a task that is ended from outside.
use super::*;

async fn send_some(tx: Sender<Value>, ledger: Ledger, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let mut place = Some(ledger.value(number));
        let sent = impatient(tx.send_from(&mut place)).await;
        assert!(!matches!(sent, Some(Err(_))), "a receiver stays to the end");
        assert!(sent.is_none() || place.is_none());
        ledger.place(place);
    }
}

async fn receive_all(rx: Receiver<Value>, ledger: Ledger) {
    loop {
        match impatient(rx.recv()).await {
            Some(Some(value)) => ledger.received(value),
            Some(None) => return,
            None => continue,
        };
    }
}

fn two_by_two(capacity: usize) {
    flow(move || {
        let ledger = Ledger::new();
        let (tx, rx) = bounded(capacity);
        let senders = [0..3, 3..6].map(|numbers| spawn(send_some(tx.clone(), ledger.clone(), numbers)));
        let receivers = [(); 2].map(|()| spawn(receive_all(rx.clone(), ledger.clone())));
        drop(tx);
        senders.into_iter().for_each(join);
        receivers.into_iter().for_each(join);
        ledger.settle(6, vec![rx]);
    });
}

#[test]
fn mpmc_0() {
    two_by_two(0);
}

#[test]
fn mpmc_1() {
    two_by_two(1);
}

/// X1, X2 from outside: a receiving and a sending task are ended at any moment, a woken one too. Whom they were about to
/// serve is served by the others.
fn ended(capacity: usize) {
    flow(move || {
        let ledger = Ledger::new();
        let (tx, rx) = bounded(capacity);
        let receive = |rx: Receiver<Value>| {
            let ledger = ledger.clone();
            async move {
                while let Some(value) = rx.recv().await {
                    ledger.received(value);
                }
            }
        };
        let patient = spawn(receive(rx.clone()));
        let doomed = spawn(receive(rx.clone()));
        let sender = {
            let (tx, ledger) = (tx.clone(), ledger.clone());
            spawn(async move {
                for number in 0..3 {
                    assert!(ledger.outcome(tx.send(ledger.value(number)).await));
                }
            })
        };
        let open = tx.clone(); // until the doomed are gone
        let place = Arc::new(shuttle::sync::Mutex::new(Some(ledger.value(3))));
        let doomed_sender = {
            let place = place.clone();
            spawn(async move {
                let value = place.lock().unwrap().take();
                let mut place = Place(value, place);
                let _ = tx.send_from(&mut place.0).await;
            })
        };
        block_on(pause());
        doomed.abort();
        doomed_sender.abort();
        let _ = block_on(doomed);
        let _ = block_on(doomed_sender);
        drop(open);
        join(sender);
        join(patient);
        assert!(rx.is_empty(), "whoever waited beside a value was left waiting");
        ledger.place(place.lock().unwrap().take());
        ledger.settle(4, vec![rx]);
    });
}

/// A value that outlives the task which sends it, unless it was sent.
struct Place(Option<Value>, Arc<shuttle::sync::Mutex<Option<Value>>>);

impl Drop for Place {
    fn drop(&mut self) {
        *self.1.lock().unwrap() = self.0.take();
    }
}

#[test]
fn ended_0() {
    ended(0);
}

#[test]
fn ended_1() {
    ended(1);
}
