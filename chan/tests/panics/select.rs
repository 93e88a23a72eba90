//! Panics in what a `select!` runs: operands, conditions, futures, bodies; and a task that unwinds.
use crate::{check_usable, drain};
use dormouse_chan::{Receiver, Sender, bounded, select};
use dormouse_testing::{Tally, Value, number, panics, watch};
use futures::stream::StreamExt;
use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

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
