//! The list of ended members: an end against the owner that goes to sleep, and an end that is told twice.
use super::model;
use crate::task::ended::Ended;
use dormouse_testing::model::Signal;
use loom::thread;
use std::task::{Context, Poll};

/// Two members end while the owner waits for both: no end is lost, and none comes twice.
#[test]
fn ended_the_owner_learns_of_each_end_once() {
    model(3, || {
        let ended = Ended::new();
        let members = [1, 2].map(|key| {
            let waker = ended.waker(key);
            thread::spawn(move || waker.wake())
        });
        let (signal, waker) = Signal::new();
        let mut cx = Context::from_waker(&waker);
        let mut next = || loop {
            match ended.poll_next(&mut cx) {
                Poll::Ready(key) => return key,
                Poll::Pending => signal.wait(),
            }
        };
        assert_eq!(next() + next(), 3);
        members.into_iter().for_each(|member| member.join().expect("no panic"));
        assert_eq!(ended.next(), None);
    });
}

/// A handle that is put in while its task ends: the set finds it ended, and the task wakes the waker all the same.
#[test]
fn ended_an_end_is_told_once() {
    model(3, || {
        let ended = Ended::new();
        let waker = ended.waker(7);
        let task = thread::spawn({
            let waker = waker.clone();
            move || waker.wake()
        });
        waker.wake();
        task.join().expect("no panic");
        assert_eq!((ended.next(), ended.next()), (Some(7), None));
    });
}
