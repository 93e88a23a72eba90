//! The prime sieve: a chain of tasks, one per prime, each passing on what its prime does not divide.
//!
//! Go's classic demonstration of unbuffered channels. The algorithm is Douglas McIlroy's coroutine sieve (1968), known
//! from Hoare's "Communicating Sequential Processes".
use dormouse::chan::{Receiver, Sender, bounded};
use dormouse::go;

/// Sends 2, 3, 4, ... until nobody receives them any more.
async fn generate(out: Sender<u32>) {
    for n in 2.. {
        if out.send(n).await.is_err() {
            return;
        }
    }
}

/// Passes on the numbers that `prime` does not divide.
async fn filter(numbers: Receiver<u32>, out: Sender<u32>, prime: u32) {
    while let Some(n) = numbers.recv().await {
        if n % prime != 0 && out.send(n).await.is_err() {
            return;
        }
    }
}

#[dormouse::main]
async fn main() {
    let (tx, mut numbers) = bounded(0);
    go(generate(tx));

    for _ in 0..25 {
        let prime = numbers.recv().await.unwrap();
        println!("{prime}");
        let (tx, filtered) = bounded(0);
        go(filter(numbers, tx, prime));
        numbers = filtered;
    }
}
