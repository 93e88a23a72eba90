//! HTTP/1.1: one operation is a request and its answer over TCP, on connections that are kept. The server is this process
//! (and so its CPU time is the server's), the client another one, the same for all: our own, or `wrk`.
use crate::cells::tools::{is_installed, on_a_thread};
use crate::hosts::{Dormouse, Host, Tokio};
use crate::load::{self, HELLO, Talk};
use crate::measure::Sample;
use crate::registry::{Cell, Scale, Work};
use dormouse_net::http::serve;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;

const CONNECTIONS: u64 = 64;
const NO_WRK: &str = "there is no wrk (Debian: wrk)";

pub(crate) fn cells() -> Vec<Cell> {
    let mut by_wrk = hello("http-wrk", Talk::Wrk);
    if !is_installed(load::wrk::PROGRAM) {
        by_wrk.contenders.iter_mut().for_each(|each| each.work = Work::NotAvailable(NO_WRK));
    }
    vec![hello("http-hello", Talk::Http), by_wrk]
}

fn hello(name: &str, talk: Talk) -> Cell {
    let cell = Cell::new(format!("net/{name}/{CONNECTIONS}"), "request", "ns");
    let cell = served_by_ours(cell, Dormouse::ALL, talk);
    let cell = served_by_ours(cell, Dormouse::ONE, talk);
    let cell = served_by_tokio(cell, Tokio::ALL_WITH_IO, talk);
    served_by_tokio(cell, Tokio::ONE_WITH_IO, talk)
}

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(HELLO)))
}

fn served_by_ours(cell: Cell, host: Dormouse, talk: Talk) -> Cell {
    cell.with(host.name(), Dormouse::PEER, move |scale| {
        host.run(measured(talk, scale, async {
            let listener = dormouse_net::TcpListener::bind("127.0.0.1:0").await?;
            let addr = listener.local_addr()?;
            Ok((addr, serve(listener, service_fn(answer)).into_future()))
        }))
    })
}

fn served_by_tokio(cell: Cell, host: Tokio, talk: Talk) -> Cell {
    cell.with(format!("hyper on {}", host.name()), Tokio::PEER, move |scale| {
        host.run(measured(talk, scale, async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            let addr = listener.local_addr()?;
            Ok((addr, accept(listener)))
        }))
    })
}

/// As hyper's guide has it.
async fn accept(listener: tokio::net::TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service_fn(answer));
            drop(connection.await);
        });
    }
}

/// Runs the server that `begin` gives while the client measures it.
async fn measured<S: Future>(
    talk: Talk,
    scale: Scale,
    begin: impl Future<Output = io::Result<(SocketAddr, S)>>,
) -> Sample {
    let (addr, server) = begin.await.expect("it listens");
    let requests = scale.of(20_000);
    let client = on_a_thread(move || {
        load::measured(talk, addr, CONNECTIONS, requests, |load| load.nanos as f64 / load.answered as f64)
    });
    match futures::future::select(pin!(server), pin!(client)).await {
        futures::future::Either::Left(_) => panic!("the server ended"),
        futures::future::Either::Right((sample, _)) => sample,
    }
}
