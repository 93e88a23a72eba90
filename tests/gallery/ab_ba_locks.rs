//! AB-BA locks: one task locks A, then B, another one B, then A. Each ends up with what the other one waits for.
use crate::{Bug, is_right};
use dormouse::prelude::*;
use dormouse::sim::{Failure, FailureKind};
use std::sync::Arc;

const A_QUESTION: Duration = Duration::from_millis(1);

struct Account {
    number: u32,
    balance: Mutex<u64>,
}

async fn transfer_buggy(from: Arc<Account>, to: Arc<Account>, amount: u64) {
    let mut from = from.balance.lock().await;
    time::sleep(A_QUESTION).await; // asks whether that is allowed
    let mut to = to.balance.lock().await;
    *from -= amount;
    *to += amount;
}

async fn transfer(from: Arc<Account>, to: Arc<Account>, amount: u64) {
    // All lock in the same order: the lower number first.
    let (low, high) = if from.number < to.number { (&from, &to) } else { (&to, &from) };
    let mut low_balance = low.balance.lock().await;
    time::sleep(A_QUESTION).await;
    let mut high_balance = high.balance.lock().await;
    let (from, to) = if from.number < to.number {
        (&mut *low_balance, &mut *high_balance)
    } else {
        (&mut *high_balance, &mut *low_balance)
    };
    *from -= amount;
    *to += amount;
}

async fn to_and_fro<F>(transfer: impl Fn(Arc<Account>, Arc<Account>, u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let account = |number| Arc::new(Account { number, balance: Mutex::new(100) });
    let (alice, bob) = (account(1), account(2));
    let to = task::Builder::new().name("alice to bob").spawn(transfer(alice.clone(), bob.clone(), 30));
    time::sleep(A_QUESTION).await;
    let fro = task::Builder::new().name("bob to alice").spawn(transfer(bob.clone(), alice.clone(), 20));
    to.await.unwrap();
    fro.await.unwrap();
    assert_eq!((*alice.balance.lock().await, *bob.balance.lock().await), (90, 110));
}

pub(super) fn failure() -> Failure {
    let bug = Bug {
        file: "ab_ba_locks.rs",
        seeds: 60,
        kind: FailureKind::Deadlock,
        says: &[
            "all tasks are asleep - deadlock!",
            "virtual time 2ms",
            "main [join]",
            "task 1 \"alice to bob\" [sync.Mutex.Lock] at tests/gallery/ab_ba_locks.rs:17:",
            "task 2 \"bob to alice\" [sync.Mutex.Lock] at tests/gallery/ab_ba_locks.rs:17:",
        ],
    };
    bug.is_found(|| to_and_fro(transfer_buggy))
}

#[test]
fn is_found() {
    failure();
}

#[test]
fn repaired() {
    is_right(|| to_and_fro(transfer));
}
