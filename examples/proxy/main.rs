//! A TCP proxy: passes every connection on to one target, both ways, and ends cleanly.
//!
//! ```text
//! cargo run --release --example proxy -- LISTEN TARGET [--connections N] [--idle SECONDS] [--grace SECONDS]
//! ```
//!
//! - An end of one direction is passed on, and the other direction goes on (half-close).
//! - What does not end so, ends with a reset on both sides, so that nobody takes a part for the whole: after an error or
//!   a reset of one side, when no byte has moved for the idle time, when the target does not answer, at shutdown.
//! - Over the limit, connections **wait**: they are accepted when others end. None is refused (but by the system, when
//!   more than 1024 wait).
//! - On Ctrl-C or SIGTERM it takes no more connections and ends when those that it has are done; after the grace time, or
//!   on a second signal, it cuts them off. Then it prints its counters. Exit codes: 0 all were done; 1 some were cut off;
//!   2 wrong usage.
//!
//! `relay` moves the bytes of one connection, `activity` knows whether it is idle.
mod activity;
mod relay;
#[path = "../service/mod.rs"]
mod service;

use clap::Parser;
use dormouse::net::TcpListener;
use dormouse::prelude::*;
use dormouse::sync::Semaphore;
use relay::{Counters, Relay};
use service::{Signals, seconds};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

/// Passes every TCP connection to LISTEN on to TARGET.
#[derive(Parser)]
#[command(name = "proxy", version)]
struct Arguments {
    /// The address to listen at, as 127.0.0.1:8080; port 0 lets the system choose one
    listen: String,
    /// The address to pass connections on to, as example.com:80
    target: String,
    /// How many connections there may be at once; more wait until they are accepted
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Cut off a connection on which no byte has moved for so long; 0: never
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    idle: Duration,
    /// After Ctrl-C or SIGTERM, cut off connections that take longer than this
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    grace: Duration,
}

#[dormouse::main]
async fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut signals = Signals::new()?;
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("proxy at {}", listener.local_addr()?);

    let idle = (!arguments.idle.is_zero()).then_some(arguments.idle);
    let relay = Arc::new(Relay { target: arguments.target, idle, counters: Counters::default() });
    let permits = Arc::new(Semaphore::new(arguments.connections as usize));
    let (serving, cut_off) = Context::background().with_cancel();
    let open = WaitGroup::new();
    loop {
        let next = async {
            // First the permit: what is over the limit stays in the system's queue.
            let permit = permits.clone().acquire_owned().await.expect("nobody closes it");
            listener.accept().await.map(|connection| (permit, connection))
        };
        select! {
            accepted = next => {
                let (permit, (client, from)) = accepted?;
                let (relay, serving, done) = (relay.clone(), serving.clone(), open.guard());
                go(async move {
                    if let Err(error) = relay.run(client, &serving).await {
                        eprintln!("proxy: {from}: {error}");
                    }
                    drop((permit, done));
                });
            },
            received = signals.recv() => break received?,
        }
    }
    drop(listener);
    println!("no more connections");

    let done = select! {
        () = open.wait() => true,
        () = time::sleep(arguments.grace) => false,
        received = signals.recv() => { received?; false },
    };
    cut_off.cancel();
    open.wait().await;
    println!("{}", relay.counters);
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
