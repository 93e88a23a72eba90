//! State owned by one task: others read and write it by messages, so no lock is needed.
//!
//! "Do not communicate by sharing memory; share memory by communicating." Each request carries the channel for its answer.
use dormouse::chan::{Receiver, Sender, bounded};
use dormouse::{go, select, sync::WaitGroup};
use std::collections::HashMap;

/// Adds `amount` to an account and answers with the new balance.
struct Deposit {
    account: &'static str,
    amount: u64,
    reply: Sender<u64>,
}

/// Answers with the balance of an account.
struct Balance {
    account: &'static str,
    reply: Sender<u64>,
}

/// The task that owns the accounts. It ends when nobody can send requests any more.
async fn bank(deposits: Receiver<Deposit>, balances: Receiver<Balance>) {
    let mut accounts = HashMap::new();
    let (mut deposits, mut balances) = (Some(deposits), Some(balances));
    while deposits.is_some() || balances.is_some() {
        // An asker that went away meanwhile does not disturb the bank: its answer is dropped.
        select! {
            recv(deposits) -> deposit => match deposit {
                Some(Deposit { account, amount, reply }) => {
                    let balance = accounts.entry(account).or_insert(0);
                    *balance += amount;
                    let _ = reply.try_send(*balance);
                }
                None => deposits = None, // a closed channel is always ready: switch its arm off
            },
            recv(balances) -> balance => match balance {
                Some(Balance { account, reply }) => {
                    let _ = reply.try_send(accounts.get(account).copied().unwrap_or(0));
                }
                None => balances = None,
            },
        }
    }
}

async fn deposit(bank: &Sender<Deposit>, account: &'static str, amount: u64) -> u64 {
    let (reply, answer) = bounded(1); // room for the answer, so that the bank never waits for an asker
    bank.send(Deposit { account, amount, reply }).await.unwrap();
    answer.recv().await.unwrap()
}

async fn balance(bank: &Sender<Balance>, account: &'static str) -> u64 {
    let (reply, answer) = bounded(1);
    bank.send(Balance { account, reply }).await.unwrap();
    answer.recv().await.unwrap()
}

#[dormouse::main]
async fn main() {
    let (deposits, deposits_rx) = bounded(0);
    let (balances, balances_rx) = bounded(0);
    go(bank(deposits_rx, balances_rx));

    let savers = WaitGroup::new();
    for account in ["alice", "bob"] {
        for _saver in 0..10 {
            let deposits = deposits.clone();
            go(savers.track(async move {
                let mut last = 0;
                for amount in 1..=10 {
                    let balance = deposit(&deposits, account, amount).await;
                    assert!(balance >= last + amount, "a balance only grows");
                    last = balance;
                }
            }));
        }
    }
    savers.wait().await;

    for account in ["alice", "bob", "carol"] {
        println!("{account}: {}", balance(&balances, account).await);
    }
}
