//! Lost update over an await: a balance is read, then something is awaited, then the balance is written.
use crate::{Bug, is_right};
use dormouse::prelude::*;
use dormouse::sim::{Failure, FailureKind};
use std::sync::Arc;

const A_QUESTION: Duration = Duration::from_millis(1);

/// Asks another service.
async fn fee_of(amount: u64) -> u64 {
    time::sleep(A_QUESTION).await;
    amount / 100
}

async fn pay_in_buggy(balance: Arc<Mutex<u64>>, amount: u64) {
    let before = *balance.lock().await; // the guard is gone at the end of this line
    let fee = fee_of(amount).await; // somebody else pays in
    *balance.lock().await = before + amount - fee;
}

async fn pay_in(balance: Arc<Mutex<u64>>, amount: u64) {
    let fee = fee_of(amount).await;
    *balance.lock().await += amount - fee; // nothing is awaited between the read and the write
}

async fn two_payments<F>(pay_in: impl Fn(Arc<Mutex<u64>>, u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let balance = Arc::new(Mutex::new(0));
    let first = spawn(pay_in(balance.clone(), 100));
    time::sleep(A_QUESTION).await; // the second comes as the first one's answer does
    let second = spawn(pay_in(balance.clone(), 200));
    first.await.unwrap();
    second.await.unwrap();
    assert_eq!(*balance.lock().await, 99 + 198, "the balance");
}

pub(super) fn failure() -> Failure {
    let bug = Bug {
        file: "lost_update.rs",
        seeds: 60,
        kind: FailureKind::Main,
        says: &["main panicked: assertion `left == right` failed: the balance", "live tasks:\n  none\n"],
    };
    bug.is_found(|| two_payments(pay_in_buggy))
}

#[test]
fn is_found() {
    failure();
}

#[test]
fn repaired() {
    is_right(|| two_payments(pay_in));
}
