//! `chan::Select`: arms and their outcomes, the choice, rounds.
use crate::allocs::{NOTHING, allocated};
use crate::choice::uniform;
use crate::now;
use dormouse_chan::{Receiver, Select, SelectFuture, Selected, SendError, Sender, bounded, never, unbounded};
use dormouse_testing::{panics, watch};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

assert_impl_all!(Select<'static>: Send, Unpin, std::fmt::Debug, Default);
assert_impl_all!(SelectFuture<'static, 'static>: Send, Unpin, std::fmt::Debug);
assert_impl_all!(Selected<'static, 'static>: Send, std::fmt::Debug);
assert_not_impl_any!(Select<'static>: Clone);

/// Channels with one value each.
fn full(count: usize) -> (Vec<Sender<usize>>, Vec<Receiver<usize>>) {
    let chans = (0..count).map(|i| {
        let (tx, rx) = bounded(1);
        tx.try_send(i).unwrap();
        (tx, rx)
    });
    chans.unzip()
}

#[test]
fn arms_of_every_kind_and_type() {
    let _watch = watch();
    let ((words, heard), (numbers, _room), (_tx, idle)) =
        (unbounded::<String>(), bounded::<u64>(1), bounded::<()>(0));
    words.try_send("hello".into()).unwrap();
    let done = Cell::new(false);
    let mut waits = pin!(pending());
    let mut select = Select::new_biased();
    let nothing = select.recv(&idle);
    let never = select.future(waits.as_mut());
    let word = select.recv(&heard);
    let number = select.send(&numbers, 7);
    assert_eq!([nothing, never, word, number, select.len()], [0, 1, 2, 3, 4]);

    let selected = now(select.wait());
    assert_eq!(selected.index(), word);
    assert_eq!(selected.recv(&heard).as_deref(), Some("hello"));
    let selected = now(select.wait());
    assert_eq!(selected.index(), number);
    assert_eq!(selected.send(&numbers), Ok(()));
    let mut round = spawn(select.wait());
    assert_pending!(round.poll()); // nothing is left
    drop(round);
    drop((words, select));
    assert!(!done.get());
}

#[test]
fn a_closed_channel_is_ready_and_gives_values_back() {
    let _watch = watch();
    let ((tx, rx), (to, from)) = (bounded::<u8>(1), bounded::<u8>(1));
    drop((tx, from));
    let mut select = Select::new();
    let receives = select.recv(&rx);
    for _ in 0..2 {
        assert_eq!(now(select.wait()).recv(&rx), None);
    }
    select.remove(receives);
    let sends = select.send(&to, 5);
    let selected = now(select.wait());
    assert_eq!((selected.index(), selected.send(&to)), (sends, Err(SendError(5))));
    assert!(select.try_wait().is_none(), "the value is gone");
    assert_eq!(select.replace(sends, &to, Some(6)), None);
    drop(now(select.wait()));
    assert_eq!(
        select.replace(sends, &to, None),
        Some(6),
        "an outcome that nobody took leaves the value there"
    );
}

#[test]
fn a_selected_that_is_dropped_puts_the_value_back() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    (0..2).for_each(|n| tx.try_send(n).unwrap());
    let mut select = Select::new();
    select.recv(&rx);
    drop(now(select.wait()));
    drop(select.try_wait());
    assert_eq!((rx.len(), now(select.wait()).recv(&rx)), (2, Some(0)), "it is the first again");
}

#[test]
fn the_choice_is_uniform_among_two() {
    let _watch = watch();
    uniform::<2>(picks(2, &[0, 1], |select| now(select.wait())));
}

#[test]
fn the_choice_is_uniform_among_three_of_seven() {
    let _watch = watch();
    uniform::<3>(picks(7, &[1, 2, 6], |select| now(select.wait())));
}

#[test]
fn the_choice_is_uniform_among_five() {
    let _watch = watch();
    uniform::<5>(picks(5, &[0, 1, 2, 3, 4], |select| now(select.wait())));
}

#[test]
fn the_choice_is_uniform_among_eight_of_twenty() {
    let _watch = watch();
    uniform::<8>(picks(20, &[0, 1, 2, 3, 10, 11, 12, 19], |select| now(select.wait())));
}

#[test]
fn try_wait_chooses_as_wait_does() {
    let _watch = watch();
    uniform::<3>(picks(7, &[1, 2, 6], |select| select.try_wait().unwrap()));
}

/// Picks among `count` receives, of which `ready` are; which of these it was.
fn picks(
    count: usize,
    ready: &[usize],
    pick: impl for<'s, 'a> Fn(&'s mut Select<'a>) -> Selected<'s, 'a>,
) -> impl FnMut() -> usize {
    let (txs, rxs) = full(count);
    // The receivers have to outlive the select, and both the closure.
    let rxs: &'static [Receiver<usize>] = rxs.leak();
    let mut select = Select::new();
    for (i, rx) in rxs.iter().enumerate() {
        select.recv(rx);
        if !ready.contains(&i) {
            rx.try_recv().unwrap();
        }
    }
    move || {
        let selected = pick(&mut select);
        let index = selected.index();
        assert_eq!(selected.recv(&rxs[index]), Some(index));
        txs[index].try_send(index).unwrap();
        ready.iter().position(|&i| i == index).expect("a ready one")
    }
}

/// With both directions of one channel ready, and a future.
#[test]
fn the_choice_is_uniform_among_every_kind() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    tx.try_send(0).unwrap();
    uniform::<3>(|| {
        let mut done = pin!(async {});
        let mut select = Select::new();
        select.recv(&rx);
        select.send(&tx, 1);
        select.future(done.as_mut());
        let selected = now(select.wait());
        match selected.index() {
            0 => {
                selected.recv(&rx).unwrap();
                tx.try_send(0).unwrap();
                0
            }
            1 => {
                selected.send(&tx).unwrap();
                rx.try_recv().unwrap();
                1
            }
            other => other,
        }
    });
}

#[test]
fn biased_takes_the_lowest_index() {
    let _watch = watch();
    let (txs, rxs) = full(9);
    rxs[0].try_recv().unwrap();
    let mut select = Select::new_biased();
    for rx in &rxs {
        select.recv(rx);
    }
    for round in 0..20 {
        let selected = if round % 2 == 0 { now(select.wait()) } else { select.try_wait().unwrap() };
        assert_eq!(selected.index(), 1);
        drop(selected); // the value is back
    }
    txs[0].try_send(0).unwrap();
    assert_eq!(now(select.wait()).index(), 0);
}

#[test]
fn try_wait_finds_nothing_only_if_nothing_is_ready() {
    let _watch = watch();
    let ((tx, rx), (rendezvous, meets)) = (bounded(1), bounded(0));
    let (_never_tx, never_rx) = never::<u8>();
    let mut select = Select::new();
    assert!(select.try_wait().is_none(), "without arms");
    select.recv(&rx);
    assert!(select.try_wait().is_none());
    select.recv(&meets);
    select.recv(&never_rx);
    assert!(select.try_wait().is_none());
    let mut send = spawn(rendezvous.send(1));
    assert_pending!(send.poll());
    assert_eq!(select.try_wait().unwrap().recv(&meets), Some(1));
    assert!(send.is_woken());
    tx.try_send(2).unwrap();
    assert_eq!(select.try_wait().unwrap().recv(&rx), Some(2));
    assert!(select.try_wait().is_none());
}

#[test]
fn arms_come_and_go() {
    let _watch = watch();
    let (_txs, rxs) = full(4);
    let mut select = Select::new_biased();
    assert!(select.is_empty());
    let indices: Vec<_> = rxs[..3].iter().map(|rx| select.recv(rx)).collect();
    select.remove(indices[0]);
    assert_eq!(select.len(), 2);
    assert_eq!(now(select.wait()).index(), indices[1]);
    select.enable(indices[1], false);
    assert_eq!(now(select.wait()).index(), indices[2]);
    select.enable(indices[1], true);
    assert_eq!(now(select.wait()).index(), indices[1]);
    assert_eq!(select.recv(&rxs[3]), indices[0], "a place that is free is taken");
    assert_eq!(now(select.wait()).recv(&rxs[3]), Some(3));
    for act in [|select: &mut Select<'_>| select.remove(9), |select: &mut Select<'_>| select.enable(9, true)]
    {
        assert_eq!(panics(|| act(&mut select)), "chan::Select: there is no arm 9");
    }
}

/// A removed send drops its value, once.
#[test]
fn values_that_were_not_sent_are_dropped_with_their_arms() {
    let _watch = watch();
    let tally = dormouse_testing::Tally::new();
    let (tx, _rx) = bounded(0);
    let mut select = Select::new();
    let removed = select.send(&tx, tally.value(0));
    let replaced = select.send(&tx, tally.value(1));
    select.send(&tx, tally.value(2));
    assert_pending!(spawn(select.wait()).poll());
    select.remove(removed);
    assert_eq!(tally.dropped(0), 1);
    assert_eq!(select.replace(replaced, &tx, Some(tally.value(3))).unwrap().number, 1);
    drop(select);
    tally.check();
}

#[test]
fn an_outcome_is_taken_with_the_right_handle() {
    let _watch = watch();
    let ((tx, rx), (other_tx, other), (text_tx, text)) = (bounded(1), bounded::<u8>(1), bounded::<&str>(1));
    tx.try_send(1_u8).unwrap();
    let mut select = Select::new();
    select.recv(&rx);
    let not_a_receive = "chan::Select: arm 0 is not a receive on this channel";
    assert_eq!(panics(|| select.try_wait().unwrap().recv(&other)), not_a_receive);
    assert_eq!(panics(|| select.try_wait().unwrap().recv(&text)), not_a_receive);
    let not_a_send = "chan::Select: arm 0 is not a send on this channel";
    assert_eq!(panics(|| select.try_wait().unwrap().send(&tx)), not_a_send);
    assert_eq!(panics(|| select.replace(0, &other_tx, None)), not_a_send);
    assert_eq!(rx.len(), 1, "nothing was lost");
    assert_eq!(select.try_wait().unwrap().recv(&rx.clone()), Some(1), "a clone is of the same channel");
    drop(text_tx);
}

/// Two sends and two receives of one channel meet others, and not each other.
#[test]
fn one_channel_in_several_arms() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut select = Select::new();
    let arms = [select.recv(&rx), select.recv(&rx), select.send(&tx, 1), select.send(&tx, 2)];
    assert!(select.try_wait().is_none());
    let mut round = spawn(select.wait());
    assert_pending!(round.poll());
    tx.try_send(3).unwrap();
    assert!(tx.try_send(4).is_err() && rx.try_recv().is_err(), "one arm was won, the others are off");
    let selected = assert_ready!(round.poll());
    assert!(selected.index() < 2);
    assert_eq!(selected.recv(&rx), Some(3));
    drop(round);
    let mut round = spawn(select.wait());
    assert_pending!(round.poll());
    assert_eq!(rx.try_recv(), Ok(1), "the first send stands before the second");
    let selected = assert_ready!(round.poll());
    assert_eq!((selected.index(), selected.send(&tx)), (arms[2], Ok(())));
    drop(round);
    assert_eq!(select.replace(arms[3], &tx, None), Some(2));
}

/// Thousands of arms; and nothing is allocated in a round, whether it waits or not.
#[test]
fn five_thousand_arms() {
    let _watch = watch();
    const ARMS: usize = 5_000;
    let (txs, rxs): (Vec<_>, Vec<_>) = (0..ARMS).map(|_| bounded(0)).unzip();
    let mut select = Select::new();
    for rx in &rxs {
        select.recv(rx);
    }
    let waker = spawn(()).enter(|cx, _| cx.waker().clone());
    let cx = &mut std::task::Context::from_waker(&waker);
    let (made, ()) = allocated(|| {
        assert!(select.try_wait().is_none());
        for index in (0..ARMS).step_by(271) {
            let mut round = select.wait();
            assert!(std::future::Future::poll(std::pin::Pin::new(&mut round), cx).is_pending());
            txs[index].try_send(index).unwrap();
            assert!(txs[(index + 1) % ARMS].try_send(0).is_err(), "it is won");
            let std::task::Poll::Ready(selected) =
                std::future::Future::poll(std::pin::Pin::new(&mut round), cx)
            else {
                panic!("an arm was won")
            };
            assert_eq!((selected.index(), selected.recv(&rxs[index])), (index, Some(index)));
        }
        drop(select.wait());
    });
    assert_eq!(made, NOTHING);
    assert!(txs.iter().all(|tx| tx.try_send(0).is_err()), "nobody waits any more");
}
