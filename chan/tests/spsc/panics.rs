//! Values and wakers that panic or call back leave the channel usable.
use dormouse_chan::spsc::{bounded, unbounded};
use dormouse_testing::{Calls, Event, Tally, panics, watch};
use std::pin::pin;
use std::task::Context;
use tokio_test::assert_pending;

#[test]
fn a_value_that_panics_in_its_drop_keeps_no_other_from_it() {
    let _watch = watch();
    let tally = Tally::new();
    let (mut tx, rx) = unbounded();
    for n in 0..40 {
        assert!(tx.try_send(if n == 3 { tally.bomb(n) } else { tally.value(n) }).is_ok());
    }
    panics(|| drop(rx));
    (0..40).for_each(|n| assert_eq!(tally.dropped(n), 1, "value {n}"));
    assert!(tx.try_send(tally.value(40)).unwrap_err().is_closed());
    drop(tx);
    tally.check();
}

#[test]
fn a_waker_that_panics_costs_the_other_half_nothing() {
    let _watch = watch();
    let wakers = Calls::new(|event| {
        if let Event::Wake = event {
            panic!("a waker's own");
        }
    });
    let waker = wakers.waker();
    let mut cx = Context::from_waker(&waker);
    let (mut tx, mut rx) = bounded(1);
    {
        let mut receive = pin!(rx.recv());
        assert_pending!(receive.as_mut().poll(&mut cx));
        assert!(tx.try_send(1).is_ok());
    }
    {
        let mut send = pin!(tx.send(2));
        assert_pending!(send.as_mut().poll(&mut cx));
        assert_eq!(rx.try_recv(), Ok(1));
    }
    assert!(tx.try_send(3).is_ok());
    assert_eq!(rx.try_recv(), Ok(3));
}
