//! Cancel safety: GO.md's rules X1-X10, for each future of a channel, dropped in each state it can be in; and the
//! bugs of this kind that other libraries had.
//!
//! Polled by hand (`tokio_test::task`): every state is reached on purpose, nothing depends on timing.

use dormouse_chan::{Receiver, SendError, Sender, TryRecvError, bounded, select, unbounded};
use dormouse_testing::watch;
use dormouse_testing::{Tally, Value, number};
use futures::future::{Either, FusedFuture, FutureExt};
use futures::stream::{FusedStream, FuturesUnordered, StreamExt};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

// ---- what is allocated on this thread

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: everything is the system allocator's; counting in a constant thread-local does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get() + layout.size() as i64);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as i64);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations made and bytes kept by `f`, on this thread.
fn allocated(f: impl FnOnce()) -> (u64, i64) {
    let (allocations, bytes) = (ALLOCATIONS.get(), BYTES.get());
    f();
    (ALLOCATIONS.get() - allocations, BYTES.get() - bytes)
}

// ---- the kinds of futures

type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Receive {
    Recv,
    Stream,
    Select,
    SelectWithFuture,
}

const RECEIVES: [Receive; 4] = [Receive::Recv, Receive::Stream, Receive::Select, Receive::SelectWithFuture];

/// A receive that owns its receiver.
fn receive(kind: Receive, rx: &Receiver<Value>) -> Spawn<Boxed<Option<Value>>> {
    let mut rx = rx.clone();
    let future: Boxed<Option<Value>> = match kind {
        Receive::Recv => Box::pin(async move { rx.recv().await }),
        Receive::Stream => Box::pin(async move { rx.next().await }),
        Receive::Select => Box::pin(async move {
            let (_tx, idle) = bounded::<Value>(0);
            select! {
                recv(idle) -> _ => unreachable!(),
                recv(rx) -> value => value,
            }
        }),
        Receive::SelectWithFuture => Box::pin(async move {
            select! {
                recv(rx) -> value => value,
                () = pending() => unreachable!(),
            }
        }),
    };
    spawn(future)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain,
    From,
    Select,
    SelectFrom,
}

const SENDS: [Kind; 4] = [Kind::Plain, Kind::From, Kind::Select, Kind::SelectFrom];

/// A send that owns its sender and its value.
fn send(kind: Kind, tx: &Sender<Value>, value: Value) -> Spawn<Boxed<Result<(), SendError<Value>>>> {
    let tx = tx.clone();
    let mut place = Some(value);
    let future: Boxed<Result<(), SendError<Value>>> = match kind {
        Kind::Plain => Box::pin(async move { tx.send(place.take().unwrap()).await }),
        Kind::From => Box::pin(async move { tx.send_from(&mut place).await }),
        Kind::Select => Box::pin(async move {
            let (_tx, idle) = bounded::<Value>(0);
            select! {
                recv(idle) -> _ => unreachable!(),
                send(tx, place.take().unwrap()) -> sent => sent,
            }
        }),
        Kind::SelectFrom => Box::pin(async move {
            select! {
                send_from(tx, place) -> sent => sent,
                () = pending() => unreachable!(),
            }
        }),
    };
    spawn(future)
}

fn fill(tx: &Sender<Value>, tally: &Tally) {
    for n in 0..tx.capacity().unwrap() {
        tx.try_send(tally.value(100 + n as u32)).unwrap();
    }
}

fn drain(rx: &Receiver<Value>) -> Vec<u32> {
    std::iter::from_fn(|| rx.try_recv().ok()).map(|value| value.number).collect()
}

/// Runs `test` for each kind of receive and each capacity, and checks that each value was dropped once.
fn each_receive(capacities: &[usize], test: impl Fn(Receive, Sender<Value>, Receiver<Value>, &Tally)) {
    for kind in RECEIVES {
        for &capacity in capacities {
            println!("{kind:?}, capacity {capacity}");
            let tally = Tally::new();
            let (tx, rx) = bounded(capacity);
            test(kind, tx, rx, &tally);
            tally.check();
        }
    }
}

fn each_send(capacities: &[usize], test: impl Fn(Kind, Sender<Value>, Receiver<Value>, &Tally)) {
    for kind in SENDS {
        for &capacity in capacities {
            println!("{kind:?}, capacity {capacity}");
            let tally = Tally::new();
            let (tx, rx) = bounded(capacity);
            test(kind, tx, rx, &tally);
            tally.check();
        }
    }
}

// ---- X1: a receive is dropped

#[test]
fn x8_a_receive_that_was_never_polled_does_nothing() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let future = receive(kind, &rx);
        assert!(tx.try_send(tally.value(0)).unwrap_err().is_full(), "nobody waits and there is no room");
        drop(future);
        assert_eq!(drain(&rx).len(), tx.capacity().unwrap());
    });
}

#[test]
fn x9_a_receive_dropped_while_queued_leaves_the_queue() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut future = receive(kind, &rx);
        assert_pending!(future.poll());
        drop(future);
        fill(&tx, tally);
        assert!(tx.try_send(tally.value(0)).unwrap_err().is_full(), "it still stands in the queue");
        assert_eq!(drain(&rx).len(), tx.capacity().unwrap());
    });
}

#[test]
fn x9_the_middle_of_three_queued_receives_is_dropped() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let [mut first, mut middle, mut last] = [(); 3].map(|()| receive(kind, &rx));
        assert_pending!(first.poll());
        assert_pending!(middle.poll());
        assert_pending!(last.poll());
        drop(middle);
        tx.try_send(tally.value(0)).unwrap();
        tx.try_send(tally.value(1)).unwrap();
        assert!(first.is_woken() && last.is_woken());
        assert_eq!(number(assert_ready!(first.poll())), Some(0));
        assert_eq!(number(assert_ready!(last.poll())), Some(1));
    });
}

#[test]
fn x1_the_value_of_a_dropped_receive_is_back_at_the_front() {
    let _watch = watch();
    each_receive(&[0, 2], |kind, tx, rx, tally| {
        let mut future = receive(kind, &rx);
        assert_pending!(future.poll());
        tx.try_send(tally.value(0)).unwrap();
        let capacity = tx.capacity().unwrap() as u32;
        for n in 1..=capacity {
            tx.try_send(tally.value(n)).unwrap();
        }
        drop(future);
        assert_eq!(tally.dropped(0), 0);
        assert_eq!(rx.len(), 1 + capacity as usize, "a value that was put back counts");
        assert_eq!(drain(&rx), Vec::from_iter(0..=capacity));
        assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Empty);
        assert_eq!(rx.len(), 0);
    });
}

#[test]
fn x1_the_next_waiting_receiver_has_it_and_is_woken() {
    let _watch = watch();
    for next in RECEIVES {
        each_receive(&[0, 1], |kind, tx, rx, tally| {
            let (mut future, mut next, mut last) =
                (receive(kind, &rx), receive(next, &rx), receive(kind, &rx));
            assert_pending!(future.poll());
            assert_pending!(next.poll());
            assert_pending!(last.poll());
            tx.try_send(tally.value(0)).unwrap();
            assert!(!next.is_woken());
            drop(future);
            assert!(next.is_woken(), "it has the value now and sleeps");
            assert!(!last.is_woken());
            assert_eq!(number(assert_ready!(next.poll())), Some(0));
            assert_pending!(last.poll());
        });
    }
}

#[test]
fn x1_on_a_channel_that_was_closed_meanwhile() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut future = receive(kind, &rx);
        assert_pending!(future.poll());
        tx.try_send(tally.value(0)).unwrap();
        drop(tx); // the last one: closes
        assert!(rx.is_closed());
        drop(future);
        assert_eq!(number(assert_ready!(spawn(rx.recv()).poll())), Some(0));
        assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Closed);
    });
}

#[test]
fn x1_the_last_receiver_drops_it() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut future = receive(kind, &rx);
        assert_pending!(future.poll());
        tx.try_send(tally.value(0)).unwrap();
        drop(rx);
        assert!(!tx.is_closed() && tally.dropped(0) == 0);
        drop(future); // it owned the last receiver
        assert_eq!(tally.dropped(0), 1);
        assert!(tx.try_send(tally.value(1)).unwrap_err().is_closed());
        assert_eq!(tx.len(), 0);
    });
}

/// Values that are put back are dropped with the last receiver, also those that nobody ever looked at.
#[test]
fn x1_values_put_back_go_with_the_last_receiver() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut pair = [(); 2].map(|()| receive(kind, &rx));
        for future in &mut pair {
            assert_pending!(future.poll());
        }
        tx.try_send(tally.value(0)).unwrap();
        tx.try_send(tally.value(1)).unwrap();
        drop(pair);
        assert_eq!((rx.len(), tally.dropped(0), tally.dropped(1)), (2, 0, 0));
        drop(rx);
        assert_eq!((tx.len(), tally.dropped(0), tally.dropped(1)), (0, 1, 1));
    });
}

#[test]
fn x1_values_come_back_in_the_order_in_which_they_were_sent() {
    let _watch = watch();
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in ORDERS {
        each_receive(&[0, 1], |kind, tx, rx, tally| {
            let mut three = [(); 3].map(|()| Some(receive(kind, &rx)));
            for future in three.iter_mut().flatten() {
                assert_pending!(future.poll());
            }
            for n in 0..3 {
                tx.try_send(tally.value(n)).unwrap();
            }
            for i in order {
                three[i] = None;
            }
            assert_eq!(drain(&rx), [0, 1, 2], "dropped in the order {order:?}");
        });
    }
}

/// A receive that found its value at once and was then dropped as a select's loser, or by a panic, stands behind
/// those that were handed over before, and before those after.
#[test]
fn x1_what_came_back_is_received_before_what_waits_to_be_sent() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut future = receive(kind, &rx);
        assert_pending!(future.poll());
        tx.try_send(tally.value(0)).unwrap();
        for n in 1..=tx.capacity().unwrap() as u32 {
            tx.try_send(tally.value(n)).unwrap();
        }
        let mut sender = send(Kind::Plain, &tx, tally.value(9));
        assert_pending!(sender.poll());
        drop(future);
        assert!(!sender.is_woken(), "what came back makes no room");
        let mut expected = Vec::from_iter(0..=tx.capacity().unwrap() as u32);
        expected.push(9);
        assert_eq!(drain(&rx), expected);
        assert!(assert_ready!(sender.poll()).is_ok());
    });
}

#[test]
fn a_receive_dropped_after_it_was_told_of_close() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, _| {
        let mut future = receive(kind, &rx);
        assert_pending!(future.poll());
        tx.close();
        assert!(future.is_woken());
        drop(future);
        assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Closed);
    });
}

#[test]
fn a_receive_dropped_after_it_was_done() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut future = receive(kind, &rx);
        assert_pending!(future.poll());
        tx.try_send(tally.value(0)).unwrap();
        assert_eq!(number(assert_ready!(future.poll())), Some(0));
        drop(future);
        assert_eq!((rx.len(), tally.dropped(0)), (0, 1));
        assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Empty);
    });
}

// ---- X2: a send is dropped

#[test]
fn x8_a_send_that_was_never_polled_does_nothing() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        let mut receiver = receive(Receive::Recv, &rx);
        assert_pending!(receiver.poll());
        drop(send(kind, &tx, tally.value(0)));
        assert_eq!(tally.dropped(0), 1);
        assert_pending!(receiver.poll());
    });
}

#[test]
fn x2_a_send_dropped_while_queued_was_not_sent_and_the_next_moves_up() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let (mut future, mut next) = (send(kind, &tx, tally.value(0)), send(kind, &tx, tally.value(1)));
        assert_pending!(future.poll());
        assert_pending!(next.poll());
        drop(future);
        assert_eq!(tally.dropped(0), 1);
        assert!(!next.is_woken());
        let received = drain(&rx);
        assert_eq!(received.last(), Some(&1));
        assert!(!received.contains(&0));
        assert!(next.is_woken());
        assert!(assert_ready!(next.poll()).is_ok());
    });
}

#[test]
fn x2_a_send_dropped_after_the_match_was_sent() {
    let _watch = watch();
    each_send(&[0, 1, 2], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let mut future = send(kind, &tx, tally.value(0));
        assert_pending!(future.poll());
        let first = rx.try_recv().unwrap(); // takes it, or moves it into the buffer
        assert!(future.is_woken());
        drop(future);
        assert_eq!(tally.dropped(0), 0);
        let mut received = vec![first.number];
        received.extend(drain(&rx));
        assert_eq!(received.last(), Some(&0));
    });
}

#[test]
fn x2_a_send_dropped_after_it_was_told_of_close() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let mut future = send(kind, &tx, tally.value(0));
        assert_pending!(future.poll());
        assert!(rx.close());
        assert!(future.is_woken());
        drop(future);
        assert_eq!(tally.dropped(0), 1);
        assert!(!drain(&rx).contains(&0));
        assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Closed);
    });
}

#[test]
fn a_send_dropped_after_it_was_done() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        let mut receiver = receive(Receive::Recv, &rx);
        assert_pending!(receiver.poll());
        let mut future = send(kind, &tx, tally.value(0));
        assert!(assert_ready!(future.poll()).is_ok());
        drop(future);
        assert_eq!(number(assert_ready!(receiver.poll())), Some(0));
    });
}

#[test]
fn a_send_gets_its_value_back_when_the_channel_closes() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let mut waiting = send(kind, &tx, tally.value(0));
        assert_pending!(waiting.poll());
        drop(rx);
        assert!(waiting.is_woken());
        assert_eq!(assert_ready!(waiting.poll()).unwrap_err().into_inner().number, 0);
        let late = assert_ready!(send(kind, &tx, tally.value(1)).poll());
        assert_eq!(late.unwrap_err().into_inner().number, 1);
    });
}

/// The value of `send_from` is in its place again whenever it was not sent.
#[test]
fn x2_send_from_gives_the_value_back() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut place = Some(tally.value(0));

    drop(tx.send_from(&mut place)); // never polled
    assert!(place.is_some());

    let mut future = spawn(tx.send_from(&mut place)); // queued
    assert_pending!(future.poll());
    drop(future);
    assert!(place.is_some());
    assert!(rx.try_recv().is_err());

    let mut future = spawn(tx.send_from(&mut place)); // told of the match, not polled
    assert_pending!(future.poll());
    assert_eq!(rx.try_recv().unwrap().number, 0);
    drop(future);
    assert!(place.is_none());

    let mut future = spawn(tx.send_from(&mut place)); // empty: never ready
    assert_pending!(future.poll());
    drop(future);
    assert!(place.is_none());

    place = Some(tally.value(1));
    let mut future = spawn(tx.send_from(&mut place)); // told of close, not polled
    assert_pending!(future.poll());
    rx.close();
    drop(future);
    assert_eq!(place.as_ref().map(|value| value.number), Some(1));

    let mut future = spawn(tx.send_from(&mut place)); // closed: the error has it
    assert_eq!(assert_ready!(future.poll()).unwrap_err().into_inner().number, 1);
    drop(future);
    assert!(place.is_none());
    drop((tx, rx));
    tally.check();
}

#[test]
fn x2_a_select_gives_back_what_its_send_from_arms_did_not_send() {
    let _watch = watch();
    let tally = Tally::new();
    let ((a, from_a), (b, from_b)) = (bounded(0), bounded(0));
    let (mut x, mut y) = (Some(tally.value(0)), Some(tally.value(1)));
    let mut task = spawn(async {
        select! {
            send_from(a, x) -> _ => (),
            send_from(b, y) -> _ => (),
        }
    });
    assert_pending!(task.poll());
    drop(task); // queued
    assert!(x.is_some() && y.is_some());

    let mut task = spawn(async {
        select! {
            send_from(a, x) -> _ => (),
            send_from(b, y) -> _ => (),
        }
    });
    assert_pending!(task.poll());
    assert_eq!(from_b.try_recv().unwrap().number, 1);
    assert!(task.is_woken());
    assert!(from_a.try_recv().is_err(), "one arm has happened, the other cannot any more");
    drop(task); // won, not polled
    assert!(x.is_some() && y.is_none());

    let mut task = spawn(async {
        select! {
            send_from(a, x) -> sent => sent.is_ok(),
            send_from(b, y) -> _ => unreachable!("it is disabled"),
        }
    });
    assert_pending!(task.poll());
    assert_eq!(from_a.try_recv().unwrap().number, 0);
    assert!(assert_ready!(task.poll()));
    drop(task);
    assert!(x.is_none());
    tally.check();
}

// ---- X3: a select is dropped

#[test]
fn x3_a_select_dropped_after_an_arm_was_won() {
    let _watch = watch();
    let tally = Tally::new();
    let ((a, from_a), (b, from_b)) = (bounded(0), bounded(0));
    let mut task = spawn(async {
        select! {
            recv(from_a) -> value => value,
            recv(from_b) -> value => value,
        }
    });
    assert_pending!(task.poll());
    b.try_send(tally.value(0)).unwrap();
    assert!(
        a.try_send(tally.value(1)).unwrap_err().is_full(),
        "the select is won: its other arm counts no more"
    );
    let mut next = receive(Receive::Recv, &from_b);
    assert_pending!(next.poll());
    drop(task);
    assert!(next.is_woken());
    assert_eq!(number(assert_ready!(next.poll())), Some(0));
    assert!(a.try_send(tally.value(2)).unwrap_err().is_full());
    tally.check();
}

#[test]
fn x3_a_select_on_both_directions_of_one_channel() {
    let _watch = watch();
    for capacity in [0, 1] {
        let tally = Tally::new();
        let (tx, rx) = bounded(capacity);
        fill(&tx, &tally);
        drain(&rx);
        let mut place = Some(tally.value(0));
        let mut task = spawn(async {
            select! {
                recv(rx) -> value => number(value),
                send_from(tx, place) -> sent => sent.ok().map(|()| 0),
            }
        });
        if capacity == 1 {
            assert_eq!(assert_ready!(task.poll()), Some(0), "there is room");
        } else {
            assert_pending!(task.poll()); // and it does not meet itself
            assert_pending!(task.poll());
        }
        drop(task);
        assert_eq!(place.is_some(), capacity == 0);
        assert_eq!(drain(&rx).len(), capacity);
        drop(place);
        tally.check();
    }
}

// ---- X7: spurious polls, other tasks, polls after the end

#[test]
fn x7_spurious_polls_complete_nothing() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut future = receive(kind, &rx);
        for _ in 0..10 {
            assert_pending!(future.poll());
        }
        tx.try_send(tally.value(0)).unwrap();
        assert_eq!(number(assert_ready!(future.poll())), Some(0));
        drop(future);
        fill(&tx, tally);
        assert!(tx.try_send(tally.value(1)).is_err(), "it stood in the queue once");
    });
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let mut future = send(kind, &tx, tally.value(0));
        for _ in 0..10 {
            assert_pending!(future.poll());
        }
        assert_eq!(drain(&rx).len(), 1 + tx.capacity().unwrap());
        assert!(assert_ready!(future.poll()).is_ok());
    });
}

/// Polls `future` in the context of `task`, which is woken in its place from then on.
fn poll_as<F: Future + ?Sized>(task: &mut Spawn<()>, mut future: Pin<&mut F>) -> Poll<F::Output> {
    task.enter(|cx, _| future.as_mut().poll(cx))
}

fn check_second_task<F: Future<Output: std::fmt::Debug>>(future: F, serve: impl FnOnce()) -> F::Output {
    let mut future = pin!(future);
    let (mut first, mut second) = (spawn(()), spawn(()));
    assert_pending!(poll_as(&mut first, future.as_mut()));
    assert_pending!(poll_as(&mut second, future.as_mut()));
    assert_pending!(poll_as(&mut first, future.as_mut()));
    assert_pending!(poll_as(&mut second, future.as_mut()));
    serve();
    assert!(!first.is_woken(), "the task of an earlier poll was woken");
    assert!(second.is_woken(), "the task of the latest poll was not woken");
    assert_ready!(poll_as(&mut second, future.as_mut()))
}

#[test]
fn x7_polled_from_a_second_task() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let value =
            check_second_task(receive(kind, &rx).into_inner(), || tx.try_send(tally.value(0)).unwrap());
        assert_eq!(number(value), Some(0));
        let closed = check_second_task(receive(kind, &rx).into_inner(), || drop(tx));
        assert!(closed.is_none());
    });
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let sent =
            check_second_task(send(kind, &tx, tally.value(0)).into_inner(), || drop(rx.try_recv().unwrap()));
        assert!(sent.is_ok());
        drain(&rx);
        fill(&tx, tally);
        let sent = check_second_task(send(kind, &tx, tally.value(1)).into_inner(), || drop(rx));
        assert_eq!(sent.unwrap_err().into_inner().number, 1);
    });
}

fn check_end<F: FusedFuture>(future: F) {
    let mut future = Box::pin(future);
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(!future.is_terminated());
    assert!(future.as_mut().poll(cx).is_ready());
    assert!(future.is_terminated());
    let again =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| future.as_mut().poll(cx).is_ready()));
    let payload = again.expect_err("a poll after the end");
    let message =
        payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    assert!(message.is_some_and(|message| message.contains("polled again")), "{message:?}");
    assert!(future.is_terminated());
}

#[test]
fn x7_a_poll_after_the_end_panics() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    check_end(tx.send(1));
    check_end(tx.send_from(&mut Some(2)));
    check_end(rx.recv());
    assert_eq!(rx.len(), 1, "the polls after the end did nothing");
    tx.close();
    check_end(tx.send(3));
    check_end(tx.send_from(&mut Some(4)));
    check_end(rx.recv());
    check_end(rx.recv()); // None
    assert!(rx.try_recv().is_err());
}

/// A stream is no future: after its None it goes on to say None, and it says Some again after a Some.
#[test]
fn x7_a_stream_goes_on() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut stream = spawn(rx);
    for n in 0..3 {
        assert_pending!(stream.poll_next());
        tx.try_send(n).unwrap();
        assert_ready_eq!(stream.poll_next(), Some(n));
    }
    assert_pending!(stream.poll_next());
    drop(tx);
    assert!(stream.is_woken() && !stream.is_terminated());
    for _ in 0..3 {
        assert_ready_eq!(stream.poll_next(), None);
        assert!(stream.is_terminated());
    }
}

/// A stream's wait that was given up keeps its place; the receiver's next operation has what it was given.
#[test]
fn a_streams_dropped_next_and_what_comes_after() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, mut rx) = bounded(0);
    let mut next = spawn(rx.next());
    assert_pending!(next.poll());
    drop(next);
    tx.try_send(tally.value(0)).unwrap(); // it kept its place
    assert_eq!(rx.try_recv().unwrap().number, 0);
    assert!(tx.try_send(tally.value(1)).is_err(), "try_recv took its wait off the queue");

    assert_pending!(spawn(rx.next()).poll());
    tx.try_send(tally.value(2)).unwrap();
    assert_eq!(number(assert_ready!(spawn(rx.next()).poll())), Some(2));

    assert_pending!(spawn(rx.next()).poll());
    tx.try_send(tally.value(3)).unwrap();
    let other = rx.clone();
    let mut waiting = receive(Receive::Recv, &other);
    assert_pending!(waiting.poll());
    drop(rx.recv()); // by creating it, the stream's wait is left: its value goes to who waits
    assert!(waiting.is_woken());
    assert_eq!(number(assert_ready!(waiting.poll())), Some(3));

    assert_pending!(spawn(rx.next()).poll());
    tx.try_send(tally.value(4)).unwrap();
    drop(rx); // the receiver goes: its value is the other's
    assert_eq!(other.try_recv().unwrap().number, 4);
    drop((waiting, other, tx));
    tally.check();
}

// ---- X10: forgotten futures

/// Takes the channel's halves apart while a forgotten wait stands in it: only what it holds is leaked.
#[test]
fn x10_a_forgotten_receive() {
    let _watch = watch();
    for kind in RECEIVES {
        let (tx, rx) = bounded(1);
        let tally = Tally::new();
        let mut forgotten = receive(kind, &rx);
        assert_pending!(forgotten.poll());
        std::mem::forget(forgotten);
        let mut other = receive(Receive::Recv, &rx);
        assert_pending!(other.poll());
        tx.try_send(tally.value(0)).unwrap(); // to the forgotten one
        tx.try_send(tally.value(1)).unwrap();
        assert_eq!(number(assert_ready!(other.poll())), Some(1), "who comes after it is not stranded");
        tx.try_send(tally.value(2)).unwrap();
        assert_eq!(rx.try_recv().unwrap().number, 2);
        tx.close();
        drop((tx, rx, other));
        assert_eq!((tally.dropped(0), tally.dropped(1), tally.dropped(2)), (0, 1, 1));
    }
}

#[test]
fn x10_a_forgotten_send() {
    let _watch = watch();
    for kind in SENDS {
        let (tx, rx) = bounded(0);
        let tally = Tally::new();
        let mut forgotten = send(kind, &tx, tally.value(0));
        assert_pending!(forgotten.poll());
        std::mem::forget(forgotten);
        let mut other = send(Kind::Plain, &tx, tally.value(1));
        assert_pending!(other.poll());
        assert_eq!(drain(&rx), [0, 1]);
        assert!(assert_ready!(other.poll()).is_ok());
        drop(other);
        tally.check();
    }
}

/// The borrow ends with the `forget`, the channel goes, and the node stands in freed lists: nobody may touch it.
#[test]
fn x10_a_forgotten_wait_outlives_its_channel() {
    let _watch = watch();
    let (tx, rx) = bounded::<String>(0);
    let cx = &mut Context::from_waker(Waker::noop());
    let mut recv = Box::pin(rx.recv());
    assert!(recv.as_mut().poll(cx).is_pending());
    std::mem::forget(recv);
    drop((tx, rx));

    let (tx, rx) = bounded(0);
    let mut place = Some(String::from("in the node"));
    let mut send = Box::pin(tx.send_from(&mut place));
    assert!(send.as_mut().poll(cx).is_pending());
    std::mem::forget(send);
    assert_eq!(place, None, "the value is in the leaked node, and the place free again");
    place = Some(String::from("new"));
    assert_eq!(rx.try_recv().unwrap(), "in the node");
    drop((tx, rx));
    assert_eq!(place.as_deref(), Some("new"));
}

// ---- memory

const MILLION: u32 = 1_000_000;

/// flume#88, flume#182: each poll of one pending receive queued one more waiter.
#[test]
fn a_million_polls_of_one_pending_future_allocate_nothing() {
    let _watch = watch();
    let (tx, mut rx) = bounded::<u32>(0);
    let wakers = [spawn(()), spawn(())].map(|mut task| task.enter(|cx, _| cx.waker().clone()));
    let polls = |mut poll: &mut dyn FnMut(&mut Context<'_>) -> bool| {
        let poll = &mut poll;
        assert!(poll(&mut Context::from_waker(&wakers[0])));
        let (allocations, bytes) = allocated(|| {
            for n in 0..MILLION / 5 {
                assert!(poll(&mut Context::from_waker(&wakers[n as usize % 2])));
            }
        });
        assert_eq!((allocations, bytes), (0, 0));
    };
    {
        let mut recv = pin!(rx.recv());
        polls(&mut |cx| recv.as_mut().poll(cx).is_pending());
    }
    {
        let mut send = pin!(tx.send(1));
        polls(&mut |cx| send.as_mut().poll(cx).is_pending());
    }
    {
        let mut chosen = pin!(async {
            select! {
                recv(rx) -> _ => (),
                send(tx, 1) -> _ => (),
                () = pending() => (),
            }
        });
        polls(&mut |cx| chosen.as_mut().poll(cx).is_pending());
    }
    {
        let mut stream = Pin::new(&mut rx);
        polls(&mut |cx| futures::Stream::poll_next(stream.as_mut(), cx).is_pending());
    }
}

/// flume#88 again, and tokio-mpsc: waiters that are given up are gone at once.
#[test]
fn a_million_dropped_futures_leave_nothing() {
    let _watch = watch();
    let (tx, mut rx) = bounded::<u32>(0);
    let waker = spawn(()).enter(|cx, _| cx.waker().clone());
    let cx = &mut Context::from_waker(&waker);
    let counts = allocated(|| {
        for _ in 0..MILLION {
            assert!(pin!(rx.recv()).poll(cx).is_pending());
        }
    });
    assert_eq!(counts, (0, 0), "recv");
    let counts = allocated(|| {
        for n in 0..MILLION / 5 {
            assert!(pin!(tx.send(n)).poll(cx).is_pending());
            let mut place = Some(n);
            assert!(pin!(tx.send_from(&mut place)).poll(cx).is_pending());
            assert!(place.is_some());
        }
    });
    assert_eq!(counts, (0, 0), "send");
    let counts = allocated(|| {
        for n in 0..MILLION / 5 {
            let chosen = pin!(async {
                select! {
                    recv(rx) -> _ => (),
                    send(tx, n) -> _ => (),
                }
            });
            assert!(chosen.poll(cx).is_pending());
        }
    });
    assert_eq!(counts, (0, 0), "select");
    assert!(pin!(rx.next()).poll(cx).is_pending()); // boxes its one wait
    let counts = allocated(|| {
        for _ in 0..MILLION / 5 {
            assert!(pin!(rx.next()).poll(cx).is_pending());
        }
    });
    assert_eq!(counts, (0, 0), "stream");
}

// ---- futures' own combinators

#[test]
fn futures_select_loses_nothing() {
    let _watch = watch();
    let tally = Tally::new();
    let ((a, from_a), (b, from_b)) = (bounded::<Value>(0), bounded::<Value>(1));
    let got = tokio_test::block_on(async {
        let send = |tx: Sender<Value>, parity: u32| {
            let tally = tally.clone();
            async move {
                for n in 0..50 {
                    tx.send(tally.value(2 * n + parity)).await.unwrap();
                }
            }
        };
        let receive = async {
            let mut got = Vec::new();
            loop {
                // A new pair of futures each time: the loser is dropped, whatever it has been given.
                let (mut x, mut y) = (pin!(from_a.recv()), pin!(from_b.recv()));
                let value = futures::select! { value = x => value, value = y => value };
                match value {
                    Some(value) => got.push(value.number),
                    None => break,
                }
            }
            // One of the two has ended; what is left is in the other.
            while let Some(value) = from_a.recv().await {
                got.push(value.number);
            }
            while let Some(value) = from_b.recv().await {
                got.push(value.number);
            }
            got
        };
        futures::join!(send(a, 0), send(b, 1), receive).2
    });
    let mut sorted = got.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, Vec::from_iter(0..100));
    for parity in 0..2 {
        assert!(got.iter().filter(|n| *n % 2 == parity).is_sorted(), "each channel in order");
    }
    tally.check();
}

#[test]
fn futures_select_biased_keeps_futures_across_turns() {
    let _watch = watch();
    let tally = Tally::new();
    let ((a, from_a), (b, from_b)) = (bounded(1), bounded(1));
    let got = tokio_test::block_on(async {
        let mut got = Vec::new();
        let mut sends = FuturesUnordered::new();
        for n in 0..10 {
            sends.push(if n % 2 == 0 { a.send(tally.value(n)) } else { b.send(tally.value(n)) });
        }
        let (mut x, mut y) = (Box::pin(from_a.recv()), Box::pin(from_b.recv()));
        while got.len() < 10 {
            futures::select_biased! {
                sent = sends.select_next_some() => sent.unwrap(),
                value = x => { got.extend(number(value)); x = Box::pin(from_a.recv()); }
                value = y => { got.extend(number(value)); y = Box::pin(from_b.recv()); }
            }
        }
        got
    });
    let mut sorted = got;
    sorted.sort_unstable();
    assert_eq!(sorted, Vec::from_iter(0..10));
    tally.check();
}

#[test]
fn futures_unordered_dropped_half_way_gives_everything_back() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut receives: FuturesUnordered<_> = (0..10).map(|_| rx.recv()).collect();
    let mut task = spawn(());
    task.enter(|cx, _| assert!(receives.poll_next_unpin(cx).is_pending()));
    for n in 0..6 {
        tx.try_send(tally.value(n)).unwrap();
    }
    assert!(task.is_woken());
    let mut got = Vec::new();
    for _ in 0..2 {
        let value = task.enter(|cx, _| assert_ready!(receives.poll_next_unpin(cx)));
        got.push(value.unwrap().unwrap().number);
    }
    drop(receives);
    let back = drain(&rx);
    assert!(back.is_sorted(), "{back:?}");
    got.extend(back);
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2, 3, 4, 5]);
    assert!(tx.try_send(tally.value(9)).is_err(), "nobody waits any more");
    drop((tx, rx));
    tally.check();
}

/// `futures::future::select` gives the loser back; dropped later, it puts back what it was given meanwhile.
#[test]
fn futures_select_function_and_its_loser() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let pair = futures::future::select(Box::pin(rx.recv()), Box::pin(rx.recv()));
    let mut task = spawn(pair);
    assert_pending!(task.poll());
    tx.try_send(tally.value(0)).unwrap();
    tx.try_send(tally.value(1)).unwrap();
    let Either::Left((value, loser)) = assert_ready!(task.poll()) else { panic!("the first is ready") };
    assert_eq!(number(value), Some(0));
    assert_eq!(rx.len(), 0);
    drop(loser);
    assert_eq!(rx.try_recv().unwrap().number, 1);
    assert!(rx.recv().now_or_never().is_none());
    drop(task);
    drop((tx, rx));
    tally.check();
}

// ---- bugs that peers had (those not named above)

/// async-channel#45, #49: a waiting sender that is never polled again strands the other senders.
#[test]
fn async_channel_45_a_sender_that_is_not_polled_again_strands_nobody() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    fill(&tx, &tally);
    let (mut idle, mut next) =
        (send(Kind::Plain, &tx, tally.value(0)), send(Kind::Plain, &tx, tally.value(1)));
    assert_pending!(idle.poll());
    assert_pending!(next.poll());
    assert_eq!(rx.try_recv().unwrap().number, 100);
    assert!(idle.is_woken() && !next.is_woken()); // and is not polled
    assert_eq!(rx.try_recv().unwrap().number, 0);
    assert!(next.is_woken());
    assert!(assert_ready!(next.poll()).is_ok());
    assert_eq!(rx.try_recv().unwrap().number, 1);
    drop((idle, next));
    tally.check();
}

/// async-channel#54, #105: a value was sent, a receiver waits, and nobody wakes it.
#[test]
fn async_channel_54_every_value_wakes_a_receiver_that_waits() {
    let _watch = watch();
    for capacity in [0, 1, 8] {
        let (tx, rx) = bounded(capacity);
        let mut idle = spawn(rx.recv()); // woken first, never polled again
        assert_pending!(idle.poll());
        tx.try_send(0).unwrap();
        for n in 1..100 {
            let mut receiver = spawn(rx.recv());
            assert_pending!(receiver.poll());
            tx.try_send(n).unwrap();
            assert!(receiver.is_woken());
            assert_ready_eq!(receiver.poll(), Some(n));
        }
        drop(idle);
        assert_eq!(rx.try_recv(), Ok(0));
    }
}

/// flume#44, #124: the last message before the last sender goes.
#[test]
fn flume_124_the_last_value_before_the_last_sender_goes_is_received() {
    let _watch = watch();
    for (tx, rx) in [bounded(1), bounded(4), unbounded()] {
        let mut receiver = spawn(rx.recv());
        assert_pending!(receiver.poll());
        tx.try_send(0).unwrap();
        tx.try_send(1).unwrap();
        drop(tx);
        assert_ready_eq!(receiver.poll(), Some(0));
        assert_ready_eq!(spawn(rx.recv()).poll(), Some(1));
        assert_ready_eq!(spawn(rx.recv()).poll(), None);
    }
}

/// kanal#24, #50, and its loss of 200 out of 200 values whose receive was cancelled in the middle of the hand-over.
#[test]
fn kanal_24_a_cancelled_receive_loses_nothing() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut received = 0;
        for n in 0..200 {
            let mut cancelled = receive(kind, &rx);
            assert_pending!(cancelled.poll());
            tx.try_send(tally.value(n)).unwrap();
            let mut parked = receive(kind, &rx);
            if n % 2 == 0 {
                assert_pending!(parked.poll());
            }
            drop(cancelled);
            assert_eq!(parked.is_woken(), n % 2 == 0);
            assert_eq!(number(assert_ready!(parked.poll())), Some(n));
            received += 1;
        }
        assert_eq!((received, rx.len()), (200, 0));
    });
}

/// kanal#8, #11, #12, #19, #62, #63: values that move between tasks are dropped once, whatever their size.
#[test]
fn kanal_63_values_of_all_sizes_are_dropped_once() {
    let _watch = watch();
    fn check<const PAD: usize>() {
        for capacity in [0, 1] {
            let tally = Tally::new();
            let (tx, rx) = bounded::<(Value, [u8; PAD])>(capacity);
            for n in 0..4 {
                let mut recv = spawn(rx.recv());
                let mut send = spawn(tx.send((tally.value(n), [7; PAD])));
                // Receiver first and sender first, polled to the end and dropped before it.
                if n % 2 == 0 {
                    assert_pending!(recv.poll());
                    assert!(assert_ready!(send.poll()).is_ok());
                } else {
                    let _ = send.poll();
                }
                if n < 2 {
                    let (value, pad) = assert_ready!(recv.poll()).unwrap();
                    assert!(value.number == n && pad.iter().all(|byte| *byte == 7));
                }
                drop((send, recv));
                while rx.try_recv().is_ok() {}
            }
            drop((tx, rx));
            tally.check();
        }
    }
    check::<0>();
    check::<1>();
    check::<15>();
    check::<64>();
    check::<5000>();
}

/// crossfire#22, #33: a stale waker (its wait is given up, or was served) takes a wake-up and does not pass it on.
#[test]
fn crossfire_22_a_stale_waker_takes_no_wake_up() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let mut given_up = spawn(tx.send(1));
    let mut next = spawn(tx.send(2));
    assert_pending!(given_up.poll());
    assert_pending!(next.poll());
    drop(given_up);
    assert_eq!(rx.try_recv(), Ok(0));
    assert!(next.is_woken(), "the wake-up went to a send that was given up");
    assert_ready!(next.poll()).unwrap();
    assert_eq!(rx.try_recv(), Ok(2));

    // The same with one that was woken and then given up: the place that it was given is not lost.
    tx.try_send(3).unwrap();
    let mut served = spawn(tx.send(4));
    let mut next = spawn(tx.send(5));
    assert_pending!(served.poll());
    assert_pending!(next.poll());
    assert_eq!(rx.try_recv(), Ok(3));
    drop(served); // 4 was sent
    assert_eq!(rx.try_recv(), Ok(4));
    assert!(next.is_woken());
    assert_ready!(next.poll()).unwrap();
    assert_eq!(rx.try_recv(), Ok(5));
}

/// crossfire#39: a send that found room at its second look must not leave a waiter behind.
#[test]
fn crossfire_39_a_send_done_at_once_leaves_no_waiter() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    for n in 0..10 {
        let mut send = spawn(tx.send(n));
        assert_ready!(send.poll()).unwrap();
        assert_eq!(rx.try_recv(), Ok(n));
        assert!(!send.is_woken());
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
}

/// crossfire 3.1.20: `try_recv` beside the drop of the last sender says Closed only when all was received.
#[test]
fn crossfire_3_1_20_try_recv_beside_the_last_senders_drop() {
    let _watch = watch();
    for _ in 0..200 {
        let (tx, rx) = unbounded();
        let sender = std::thread::spawn(move || {
            for n in 0..20 {
                tx.try_send(n).unwrap();
            }
        });
        let mut received = Vec::new();
        loop {
            match rx.try_recv() {
                Ok(n) => received.push(n),
                Err(TryRecvError::Empty) => std::thread::yield_now(),
                Err(TryRecvError::Closed) => break,
            }
        }
        assert_eq!(received, Vec::from_iter(0..20));
        sender.join().unwrap();
    }
}

/// crossfire 3.1.21, crossfire#38: a send that was never polled drops its value, once.
#[test]
fn crossfire_3_1_21_an_unpolled_send_drops_its_value_once() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    drop(tx.send(tally.value(0)));
    assert_eq!(tally.dropped(0), 1);
    let unpolled = tx.send(tally.value(1));
    rx.close();
    drop(unpolled);
    assert_eq!(tally.dropped(1), 1);
    let mut place = Some(tally.value(2));
    drop(tx.send_from(&mut place));
    assert_eq!(tally.dropped(2), 0);
    drop(place);
    tally.check();
}

/// tokio#3263, #7686: `try_recv` sees what was sent before, and Closed after a close.
#[test]
fn tokio_7686_try_recv_sees_what_happened_before() {
    let _watch = watch();
    for (tx, rx) in [bounded(64), unbounded()] {
        let others: Vec<_> = (0..8).map(|n| (n, tx.clone())).collect();
        let senders: Vec<_> = others
            .into_iter()
            .map(|(n, tx)| std::thread::spawn(move || (0..8).for_each(|m| tx.try_send(8 * n + m).unwrap())))
            .collect();
        for sender in senders {
            sender.join().unwrap();
        }
        let mut received: Vec<u32> = std::iter::from_fn(|| rx.try_recv().ok()).collect();
        received.sort_unstable();
        assert_eq!(received, Vec::from_iter(0..64));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        rx.close();
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    }
}

/// tokio#7991, #8062, #6602: the length at block limits, while closing, and with values put back.
#[test]
fn tokio_8062_the_length_is_right_at_every_step() {
    let _watch = watch();
    let (tx, rx) = unbounded();
    for round in 0..5 {
        for n in 1..=100 {
            tx.try_send(n).unwrap();
            assert_eq!((tx.len(), rx.len(), rx.is_empty()), (n, n, false));
        }
        for n in (0..100).rev() {
            rx.try_recv().unwrap();
            assert_eq!((tx.len(), rx.len(), rx.is_empty()), (n, n, n == 0), "round {round}");
        }
    }
    let mut waiting = spawn(rx.recv());
    assert_pending!(waiting.poll());
    tx.try_send(1).unwrap();
    assert_eq!(rx.len(), 0, "it is handed over");
    drop(waiting);
    assert_eq!(rx.len(), 1, "it is back");
    drop(tx);
    assert_eq!(rx.len(), 1, "and closing counts nothing");
    rx.try_recv().unwrap();
    assert_eq!((rx.len(), rx.is_empty()), (0, true));
}

/// tokio#8074, #8075, #8260: on a closed channel, what a cancelled operation gives back is found, and Closed comes
/// after it; and the end is told to who waits.
#[test]
fn tokio_8074_closed_with_values_outstanding() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let (mut granted, mut waiting) = (spawn(rx.recv()), spawn(rx.recv()));
    assert_pending!(granted.poll());
    assert_pending!(waiting.poll());
    tx.try_send(1).unwrap();
    tx.close();
    assert!(waiting.is_woken(), "the end was not told");
    assert_ready_eq!(waiting.poll(), None);
    drop(granted);
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

/// tokio#8546, #8560, and any ring: the places wrap around many times, with waits and cancelled waits in between.
#[test]
fn tokio_8546_places_wrap_around() {
    let _watch = watch();
    for capacity in [1, 2, 3, 7] {
        let (tx, rx) = bounded(capacity);
        let (mut sent, mut received) = (0_u32, 0_u32);
        for turn in 0..1000 {
            while tx.try_send(sent).is_ok() {
                sent += 1;
            }
            let mut given_up = spawn(tx.send(u32::MAX));
            assert_pending!(given_up.poll());
            let mut waiting = spawn(tx.send(sent));
            assert_pending!(waiting.poll());
            drop(given_up);
            for _ in 0..=turn % capacity {
                assert_eq!(rx.try_recv(), Ok(received));
                received += 1;
            }
            assert_ready!(waiting.poll()).unwrap();
            sent += 1;
        }
        while let Ok(n) = rx.try_recv() {
            assert_eq!(n, received);
            received += 1;
        }
        assert_eq!(sent, received);
    }
}

/// crossbeam RUSTSEC-2025-0024: values dropped twice when the channel goes while something is sent.
#[test]
fn crossbeam_2025_0024_the_channel_goes_during_sends() {
    let _watch = watch();
    for make in [|| bounded(2), || bounded(0), unbounded] {
        for _ in 0..100 {
            let tally = Tally::new();
            let (tx, rx) = make();
            let senders: Vec<_> = (0..2)
                .map(|id| {
                    let (tx, tally) = (tx.clone(), tally.clone());
                    std::thread::spawn(move || {
                        for n in 0..40 {
                            let _ = tx.try_send(tally.value(100 * id + n));
                        }
                    })
                })
                .collect();
            drop(tx);
            let _ = rx.try_recv();
            drop(rx);
            for sender in senders {
                sender.join().unwrap();
            }
            tally.check();
        }
    }
}

/// A future that is ready at once in a lost race of `poll_fn` must not have touched the channel (X8 in a combinator).
#[test]
fn a_receive_behind_a_ready_future_is_not_polled() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    let ready = poll_fn(|_| Poll::Ready(()));
    let won = futures::future::select(ready, Box::pin(rx.recv())).now_or_never().unwrap();
    assert!(matches!(won, Either::Left(_)));
    drop(won);
    assert_eq!(rx.try_recv(), Ok(1));
}
