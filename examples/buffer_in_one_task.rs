//! One task sends three values and receives them: a buffer of three needs nobody else.
//!
//! After `tutorials/004_e9fb3eabde186492.txt`, "Buffered Channels for Non-blocking Communication".
use dormouse::chan::bounded;

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(3); // a buffer of 3

    tx.send(1).await.unwrap();
    tx.send(2).await.unwrap();
    tx.send(3).await.unwrap();

    println!("{}", rx.recv().await.unwrap());
    println!("{}", rx.recv().await.unwrap());
    println!("{}", rx.recv().await.unwrap());
}
