//! The key-value server of `examples/kv` under `redis-benchmark` with 50 connections: on dormouse, the same on tokio, and
//! Redis beside them. One operation is a request. The CPU time is the server's: its client is another process.
use crate::cells::tools::{is_installed, on_a_thread};
use crate::hosts::{Dormouse, Host, Tokio};
use crate::measure::{Sample, Stopwatch, peak_rss_of};
use crate::registry::{Cell, Scale};
use dormouse_example_kv::{Config, Server, Transport, serve};
use dormouse_sync::Context;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const CLIENT: &str = "redis-benchmark";
const NO_CLIENT: &str = "there is no redis-benchmark (Debian: redis-tools)";
const REDIS: &str = "redis-server";
const NO_REDIS: &str = "there is no redis-server";
/// Keys are so many, by chance.
const KEYS: &str = "10000";

pub(crate) fn cells() -> Vec<Cell> {
    let kinds = [("get", 1, 60_000), ("get", 16, 500_000), ("set", 1, 60_000), ("set", 16, 500_000)];
    kinds.map(|(command, pipeline, requests)| cell(Load { command, pipeline, requests })).into()
}

/// What the client does.
#[derive(Clone, Copy)]
struct Load {
    command: &'static str,
    /// So many requests are sent before the first is answered.
    pipeline: u64,
    /// In a full run.
    requests: u64,
}

fn cell(load: Load) -> Cell {
    fn add<H: Serves>(cell: Cell, host: H, load: Load) -> Cell {
        if is_installed(CLIENT) {
            cell.with(host.name(), H::PEER, move |scale| served_by(host, scale, load))
        } else {
            cell.without(host.name(), H::PEER, NO_CLIENT)
        }
    }
    let cell = Cell::new(format!("net/kv/{}/{}", load.command, load.pipeline), "request", "ns");
    let cell = add(cell, Dormouse::ALL, load);
    let cell = add(cell, Dormouse::ONE, load);
    let cell = add(cell, Tokio::ALL_WITH_IO, load);
    let cell = add(cell, Tokio::ONE_WITH_IO, load);
    match (is_installed(CLIENT), is_installed(REDIS)) {
        (false, _) => cell.without("Redis", "redis", NO_CLIENT),
        (_, false) => cell.without("Redis", "redis", NO_REDIS),
        _ => cell.with("Redis", "redis", move |scale| served_by_redis(scale, load)),
    }
}

// --- the server, on a runtime -------------------------------------------------------------------------------------------

/// A host that takes connections.
trait Serves: Host {
    /// Serves all who connect.
    fn serve(listener: TcpListener, server: Arc<Server>) -> impl Future<Output = ()> + Send;
}

struct OnDormouse(dormouse_net::TcpStream);

impl Transport for OnDormouse {
    async fn read(&mut self, buffer: &mut [u8], _: bool) -> io::Result<usize> {
        futures::AsyncReadExt::read(&mut self.0, buffer).await
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        futures::AsyncWriteExt::write_all(&mut self.0, bytes).await
    }
}

struct OnTokio(tokio::net::TcpStream);

impl Transport for OnTokio {
    async fn read(&mut self, buffer: &mut [u8], _: bool) -> io::Result<usize> {
        tokio::io::AsyncReadExt::read(&mut self.0, buffer).await
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        tokio::io::AsyncWriteExt::write_all(&mut self.0, bytes).await
    }
}

macro_rules! serves {
    ($host:ty, $listener:ty, $transport:ident) => {
        impl Serves for $host {
            async fn serve(listener: TcpListener, server: Arc<Server>) {
                let listener = <$listener>::from_std(listener).expect("it listens");
                let serving = Context::background();
                loop {
                    let (stream, _) = listener.accept().await.expect("a client connects");
                    stream.set_nodelay(true).expect("a TCP socket");
                    let (server, serving) = (server.clone(), serving.clone());
                    <$host>::go(async move {
                        // The client goes without a word.
                        let _ = serve(server, &mut $transport(stream), &serving).await;
                    });
                }
            }
        }
    };
}

serves!(Dormouse, dormouse_net::TcpListener, OnDormouse);
serves!(Tokio, tokio::net::TcpListener, OnTokio);

fn served_by<H: Serves>(host: H, scale: Scale, load: Load) -> Sample {
    host.run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("a socket");
        let at = listener.local_addr().expect("it listens");
        H::go(H::serve(listener, Server::open(Config::default()).expect("it has no file")));
        on_a_thread(move || {
            warm_up(at, scale, load);
            let watch = Stopwatch::start();
            let (requests, each) = benchmark(at, load.command, load.pipeline, scale.of(load.requests));
            watch.stop_with(requests, requests, each)
        })
        .await
    })
}

// --- Redis --------------------------------------------------------------------------------------------------------------

/// A child that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn served_by_redis(scale: Scale, load: Load) -> Sample {
    // A port that was free a moment ago: Redis does not choose one.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let at = free.expect("a port is free");
    let port = at.port().to_string();
    let options = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    let redis = Command::new(REDIS).args(options).stdout(Stdio::null()).spawn().expect("it can be started");
    let redis = Running(redis);
    while TcpStream::connect(at).is_err() {
        thread::sleep(Duration::from_millis(1));
    }
    warm_up(at, scale, load);
    let before = cpu_nanos(&redis.0);
    let (requests, value) = benchmark(at, load.command, load.pipeline, scale.of(load.requests));
    let cpu = (cpu_nanos(&redis.0) - before) as f64 / requests as f64;
    Sample { operations: requests, checksum: requests, value, cpu, peak_rss: peak_rss(&redis.0) }
}

/// CPU time of another process's main thread, which in Redis does all that is measured; 0 where the system does not say.
fn cpu_nanos(child: &Child) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/schedstat", child.id())).unwrap_or_default();
    text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

fn peak_rss(child: &Child) -> u64 {
    peak_rss_of(&child.id().to_string())
}

// --- the client ---------------------------------------------------------------------------------------------------------

/// The keys are set, and a part of the work is done.
fn warm_up(at: SocketAddr, scale: Scale, load: Load) {
    benchmark(at, "set", 16, scale.of(20_000));
    benchmark(at, load.command, load.pipeline, scale.of(load.requests) / 10);
}

/// How many requests were answered, and the nanoseconds per request.
fn benchmark(at: SocketAddr, command: &str, pipeline: u64, requests: u64) -> (u64, f64) {
    let mut client = Command::new(CLIENT);
    client.args(["-h", "127.0.0.1", "-p", &at.port().to_string(), "-c", "50", "--csv", "-r", KEYS]);
    client.args(["-t", command, "-P", &pipeline.to_string(), "-n", &requests.to_string()]);
    let output = client.output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let per_second = per_second(&text, command).filter(|_| output.status.success());
    let per_second = per_second.unwrap_or_else(|| {
        panic!("redis-benchmark: {text}{}", String::from_utf8_lossy(&output.stderr));
    });
    (requests, 1e9 / per_second)
}

/// The requests per second, of a line such as `"GET","123456.78","0.4"`.
fn per_second(csv: &str, command: &str) -> Option<f64> {
    let name = format!("\"{}\",\"", command.to_uppercase());
    let line = csv.lines().find_map(|line| line.strip_prefix(&name))?;
    line.split('"').next()?.parse().ok().filter(|rate: &f64| rate.is_normal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_benchmark_prints_is_read() {
        let csv = "\"test\",\"rps\",\"avg_latency_ms\"\n\"SET\",\"100.50\",\"1.0\"\n\"GET\",\"inf\"\n\"PING\",\"0.00\"\n";
        assert_eq!(per_second(csv, "set"), Some(100.5));
        for none in ["get", "ping", "mset"] {
            assert_eq!(per_second(csv, none), None, "{none}");
        }
    }
}
