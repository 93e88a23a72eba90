//! Each value to all: one receiver stays, one leaves in the middle, one comes later; the senders go at the end.
use super::*;
use crate::broadcast;
use crate::broadcast::{Overflow, RecvError};

fn to_all(overflow: Overflow, values: u32) {
    flow(move || {
        let (tx, mut rx) = broadcast(1, overflow);
        let (mut leaver, late) = (tx.subscribe(), tx.clone());
        let sender = spawn(async move {
            for number in 0..values {
                let mut sent = impatient(tx.send(number)).await;
                if sent.is_none() {
                    sent = Some(tx.send(number).await); // given up, after it was sent or before: once more
                }
                assert_eq!(sent, Some(Ok(())));
            }
        });
        let stays = spawn(async move {
            let mut next = 0;
            loop {
                match rx.recv().await {
                    Ok(number) => {
                        assert!(
                            number == next || number + 1 == next,
                            "{number}: each one, in order, next {next}"
                        );
                        next = number + 1;
                    }
                    Err(RecvError::Lagged(missed)) => {
                        assert_eq!(overflow, Overflow::DropOldest);
                        next += missed as u32;
                    }
                    Err(RecvError::Closed) => return next,
                }
            }
        });
        let leaves = spawn(async move {
            let first = leaver.recv().await;
            assert!(overflow == Overflow::DropOldest || first == Ok(0));
            let _ = impatient(leaver.recv()).await;
        });
        let comes = spawn(async move {
            pause().await;
            let mut rx = late.subscribe();
            drop(late);
            let mut last = None;
            loop {
                match rx.recv().await {
                    Ok(number) => assert!(last.replace(number).is_none_or(|last| last <= number)),
                    Err(RecvError::Lagged(_)) => assert_eq!(overflow, Overflow::DropOldest),
                    Err(RecvError::Closed) => return last,
                }
            }
        });
        join(sender);
        assert_eq!(join(stays), values);
        assert!(join(comes).is_none_or(|last| last == values - 1));
        join(leaves);
    });
}

#[test]
fn broadcast_waits_for_the_slowest() {
    to_all(Overflow::Wait, 3);
}

#[test]
fn broadcast_drops_the_oldest() {
    to_all(Overflow::DropOldest, 3);
}
