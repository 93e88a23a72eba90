//! Models of the instant at which a select decides: `default` runs only if at one instant nothing was ready, and a biased
//! select takes an arm only if at one instant none before it was.
use super::*;
use crate::Select;
use loom::sync::Arc as Shared;

/// `default` is a snapshot (F22): while one of the channels has a value at every instant, it is not chosen.
#[test]
fn select_default_is_a_snapshot() {
    model(None, || {
        let [(a, from_a), (b, from_b)] = two_channels(1);
        a.try_send(0).unwrap();
        let mover = from_a.clone();
        let moved = Shared::new(AtomicUsize::new(9));
        let note = moved.clone();
        let mover = spawn(move || {
            b.try_send(1).unwrap();
            step();
            if let Ok(n) = mover.try_recv() {
                note.store(n, Release);
            }
            b
        });
        step();
        let got = select! {
            biased; // one after the other, this order would miss both
            recv(from_b) -> value => value,
            recv(from_a) -> value => value,
            default => None,
        };
        assert!(got.is_some(), "at every instant one of the two had a value");
        drop(mover.join().unwrap());
        drop(a);
    });
}

/// One of two channels has a token at every instant: it moves into the other before it is taken out of the one, to and
/// fro. Calls `look` beside that, with the receivers.
fn beside_a_token(moves: usize, look: fn(&Receiver<usize>, &Receiver<usize>)) {
    for first in [0, 1] {
        model(Some(3), move || {
            let chans = two_channels(2);
            chans[first].0.try_send(0).unwrap();
            let mover = {
                let chans = chans.clone();
                spawn(move || {
                    for from in (0..moves).map(|n| (first + n) % 2) {
                        step();
                        chans[1 - from].0.try_send(1).unwrap();
                        let _ = chans[from].1.try_recv();
                    }
                })
            };
            step();
            look(&chans[0].1, &chans[1].1);
            mover.join().unwrap();
        });
    }
}

/// F22 again, however often the token moves on behind the look.
#[test]
fn select_default_beside_a_token_that_comes_back() {
    beside_a_token(4, |a, b| {
        let got = select! { recv(a) -> value => value, recv(b) -> value => value, default => None };
        assert!(got.is_some(), "at every instant one of the two had a value");
    });
}

/// The same of three, of which one is idle.
#[test]
fn select_default_of_three_beside_a_token_that_comes_back() {
    beside_a_token(3, |a, b| {
        let (_sender, idle) = bounded::<usize>(1);
        let got = select! {
            recv(a) -> value => value,
            recv(idle) -> value => value,
            recv(b) -> value => value,
            default => None,
        };
        assert!(got.is_some(), "at every instant one of the two had a value");
    });
}

/// Why `default` asks whether the hints have changed meanwhile: read one after the other, however often, they are no
/// snapshot.
#[test]
#[should_panic(expected = "both seemed empty")]
fn select_hints_read_twice_are_no_snapshot() {
    beside_a_token(4, |a, b| {
        let reads = [a, b, a, b].map(|rx| {
            step();
            rx.chan().may_recv()
        });
        assert!(reads.contains(&true), "both seemed empty");
    });
}

/// Calls `select`, which is biased, while another thread makes `a` ready and then `b`: whenever `b` is, `a` is, and wins.
fn biased_beside_a_sender(select: fn(&Receiver<usize>, &Receiver<usize>) -> Option<usize>) {
    for later in 0..4 {
        model(Some(3), move || {
            let [(a, from_a), (b, from_b)] = two_channels(1);
            let sender = spawn(move || {
                (0..later).for_each(|_| step());
                a.try_send(0).unwrap();
                b.try_send(1).unwrap();
                (a, b)
            });
            assert_eq!(select(&from_a, &from_b), Some(0));
            drop(sender.join().unwrap());
        });
    }
}

#[test]
fn select_biased_is_a_snapshot() {
    biased_beside_a_sender(|a, b| {
        block_on(async {
            select! { biased; recv(a) -> value => value, recv(b) -> value => value }
        })
    });
}

#[test]
fn select_biased_is_a_snapshot_of_three() {
    biased_beside_a_sender(|a, b| {
        let (_sender, never) = bounded(1);
        block_on(async {
            select! {
                biased;
                recv(a) -> value => value,
                recv(never) -> value => value,
                recv(b) -> value => value,
            }
        })
    });
}

#[test]
fn select_biased_is_a_snapshot_with_a_future_between() {
    biased_beside_a_sender(|a, b| {
        let never = AtomicBool::new(false);
        block_on(async {
            select! {
                biased;
                recv(a) -> value => value,
                () = raised(&never) => None,
                recv(b) -> value => value,
            }
        })
    });
}

/// The engine's own look, of which the first look of `select!` makes little use: it is biased by a snapshot too.
#[test]
fn select_dynamic_biased_is_a_snapshot() {
    biased_beside_a_sender(|a, b| {
        let mut select = Select::new_biased();
        select.recv(a);
        select.recv(b);
        let selected = block_on(select.wait());
        match selected.index() {
            0 => selected.recv(a),
            _ => selected.recv(b),
        }
    });
}

/// F22 of the dynamic select.
#[test]
fn select_dynamic_try_wait_is_a_snapshot() {
    beside_a_token(3, |a, b| {
        let mut select = Select::new();
        select.recv(a);
        select.recv(b);
        assert!(select.try_wait().is_some(), "at every instant one of the two had a value");
    });
}
