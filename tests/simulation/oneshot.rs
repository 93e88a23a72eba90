//! Questions and answers: clients that ask with a channel for the answer and may give up, servers that answer, or not.
use crate::kit::{ALL, Seen, below, give_up, join_all, one_in, pause, search, us};
use dormouse::chan::oneshot;
use dormouse::prelude::*;
use dormouse_testing::{Tally, Value};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// A question, by number, and where the answer goes: a value with the same number.
type Question = (u32, oneshot::Sender<Value>);

const ANSWERED: usize = 0;
const UNANSWERED: usize = 1;
const RETURNED: usize = 2;
const NOT_WANTED: usize = 3;
const LATE: usize = 4;

/// When clients gave up, by question.
type GivenUp = Arc<Mutex<BTreeMap<u32, Instant>>>;

/// Who waits for it learns of it at once: if the client has given up at all, then just now.
fn check_given_up(number: u32, given_up: &GivenUp) {
    let given_up = given_up.lock().unwrap().get(&number).copied();
    assert!(given_up.is_none_or(|at| at == Instant::now()), "it learned of it late");
}

async fn serve(asked: Receiver<Question>, tally: Tally, given_up: GivenUp, seen: Seen<5>) {
    while let Some((number, mut answer)) = asked.recv().await {
        match below(4) {
            0 => continue, // no answer
            1 => pause().await,
            2 => {
                // Whoever had given up before the question came, did so earlier.
                let fresh = !answer.is_closed();
                let (begun, work) = (Instant::now(), us(below(5)));
                let wanted = select! {
                    () = answer.closed() => false,
                    () = time::sleep(work) => { assert_eq!(begun.elapsed(), work); true }
                };
                if fresh {
                    check_given_up(number, &given_up);
                }
                if !wanted {
                    seen.note(NOT_WANTED);
                    continue;
                }
            }
            _ => {}
        }
        let gone = answer.is_closed();
        let sent = answer.send(tally.value(number));
        assert!(sent.is_err() >= gone, "sent to somebody who was gone");
        if let Err(error) = sent {
            assert_eq!(error.into_inner().number, number);
            seen.note(RETURNED);
        }
    }
}

async fn ask(ask: Sender<Question>, numbers: Range<u32>, given_up: GivenUp, seen: Seen<5>) {
    for number in numbers {
        let (answer, mut reply) = chan::oneshot();
        if ask.send((number, answer)).await.is_err() {
            return; // all servers were aborted
        }
        let value = match give_up(&mut reply).await {
            Some(value) => value,
            None => {
                given_up.lock().unwrap().insert(number, Instant::now());
                if one_in(2) {
                    continue;
                }
                // Either it is there now, or it never comes.
                let closed = reply.close();
                let late = reply.try_recv().ok();
                assert!(!(closed && late.is_some()), "a value came after the close");
                if late.is_some() {
                    seen.note(LATE);
                }
                late
            }
        };
        seen.note(if value.is_some() { ANSWERED } else { UNANSWERED });
        assert!(value.is_none_or(|value| value.number == number), "the answer to another question");
    }
}

/// Each answer reaches its client, comes back, or goes with the client; and nobody waits for one who is gone.
#[test]
fn questions_and_answers() {
    search(ALL, async |seen: Seen<5>| {
        let (tally, given_up) = (Tally::new(), GivenUp::default());
        let (asks, asked) = chan::bounded(below(3) as usize);
        let servers = (0..1 + below(3))
            .map(|_| spawn(serve(asked.clone(), tally.clone(), given_up.clone(), seen.clone())))
            .collect();
        drop(asked);
        let clients = (0..1 + below(4) as u32)
            .map(|client| {
                spawn(ask(asks.clone(), 10 * client..10 * client + 4, given_up.clone(), seen.clone()))
            })
            .collect();
        drop(asks);
        join_all(clients).await;
        join_all(servers).await;
        tally.check();
    });
}
