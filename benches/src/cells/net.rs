//! Sockets. One operation is a round trip of 64 bytes over TCP, from a client's write to the end of its read.
//!
//! `net/echo`: clients and server are tasks of one runtime, whose CPU time both are. `net/echo-p99`: how long the slowest of
//! a hundred round trips takes; the client is a process of its own, the same for all, and the CPU time is the server's.
use crate::cells::sockets::{self, Sockets};
use crate::cells::tools::on_hosts;
use crate::load::{self, MESSAGE, Talk};
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use std::io;
use std::net::TcpListener;

pub(crate) fn cells() -> Vec<Cell> {
    let echo = [1, 64, 1_000].map(|connections| {
        let cell = Cell::new(format!("net/echo/{connections}"), "round trip", "ns");
        on_hosts!(sockets: cell, round_trips, connections)
    });
    let p99 = [64, 1_000].map(|connections| {
        let cell = Cell::new(format!("net/echo-p99/{connections}"), "round trip", "us at p99");
        on_hosts!(sockets: cell, p99, connections)
    });
    echo.into_iter().chain(p99).collect()
}

/// The two ends of a connection.
fn pair<H: Sockets>() -> io::Result<(H::Stream, H::Stream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = std::net::TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
    }
    Ok((H::stream(client)?, H::stream(server)?))
}

fn round_trips<H: Sockets>(host: H, scale: Scale, connections: u64) -> Sample {
    let each = scale.of(40_000) / connections;
    host.run(async move {
        let mut clients = Vec::new();
        for _ in 0..connections {
            let (client, server) = pair::<H>().expect("a connection");
            H::go(sockets::echo::<H>(server));
            clients.push(client);
        }
        let (clients, _) = ask::<H>(clients, (each / 10).max(1)).await; // warm
        let watch = Stopwatch::start();
        let (_clients, sum) = ask::<H>(clients, each).await;
        watch.stop(connections * each, sum)
    })
}

/// So many round trips of each client, one after the other: the clients, and a sum over what they heard.
async fn ask<H: Sockets>(clients: Vec<H::Stream>, each: u64) -> (Vec<H::Stream>, u64) {
    let client = |mut client: H::Stream| {
        H::spawn(async move {
            let (mut buf, mut sum) = ([0; MESSAGE.len()], 0);
            for _ in 0..each {
                H::write_all(&mut client, &MESSAGE).await.expect("it can be written");
                H::read_exact(&mut client, &mut buf).await.expect("it is answered");
                sum += buf.iter().map(|byte| u64::from(*byte)).sum::<u64>();
            }
            (client, sum)
        })
    };
    let tasks: Vec<_> = clients.into_iter().map(client).collect();
    let (mut clients, mut sum) = (Vec::new(), 0);
    for task in tasks {
        let (client, heard) = task.await;
        clients.push(client);
        sum += heard;
    }
    (clients, sum)
}

fn p99<H: Sockets>(host: H, scale: Scale, connections: u64) -> Sample {
    let requests = scale.of(30_000);
    host.run(sockets::served::<H>(move |addr| {
        load::measured(Talk::Echo, addr, connections, requests, |load| load.p99 as f64 / 1e3)
    }))
}
