//! Halves of every kind of channel that plain threads hold: a runtime counts them while they live, and no longer. (A file of
//! its own: the count is that of the process.)
use dormouse_chan::broadcast::Overflow;
use dormouse_chan::{bounded, broadcast, oneshot, watch};
use dormouse_testing::watch as watched;
use dormouse_wait::outside;
use std::sync::Mutex;

/// The count is the process's: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn each_half_counts_while_it_lives() {
    let _watch = watched();
    let _alone = ALONE.lock().unwrap();
    fn counts<H>(half: H) {
        assert!(outside::any());
        drop(half);
        assert!(!outside::any());
    }
    let (tx, rx) = bounded::<u8>(1);
    counts(tx.into_foreign());
    counts(rx.into_foreign());
    let (tx, rx) = oneshot::<u8>();
    counts(tx.into_foreign());
    counts(rx.into_foreign());
    let (tx, rx) = broadcast::<u8>(1, Overflow::Wait);
    counts(tx.into_foreign());
    counts(rx.into_foreign());
    let (tx, rx) = watch(1_u8);
    counts(tx.into_foreign());
    counts(rx.into_foreign());
}

#[test]
fn it_is_used_as_the_half_that_it_holds() {
    let _watch = watched();
    let _alone = ALONE.lock().unwrap();
    let (tx, rx) = broadcast(1, Overflow::Wait);
    let (tx, mut rx) = (tx.into_foreign(), rx.into_foreign());
    let other = tx.clone();
    drop(tx);
    assert!(outside::any());
    other.send_blocking(7).unwrap();
    assert_eq!(rx.recv_blocking(), Ok(7));
    let (tx, rx) = oneshot();
    let tx = tx.into_foreign();
    tx.into_inner().send(8).unwrap();
    assert_eq!(rx.recv_blocking(), Some(8));
    drop(other);
}
