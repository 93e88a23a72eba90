//! `while let Some(val) = rx.recv().await` is Go's `for val := range ch`: it reads until the channel is closed.
//!
//! After `tutorials/002_375e18fa1ca40e63.txt`, "Iterating Over a Channel".
use dormouse::{chan::bounded, go};

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(0);

    go(async move {
        for i in 1..=5 {
            tx.send(i).await.unwrap();
        }
        tx.close(); // the end of this task, which drops its only sender, would close it too
    });

    while let Some(val) = rx.recv().await {
        println!("{val}");
    }
}
