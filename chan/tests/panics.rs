//! Panics in user code: in the `Drop` of values, in the operands, conditions, futures and bodies of a `select!`. After
//! each, the channel works, and everything but the value that panicked was dropped exactly once (that one too: its
//! `Drop` counts before it panics).

#[path = "panics/select.rs"]
mod select;
#[path = "panics/values.rs"]
mod values;

use dormouse_chan::{Receiver, Sender, TryRecvError};
use dormouse_testing::{Tally, Value, number};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

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
