//! X1, and X8, X9 for receives: a receive is dropped, in each state it can be in.
use crate::kinds::{Kind, RECEIVES, drain, each_receive, fill, receive, send};
use dormouse_chan::TryRecvError;
use dormouse_testing::{number, watch};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

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
