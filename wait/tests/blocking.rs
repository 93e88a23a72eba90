//! Waiting for a future on a plain thread.
use dormouse_wait::blocking::wait_for;
use dormouse_wait::frame::{Frame, Waits, outside};
use std::future::{poll_fn, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

#[test]
fn a_ready_future() {
    assert_eq!(wait_for("a", "b", ready(7)), 7);
}

/// Woken by another thread, with stray tokens before.
#[test]
fn woken_from_elsewhere() {
    let (set, polls) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
    std::thread::current().unpark();
    let mut waking = None;
    wait_for(
        "a",
        "b",
        poll_fn(|cx| {
            polls.fetch_add(1, SeqCst);
            if set.load(SeqCst) {
                return Poll::Ready(());
            }
            let (set, waker) = (set.clone(), cx.waker().clone());
            waking.get_or_insert_with(|| {
                std::thread::spawn(move || {
                    waker.wake_by_ref();
                    set.store(true, SeqCst);
                    waker.wake();
                })
            });
            Poll::Pending
        }),
    );
    waking.unwrap().join().unwrap();
    assert!((2..=5).contains(&polls.load(SeqCst)), "{polls:?} polls: it spins");
}

#[test]
#[should_panic(
    expected = "`send_blocking` was called inside an async task, where it would block a worker thread: use `send().await`"
)]
fn inside_a_poll_it_panics() {
    Frame::new(&Waits::new()).enter(|| wait_for("`send_blocking`", "send().await", ready(())));
}

#[test]
fn outside_of_frames_it_is_allowed() {
    assert_eq!(Frame::new(&Waits::new()).enter(|| outside(|| wait_for("a", "b", ready(1)))), 1);
}
