//! Models of the dynamic select: what is its own, rounds and giving up.
use super::*;
use crate::Select;

/// The dynamic select, round after round on one claim, beside two senders: both values come, once each.
#[test]
fn select_dynamic_round_after_round() {
    model(Some(2), || {
        let values = Values::new();
        let [(a, from_a), (b, from_b)] = two_channels(0);
        let (zero, one) = (values.make(0), values.make(1));
        let (also_a, also_b) = (a.clone(), b.clone()); // neither closes
        let senders =
            [spawn(move || block_on(a.send(zero)).unwrap()), spawn(move || block_on(b.send(one)).unwrap())];
        let mut select = Select::new();
        select.recv(&from_a);
        let b_index = select.recv(&from_b);
        let mut got = [0; 2].map(|_| {
            let selected = block_on(select.wait());
            number(if selected.index() == b_index { selected.recv(&from_b) } else { selected.recv(&from_a) })
        });
        got.sort();
        assert_eq!(got, [Some(0), Some(1)]);
        for sender in senders {
            sender.join().unwrap();
        }
        drop(select);
        drop((also_a, also_b, from_a, from_b));
        values.check();
    });
}

/// X3, W9 of the dynamic select: a wait is given up while a counterpart wins it, and another one follows.
#[test]
fn select_dynamic_given_up_beside_a_sender() {
    model(Some(3), || {
        let values = Values::new();
        let [(a, from_a), (_b, from_b)] = two_channels(0);
        let mut select = Select::new();
        select.recv(&from_a);
        select.recv(&from_b);
        let task = Task::waiting(select.wait());
        let (sender, value) = (a.clone(), values.make(0));
        let sender = spawn(move || block_on(sender.send(value)).unwrap());
        drop(task);
        assert_eq!(number(block_on(select.wait()).recv(&from_a)), Some(0));
        sender.join().unwrap();
        drop(select);
        drop((a, from_a));
        values.check();
    });
}
