//! Panics in user code: in the `Drop` of values, in the operands, conditions, futures and bodies of a `select!`. After
//! each, the channel works, and everything but the value that panicked was dropped exactly once (that one too: its
//! `Drop` counts before it panics).

use dormouse_chan::{Receiver, Sender, TryRecvError, bounded, select, unbounded};
use dormouse_testing::watch;
use dormouse_testing::{Tally, Value, number};
use futures::stream::StreamExt;
use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

/// Runs `f`, which must panic, and gives the message.
#[track_caller]
fn panics<R>(f: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => payload.downcast_ref::<&str>().copied().unwrap_or_default().to_owned(),
        },
    }
}

fn drain(rx: &Receiver<Value>) -> Vec<u32> {
    std::iter::from_fn(|| rx.try_recv().ok()).map(|value| value.number).collect()
}

/// Nobody waits, nothing is left, and values pass, at once and after a wait.
#[track_caller]
fn check_usable(tx: &Sender<Value>, rx: &Receiver<Value>, tally: &Tally) {
    assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Empty);
    let mut receiver = spawn(rx.recv());
    assert_pending!(receiver.poll());
    tx.try_send(tally.value(900)).unwrap();
    assert!(receiver.is_woken());
    assert_eq!(number(assert_ready!(receiver.poll())), Some(900));
    if let Some(capacity) = tx.capacity() {
        for _ in 0..capacity {
            tx.try_send(tally.value(901)).unwrap();
        }
        assert!(tx.try_send(tally.value(902)).unwrap_err().is_full(), "somebody waits who should be gone");
        assert_eq!(drain(rx).len(), capacity);
    }
}

fn channels() -> Vec<(Sender<Value>, Receiver<Value>)> {
    vec![bounded(8), unbounded()]
}

// ---- values whose Drop panics

#[test]
fn a_buffered_value_panics_when_the_last_receiver_goes() {
    let _watch = watch();
    for (tx, rx) in channels() {
        let tally = Tally::new();
        tx.try_send(tally.value(0)).unwrap();
        tx.try_send(tally.bomb(1)).unwrap();
        tx.try_send(tally.value(2)).unwrap();
        tx.try_send(tally.value(3)).unwrap();
        assert_eq!(panics(|| drop(rx)), "value 1 panics in drop");
        assert!(tx.is_closed() && tx.is_empty());
        assert_eq!(tx.try_send(tally.value(4)).unwrap_err().into_inner().number, 4);
        assert_eq!(assert_ready!(spawn(tx.send(tally.value(5))).poll()).unwrap_err().into_inner().number, 5);
        drop(tx);
        tally.check();
    }
}

/// Also if all of them panic: the first panic goes on, the others end where they are, the process lives.
#[test]
fn all_buffered_values_panic_when_the_last_receiver_goes() {
    let _watch = watch();
    for (tx, rx) in channels() {
        let tally = Tally::new();
        for n in 0..8 {
            tx.try_send(tally.bomb(n)).unwrap();
        }
        assert_eq!(panics(|| drop(rx)), "value 0 panics in drop");
        assert!(tx.is_closed() && tx.is_empty());
        tally.check();
    }
}

/// The same for values that were put back, with buffered ones behind them.
#[test]
fn all_values_put_back_panic_when_the_last_receiver_goes() {
    let _watch = watch();
    for (tx, rx) in channels() {
        let tally = Tally::new();
        let mut waiting = [(); 3].map(|()| spawn(rx.recv()));
        for task in &mut waiting {
            assert_pending!(task.poll());
        }
        for n in 0..6 {
            tx.try_send(tally.bomb(n)).unwrap();
        }
        drop(waiting); // gives back, drops nothing
        assert_eq!((tx.len(), tally.dropped(0)), (6, 0));
        assert_eq!(panics(|| drop(rx)), "value 0 panics in drop");
        assert!(tx.is_closed() && tx.is_empty());
        tally.check();
    }
}

#[test]
fn a_value_panics_in_a_queued_send_that_is_dropped() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut bomb = Box::pin(tx.send(tally.bomb(0)));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(bomb.as_mut().poll(cx).is_pending());
    let mut next = spawn(tx.send(tally.value(1)));
    assert_pending!(next.poll());
    assert_eq!(panics(|| drop(bomb)), "value 0 panics in drop");
    assert_eq!(rx.try_recv().unwrap().number, 1);
    assert!(next.is_woken());
    assert!(assert_ready!(next.poll()).is_ok());
    drop(next);
    assert_eq!(panics(|| drop(tx.send(tally.bomb(2)))), "value 2 panics in drop"); // never polled
    check_usable(&tx, &rx, &tally);
    tally.check();
}

/// `send_from` drops nothing: the value goes home.
#[test]
fn a_send_from_that_is_dropped_does_not_drop_the_value() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut place = Some(tally.bomb(0));
    assert_pending!(spawn(tx.send_from(&mut place)).poll());
    assert_eq!(tally.dropped(0), 0);
    panics(|| drop(place.take()));
    check_usable(&tx, &rx, &tally);
    tally.check();
}

/// A receive that is dropped with a value puts it back: its `Drop` does not run.
#[test]
fn a_receive_that_is_dropped_does_not_drop_the_value() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut task = spawn(rx.recv());
    assert_pending!(task.poll());
    tx.try_send(tally.bomb(0)).unwrap();
    drop(task);
    assert_eq!(tally.dropped(0), 0);
    panics(|| drop(rx.try_recv()));
    check_usable(&tx, &rx, &tally);
    tally.check();
}

#[test]
fn a_value_panics_in_an_error() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    tx.try_send(tally.value(0)).unwrap();
    panics(|| drop(tx.try_send(tally.bomb(1)))); // full
    assert_eq!(drain(&rx), [0]);
    check_usable(&tx, &rx, &tally);
    let mut waiting = {
        tx.try_send(tally.value(2)).unwrap();
        spawn(Box::pin(tx.send(tally.bomb(3))))
    };
    assert_pending!(waiting.poll());
    rx.close();
    panics(|| drop(waiting.poll())); // told of close
    drop(waiting);
    panics(|| drop(tx.try_send(tally.bomb(4)))); // closed
    panics(|| drop(spawn(tx.send(tally.bomb(5))).poll()));
    assert_eq!(drain(&rx), [2]);
    assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Closed);
    tally.check();
}

/// A received value that the caller drops with a panic is the caller's affair, also in a stream and an iterator.
#[test]
fn a_received_value_panics() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, mut rx) = bounded(2);
    for n in 0..2 {
        tx.try_send(tally.bomb(2 * n)).unwrap();
        tx.try_send(tally.value(2 * n + 1)).unwrap();
        panics(|| if n == 0 { drop(rx.iter().next()) } else { drop(spawn(rx.next()).poll()) });
        assert_eq!(drain(&rx), [2 * n + 1]);
    }
    check_usable(&tx, &rx, &tally);
    tally.check();
}

/// A losing send arm drops its value before the body: if that panics, what the winner received is in its channel.
#[test]
fn a_value_panics_in_a_losing_arm() {
    let _watch = watch();
    for queued in [false, true] {
        let tally = Tally::new();
        let ((a, from_a), (b, from_b)) = (bounded(1), bounded(0));
        let mut task = spawn(Box::pin(async {
            select! {
                recv(from_a) -> value => number(value),
                send(b, tally.bomb(1)) -> _ => unreachable!(),
                send(b, tally.value(2)) -> _ => unreachable!(),
            }
        }));
        if queued {
            assert_pending!(task.poll());
        }
        a.try_send(tally.value(0)).unwrap();
        assert_eq!(panics(|| task.poll()), "value 1 panics in drop");
        drop(task);
        assert_eq!((tally.dropped(1), tally.dropped(2)), (1, 1));
        assert_eq!(drain(&from_a), [0], "received by nobody, so it is back");
        check_usable(&a, &from_a, &tally);
        check_usable(&b, &from_b, &tally);
        tally.check();
    }
}

/// What comes back from there keeps its turn (X1): behind what was handed out before it, though that comes back later.
/// By the first look, and by the look at all channels at once that `default` takes.
#[test]
fn what_a_losing_value_brings_back_keeps_its_turn() {
    let _watch = watch();
    for default in [false, true] {
        let tally = Tally::new();
        let ((a, from_a), (b, from_b)) = (bounded(1), bounded(0));
        let mut first = spawn(from_a.recv());
        assert_pending!(first.poll());
        a.try_send(tally.value(0)).unwrap(); // handed to `first`
        a.try_send(tally.value(1)).unwrap(); // buffered
        let message = panics(|| {
            let bomb = tally.bomb(2);
            if default {
                select! { send(b, bomb) -> _ => (), recv(from_a) -> _ => (), default => () }
            } else {
                assert_ready!(
                    spawn(async {
                        select! { send(b, bomb) -> _ => (), recv(from_a) -> _ => () }
                    })
                    .poll()
                )
            }
        });
        assert_eq!(message, "value 2 panics in drop");
        drop(first);
        assert_eq!(drain(&from_a), [0, 1], "default: {default}");
        check_usable(&a, &from_a, &tally);
        check_usable(&b, &from_b, &tally);
        tally.check();
    }
}

/// The same in a select that is dropped while it waits.
#[test]
fn a_value_panics_in_a_select_that_is_dropped() {
    let _watch = watch();
    let tally = Tally::new();
    let ((a, from_a), (b, from_b)) = (bounded(0), bounded(0));
    let mut place = Some(tally.value(2));
    let mut task = Box::pin(async {
        select! {
            recv(from_a) -> _ => (),
            send(b, tally.bomb(1)) -> _ => (),
            send_from(b, place) -> _ => (),
        }
    });
    assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    a.try_send(tally.value(0)).unwrap(); // it is won, and has a value
    assert_eq!(panics(|| drop(task)), "value 1 panics in drop");
    assert!(place.take().is_some());
    assert_eq!(drain(&from_a), [0]);
    check_usable(&a, &from_a, &tally);
    check_usable(&b, &from_b, &tally);
    tally.check();
}

// ---- panics in what a select runs

struct Pair {
    tally: Tally,
    a: Sender<Value>,
    from_a: Receiver<Value>,
    b: Sender<Value>,
    from_b: Receiver<Value>,
}

impl Pair {
    fn new() -> Self {
        let ((a, from_a), (b, from_b)) = (bounded(1), bounded(1));
        Pair { tally: Tally::new(), a, from_a, b, from_b }
    }

    #[track_caller]
    fn check(self) {
        check_usable(&self.a, &self.from_a, &self.tally);
        check_usable(&self.b, &self.from_b, &self.tally);
        self.tally.check();
    }
}

fn explode<T>() -> T {
    panic!("an operand panics")
}

#[test]
fn an_operand_panics() {
    let _watch = watch();
    let pair = Pair::new();
    pair.a.try_send(pair.tally.value(0)).unwrap();
    let mut place = Some(pair.tally.value(1));
    let mut task = spawn(Box::pin(async {
        select! {
            recv(pair.from_a) -> _ => unreachable!(), // is ready
            send_from(pair.b, place) -> _ => unreachable!(),
            send(pair.b, pair.tally.value(2)) -> _ => unreachable!(),
            send(pair.b, explode()) -> _ => unreachable!(),
        }
    }));
    assert_eq!(panics(|| task.poll()), "an operand panics");
    drop(task);
    assert!(place.take().is_some(), "the value went home");
    assert_eq!((drain(&pair.from_a), drain(&pair.from_b)), (vec![0], vec![]), "nothing has happened");
    pair.check();
}

/// The same where a channel, a place, a future or a condition is asked for; conditions come first.
#[test]
fn a_channel_a_place_a_future_a_condition_panics() {
    let _watch = watch();
    let pair = Pair::new();
    for which in 0..4 {
        let mut place = Some(pair.tally.value(1));
        let mut none = None;
        let at = |n: usize| {
            if n == which {
                explode()
            }
        };
        let outcome = panics(|| {
            spawn(async {
                select! {
                    send_from(pair.b, place) -> _ => (),
                    recv({ at(0); &pair.from_a }) -> _ => (),
                    send_from(pair.a, *{ at(1); &mut none }) -> _ => (),
                    () = { at(2); pending() } => (),
                    recv(pair.from_a) -> _, if { at(3); true } => (),
                }
            })
            .poll()
        });
        assert_eq!(outcome, "an operand panics", "{which}");
        assert!(place.take().is_some());
        assert!(drain(&pair.from_b).is_empty());
    }
    pair.check();
}

#[test]
fn a_body_panics() {
    let _watch = watch();
    let pair = Pair::new();
    let mut place = Some(pair.tally.value(1));
    let mut task = spawn(Box::pin(async {
        select! {
            recv(pair.from_a) -> _value => panic!("a body panics"),
            send_from(pair.b, place) -> _, if false => (),
            send(pair.b, pair.tally.value(2)) -> _, if false => (),
        }
    }));
    assert_pending!(task.poll());
    pair.a.try_send(pair.tally.value(0)).unwrap();
    assert_eq!(panics(|| task.poll()), "a body panics");
    drop(task);
    assert_eq!(pair.tally.dropped(0), 1, "it was received");
    assert!(place.take().is_some());
    pair.check();
}

/// A send that won stays sent, whatever its body does.
#[test]
fn a_body_of_a_send_and_of_default_panics() {
    let _watch = watch();
    let pair = Pair::new();
    panics(|| {
        spawn(async {
            select! {
                send(pair.a, pair.tally.value(0)) -> sent => { sent.unwrap(); panic!("a body panics") }
                recv(pair.from_b) -> _ => (),
            }
        })
        .poll()
    });
    assert_eq!(drain(&pair.from_a), [0]);
    panics(|| select! { recv(pair.from_a) -> _ => (), default => panic!("a body panics") });
    pair.check();
}

/// A future that panics at its `n`-th poll.
fn panics_at(n: u32) -> impl Future<Output = ()> {
    let polls = Cell::new(0);
    poll_fn(move |_| {
        polls.set(polls.get() + 1);
        if polls.get() == n {
            panic!("a future panics");
        }
        Poll::Pending
    })
}

/// A foreign future panics in the first poll (nothing is queued), and in the second (the arms are queued and the claim
/// is held, so that counterparts pass over it).
#[test]
fn a_future_panics() {
    let _watch = watch();
    for at in [1, 2] {
        let pair = Pair::new();
        let mut place = Some(pair.tally.value(1));
        pair.b.try_send(pair.tally.value(10)).unwrap(); // no room
        let mut task = spawn(Box::pin(async {
            select! {
                biased;
                () = panics_at(at) => unreachable!(),
                recv(pair.from_a) -> _ => unreachable!(),
                send_from(pair.b, place) -> _ => unreachable!(),
                send(pair.b, pair.tally.value(2)) -> _ => unreachable!(),
            }
        }));
        if at == 2 {
            assert_pending!(task.poll());
        }
        assert_eq!(panics(|| task.poll()), "a future panics");
        drop(task);
        assert!(place.take().is_some());
        assert_eq!(drain(&pair.from_b), [10], "no arm has happened");
        pair.check();
    }
}

/// In the poll that panics, a counterpart came while the claim was held: it passed over the select, and is served.
#[test]
fn a_future_panics_while_counterparts_pass_over() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let sender = tx.clone();
    let mut passed = Box::pin(sender.send(tally.value(0)));
    {
        let mut polls = 0;
        let foreign = poll_fn(|_| {
            polls += 1;
            if polls == 2 {
                // The receive arm is queued and held: this send must queue too.
                assert!(passed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                panic!("a future panics");
            }
            Poll::<()>::Pending
        });
        let mut task = spawn(Box::pin(async {
            select! {
                recv(rx) -> _ => unreachable!(),
                () = foreign => unreachable!(),
            }
        }));
        assert_pending!(task.poll());
        assert_eq!(panics(|| task.poll()), "a future panics");
    }
    assert_eq!(rx.try_recv().unwrap().number, 0);
    assert!(matches!(passed.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    drop(passed);
    check_usable(&tx, &rx, &tally);
    tally.check();
}

/// An arm was won before the poll in which the future would panic: the future is not polled any more.
#[test]
fn an_arm_that_was_won_comes_before_a_future_that_would_panic() {
    let _watch = watch();
    let pair = Pair::new();
    let mut task = spawn(Box::pin(async {
        select! {
            () = panics_at(2) => unreachable!(),
            recv(pair.from_a) -> value => number(value),
        }
    }));
    assert_pending!(task.poll());
    pair.a.try_send(pair.tally.value(0)).unwrap();
    assert_eq!(assert_ready!(task.poll()), Some(0));
    drop(task);
    pair.check();
}

/// A pending future whose `Drop` panics.
struct PanicsInDrop;

impl Future for PanicsInDrop {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("a future panics in drop");
    }
}

/// A losing future panics when it is dropped: the send that won is sent, the one that lost is home.
#[test]
fn a_losing_future_panics_in_drop_beside_a_send() {
    let _watch = watch();
    for queued in [false, true] {
        let pair = Pair::new();
        let (mut x, mut y) = (Some(pair.tally.value(0)), Some(pair.tally.value(1)));
        pair.a.try_send(pair.tally.value(10)).unwrap(); // no room
        pair.b.try_send(pair.tally.value(11)).unwrap(); // no room
        let mut task = spawn(Box::pin(async {
            select! {
                send_from(pair.a, x) -> sent => sent.unwrap(),
                send_from(pair.b, y) -> _ => unreachable!(),
                () = PanicsInDrop => unreachable!(),
            }
        }));
        if queued {
            assert_pending!(task.poll());
        }
        assert_eq!(pair.from_a.try_recv().unwrap().number, 10);
        assert_eq!(panics(|| task.poll()), "a future panics in drop");
        drop(task);
        assert!(x.take().is_none() && y.take().is_some());
        assert_eq!((drain(&pair.from_a), drain(&pair.from_b)), (vec![0], vec![11]));
        pair.check();
    }
}

/// The same beside a receive: its value is back in the channel, or dropped, but not leaked.
#[test]
fn a_losing_future_panics_in_drop_beside_a_receive() {
    let _watch = watch();
    for queued in [false, true] {
        let pair = Pair::new();
        let mut place = Some(pair.tally.value(1));
        pair.b.try_send(pair.tally.value(10)).unwrap(); // no room
        let mut task = spawn(Box::pin(async {
            select! {
                send_from(pair.b, place) -> _ => unreachable!(),
                recv(pair.from_a) -> value => number(value),
                () = PanicsInDrop => unreachable!(),
            }
        }));
        if queued {
            assert_pending!(task.poll());
        }
        pair.a.try_send(pair.tally.value(0)).unwrap();
        assert_eq!(panics(|| task.poll()), "a future panics in drop");
        drop(task);
        assert!(place.take().is_some());
        assert_eq!(drain(&pair.from_b), [10]);
        drain(&pair.from_a);
        pair.check();
    }
}

/// A panic in the output of a future that lost by its pattern.
#[test]
fn a_future_output_that_does_not_match_panics_in_drop() {
    let _watch = watch();
    let pair = Pair::new();
    let mut place = Some(pair.tally.value(1));
    pair.b.try_send(pair.tally.value(10)).unwrap(); // no room
    let output = Cell::new(Some(pair.tally.bomb(2)));
    let mut task = spawn(Box::pin(async {
        select! {
            send_from(pair.b, place) -> _ => unreachable!(),
            recv(pair.from_a) -> _ => unreachable!(),
            None = poll_fn(|_| Poll::Ready(output.take())) => unreachable!(),
        }
    }));
    assert_eq!(panics(|| task.poll()), "value 2 panics in drop");
    drop(task);
    assert!(place.take().is_some());
    assert_eq!(drain(&pair.from_b), [10]);
    pair.check();
}

/// A task that unwinds with everything it holds: handles, waiting futures, a value. The others go on.
#[test]
fn a_task_unwinds_with_everything_it_holds() {
    let _watch = watch();
    let pair = Pair::new();
    let (a, from_a, tally) = (pair.a.clone(), pair.from_a.clone(), pair.tally.clone());
    panics(move || {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut stream = from_a.clone();
        assert!(stream.poll_next_unpin(cx).is_pending());
        let mut receive = Box::pin(from_a.recv());
        assert!(receive.as_mut().poll(cx).is_pending());
        a.try_send(tally.value(0)).unwrap();
        a.try_send(tally.value(1)).unwrap();
        a.try_send(tally.value(2)).unwrap();
        let mut send = Box::pin(a.send(tally.value(3)));
        assert!(send.as_mut().poll(cx).is_pending());
        panic!("the task panics");
    });
    assert_eq!(drain(&pair.from_a), [0, 1, 2]);
    pair.check();
}
