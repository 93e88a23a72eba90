//! A line chat over TCP: what one says, all read, in the same order.
//!
//! ```text
//! cargo run --release --example chat -- LISTEN [--keep LINES] [--stalled SECONDS] [--name SECONDS] [--line BYTES] [--grace SECONDS]
//! ```
//!
//! - The first line that a client sends is its name; then all are told that it has joined, and at last that it has left.
//! - What a client has said it reads itself, as all do: then it knows that all others will, but for those who read slowly.
//! - A slow client holds up nobody: of the lines that it has yet to read the last `--keep` are kept, and it is told how
//!   many it has missed. One that reads nothing at all for `--stalled` seconds is dropped.
//! - A line over the limit is not sent, and its author is told. Bytes that are not UTF-8, and control characters, are
//!   replaced.
//! - On Ctrl-C or SIGTERM all are sent what was said until then, and that the chat ends; the server waits until they have
//!   read it, up to the grace time, or a second signal. Exit codes: 0 ended; 2 wrong usage.
//!
//! `room` knows who is there, `client` is one connection, `lines` takes its bytes apart.
mod client;
mod lines;
mod room;
#[path = "../service/mod.rs"]
mod service;

use clap::Parser;
use clap::value_parser;
use client::Limits;
use dormouse::net::TcpListener;
use dormouse::prelude::*;
use room::Room;
use service::{Signals, seconds};
use std::io;
use std::sync::Arc;

/// Lets all who connect to LISTEN talk to each other, line by line.
#[derive(Parser)]
#[command(name = "chat", version)]
struct Arguments {
    /// The address to listen at, as 127.0.0.1:7000; port 0 lets the system choose one
    listen: String,
    /// How many lines are kept for clients that read slowly
    #[arg(long, value_name = "LINES", default_value_t = 256, value_parser = value_parser!(u32).range(1..=1 << 20))]
    keep: u32,
    /// Drop a client that reads nothing for so long while there is something to read
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    stalled: Duration,
    /// Drop a client that has no name after so long
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    name: Duration,
    /// How long a line may be
    #[arg(long, value_name = "BYTES", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=1 << 20))]
    line: u32,
    /// After Ctrl-C or SIGTERM, wait so long for clients to read what was said
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    grace: Duration,
}

#[dormouse::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let mut signals = Signals::new()?;
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("chat at {}", listener.local_addr()?);

    let limits = Limits { stalled: arguments.stalled, name: arguments.name, line: arguments.line as usize };
    let room = Arc::new(Room::new(arguments.keep as usize));
    let open = WaitGroup::new();
    loop {
        select! {
            accepted = listener.accept() => {
                let (stream, from) = accepted?;
                let (room, done) = (room.clone(), open.guard());
                go(async move {
                    if let Err(error) = client::serve(stream, &room, limits).await {
                        eprintln!("chat: {from}: {error}");
                    }
                    drop(done);
                });
            },
            received = signals.recv() => break received?,
        }
    }
    drop(listener);
    println!("no more connections");

    room.close();
    // Whoever takes longer is dropped when `main` ends.
    select! {
        () = open.wait() => {},
        () = time::sleep(arguments.grace) => {},
        received = signals.recv() => received?,
    }
    println!("{}", room.counters());
    Ok(())
}
