//! A transfer cancelled half-way: a timeout, or an abort, drops a future at the await where it stands; what it did before
//! stays done.
use crate::{Bug, builder, is_right};
use dormouse::prelude::*;
use dormouse::sim::FailureKind;
use std::sync::Arc;

const LIMIT: Duration = Duration::from_millis(10);

/// An entry carries the channel for its receipt.
type Entry = (u64, Sender<()>);

struct Bank {
    /// Of two accounts.
    balances: Mutex<[u64; 2]>,
    book: Sender<Entry>,
}

async fn bookkeeper(entries: Receiver<Entry>) {
    while let Some((_amount, receipt)) = entries.recv().await {
        time::sleep(LIMIT).await; // writes it down
        let _ = receipt.try_send(()); // whoever asked may be gone
    }
}

/// False if the bookkeeper is gone.
async fn write_down(bank: &Bank, amount: u64) -> bool {
    let (receipt, written) = bounded(1);
    bank.book.send((amount, receipt)).await.is_ok() && written.recv().await.is_some()
}

async fn transfer_buggy(bank: Arc<Bank>, amount: u64) {
    bank.balances.lock().await[0] -= amount;
    write_down(&bank, amount).await; // dropped here, the amount is nowhere
    bank.balances.lock().await[1] += amount;
}

async fn transfer(bank: Arc<Bank>, amount: u64) {
    if write_down(&bank, amount).await {
        let mut balances = bank.balances.lock().await;
        balances[0] -= amount; // both or none: nothing is awaited in between
        balances[1] += amount;
    }
}

async fn with_a_timeout<F>(transfer: impl Fn(Arc<Bank>, u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (book, entries) = bounded(0);
    let bank = Arc::new(Bank { balances: Mutex::new([100, 0]), book });
    let bookkeeper = spawn(bookkeeper(entries));
    let transfer = spawn(time::timeout(LIMIT, transfer(bank.clone(), 30)));
    let _ = transfer.await; // in time, late or aborted: the money must be somewhere
    bank.book.close();
    let _ = bookkeeper.await; // it may still write
    assert_eq!(bank.balances.lock().await.iter().sum::<u64>(), 100, "the money in the bank");
}

const BUG: Bug = Bug {
    file: "cancelled_transfer.rs",
    seeds: 30,
    kind: FailureKind::Main,
    says: &[
        "main panicked: assertion `left == right` failed: the money in the bank\n  left: 70\n right: 100",
    ],
};

#[test]
fn is_found() {
    BUG.is_found(|| with_a_timeout(transfer_buggy));
}

#[test]
fn is_found_by_random_aborts() {
    let bug = Bug { seeds: 30, ..BUG };
    bug.is_found_by(&builder().random_aborts(0.1), || with_a_timeout(transfer_buggy));
}

#[test]
fn repaired() {
    is_right(|| with_a_timeout(transfer));
    builder().random_aborts(0.1).explore(1_000, || with_a_timeout(transfer));
}
