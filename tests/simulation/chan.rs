//! Channels: many senders and receivers that come and go, give up, are aborted; closes.
use crate::kit::{ALL, Seen, below, join_all, one_in, pause, search, turns};
use crate::ledger::{Fate, Got, Line, Rx, Sending, Sent, Value, recv_somehow, send_somehow, some_line};
use dormouse::prelude::*;

/// Tasks that send a few values each, or as many as they can if `endless`.
fn senders(line: &Line, endless: bool) -> Vec<JoinHandle<()>> {
    let task = |maker, line: Sending| async move {
        let mut rounds = 1 + below(4);
        while endless || rounds > 0 {
            rounds = rounds.saturating_sub(1);
            pause().await;
            if send_somehow(&line, maker).await == Sent::Closed {
                assert!(line.tx.is_closed());
                break;
            }
        }
    };
    (0..1 + below(3)).map(|maker| spawn(task(maker, line.sending()))).collect()
}

/// Tasks that receive some values and go.
fn receivers(rx: &Rx) -> Vec<JoinHandle<()>> {
    let task = |rx: Rx| async move {
        for _ in 0..below(4) {
            pause().await;
            match recv_somehow(&rx).await {
                Got::Value(value) => _ = value.received(),
                Got::Nothing => {}
                Got::Closed => break,
            }
        }
    };
    (0..below(4)).map(|_| spawn(task(rx.clone()))).collect()
}

/// Receives until the channel is closed and drained; gives the tickets of the values.
async fn drain(rx: &Receiver<Value>) -> Vec<u64> {
    let mut tickets = Vec::new();
    loop {
        match recv_somehow(rx).await {
            Got::Value(value) => tickets.push(value.received()),
            Got::Nothing => {}
            Got::Closed => return tickets,
        }
    }
}

/// Who gives up or is aborted loses nothing: while one receiver stays, all that was sent arrives.
#[test]
fn whoever_comes_and_goes_nothing_is_lost() {
    search(ALL, async |seen: Seen<4>| {
        let line = some_line();
        let senders = senders(&line, false);
        let receivers = receivers(&line.rx);
        let Line { tx, rx, ledger } = line;
        drop(tx);
        let mut mine = drain(&rx).await.len();
        join_all(senders).await;
        join_all(receivers).await;
        mine += drain(&rx).await.len(); // what a receiver had been given when it gave up
        assert!(rx.is_closed() && rx.is_empty());
        assert_eq!(ledger.count(Fate::Held), 0, "drained");
        drop(rx);
        assert_eq!(ledger.count(Fate::Left), 0, "all that was sent is received");
        ledger.settle();
        for (what, happened) in [
            mine > 0,
            ledger.count(Fate::Received) > mine,
            ledger.count(Fate::Unsent) > 0,
            ledger.count(Fate::Returned) > 0,
        ]
        .into_iter()
        .enumerate()
        {
            if happened {
                seen.note(what);
            }
        }
    });
}

/// To a single receiver, which may give up as often as it likes, values come in the order in which their sends began.
#[test]
fn first_come_first_served() {
    search(ALL, async |seen: Seen<1>| {
        let line = some_line();
        let senders = senders(&line, false);
        let Line { tx, rx, ledger } = line;
        drop(tx);
        let tickets = drain(&rx).await;
        assert!(tickets.is_sorted(), "values overtake each other: {tickets:?}");
        join_all(senders).await;
        drop(rx);
        ledger.settle();
        if tickets.len() > 3 {
            seen.note(0);
        }
    });
}

/// After a close nothing is sent; what was sent before arrives; what waited is given back.
#[test]
fn a_close_at_any_moment() {
    search(ALL, async |seen: Seen<3>| {
        let line = some_line();
        let senders = senders(&line, true);
        let receivers = receivers(&line.rx);
        let Line { tx, rx, ledger } = line;
        turns(below(20)).await;
        let waiting = tx.len();
        assert!(if one_in(2) { tx.close() } else { rx.close() });
        let closed = ledger.ticket();
        let mut found = drain(&rx).await.len();
        join_all(senders).await;
        join_all(receivers).await;
        found += drain(&rx).await.len(); // what a receiver had been given when it gave up
        assert_eq!(ledger.count(Fate::Held), 0, "drained");
        drop((tx, rx));
        assert_eq!(ledger.count(Fate::Left), 0, "all that was sent is received");
        ledger.settle();
        ledger.nothing_sent_after(closed);
        for (what, happened) in
            [waiting > 0, found > 0, ledger.count(Fate::Returned) > 0].into_iter().enumerate()
        {
            if happened {
                seen.note(what);
            }
        }
    });
}

/// When the last receiver goes, senders learn of it, and what was left goes with the channel, not before.
#[test]
fn the_last_receiver_goes() {
    search(ALL, async |seen: Seen<2>| {
        let line = some_line();
        let senders = senders(&line, true);
        let receivers = receivers(&line.rx);
        let Line { tx, rx, ledger } = line;
        turns(below(8)).await;
        drop(rx);
        join_all(senders).await;
        tx.close(); // they may all have been aborted
        join_all(receivers).await;
        assert!(tx.is_empty());
        ledger.settle();
        for (what, fate) in [Fate::Received, Fate::Left].into_iter().enumerate() {
            if ledger.count(fate) > 0 {
                seen.note(what);
            }
        }
    });
}
