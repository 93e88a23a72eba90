//! `closed()` of both halves.
use crate::allocs::{NOTHING, allocated};
use dormouse_chan::{bounded, never};
use dormouse_testing::watch;
use futures::future::FusedFuture;
use std::task::Context;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn all_who_wait_learn_of_it_however_many() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(1);
    tx.try_send(1).unwrap();
    let mut waiting: Vec<_> =
        (0..100).map(|n| spawn(if n % 2 == 0 { tx.closed() } else { rx.closed() })).collect();
    waiting.iter_mut().for_each(|closed| assert_pending!(closed.poll()));
    assert!(rx.close());
    for closed in &mut waiting {
        assert!(closed.is_woken());
        assert_ready!(closed.poll());
        assert!(closed.enter(|_, closed| closed.is_terminated()));
    }
    assert_ready!(spawn(tx.closed()).poll());
    assert_eq!(rx.try_recv(), Ok(1), "what is in the channel stays");
}

#[test]
fn the_end_of_the_other_half_is_a_close() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(0);
    let other = rx.clone();
    let mut closed = spawn(tx.closed());
    assert_pending!(closed.poll());
    drop(rx);
    assert!(!closed.is_woken());
    drop(other);
    assert!(closed.is_woken());
    assert_ready!(closed.poll());

    let (tx, rx) = bounded::<u8>(0);
    let mut closed = spawn(rx.closed());
    assert_pending!(closed.poll());
    drop(tx);
    assert_ready!(closed.poll());
}

#[test]
fn who_gives_up_leaves_the_queue() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(0);
    let mut waiting = [(); 3].map(|()| Box::pin(tx.closed()));
    let mut tasks = [(); 3].map(|()| spawn(()));
    for (closed, task) in waiting.iter_mut().zip(&mut tasks) {
        assert!(task.enter(|cx, _| closed.as_mut().poll(cx).is_pending()));
    }
    let [first, middle, last] = waiting;
    drop(middle);
    std::mem::forget(last);
    rx.close();
    assert_eq!(tasks.each_ref().map(|task| task.is_woken()), [true, false, true]);
    drop(first);
}

#[test]
fn the_latest_task_that_polled_is_woken() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(0);
    let mut closed = Box::pin(tx.closed());
    let (mut before, mut now) = (spawn(()), spawn(()));
    assert!(before.enter(|cx, _| closed.as_mut().poll(cx).is_pending()));
    assert!(now.enter(|cx, _| closed.as_mut().poll(cx).is_pending()));
    rx.close();
    assert!(!before.is_woken() && now.is_woken());
}

#[test]
fn waiting_allocates_nothing() {
    let _watch = watch();
    let (tx, _rx) = bounded::<u8>(0);
    let waker = spawn(()).enter(|cx, _| cx.waker().clone());
    let (made, ()) = allocated(|| {
        let mut closed = std::pin::pin!(tx.closed());
        assert!(closed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    });
    assert_eq!(made, NOTHING);
}

#[test]
fn a_nil_channel_never_closes() {
    let _watch = watch();
    let (tx, rx) = never::<u8>();
    rx.close();
    drop(rx);
    assert_pending!(spawn(tx.closed()).poll());
}

#[test]
#[should_panic(expected = "a finished channel future was polled again")]
fn a_poll_after_the_end_panics() {
    let (tx, rx) = bounded::<u8>(1);
    drop(rx);
    let mut closed = spawn(tx.closed());
    assert_ready!(closed.poll());
    let _ = closed.poll();
}
