//! A pipeline that is cancelled from its far end: generate, square, take five, stop everything.
//!
//! As in Go, each stage selects between its work and a `done` channel that is closed to cancel. In Rust a stage also
//! stops without it, since its send fails when the next stage is gone; `done` reaches the stages that wait for input.
use dormouse::chan::{Receiver, Sender, bounded};
use dormouse::{go, select, sync::WaitGroup};

/// Nothing is ever sent on it: closing it is the signal.
type Done = Receiver<()>;

async fn generate(out: Sender<u64>, done: Done) {
    for n in 1.. {
        select! {
            send(out, n) -> sent => if sent.is_err() { break },
            recv(done) -> _closed => break,
        }
    }
}

async fn square(numbers: Receiver<u64>, out: Sender<u64>, done: Done) {
    loop {
        let n = select! {
            recv(numbers) -> n => match n {
                Some(n) => n,
                None => break,
            },
            recv(done) -> _closed => break,
        };
        select! {
            send(out, n * n) -> sent => if sent.is_err() { break },
            recv(done) -> _closed => break,
        }
    }
}

#[dormouse::main]
async fn main() {
    let stages = WaitGroup::new();
    let (cancel, done) = bounded::<()>(0);
    let (numbers_tx, numbers) = bounded(0);
    let (squares_tx, squares) = bounded(0);
    go(stages.track(generate(numbers_tx, done.clone())));
    go(stages.track(square(numbers, squares_tx, done)));

    for _ in 0..5 {
        println!("{}", squares.recv().await.unwrap());
    }

    cancel.close();
    stages.wait().await; // no task is left behind
    println!("cancelled: all stages have ended");
}
