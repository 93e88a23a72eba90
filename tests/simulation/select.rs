//! `select!` over several channels in both directions, selects that meet selects, selects that are given up.
use crate::kit::{ALL, Seen, below, give_up, join_all, one_in, pause, search, turns, us};
use crate::ledger::{Fate, Ledger, Line, Place, Value, attempt, line, some_line};
use dormouse::chan::SendError;
use dormouse::prelude::*;
use dormouse::sim;
use std::future::pending;

fn note_sent(ledger: &Ledger, number: usize, sent: Result<(), SendError<Value>>) {
    match sent {
        Ok(()) => ledger.sent(number),
        Err(SendError(value)) => {
            assert_eq!(value.number(), number);
            value.returned();
        }
    }
}

/// One select over three channels, with some of its arms, until a deadline. Gives the arm.
async fn one_select(lines: &[Line; 3], place: &mut Place, maker: u64) -> usize {
    let [a, b, c] = lines;
    let value = b.ledger.value(maker);
    let number = value.number();
    let kept = place.0.get_or_insert_with(|| c.ledger.value(maker)).number();
    let on: [bool; 5] = std::array::from_fn(|_| !one_in(3));
    if !on[1] {
        b.ledger.withhold(number);
    }
    let deadline = Instant::now() + us(below(4));
    let select = async {
        select! {
            recv(*a.rx) -> value, if on[0] => { value.map(|value| value.received()); 0 }
            send(b.tx, value) -> sent, if on[1] => { note_sent(&b.ledger, number, sent); 1 }
            recv(*b.rx) -> value, if on[2] => { value.map(|value| value.received()); 2 }
            send_from(c.tx, place.0) -> sent, if on[3] => { note_sent(&c.ledger, kept, sent); 3 }
            recv(*c.rx) -> value, if on[4] => { value.map(|value| value.received()); 4 }
            () = time::sleep_until(deadline) => { assert_eq!(Instant::now(), deadline); 5 }
        }
    };
    let arm = attempt(&b.ledger, number, select).await;
    if on[1] && arm != 1 {
        b.ledger.unsent(number);
    }
    assert_eq!(place.0.is_none(), arm == 3, "the place is emptied by its own arm only, and that was {arm}");
    assert!(Instant::now() <= deadline, "the select went on after its deadline");
    arm
}

/// Tasks that each do a few selects over the same three channels, and other operations on them.
#[test]
fn over_several_channels() {
    search(ALL, async |seen: Seen<6>| {
        let lines = [some_line(), some_line(), some_line()];
        let ledgers = lines.clone().map(|line| line.ledger);
        let task = |maker: u64, lines: [Line; 3], seen: Seen<6>| async move {
            let mut place = Place::default();
            for _ in 0..1 + below(4) {
                pause().await;
                if let Some(arm) = give_up(one_select(&lines, &mut place, maker)).await {
                    seen.note(arm);
                }
                if one_in(4)
                    && let Some(line) = sim::rng().pick(&lines)
                {
                    let value = lines[0].ledger.value(maker);
                    match lines[0].tx.try_send(value) {
                        Ok(()) => {}
                        Err(error) => error.into_inner().returned(),
                    }
                    line.rx.try_recv().map(|value| value.received()).ok();
                }
                if one_in(20) {
                    lines[below(3) as usize].tx.close();
                }
            }
        };
        let tasks = (0..2 + below(3)).map(|maker| spawn(task(maker, lines.clone(), seen.clone()))).collect();
        join_all(tasks).await;
        for line in &lines {
            assert_eq!(
                line.rx.len(),
                line.ledger.count(Fate::Held),
                "what nobody received is in its channel"
            );
        }
        drop(lines);
        ledgers.iter().for_each(Ledger::settle);
    });
}

/// Selects that would send and receive on the same unbuffered channels: each meets one other, never itself, and at a
/// quiet moment at most one is left alone.
#[test]
fn selects_meet_selects() {
    search(ALL, async |seen: Seen<2>| {
        let lines = [line(Some(0)), line(Some(0))];
        let ledgers = lines.clone().map(|line| line.ledger);
        let meet = |maker: u64, [a, b]: [Line; 2], meetings: u64| async move {
            for maker in (0..meetings).map(|meeting| maker + meeting) {
                pause().await;
                let (value, mut place) = (a.ledger.value(maker), Place(Some(b.ledger.value(maker))));
                let (number, kept) = (value.number(), place.0.as_ref().unwrap().number());
                let on_a = one_in(2); // all are on `b`
                if !on_a {
                    a.ledger.withhold(number);
                }
                let take = |value: Option<Value>| {
                    let value = value.expect("nobody closes it");
                    assert_ne!(value.maker, maker, "a select met itself");
                    value.received();
                };
                let select = async {
                    let noise = async {
                        turns(below(3)).await;
                        pending::<()>().await
                    };
                    select! {
                        recv(*a.rx) -> value, if on_a => { take(value); 0 }
                        send(a.tx, value) -> sent, if on_a => { note_sent(&a.ledger, number, sent); 1 }
                        recv(*b.rx) -> value => { take(value); 2 }
                        send_from(b.tx, place.0) -> sent => { note_sent(&b.ledger, kept, sent); 3 }
                        () = noise => unreachable!(),
                    }
                };
                let arm = attempt(&a.ledger, number, select).await;
                if on_a && arm != 1 {
                    a.ledger.unsent(number);
                }
                assert_eq!(place.0.is_none(), arm == 3);
            }
        };
        let mut tasks: Vec<JoinHandle<()>> = Vec::new();
        for round in 0..2 {
            for maker in 0..1 + below(4) {
                tasks.push(spawn(meet(100 * round + 10 * maker, lines.clone(), 1 + below(3))));
            }
            turns(below(10)).await;
            if one_in(2)
                && let Some(task) = sim::rng().pick(&tasks)
            {
                task.abort();
            }
            sim::sleep(Duration::from_millis(1)).await;
            let alone = tasks.iter().filter(|task| !task.is_finished()).count();
            assert!(alone <= 1, "{alone} selects wait for each other");
            seen.note(alone);
        }
        tasks.iter().for_each(JoinHandle::abort);
        join_all(tasks).await;
        drop(lines);
        for ledger in &ledgers {
            ledger.settle();
        }
    });
}
