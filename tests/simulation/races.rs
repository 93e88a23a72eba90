//! Timeouts that race with sends and receives, at the same or neighbouring instants of virtual time: who wins is exact.
use crate::kit::{NO_ABORTS, Seen, below, one_in, search, us};
use crate::ledger::{Fate, Line, Place, Value, attempt, line};
use dormouse::prelude::*;

/// Sends until `deadline`; true if it was sent.
async fn send_until(line: &Line, deadline: Instant) -> bool {
    let (tx, ledger) = (&line.tx, &line.ledger);
    let value = ledger.value(0);
    let number = value.number();
    let sent = match below(3) {
        0 => {
            let sent = time::timeout_at(deadline, attempt(ledger, number, tx.send(value))).await;
            sent.map(Result::unwrap).is_ok()
        }
        1 => {
            let mut place = Place(Some(value));
            let sent = time::timeout_at(deadline, tx.send_from(&mut place.0)).await;
            assert_eq!(sent.is_err(), place.0.is_some(), "its value is back, or it is sent");
            sent.map(Result::unwrap).is_ok()
        }
        _ => {
            let mut place = Place(Some(value));
            select! {
                send_from(tx, place.0) -> sent => { sent.unwrap(); true }
                () = time::sleep_until(deadline) => { assert!(place.0.is_some()); false }
            }
        }
    };
    if sent {
        ledger.sent(number);
    }
    sent
}

async fn recv_until(line: &Line, deadline: Instant) -> bool {
    let value: Option<Value> = if one_in(2) {
        time::timeout_at(deadline, line.rx.recv()).await.ok().flatten()
    } else {
        select! { recv(*line.rx) -> value => value, () = time::sleep_until(deadline) => None }
    };
    value.map(Value::received).is_some()
}

/// A sender and a receiver, each there from one instant to another. They meet if their times overlap, at the first
/// instant that both are there, and miss each other if not; if one comes as the other goes, both or neither say so.
#[test]
fn who_meets_whom_is_exact() {
    search(NO_ABORTS, async |seen: Seen<3>| {
        let start = Instant::now();
        for _ in 0..4 {
            let line = line(Some(0));
            let from = [below(4), below(4)];
            let until = from.map(|from| from + below(4));
            let base = Instant::now();
            let at = move |n: u64| base + us(n);
            let there = line.clone();
            let sender = spawn(async move {
                time::sleep_until(at(from[0])).await;
                (send_until(&there, at(until[0])).await, Instant::now())
            });
            let there = line.clone();
            let receiver = spawn(async move {
                time::sleep_until(at(from[1])).await;
                (recv_until(&there, at(until[1])).await, Instant::now())
            });
            let ((sent, sender), (received, receiver)) = (sender.await.unwrap(), receiver.await.unwrap());
            assert_eq!(sent, received);
            let (meet, part) = (from[0].max(from[1]), until[0].min(until[1]));
            match meet.cmp(&part) {
                std::cmp::Ordering::Less => assert!(sent, "both were there for {from:?} to {until:?}"),
                std::cmp::Ordering::Equal => seen.note(usize::from(sent)),
                std::cmp::Ordering::Greater => {
                    assert!(!sent, "they were never both there: {from:?} to {until:?}");
                    seen.note(2);
                }
            }
            if sent {
                assert_eq!((sender, receiver), (at(meet), at(meet)));
            } else {
                assert_eq!((sender, receiver), (at(until[0]), at(until[1])));
            }
            let ledger = line.ledger.clone();
            drop(line);
            ledger.settle();
            assert_eq!(ledger.count(Fate::Received), usize::from(sent));
        }
        assert!(start.elapsed() <= us(4 * 7));
    });
}
