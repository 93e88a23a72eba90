//! A key-value server that speaks Redis's protocol.
//!
//! ```text
//! cargo run --release -p dormouse-example-kv -- LISTEN [--appendonly FILE] [--appendfsync always|everysec|no] …
//! ```
//!
//! README.md says what it does. This file has its sockets, its clock and its end: all else is the library beside it.
#[path = "../../service/mod.rs"]
mod service;

use clap::{Parser, ValueEnum};
use dormouse::net::{TcpListener, TcpStream};
use dormouse::prelude::*;
use dormouse::signal::unix::{SignalKind, signal};
use dormouse_example_kv::{Appendonly, Config, Fsync, Server, Transport, serve};
use futures::io::{AsyncReadExt, AsyncWriteExt};
use rustix::net::{RecvFlags, recv};
use service::{Signals, seconds};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// How often keys are looked for whose time is over.
const TICK: Duration = Duration::from_millis(100);
/// How long a client has to close its side, when this one is closed.
const GOODBYE: Duration = Duration::from_secs(1);
/// The system asks a silent client so often whether it is there, as Redis has it.
const KEEPALIVE: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    /// Before each answer
    Always,
    /// Once a second
    Everysec,
    /// When the system likes to
    No,
}

/// A key-value server that speaks Redis's protocol (RESP2).
#[derive(Parser)]
#[command(name = "kv", version)]
struct Arguments {
    /// The address to listen at, as 127.0.0.1:6379; port 0 lets the system choose one
    listen: String,
    /// Keep all changes in this file, and begin with what is in it
    #[arg(long, value_name = "FILE")]
    appendonly: Option<PathBuf>,
    /// When the file is synced to the disk
    #[arg(long, value_name = "WHEN", default_value = "everysec")]
    appendfsync: Policy,
    /// How many clients there may be at once; more are told so, and dropped
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    max_clients: u32,
    /// Drop a client that sends nothing, or reads nothing of its answers, for so long; 0: never
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    timeout: Duration,
    /// How long an argument of a request may be
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 20, value_parser = clap::value_parser!(u32).range(1..=512 << 20))]
    max_bulk: u32,
    /// Drop a subscriber that is so far behind; no answer is longer, either, but for a single value
    #[arg(long, value_name = "BYTES", default_value_t = 32 << 20, value_parser = clap::value_parser!(u32).range(1..))]
    max_output: u32,
    /// After Ctrl-C or SIGTERM, wait so long for clients to read their answers
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    grace: Duration,
}

#[dormouse::main]
async fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut signals = Signals::new()?;
    // A file that may not grow (`ulimit -f`) is then an error, as a full disk is, and not the end.
    let _too_large = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    let fsync = match arguments.appendfsync {
        Policy::Always => Fsync::Always,
        Policy::Everysec => Fsync::EverySecond,
        Policy::No => Fsync::Never,
    };
    let config = Config {
        max_bulk: arguments.max_bulk as usize,
        max_output: arguments.max_output as usize,
        appendonly: arguments.appendonly.map(|path| Appendonly { path, fsync }),
    };
    let opened = task::spawn_blocking(|| Server::open(config)).await;
    let server = match opened.expect("it does not panic") {
        Ok(server) => server,
        Err(error) => {
            eprintln!("kv: {error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    if let (_, torn @ 1..) = server.found() {
        eprintln!("kv: the last {torn} bytes of the file were not written completely, and are cut off");
    }
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("kv at {}", listener.local_addr()?);

    let on_clock = server.clone();
    go(async move {
        let mut ticks = time::interval(TICK);
        loop {
            ticks.tick().await;
            while on_clock.tick() {
                task::yield_now().await;
            }
        }
    });
    let timeout = (!arguments.timeout.is_zero()).then_some(arguments.timeout);
    let (serving, stop) = Context::background().with_cancel();
    let open = WaitGroup::new();
    loop {
        select! {
            accepted = listener.accept() => {
                let (stream, from) = accepted?;
                if open.count() >= arguments.max_clients as usize {
                    // If it cannot be told at once, it is not.
                    let _ = stream.try_write(b"-ERR max number of clients reached\r\n");
                    continue;
                }
                let (server, serving, done) = (server.clone(), serving.clone(), open.guard());
                go(async move {
                    if let Err(error) = client(stream, server, &serving, timeout).await {
                        eprintln!("kv: {from}: {error}");
                    }
                    drop(done);
                });
            },
            received = signals.recv() => break received?,
        }
    }
    drop(listener);
    println!("no more connections");

    stop.cancel();
    // Whoever takes longer is dropped when `main` ends.
    select! {
        () = open.wait() => {},
        () = time::sleep(arguments.grace) => {},
        received = signals.recv() => received?,
    }
    let closing = server.clone();
    let closed = task::spawn_blocking(move || closing.close()).await.expect("it does not panic");
    let (connections, commands) = server.counters();
    println!("{connections} connections, {commands} commands");
    if let Err(reason) = closed {
        eprintln!("kv: the last changes are not in the file: {reason}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// A socket, and how long its client may do nothing.
struct Client {
    stream: TcpStream,
    timeout: Option<Duration>,
}

impl Client {
    async fn within<T>(
        timeout: Option<Duration>,
        what: &str,
        operation: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        match timeout {
            None => operation.await,
            Some(limit) => time::timeout(limit, operation)
                .await
                .unwrap_or_else(|_| Err(io::Error::new(ErrorKind::TimedOut, what))),
        }
    }
}

impl Transport for Client {
    async fn read(&mut self, buffer: &mut [u8], for_ever: bool) -> io::Result<usize> {
        let timeout = self.timeout.filter(|_| !for_ever);
        Client::within(timeout, "it sends nothing", self.stream.read(buffer)).await
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(&self.stream, buffer, RecvFlags::DONTWAIT)?.0)
    }

    async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = Client::within(self.timeout, "it does not read", self.stream.write(bytes)).await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }
}

/// Serves a client to its end.
async fn client(
    stream: TcpStream,
    server: Arc<Server>,
    serving: &Context,
    timeout: Option<Duration>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_keepalive(Some(KEEPALIVE))?;
    let mut client = Client { stream, timeout };
    match serve(server, &mut client, serving).await {
        Ok(()) => {
            // How it ends from here on makes no difference.
            let _ = time::timeout(GOODBYE, goodbye(&mut client.stream)).await;
            Ok(())
        }
        // To go without a word is a way to leave.
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => Ok(()),
        Err(error) => {
            // Reset, so that the system does not keep for long what nobody reads.
            let _ = client.stream.set_linger(Some(Duration::ZERO)); // if that fails, it is gone already
            Err(error)
        }
    }
}

/// Ends the connection. A socket that is closed with something unread is reset, and what was written last could be lost
/// by that: so all is read first.
async fn goodbye(stream: &mut TcpStream) -> io::Result<()> {
    stream.close().await?;
    let mut buffer = vec![0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
