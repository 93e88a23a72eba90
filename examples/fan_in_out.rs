//! Fan-out and fan-in: workers share one channel of numbers, and their own channels are merged into one.
//!
//! The workers receive from clones of one `Receiver` (each number goes to exactly one of them); `merge` copies any
//! number of channels into one, which closes when all of them are closed.
use dormouse::chan::{Receiver, Sender, bounded};
use dormouse::go;

async fn produce(out: Sender<u64>) {
    for n in 1..=100 {
        out.send(n).await.unwrap();
    }
}

/// Starts a worker and returns the channel of its results.
fn square(numbers: Receiver<u64>) -> Receiver<u64> {
    let (out, squares) = bounded(0);
    go(async move {
        while let Some(n) = numbers.recv().await {
            out.send(n * n).await.unwrap();
        }
    });
    squares
}

fn merge(channels: Vec<Receiver<u64>>) -> Receiver<u64> {
    let (out, merged) = bounded(channels.len());
    for channel in channels {
        let out = out.clone();
        go(async move {
            while let Some(v) = channel.recv().await {
                out.send(v).await.unwrap();
            }
        });
    }
    merged // the last task to end drops the last sender
}

#[dormouse::main]
async fn main() {
    let (tx, numbers) = bounded(10);
    go(produce(tx));

    let workers = (0..4).map(|_| square(numbers.clone())).collect(); // fan out
    let squares = merge(workers); // fan in

    let (mut count, mut sum) = (0, 0);
    while let Some(square) = squares.recv().await {
        count += 1;
        sum += square;
    }
    println!("{count} squares, their sum is {sum}");
}
