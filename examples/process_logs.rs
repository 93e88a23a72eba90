//! A background task: request handlers hand their log lines to one task that writes them in batches.
//!
//! After `tutorials/004_e9fb3eabde186492.txt`, "Background Tasks" (`go processLogs()`). A batch is written when it is full,
//! when nothing more has come for a while, and when the last handler is gone.
use dormouse::chan::{Receiver, Sender, bounded};
use dormouse::{go, select, spawn, sync::WaitGroup, time::sleep};
use std::time::Duration;

const BATCH: usize = 4;

async fn process_logs(lines: Receiver<String>) -> usize {
    let (mut batch, mut written) = (Vec::new(), 0);
    let mut open = true;
    while open {
        let write_now = select! {
            recv(lines) -> line => {
                open = line.is_some();
                batch.extend(line);
                batch.len() == BATCH || !open
            }
            _ = sleep(Duration::from_millis(50)), if !batch.is_empty() => true,
        };
        if write_now {
            written += batch.len();
            for line in batch.drain(..) {
                println!("log: {line}");
            }
        }
    }
    written
}

async fn handle_requests(client: &str, logs: Sender<String>) {
    for request in 1..=5 {
        logs.send(format!("{client} request {request}")).await.unwrap();
        sleep(Duration::from_millis(10)).await; // works on it
    }
}

#[dormouse::main]
async fn main() {
    let (logs, lines) = bounded(16);
    let logger = spawn(process_logs(lines));

    let handlers = WaitGroup::new();
    for client in ["alice", "bob", "carol"] {
        go(handlers.track(handle_requests(client, logs.clone())));
    }
    drop(logs); // the channel closes when the last handler ends

    handlers.wait().await;
    println!("{} lines were logged", logger.await.unwrap());
}
