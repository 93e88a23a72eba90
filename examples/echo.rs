//! A TCP echo server that ends cleanly: `echo [ADDRESS [CONNECTIONS]]`, by default at 127.0.0.1:7007 and without end.
//!
//! Each connection gets back what it sends, until it sends no more. On Ctrl-C, or after so many connections, the server
//! takes no new ones, and ends when those that it has are done; on a second Ctrl-C at once.
use dormouse::net::{TcpListener, TcpStream};
use dormouse::prelude::*;
use dormouse::signal::unix::{SignalKind, signal};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Sends back what comes, until the end. How many bytes that was.
async fn echo(stream: TcpStream) -> io::Result<u64> {
    stream.set_nodelay(true)?;
    let (mut read, mut write) = stream.into_split();
    dormouse::io::copy(&mut read, &mut write).await
}

#[dormouse::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address = arguments.first().map_or("127.0.0.1:7007", |text| text);
    let most = arguments.get(1).map_or(Ok(u64::MAX), |text| text.parse()).map_err(io::Error::other)?;

    let mut interrupts = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(address).await?;
    println!("echo at {}", listener.local_addr()?);

    let (open, bytes) = (WaitGroup::new(), Arc::new(AtomicU64::new(0)));
    let mut connections = 0;
    while connections < most {
        select! {
            accepted = listener.accept() => {
                let (stream, from) = accepted?;
                let (done, bytes) = (open.guard(), bytes.clone());
                go(async move {
                    match echo(stream).await {
                        Ok(count) => drop(bytes.fetch_add(count, Relaxed)),
                        Err(error) => eprintln!("{from}: {error}"),
                    }
                    drop(done);
                });
                connections += 1;
            },
            result = interrupts.recv() => {
                result?;
                println!("no more connections");
                break;
            },
        }
    }
    drop(listener);
    select! {
        () = open.wait() => {},
        result = interrupts.recv() => result?,
    }
    println!("{connections} connections, {} bytes", bytes.load(Relaxed));
    Ok(())
}
