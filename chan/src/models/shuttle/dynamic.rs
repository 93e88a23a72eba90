//! `chan::Select` against `select!`: they meet on three channels, and some of their waits are given up.
use super::*;
use crate::Select;

fn dynamic(capacity: usize) {
    flow(move || {
        let ledger = Ledger::new();
        let [(a, from_a), (b, from_b), (c, from_c)] = std::array::from_fn(|_| bounded(capacity));
        let rest = vec![from_a.clone(), from_b.clone(), from_c.clone()];
        let (stop, stopped) = bounded::<()>(0);
        let made = Arc::new(AtomicU32::new(0));
        let next = {
            let (ledger, made) = (ledger.clone(), made.clone());
            move || ledger.value(made.fetch_add(1, SeqCst))
        };
        // Receives from a and b, sends into c.
        let by_hand = {
            let (ledger, next, c, from_a, from_b) =
                (ledger.clone(), next.clone(), c.clone(), from_a.clone(), from_b.clone());
            let stopped = stopped.clone();
            spawn(async move {
                let mut select = Select::new();
                let at_a = select.recv(&from_a);
                select.recv(&from_b);
                let at_stop = select.recv(&stopped);
                let at_c = select.send(&c, next());
                for turn in 0.. {
                    let wait = select.wait();
                    let waited = if turn % 2 == 0 { impatient(wait).await } else { Some(wait.await) };
                    let stop = waited.is_some_and(|selected| match selected.index() {
                        index if index == at_stop => true,
                        index if index == at_c => selected.send(&c).is_err(), // it is open
                        _ if thread_rng().gen_bool(0.2) => false, // dropped: what was received goes back
                        index => {
                            let from = if index == at_a { &from_a } else { &from_b };
                            ledger.received(selected.recv(from).unwrap());
                            false
                        }
                    });
                    // Whether the wait was given up or not, the arm has its value, or has sent it.
                    let unsent = select.replace(at_c, &c, None);
                    if unsent.is_none() {
                        ledger.sent();
                    }
                    if stop {
                        unsent.into_iter().for_each(|value| ledger.kept(value));
                        break;
                    }
                    select.replace(at_c, &c, Some(unsent.unwrap_or_else(&next)));
                }
            })
        };
        // Sends into a and b, receives from c.
        let by_macro = {
            let (ledger, next, a, b, from_c) =
                (ledger.clone(), next.clone(), a.clone(), b.clone(), from_c.clone());
            let stopped = stopped.clone();
            spawn(async move {
                let (mut x, mut y) = (Some(next()), Some(next()));
                loop {
                    let turn = impatient(async {
                        select! {
                            send_from(a, x) -> sent => { sent.unwrap(); true }
                            send_from(b, y) -> sent => { sent.unwrap(); true }
                            recv(from_c) -> value => { ledger.received(value.unwrap()); true }
                            recv(stopped) -> _ => false,
                        }
                    });
                    let turn = turn.await;
                    for place in [&mut x, &mut y] {
                        if place.is_none() {
                            ledger.sent();
                            *place = Some(next());
                        }
                    }
                    if turn == Some(false) {
                        break;
                    }
                }
                [x, y].into_iter().flatten().for_each(|value| ledger.kept(value));
            })
        };
        // Sends into a, receives from c.
        let plain = {
            let (ledger, next, a, from_c) = (ledger.clone(), next.clone(), a.clone(), from_c.clone());
            spawn(async move {
                for _ in 0..2 {
                    let mut place = Some(next());
                    let _ = impatient(a.send_from(&mut place)).await;
                    ledger.place(place);
                    if let Some(value) = impatient(from_c.recv()).await {
                        ledger.received(value.unwrap());
                    }
                }
            })
        };
        block_on(pause());
        drop(stop);
        join(by_hand);
        join(by_macro);
        join(plain);
        ledger.settle(made.load(SeqCst), rest);
        drop((a, b, c));
    });
}

#[test]
fn dynamic_0() {
    dynamic(0);
}

#[test]
fn dynamic_1() {
    dynamic(1);
}
