//! Broadcast channels: senders and receivers that come and go, give up, are aborted; all policies, all see one order.
use crate::kit::{ALL, Seen, after_turns, below, give_up, join_all, one_in, pause, search};
use dormouse::chan::broadcast::{self, Overflow, Receiver, RecvError, SendError, Sender, TryRecvError};
use dormouse::chan::{self, Sender as Any};
use dormouse::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// What is known of a channel's values.
#[derive(Default)]
struct Books {
    /// Which value stood at which place of the one order.
    order: BTreeMap<u64, u32>,
    /// Values whose sender was told that they are sent, and that they are not.
    sent: Vec<u32>,
    refused: Vec<u32>,
    made: u32,
    lagged: bool,
    full: bool,
}

#[derive(Clone, Default)]
struct Ledger(Arc<(Mutex<Books>, AtomicI64)>);

impl Ledger {
    fn books<R>(&self, f: impl FnOnce(&mut Books) -> R) -> R {
        f(&mut self.0.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn value(&self) -> Value {
        self.0.1.fetch_add(1, SeqCst);
        let number = self.books(|books| {
            books.made += 1;
            books.made
        });
        Value { number, ledger: self.clone() }
    }

    fn alive(&self) -> i64 {
        self.0.1.load(SeqCst)
    }
}

struct Value {
    number: u32,
    ledger: Ledger,
}

impl Clone for Value {
    fn clone(&self) -> Self {
        self.ledger.0.1.fetch_add(1, SeqCst);
        Value { number: self.number, ledger: self.ledger.clone() }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.ledger.0.1.fetch_sub(1, SeqCst);
    }
}

/// A receiver that knows at which place of the order it stands.
struct Reader {
    rx: Receiver<Value>,
    place: u64,
    ledger: Ledger,
    overflow: Overflow,
}

impl Reader {
    fn got(&mut self, value: &Value) {
        let place = self.place;
        self.place += 1;
        let known = self.ledger.books(|books| *books.order.entry(place).or_insert(value.number));
        assert_eq!(known, value.number, "one order for all: place {place}");
    }

    fn lagged(&mut self, missed: u64) {
        assert!(missed > 0 && self.overflow == Overflow::DropOldest, "nobody may miss anything");
        self.place += missed;
        self.ledger.books(|books| books.lagged = true);
    }

    /// One receive, by any means; false when there is nothing more.
    async fn receive(&mut self) -> bool {
        let got = match below(3) {
            0 => match self.rx.try_recv() {
                Ok(value) => Some(Ok(value)),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
                Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
            },
            1 => Some(self.rx.recv().await),
            _ => give_up(self.rx.recv()).await,
        };
        match got {
            Some(Ok(value)) => self.got(&value),
            Some(Err(RecvError::Lagged(missed))) => self.lagged(missed),
            Some(Err(RecvError::Closed)) => return false,
            None => pause().await,
        }
        true
    }

    fn another(&self, rx: Receiver<Value>, place: u64) -> Reader {
        Reader { rx, place, ledger: self.ledger.clone(), overflow: self.overflow }
    }

    fn copy(&self) -> Reader {
        self.another(self.rx.clone(), self.place)
    }

    /// A reader of what comes from now on. Its place is found by going there with a copy.
    fn fresh(&self) -> Reader {
        let mut copy = self.copy();
        match copy.rx.try_recv() {
            Ok(value) => copy.got(&value),
            Err(TryRecvError::Lagged(missed)) => copy.lagged(missed),
            Err(_) => {}
        }
        let place = copy.place + copy.rx.len() as u64;
        self.another(self.rx.resubscribe(), place)
    }
}

/// Sends a few values, some of which it gives up.
async fn send_some(tx: Sender<Value>, ledger: Ledger, closes: bool) {
    for _ in 0..1 + below(5) {
        pause().await;
        let value = ledger.value();
        let number = value.number;
        let sent = match below(3) {
            0 => Some(tx.try_send(value)),
            1 => Some(tx.send(value).await),
            _ => give_up(tx.send(value)).await,
        };
        ledger.books(|books| match sent {
            Some(Ok(())) => books.sent.push(number),
            Some(Err(error)) => {
                books.full |= matches!(error, SendError::Full(_));
                books.refused.push(error.into_inner().number);
            }
            None => {}
        });
    }
    if closes {
        tx.close();
    }
}

/// Receives for a while, or to the end; becomes two now and then.
async fn receive_some(mut reader: Reader, done: Any<()>) {
    for _ in 0..below(8) {
        pause().await;
        if one_in(6) {
            reader = if one_in(2) { reader.copy() } else { reader.fresh() };
        }
        if !reader.receive().await {
            break;
        }
    }
    drop(done);
}

/// Who comes, goes, gives up and is aborted: all that stays in its place agrees.
#[test]
fn all_see_one_order_and_nothing_is_lost() {
    search(ALL, async |seen: Seen<5>| {
        let ledger = Ledger::default();
        let overflow = [Overflow::Wait, Overflow::DropOldest, Overflow::Error][below(3) as usize];
        let (tx, rx) = chan::broadcast(1 + below(4) as usize, overflow);
        let mut stays = Reader { rx, place: 0, ledger: ledger.clone(), overflow };
        let (done, all_done) = chan::bounded::<()>(0);
        let mut tasks: Vec<JoinHandle<()>> = Vec::new();
        for _ in 0..below(4) {
            let reader = if one_in(2) { stays.copy() } else { stays.fresh() };
            tasks.push(spawn(receive_some(reader, done.clone())));
        }
        for _ in 0..1 + below(3) {
            tasks.push(spawn(send_some(tx.clone(), ledger.clone(), one_in(10))));
        }
        drop((tx, done));
        while stays.receive().await {
            pause().await;
        }
        assert_eq!(all_done.recv().await, None); // aborted ones let go of it, too
        join_all(tasks).await;
        assert!(stays.rx.is_closed() && stays.rx.is_empty());
        drop(stays);
        assert_eq!(ledger.alive(), 0, "each value and each copy is dropped");
        ledger.books(|books| {
            let mut seen: Vec<u32> = books.order.values().copied().collect();
            seen.sort_unstable();
            assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "no value has two places");
            assert!(
                books.refused.iter().all(|number| seen.binary_search(number).is_err()),
                "refused, and seen"
            );
            if overflow != Overflow::DropOldest {
                let lost: Vec<_> =
                    books.sent.iter().filter(|number| seen.binary_search(number).is_err()).collect();
                assert!(lost.is_empty(), "sent, and not seen by the one who stayed: {lost:?}");
                assert!(books.order.keys().copied().eq(0..seen.len() as u64), "no place is empty");
            }
        });
        let happened = ledger.books(|books| {
            let (kept, refused) = (books.order.len(), books.refused.len());
            [
                kept > 4,
                books.lagged,
                books.full,
                refused > 0,
                books.sent.len() + refused < books.made as usize,
            ]
        });
        (0..5).filter(|&what| happened[what]).for_each(|what| seen.note(what));
    });
}

/// When the last receiver goes, a send fails with its value and the channel stays open: the next receiver goes on.
#[test]
fn receivers_come_after_the_last_has_gone() {
    search(ALL, async |seen: Seen<2>| {
        let ledger = Ledger::default();
        let (tx, rx) = chan::broadcast::<Value>(1 + below(2) as usize, Overflow::Wait);
        drop(rx);
        let senders: Vec<_> =
            (0..1 + below(3)).map(|_| spawn(send_some(tx.clone(), ledger.clone(), false))).collect();
        let mut received = false;
        for _ in 0..1 + below(6) {
            let mut rx = tx.subscribe();
            pause().await;
            for _ in 0..below(3) {
                received |= matches!(after_turns(below(4), rx.recv()).await, Some(Ok(_)));
            }
            drop(rx);
            assert!(!tx.is_closed());
            pause().await;
        }
        join_all(senders).await; // nobody waits for receivers that there are not
        assert!(tx.is_empty() && tx.receiver_count() == 0);
        assert!(matches!(tx.try_send(ledger.value()), Err(broadcast::SendError::NoReceivers(_))));
        assert_eq!(ledger.alive(), 0);
        let refused = ledger.books(|books| !books.refused.is_empty());
        for (what, happened) in [received, refused].into_iter().enumerate() {
            if happened {
                seen.note(what);
            }
        }
    });
}
