//! A REST service that keeps notes in SQLite: axum's router and handlers, on dormouse's runtime.
//!
//! ```text
//! cargo run --release -p dormouse-example-api -- LISTEN [--database FILE] [--time SECONDS] [--running N] ...
//! ```
//!
//! README.md beside says what it does, and how to try it. Exit codes: 0 all requests were answered and all is in the
//! database file; 1 not so, or the service could not begin; 2 wrong usage.
//!
//! `routes` says what there is; `store` is the database, `note` what is in it. Around the handlers are `access` (a line in
//! the log for each request) and `limits`. `live` is the page, `metrics` what Prometheus reads, of `traffic` among others.
mod access;
mod limits;
mod live;
mod metrics;
mod note;
mod problem;
mod routes;
#[path = "../../service/mod.rs"]
mod service;
mod store;
mod traffic;

use clap::Parser;
use clap::value_parser;
use dormouse::net::{TcpListener, TcpStream, http};
use dormouse::prelude::*;
use dormouse::sync::Semaphore;
use limits::Limits;
use service::{Signals, seconds};
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use store::Store;
use tracing_subscriber::filter::LevelFilter;
use traffic::Traffic;

/// Keeps notes in an SQLite database, for clients of HTTP.
#[derive(Parser)]
#[command(name = "api", version)]
struct Arguments {
    /// The address to listen at, as 127.0.0.1:8080; port 0 lets the system choose one
    listen: String,
    /// The database; it is made if it is not there
    #[arg(long, value_name = "FILE", default_value = "notes.db")]
    database: PathBuf,
    /// The most bytes that the database may take
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 40, value_parser = value_parser!(i64).range(1 << 16..))]
    max_size: i64,
    /// How many queries may read at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = value_parser!(u16).range(1..=256))]
    readers: u16,
    /// How long a client may take to send a request, and how long that may then take
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    time: Duration,
    /// The most bytes of a request's body
    #[arg(long, value_name = "BYTES", default_value_t = 65536)]
    body: u32,
    /// How many requests may run at once; more wait
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = value_parser!(u32).range(1..))]
    running: u32,
    /// How many connections there may be; more wait
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = value_parser!(u32).range(1..))]
    connections: u32,
    /// After Ctrl-C or SIGTERM, wait so long for requests to end
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    grace: Duration,
    /// What is logged: off, error, info
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: LevelFilter,
    /// Adds /demo/block?ms=N, /demo/query?rows=N and /demo/panic, which are bad for a service on purpose
    #[arg(long)]
    demo: bool,
}

/// What the handlers share.
struct App {
    store: Store,
    limits: Limits,
    traffic: Traffic,
    since: Instant,
    /// Done when the service is to end.
    stop: Context,
}

#[dormouse::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Without colours, one JSON object a line.
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_max_level(arguments.log)
        .with_writer(io::stderr)
        .init();
    match run(arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("api: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal says that it is enough. True if all requests were answered.
async fn run(arguments: Arguments) -> Result<bool, Box<dyn Error>> {
    let mut signals = Signals::new()?;
    let options = store::Options {
        path: arguments.database.clone(),
        readers: arguments.readers.into(),
        max_size: arguments.max_size,
    };
    let named = |error: store::Error| format!("{}: {error}", arguments.database.display());
    let store = Store::open(options).await.map_err(named)?;
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("api at {}", listener.local_addr()?);

    let (stop, stopping) = Context::background().with_cancel();
    let limits = Limits {
        time: arguments.time,
        body: arguments.body as usize,
        running: Semaphore::new(arguments.running as usize),
    };
    let app = Arc::new(App {
        store,
        limits,
        traffic: Traffic::default(),
        since: Instant::now(),
        stop: stop.clone(),
    });
    let serving = http::serve(listener, routes::router(&app, arguments.demo))
        .with_connect_info(|stream: &TcpStream| stream.peer_addr().map(access::Client))
        .max_connections(arguments.connections as usize)
        .with_graceful_shutdown(async move { stop.done().await })
        .shutdown_deadline(arguments.grace);
    let mut serving = serving.into_future();
    let served = select! {
        served = &mut serving => Some(served?),
        received = signals.recv() => {
            received?;
            stopping.cancel(); // ends the streams of events too
            println!("no more connections");
            select! {
                served = &mut serving => Some(served?),
                received = signals.recv() => { received?; None },
            }
        },
    };
    drop(serving); // and with it who is still connected, and what they wait for
    let closed = app.store.close().await;
    closed.map_err(|error| {
        format!("{}: all is kept, but part of it in the log beside: {error}", arguments.database.display())
    })?;
    println!("{} requests, {} changes", app.traffic.ended(), app.store.figures().changes);
    Ok(served.is_some_and(|served| served.cut_off == 0))
}
