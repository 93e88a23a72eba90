//! The third send into a buffer of two, and nobody receives: the simulator says what everybody waits for.
//!
//! After `tutorials/001_f236c704c622af62.txt`, "Buffered Channels". There the third send blocks for ever, and Go ends the
//! program with "all goroutines are asleep - deadlock!". `full_buffer_waits` is the program with a receiver.
use dormouse::chan::bounded;
use dormouse::sim;

async fn three_sends() {
    let (tx, _rx) = bounded(2); // a buffer of 2
    tx.send(1).await.unwrap(); // does not wait
    tx.send(2).await.unwrap(); // does not wait
    tx.send(3).await.unwrap(); // waits until 1 is received
}

fn main() {
    let failure = sim::Builder::new().try_run(three_sends()).expect_err("nobody receives");
    println!("{failure}");
}
