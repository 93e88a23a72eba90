//! HTTP/1.1: one operation is a request and its answer over TCP, on connections that are kept. The server is this process
//! (and so its CPU time is the server's), the client another one, the same for all.
use crate::hosts::{Dormouse, Host, Tokio};
use crate::load::{self, HELLO};
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use dormouse_net::http::serve;
use futures::channel::oneshot;
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
use std::thread;

pub(crate) fn cells() -> Vec<Cell> {
    [64].map(hello).into()
}

fn hello(connections: u64) -> Cell {
    let cell = Cell::new(format!("net/http-hello/{connections}"), "request", "ns");
    let cell = served_by_ours(cell, Dormouse::ALL, connections);
    let cell = served_by_ours(cell, Dormouse::ONE, connections);
    let cell = served_by_tokio(cell, Tokio::ALL_WITH_IO, connections);
    served_by_tokio(cell, Tokio::ONE_WITH_IO, connections)
}

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(HELLO)))
}

fn served_by_ours(cell: Cell, host: Dormouse, connections: u64) -> Cell {
    cell.with(host.name(), Dormouse::PEER, move |scale| {
        host.run(measured(scale, connections, async {
            let listener = dormouse_net::TcpListener::bind("127.0.0.1:0").await?;
            let addr = listener.local_addr()?;
            Ok((addr, serve(listener, service_fn(answer)).into_future()))
        }))
    })
}

fn served_by_tokio(cell: Cell, host: Tokio, connections: u64) -> Cell {
    cell.with(format!("hyper on {}", host.name()), Tokio::PEER, move |scale| {
        host.run(measured(scale, connections, async {
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
    scale: Scale,
    connections: u64,
    begin: impl Future<Output = io::Result<(SocketAddr, S)>>,
) -> Sample {
    let (addr, server) = begin.await.expect("it listens");
    let (tell, told) = oneshot::channel();
    let requests = scale.of(20_000);
    thread::spawn(move || {
        let mut watch = None;
        let load = load::start(addr, connections, requests, || watch = Some(Stopwatch::start()));
        let load = load.expect("the client measures");
        let watch = watch.expect("it was warm");
        let sample = watch.stop_with(requests, load.checksum, load.nanos as f64 / requests as f64);
        let _ = tell.send(sample); // nobody waits if the server has failed
    });
    match futures::future::select(pin!(server), told).await {
        futures::future::Either::Left(_) => panic!("the server ended"),
        futures::future::Either::Right((sample, _)) => sample.expect("the client has measured"),
    }
}
