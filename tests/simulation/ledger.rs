//! The ledger of a channel: what became of each value. And ways to send and to receive one, which keep it.
//!
//! | a value | by |
//! |---|---|
//! | Held | `Ledger::value`: somewhere between its maker and a receiver |
//! | Received | a receiver had it |
//! | Returned | the channel gave it back, in an error or in its place |
//! | Unsent | it went with a send that was given up |
//! | Left | it went with the channel, after the last receiver |
//! | Lost | it was dropped otherwise: never right |
use crate::kit::{after_turns, below, give_up, one_in, pause, turns, us};
use dormouse::chan::{SendError, SendTimeoutError, TryRecvError, TrySendError};
use dormouse::prelude::*;
use futures::StreamExt;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Held,
    Received,
    Returned,
    Unsent,
    Left,
    Lost,
}

#[derive(Debug)]
struct Entry {
    fate: Fate,
    dropped: bool,
    /// Its sender was told that it is sent.
    sent: bool,
    /// The place of its (last) send among all, by first polls.
    ticket: u64,
}

#[derive(Debug, Default)]
struct Books {
    entries: Vec<Entry>,
    tickets: u64,
    receivers: usize,
}

/// What became of the values of one channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<std::sync::Mutex<Books>>);

/// A value that is in the books.
#[derive(Debug)]
pub(crate) struct Value {
    number: usize,
    /// Who made it.
    pub(crate) maker: u64,
    ledger: Ledger,
}

impl Ledger {
    fn books<R>(&self, f: impl FnOnce(&mut Books) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    pub(crate) fn value(&self, maker: u64) -> Value {
        let entry = Entry { fate: Fate::Held, dropped: false, sent: false, ticket: 0 };
        let number = self.books(|books| {
            books.entries.push(entry);
            books.entries.len() - 1
        });
        Value { number, maker, ledger: self.clone() }
    }

    /// The next place in the order of sends.
    pub(crate) fn ticket(&self) -> u64 {
        self.books(|books| {
            books.tickets += 1;
            books.tickets
        })
    }

    fn entry<R>(&self, number: usize, f: impl FnOnce(&mut Entry) -> R) -> R {
        self.books(|books| f(&mut books.entries[number]))
    }

    fn set_ticket(&self, number: usize) {
        let ticket = self.ticket();
        self.entry(number, |entry| entry.ticket = ticket);
    }

    /// Its sender was told that it is sent.
    pub(crate) fn sent(&self, number: usize) {
        self.entry(number, |entry| entry.sent = true);
    }

    fn is_dropped(&self, number: usize) -> bool {
        self.entry(number, |entry| entry.dropped)
    }

    /// Its send has not happened, so it must be dropped by now.
    pub(crate) fn unsent(&self, number: usize) {
        let fate = self.entry(number, |entry| std::mem::replace(&mut entry.fate, Fate::Unsent));
        assert!(
            matches!(fate, Fate::Lost | Fate::Left),
            "value {number} of a send that has not happened is {fate:?}"
        );
    }

    /// It is never to be sent: it stands in an arm that is disabled.
    pub(crate) fn withhold(&self, number: usize) {
        self.entry(number, |entry| entry.fate = Fate::Unsent);
    }

    pub(crate) fn count(&self, fate: Fate) -> usize {
        self.books(|books| books.entries.iter().filter(|entry| entry.fate == fate).count())
    }

    /// How many were sent and not yet received, if no send or receive is under way.
    pub(crate) fn in_channel(&self) -> usize {
        self.books(|books| {
            let there = |entry: &&Entry| entry.fate == Fate::Held && entry.sent;
            books.entries.iter().filter(there).count()
        })
    }

    /// All is over, the channel too: each value had one right end.
    #[track_caller]
    pub(crate) fn settle(&self) {
        self.books(|books| {
            for (number, entry) in books.entries.iter().enumerate() {
                assert!(entry.dropped, "value {number} was leaked: {entry:?}");
                let right = match entry.fate {
                    Fate::Received | Fate::Left => true,
                    Fate::Returned | Fate::Unsent => !entry.sent,
                    Fate::Held | Fate::Lost => false,
                };
                assert!(right, "value {number}: {entry:?}");
            }
        });
    }

    /// No value whose send began after `ticket` has arrived.
    #[track_caller]
    pub(crate) fn nothing_sent_after(&self, ticket: u64) {
        self.books(|books| {
            for (number, entry) in books.entries.iter().enumerate() {
                let sent = entry.sent || matches!(entry.fate, Fate::Received | Fate::Left);
                assert!(
                    !(sent && entry.ticket > ticket),
                    "value {number} was sent after the close: {entry:?}"
                );
            }
        });
    }
}

impl Value {
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    fn end(self, fate: Fate) {
        let was = self.ledger.entry(self.number, |entry| std::mem::replace(&mut entry.fate, fate));
        assert_eq!(was, Fate::Held, "value {} is now {fate:?}", self.number);
    }

    /// A receiver has it; gives its ticket.
    pub(crate) fn received(self) -> u64 {
        let ticket = self.ledger.entry(self.number, |entry| entry.ticket);
        self.end(Fate::Received);
        ticket
    }

    pub(crate) fn returned(self) {
        self.end(Fate::Returned);
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let again = self.ledger.books(|books| {
            let receivers = books.receivers;
            let entry = &mut books.entries[self.number];
            if entry.fate == Fate::Held {
                entry.fate = if receivers == 0 { Fate::Left } else { Fate::Lost };
            }
            std::mem::replace(&mut entry.dropped, true)
        });
        assert!(!again, "value {} was dropped twice", self.number);
    }
}

/// A place to send from, which knows what becomes of its value if its owner goes.
#[derive(Debug, Default)]
pub(crate) struct Place(pub(crate) Option<Value>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            value.returned();
        }
    }
}

/// A receiver that the ledger counts.
#[derive(Debug)]
pub(crate) struct Rx {
    rx: Receiver<Value>,
    ledger: Ledger,
}

impl Deref for Rx {
    type Target = Receiver<Value>;
    fn deref(&self) -> &Receiver<Value> {
        &self.rx
    }
}

impl Clone for Rx {
    fn clone(&self) -> Rx {
        self.ledger.books(|books| books.receivers += 1);
        Rx { rx: self.rx.clone(), ledger: self.ledger.clone() }
    }
}

impl Drop for Rx {
    fn drop(&mut self) {
        self.ledger.books(|books| books.receivers -= 1);
    }
}

/// A channel and its ledger.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) tx: Sender<Value>,
    pub(crate) rx: Rx,
    pub(crate) ledger: Ledger,
}

/// A channel of this capacity.
pub(crate) fn line(capacity: Option<usize>) -> Line {
    let (tx, rx) = capacity.map_or_else(unbounded, bounded);
    let ledger = Ledger::default();
    ledger.books(|books| books.receivers = 1);
    Line { tx, rx: Rx { rx, ledger: ledger.clone() }, ledger }
}

/// A channel of some capacity.
pub(crate) fn some_line() -> Line {
    line([Some(0), Some(0), Some(1), Some(2), None][below(5) as usize])
}

/// A future that has a value to send, and tells the ledger if the value goes with it.
pub(crate) struct Attempt<F> {
    future: Option<Pin<Box<F>>>,
    number: usize,
    ledger: Ledger,
    begun: bool,
}

/// Watches over the send of value `number` by `future`.
pub(crate) fn attempt<F: Future>(ledger: &Ledger, number: usize, future: F) -> Attempt<F> {
    Attempt { future: Some(Box::pin(future)), number, ledger: ledger.clone(), begun: false }
}

impl<F: Future> Future for Attempt<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if !std::mem::replace(&mut self.begun, true) {
            self.ledger.set_ticket(self.number);
        }
        let output = self.future.as_mut().expect("not polled after its end").as_mut().poll(cx);
        if output.is_ready() {
            self.future = None;
        }
        output
    }
}

impl<F> Drop for Attempt<F> {
    fn drop(&mut self) {
        let Some(future) = self.future.take() else { return };
        let before = self.ledger.is_dropped(self.number);
        drop(future);
        if !before && self.ledger.is_dropped(self.number) {
            self.ledger.unsent(self.number);
        }
    }
}

/// What came of an attempt to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Yes,
    GivenUp,
    Closed,
}

fn told(ledger: &Ledger, number: usize, sent: Result<(), SendError<Value>>) -> Sent {
    match sent {
        Ok(()) => {
            ledger.sent(number);
            Sent::Yes
        }
        Err(SendError(value)) => {
            assert_eq!(value.number, number, "it gives back the value of another");
            value.returned();
            Sent::Closed
        }
    }
}

/// Sends one value in some way.
pub(crate) async fn send_somehow(line: &Sending, maker: u64) -> Sent {
    let (tx, ledger) = (&line.tx, &line.ledger);
    let value = ledger.value(maker);
    let number = value.number;
    match below(9) {
        0 => told(ledger, number, attempt(ledger, number, tx.send(value)).await),
        1 => match give_up(attempt(ledger, number, tx.send(value))).await {
            Some(sent) => told(ledger, number, sent),
            None => Sent::GivenUp,
        },
        2 | 3 => send_from_place(line, value).await,
        4 => {
            let select = async {
                select! {
                    send(tx, value) -> sent => Some(sent),
                    () = turns(below(4)) => None,
                }
            };
            match attempt(ledger, number, select).await {
                Some(sent) => told(ledger, number, sent),
                None => {
                    ledger.unsent(number);
                    Sent::GivenUp
                }
            }
        }
        5 => {
            ledger.set_ticket(number);
            match tx.try_send(value) {
                Ok(()) => told(ledger, number, Ok(())),
                Err(TrySendError::Closed(value)) => told(ledger, number, Err(SendError(value))),
                Err(TrySendError::Full(value)) => {
                    value.returned();
                    task::yield_now().await;
                    Sent::GivenUp
                }
            }
        }
        6 => match attempt(ledger, number, tx.send_timeout(value, us(below(4)))).await {
            Ok(()) => told(ledger, number, Ok(())),
            Err(SendTimeoutError::Closed(value)) => told(ledger, number, Err(SendError(value))),
            Err(SendTimeoutError::Timeout(value)) => {
                value.returned();
                Sent::GivenUp
            }
        },
        7 => match give_up(attempt(ledger, number, tx.send_many([value]))).await {
            Some(sent) => told(ledger, number, sent.map(|sent| assert_eq!(sent, 1))),
            None => Sent::GivenUp,
        },
        _ => {
            drop(attempt(ledger, number, tx.send(value))); // never polled: never sent
            assert!(ledger.is_dropped(number));
            Sent::GivenUp
        }
    }
}

/// Sends out of a place, again and again, until it is sent.
async fn send_from_place(line: &Sending, value: Value) -> Sent {
    let (tx, ledger) = (&line.tx, &line.ledger);
    let number = value.number;
    let mut place = Place(Some(value));
    loop {
        let n = below(5);
        ledger.set_ticket(number);
        let sent = if one_in(2) {
            after_turns(n, tx.send_from(&mut place.0)).await
        } else {
            let limit = time::sleep(us(n));
            select! {
                send_from(tx, place.0) -> sent => Some(sent),
                () = limit => {
                    assert!(place.0.is_some(), "a send that lost puts its value back");
                    None
                }
            }
        };
        match sent {
            Some(sent) => return told(ledger, number, sent),
            None => match &place.0 {
                Some(back) => assert_eq!(back.number, number),
                // It was taken before it was given up.
                None => return told(ledger, number, Ok(())),
            },
        }
    }
}

/// The sending half of a line.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    pub(crate) tx: Sender<Value>,
    pub(crate) ledger: Ledger,
}

impl Line {
    pub(crate) fn sending(&self) -> Sending {
        Sending { tx: self.tx.clone(), ledger: self.ledger.clone() }
    }
}

/// What came of an attempt to receive.
#[derive(Debug)]
pub(crate) enum Got {
    Value(Value),
    Nothing,
    Closed,
}

fn got(value: Option<Value>) -> Got {
    value.map_or(Got::Closed, Got::Value)
}

/// Receives one value in some way, or none.
pub(crate) async fn recv_somehow(rx: &Receiver<Value>) -> Got {
    match below(9) {
        0 => got(rx.recv().await),
        1 | 2 => give_up(rx.recv()).await.map_or(Got::Nothing, got),
        3 => {
            let limit = turns(below(4));
            select! { recv(rx) -> value => got(value), () = limit => Got::Nothing }
        }
        4 => {
            let limit = time::sleep(us(below(4)));
            select! { recv(rx) -> value => got(value), () = limit => Got::Nothing }
        }
        5 => {
            pause().await;
            select! { recv(rx) -> value => got(value), default => Got::Nothing }
        }
        6 => {
            let mut into = Vec::new();
            let received = give_up(rx.recv_many(&mut into, 1)).await;
            assert_eq!(received.unwrap_or(0), into.len(), "only a batch that is ready is in the Vec");
            received.map_or(Got::Nothing, |_| got(into.pop()))
        }
        7 => {
            let mut stream = pin!(rx.stream());
            for _ in 0..below(3) {
                // Given up in between, it keeps its place.
                if let Some(value) = after_turns(below(3), stream.next()).await {
                    return got(value);
                }
            }
            Got::Nothing
        }
        _ => {
            pause().await;
            match rx.try_recv() {
                Ok(value) => Got::Value(value),
                Err(TryRecvError::Empty) => Got::Nothing,
                Err(TryRecvError::Closed) => Got::Closed,
            }
        }
    }
}
