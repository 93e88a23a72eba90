//! Three selects in a ring, each ready to send to the next and to receive from the previous, until they are told to stop.
use super::*;

fn ring(capacity: usize, stop_when_done: bool) {
    flow(move || {
        let ledger = Ledger::new();
        let made = Arc::new(AtomicU32::new(0));
        let [(a, from_a), (b, from_b), (c, from_c)] = std::array::from_fn(|_| bounded(capacity));
        let rest = vec![from_a.clone(), from_b.clone(), from_c.clone()];
        let (stop, stopped) = bounded::<()>(0);
        let tasks = [(a, from_c), (b, from_a), (c, from_b)].map(|(next, previous)| {
            let (ledger, made, stopped) = (ledger.clone(), made.clone(), stopped.clone());
            spawn(async move {
                let mut held = None;
                for _ in 0..4 {
                    held.get_or_insert_with(|| ledger.value(made.fetch_add(1, SeqCst)));
                    select! {
                        send_from(next, held) -> sent => { sent.unwrap(); ledger.sent() }
                        recv(previous) -> value => { ledger.received(value.unwrap()); }
                        recv(stopped) -> _ => break,
                    }
                }
                held.into_iter().for_each(|value| ledger.kept(value));
                // The ends stay until all are done: here nothing closes but `stop`.
                (next, previous)
            })
        });
        let canceller = spawn(async move {
            if stop_when_done {
                yield_now().await;
            } else {
                pause().await;
            }
            drop(stop);
        });
        join(canceller);
        let ends = tasks.map(join);
        ledger.settle(made.load(SeqCst), rest);
        drop(ends);
    });
}

#[test]
fn ring_0() {
    ring(0, false);
}

#[test]
fn ring_1() {
    ring(1, false);
}

/// It is told to stop at once.
#[test]
fn ring_stopped_early() {
    ring(0, true);
}
