//! Questions and answers: clients that ask with a channel for the answer and may give up, servers that answer, or not.
use crate::kit::{ALL, Seen, below, give_up, join_all, one_in, pause, search, us};
use dormouse::chan::oneshot;
use dormouse::prelude::*;
use dormouse_testing::{Tally, Value};

/// A question, by number, and where the answer goes: a value with the same number.
type Question = (u32, oneshot::Sender<Value>);

const ANSWERED: usize = 0;
const UNANSWERED: usize = 1;
const RETURNED: usize = 2;
const NOT_WANTED: usize = 3;
const LATE: usize = 4;

async fn serve(asked: Receiver<Question>, tally: Tally, seen: Seen<5>) {
    while let Some((number, mut answer)) = asked.recv().await {
        match below(4) {
            0 => continue, // no answer
            1 => pause().await,
            2 => {
                let begun = Instant::now();
                let work = us(below(5));
                select! {
                    () = answer.closed() => { seen.note(NOT_WANTED); continue }
                    () = time::sleep(work) => assert_eq!(begun.elapsed(), work),
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

async fn ask(ask: Sender<Question>, numbers: std::ops::Range<u32>, seen: Seen<5>) {
    for number in numbers {
        let (answer, mut reply) = chan::oneshot();
        if ask.send((number, answer)).await.is_err() {
            return; // all servers were aborted
        }
        let value = match give_up(&mut reply).await {
            Some(value) => value,
            None if one_in(2) => continue,
            None => {
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
        let tally = Tally::new();
        let (asks, asked) = chan::bounded(below(3) as usize);
        let servers =
            (0..1 + below(3)).map(|_| spawn(serve(asked.clone(), tally.clone(), seen.clone()))).collect();
        drop(asked);
        let clients = (0..1 + below(4) as u32)
            .map(|client| spawn(ask(asks.clone(), 10 * client..10 * client + 4, seen.clone())))
            .collect();
        drop(asks);
        join_all(clients).await;
        join_all(servers).await;
        tally.check();
    });
}
