//! Quiet moments (`sim::wait`): when all are blocked, nobody is blocked who could go on. A wake-up that is lost, and a
//! value that nobody hands on, shows here at once, even if something later would have made up for it.
use crate::kit::{ALL, Seen, below, join_all, one_in, pause, search, turns};
use crate::ledger::{Fate, Line, Rx, Sending, attempt, some_line};
use dormouse::chan::SendError;
use dormouse::prelude::*;
use dormouse::sim;
use std::future::pending;

/// Sends one value, and waits for that as long as it takes.
async fn send_one(line: Sending, maker: u64) {
    let (tx, ledger) = (&line.tx, &line.ledger);
    pause().await;
    let value = ledger.value(maker);
    let number = value.number();
    let sent = attempt(ledger, number, async {
        match below(3) {
            0 => tx.send(value).await,
            1 => select! { send(tx, value) -> sent => sent, () = pending() => unreachable!() },
            _ => tx.send_from(&mut Some(value)).await,
        }
    });
    match sent.await {
        Ok(()) => ledger.sent(number),
        Err(SendError(value)) => value.returned(),
    }
}

/// Receives one value, and waits for that as long as it takes.
async fn recv_one(rx: Rx) {
    pause().await;
    let value = match below(3) {
        0 => rx.recv().await,
        1 => select! { recv(*rx) -> value => value, () = pending() => unreachable!() },
        _ => {
            let (_tx, other) = bounded(below(2) as usize);
            let first = turns(below(3));
            select! {
                recv(other) -> value => value,
                recv(*rx) -> value => value,
                () = first => rx.recv().await,
            }
        }
    };
    if let Some(value) = value {
        value.received();
    }
}

fn waiting(tasks: &[JoinHandle<()>]) -> usize {
    tasks.iter().filter(|task| !task.is_finished()).count()
}

fn abort_some(tasks: &[JoinHandle<()>]) {
    if let Some(task) = sim::rng().pick(tasks) {
        task.abort();
    }
}

/// One operation per task, some of them aborted; then exactly those wait who must.
#[test]
fn nobody_waits_who_could_go_on() {
    search(ALL, async |seen: Seen<4>| {
        let line = some_line();
        let Line { tx, rx, ledger } = line.clone();
        let (mut sends, mut recvs) = (Vec::new(), Vec::new());
        for _ in 0..2 + below(3) {
            for _ in 0..1 + below(5) {
                match below(7) {
                    0..=1 => sends.push(spawn(send_one(line.sending(), 0))),
                    2..=3 => recvs.push(spawn(recv_one(rx.clone()))),
                    4 => abort_some(&sends),
                    5 => abort_some(&recvs),
                    _ => task::yield_now().await,
                }
            }
            if one_in(8) {
                tx.close();
            }
            sim::sleep(Duration::from_millis(1)).await; // longer than any pause
            let (senders, receivers) = (waiting(&sends), waiting(&recvs));
            if tx.is_closed() {
                assert_eq!((senders, receivers), (0, 0), "the channel is closed");
                seen.note(0);
            } else {
                assert!(senders == 0 || rx.is_full(), "{senders} wait to send, and there is room");
                assert!(receivers == 0 || rx.is_empty(), "{receivers} wait to receive, and there are values");
                assert!(senders == 0 || receivers == 0, "{senders} and {receivers} wait for each other");
                if senders + receivers > 1 {
                    seen.note(1);
                }
            }
            // (A send that was aborted after the match is counted in the channel, and not by its sender.)
            assert!(rx.len() >= ledger.in_channel(), "values are not where they should be");
            if !rx.is_empty() {
                seen.note(2);
            }
        }
        sends.iter().chain(&recvs).for_each(JoinHandle::abort);
        join_all(sends).await;
        join_all(recvs).await;
        // Whatever the aborted ones were given is there again.
        assert_eq!(rx.len(), ledger.count(Fate::Held));
        drop((line, tx, rx));
        ledger.settle();
        if ledger.count(Fate::Unsent) > 0 {
            seen.note(3);
        }
    });
}
