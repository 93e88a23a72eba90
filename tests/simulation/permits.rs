//! Places set aside: permits that are held, used, dropped, given up while they wait, among other sends; closes.
use crate::kit::{ALL, Seen, below, give_up, join_all, one_in, pause, search, turns};
use crate::ledger::{Fate, Got, Line, Sending, line, recv_somehow, send_somehow};
use dormouse::prelude::*;

/// Sets a place aside, holds it for a while, and perhaps sends into it. False if the channel is closed.
async fn use_a_place(to: &Sending, maker: u64) -> bool {
    let permit = match below(3) {
        0 => to.tx.try_reserve().ok(),
        1 => give_up(to.tx.reserve()).await.and_then(Result::ok),
        _ => match to.tx.reserve().await {
            Ok(permit) => Some(permit),
            Err(_) => return false,
        },
    };
    let Some(permit) = permit else {
        pause().await;
        return !to.tx.is_closed();
    };
    assert!(
        to.tx.capacity().is_none_or(|capacity| to.tx.len() < capacity),
        "a place that is set aside is empty"
    );
    turns(below(3)).await;
    if one_in(4) {
        return true;
    }
    let value = to.ledger.value(maker);
    let number = value.number();
    match permit.send(value) {
        Ok(()) => to.ledger.sent(number),
        Err(error) => error.into_inner().returned(),
    }
    true
}

fn some_places() -> Line {
    line([Some(1), Some(1), Some(2), None][below(4) as usize])
}

fn senders(line: &Line, rounds: u64) -> Vec<JoinHandle<()>> {
    let task = |maker, to: Sending| async move {
        for _ in 0..rounds {
            pause().await;
            if one_in(2) {
                if !use_a_place(&to, maker).await {
                    break;
                }
            } else {
                send_somehow(&to, maker).await;
            }
        }
    };
    (0..2 + below(2)).map(|maker| spawn(task(maker, line.sending()))).collect()
}

/// While one receiver stays, all that was sent arrives, and at the end all places are free again.
#[test]
fn no_value_and_no_place_is_lost() {
    search(ALL, async |seen: Seen<2>| {
        let line = some_places();
        let senders = senders(&line, 3);
        let Line { tx, rx, ledger } = line;
        let mut received = 0;
        let mut done = std::pin::pin!(join_all(senders));
        loop {
            select! {
                _ = done.as_mut() => break,
                recv(*rx) -> value => { value.expect("a sender is here").received(); received += 1 }
            }
        }
        while let Ok(value) = rx.try_recv() {
            value.received();
            received += 1;
        }
        let places = tx.capacity().unwrap_or(3);
        let permits: Vec<_> = (0..places).map(|_| tx.try_reserve().expect("all places are free")).collect();
        assert_eq!(tx.is_full(), tx.capacity().is_some());
        drop(permits);
        assert_eq!(ledger.count(Fate::Held), 0, "drained");
        drop((tx, rx));
        ledger.settle();
        for (what, happened) in [received > 3, ledger.count(Fate::Unsent) > 0].into_iter().enumerate() {
            if happened {
                seen.note(what);
            }
        }
    });
}

/// Who waits for a place, or holds one, when the channel is closed or its last receiver goes, is told, and keeps its value.
#[test]
fn a_close_beside_permits() {
    search(ALL, async |seen: Seen<2>| {
        let line = some_places();
        let senders = senders(&line, 6);
        let Line { tx, rx, ledger } = line;
        turns(below(20)).await;
        if one_in(2) {
            assert!(if one_in(2) { tx.close() } else { rx.close() });
            while let Got::Value(value) = recv_somehow(&rx).await {
                value.received();
            }
        }
        let left = rx.len();
        drop(rx);
        join_all(senders).await;
        assert_eq!((tx.len(), ledger.count(Fate::Held)), (0, 0));
        assert!(tx.try_reserve().is_err_and(|error| error.is_closed()));
        drop(tx);
        ledger.settle();
        for (what, happened) in [left > 0, ledger.count(Fate::Returned) > 0].into_iter().enumerate() {
            if happened {
                seen.note(what);
            }
        }
    });
}
