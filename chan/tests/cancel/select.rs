//! X3: a select is dropped.
use crate::kinds::{Receive, drain, fill, receive};
use dormouse_chan::{bounded, select};
use dormouse_testing::{Tally, number, watch};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

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
