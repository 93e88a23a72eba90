//! `select!` takes the first message of two channels; what becomes of the one that comes too late.
//!
//! After `tutorials/004_e9fb3eabde186492.txt`, "Select Statement for Multiple Goroutines". In Go the sender of channel 1 would
//! wait for ever if `main` went on. Here its send fails when the last receiver is dropped, and the message comes back.
use dormouse::{chan::bounded, go, select, spawn, time::sleep};
use std::time::Duration;

#[dormouse::main]
async fn main() {
    let (tx1, rx1) = bounded(0);
    let (tx2, rx2) = bounded(0);

    let late = spawn(async move {
        sleep(Duration::from_secs(2)).await;
        tx1.send("Message from Channel 1").await
    });

    go(async move {
        sleep(Duration::from_secs(1)).await;
        tx2.send("Message from Channel 2").await.unwrap();
    });

    select! {
        recv(rx1) -> msg1 => println!("{}", msg1.unwrap()),
        recv(rx2) -> msg2 => println!("{}", msg2.unwrap()),
    }

    drop(rx1); // nobody will receive from channel 1 any more
    let refused = late.await.unwrap().unwrap_err();
    eprintln!("not sent: {}", refused.into_inner()); // on stderr: the tutorial's program ends at the first message
}
