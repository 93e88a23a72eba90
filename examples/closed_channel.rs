//! Receiving from a closed channel: first what is left, then `None`, which is Go's `val, ok` with `ok` false.
//!
//! After `tutorials/002_375e18fa1ca40e63.txt`, "Closing Channels".
use dormouse::chan::bounded;

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(2);
    tx.send(10).await.unwrap();
    tx.close();

    let val: Option<i32> = rx.recv().await;
    println!("{} {}", val.unwrap_or_default(), val.is_some()); // 10 true

    let val = rx.recv().await;
    println!("{} {}", val.unwrap_or_default(), val.is_some()); // 0 false: closed
}
