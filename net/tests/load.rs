//! Many connections, and clients that do what they should not.
#![allow(missing_docs)]
#![cfg(target_os = "linux")]
mod support;

use dormouse_executor::runtime::Builder;
use dormouse_executor::task::{self, JoinHandle};
use dormouse_executor::time::{Duration, timeout};
use dormouse_net::process::Command;
use dormouse_net::{TcpListener, TcpStream};
use dormouse_testing::{Wall, child, watch_for};
use futures::future::join_all;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use support::{bytes, listener, quiet};

/// A machine that does other work, too.
const LIMIT: Duration = Duration::from_secs(240);

/// The longest frame: four bytes say how long it is.
const LONGEST: usize = 64 << 10;

#[derive(Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
    most: AtomicUsize,
}

/// What the service is told to do.
#[derive(Clone)]
struct Service {
    /// Who is silent for longer is sent away.
    patience: Duration,
    /// Where whoever handles an empty frame blocks its thread.
    wall: Wall,
    counts: Arc<Counts>,
}

impl Service {
    fn new(patience: Duration) -> Service {
        Service { patience, wall: Wall::default(), counts: Arc::default() }
    }

    /// Serves all who come, `connections` of them: how many ended in which way.
    fn serve(&self, listener: TcpListener, connections: usize) -> JoinHandle<Vec<io::Result<()>>> {
        let service = self.clone();
        task::spawn(async move {
            let mut handlers = Vec::new();
            for _ in 0..connections {
                let (stream, _) = listener.accept().await.unwrap();
                service.counts.accepted.fetch_add(1, Relaxed);
                let open = service.counts.open.fetch_add(1, Relaxed) + 1;
                service.counts.most.fetch_max(open, Relaxed);
                let service = service.clone();
                handlers.push(task::spawn(async move {
                    let end = service.handle(stream).await;
                    service.counts.open.fetch_sub(1, Relaxed);
                    end
                }));
            }
            join_all(handlers).await.into_iter().map(|end| end.unwrap()).collect()
        })
    }

    /// Sends each frame back.
    async fn handle(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut frame = Vec::new();
        loop {
            let mut head = [0; 4];
            if timeout(self.patience, stream.read(&mut head[..1])).await?? == 0 {
                return Ok(());
            }
            stream.read_exact(&mut head[1..]).await?;
            let len = u32::from_le_bytes(head) as usize;
            if len > LONGEST {
                stream.reset()?;
                return Err(ErrorKind::InvalidData.into());
            }
            if len == 0 {
                self.wall.block();
            }
            frame.clear();
            frame.extend_from_slice(&head);
            frame.resize(4 + len, 0);
            stream.read_exact(&mut frame[4..]).await?;
            stream.write_all(&frame).await?;
        }
    }
}

fn frame(seed: usize, len: usize) -> Vec<u8> {
    let mut frame = u32::try_from(len).unwrap().to_le_bytes().to_vec();
    frame.extend(bytes(seed, len));
    frame
}

/// Sends a frame, and reads that it comes back.
async fn ask(stream: &mut TcpStream, frame: &[u8]) {
    stream.write_all(frame).await.unwrap();
    let mut came = vec![0; frame.len()];
    stream.read_exact(&mut came).await.unwrap();
    assert!(came == frame);
}

/// Lets this process have `wanted` descriptors; `None` if it may not.
fn descriptors(wanted: u64) -> Option<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return Some(());
    }
    let current = maximum.unwrap_or(wanted).max(wanted);
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum }).ok()
}

const ACTIVE: usize = 1_000;
const ROUNDS: usize = 10;

/// How many idle connections there can be beside the active ones; the clients are in a process of their own.
fn idle() -> Option<usize> {
    [10_000, 5_000].into_iter().find(|idle| descriptors((idle + ACTIVE + 200) as u64).is_some())
}

#[test]
fn ten_thousand_idle_connections_and_a_thousand_active_ones() {
    let _watch = watch_for(LIMIT);
    let Some(idle) = idle() else {
        eprintln!("skipped: the system does not allow enough descriptors");
        return;
    };
    let rt = quiet(Builder::multi_thread().worker_threads(2));
    rt.block_on(async {
        let listener = listener().await;
        let service = Service::new(LIMIT);
        let mut clients = Command::from(child("idle_and_active_clients"));
        clients.env("DORMOUSE_ADDR", listener.local_addr().unwrap().to_string()).kill_on_drop(true);
        let server = service.serve(listener, idle + ACTIVE);
        let output = clients.output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for end in server.await.unwrap() {
            end.unwrap();
        }
        // They were all there at once.
        assert_eq!(service.counts.most.load(Relaxed), idle + ACTIVE);
    });
}

#[test]
#[ignore = "the child of another test"]
fn idle_and_active_clients() {
    let _watch = watch_for(LIMIT);
    let addr: SocketAddr = std::env::var("DORMOUSE_ADDR").unwrap().parse().unwrap();
    let idle = idle().expect("as many as the other side may have");
    let connect = async |count: usize| {
        let mut streams = Vec::new();
        while streams.len() < count {
            let some = (0..100.min(count - streams.len())).map(|_| TcpStream::connect(addr));
            streams.extend(join_all(some).await.into_iter().map(|stream| stream.unwrap()));
        }
        streams
    };
    // All at once.
    let rounds = async |streams: Vec<TcpStream>, rounds: usize| {
        let tasks = streams.into_iter().enumerate().map(|(number, mut stream)| {
            task::spawn(async move {
                for round in 0..rounds {
                    ask(&mut stream, &frame(number + round, 1 + (number * 37 + round) % 1_000)).await;
                }
                stream
            })
        });
        join_all(tasks.collect::<Vec<_>>())
            .await
            .into_iter()
            .map(|stream| stream.unwrap())
            .collect::<Vec<_>>()
    };
    quiet(Builder::multi_thread().worker_threads(2)).block_on(async {
        let idle = connect(idle).await;
        let active = rounds(connect(ACTIVE).await, ROUNDS).await;
        // They are as good as at first.
        let idle = rounds(idle, 1).await;
        drop((idle, active));
    });
}

/// What the handlers of `ends` say.
fn ends(ends: &[io::Result<()>], kind: ErrorKind) -> usize {
    ends.iter().filter(|end| end.as_ref().is_err_and(|error| error.kind() == kind)).count()
}

#[test]
fn bad_clients_do_not_hold_up_good_ones() {
    const GOOD: usize = 50;
    const BAD: usize = 20;
    const DEAF: usize = 5;
    const BLOCKING: usize = 3;
    let _watch = watch_for(LIMIT);
    let rt = quiet(Builder::multi_thread().worker_threads(2));
    // The body is a task: nobody relieves the thread in `block_on` of a task that blocks it.
    let body = rt.spawn(async {
        let listener = listener().await;
        let addr = listener.local_addr().unwrap();
        let service = Service::new(LIMIT);
        let server = service.serve(listener, GOOD + 3 * BAD + DEAF + BLOCKING);

        // More tasks than there are workers block their threads.
        let blocking: Vec<_> = (0..BLOCKING)
            .map(|_| {
                task::spawn(async move {
                    ask(&mut TcpStream::connect(addr).await.unwrap(), &frame(0, 0)).await;
                })
            })
            .collect();
        while service.wall.blocked() < BLOCKING {
            task::yield_now().await;
        }
        // They read nothing, and send more than all buffers hold.
        let deaf: Vec<_> = (0..DEAF)
            .map(|_| {
                task::spawn(async move {
                    let mut stream = TcpStream::connect(addr).await.unwrap();
                    for _ in 0..512 {
                        stream.write_all(&frame(0, LONGEST)).await.unwrap();
                    }
                })
            })
            .collect();
        let bad = async move {
            for number in 0..BAD {
                // Reset within a frame.
                let mut stream = TcpStream::connect(addr).await.unwrap();
                ask(&mut stream, &frame(number, 100)).await;
                stream.write_all(&frame(number, 1_000)[..500]).await.unwrap();
                stream.reset().unwrap();
                // Garbage.
                let mut stream = TcpStream::connect(addr).await.unwrap();
                stream.write_all(&[0xff; 100]).await.unwrap();
                let error = stream.read(&mut [0]).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                // All is asked and the end is said before an answer is read.
                let mut stream = TcpStream::connect(addr).await.unwrap();
                let asked: Vec<u8> = (0..10).flat_map(|round| frame(round, 1 + 99 * round)).collect();
                stream.write_all(&asked).await.unwrap();
                stream.close().await.unwrap();
                let mut answers = Vec::new();
                stream.read_to_end(&mut answers).await.unwrap();
                assert!(answers == asked);
            }
        };
        let bad = task::spawn(bad);
        let good: Vec<_> = (0..GOOD)
            .map(|number| {
                task::spawn(async move {
                    let mut stream = TcpStream::connect(addr).await.unwrap();
                    for round in 0..50 {
                        ask(&mut stream, &frame(number, 1 + (number * 991 + round * 97) % 10_000)).await;
                    }
                })
            })
            .collect();
        for client in good {
            client.await.unwrap();
        }
        bad.await.unwrap();
        assert!(deaf.iter().all(|deaf| !deaf.is_finished()), "they are answered without reading");
        assert!(blocking.iter().all(|blocking| !blocking.is_finished()));
        deaf.iter().for_each(JoinHandle::abort);
        service.wall.open();
        for blocking in blocking {
            blocking.await.unwrap();
        }
        let all = server.await.unwrap();
        assert_eq!(all.iter().filter(|end| end.is_ok()).count(), GOOD + BAD + BLOCKING);
        assert_eq!(ends(&all, ErrorKind::InvalidData), BAD);
        // (A deaf one that goes has unread bytes: that is a reset, too.)
        let reset = ends(&all, ErrorKind::ConnectionReset) + ends(&all, ErrorKind::BrokenPipe);
        assert_eq!(reset, BAD + DEAF);
    });
    rt.block_on(body).unwrap();
}

#[test]
fn silent_clients_are_sent_away() {
    const COUNT: usize = 100;
    let _watch = watch_for(LIMIT);
    quiet(Builder::multi_thread().worker_threads(2)).block_on(async {
        let listener = listener().await;
        let addr = listener.local_addr().unwrap();
        let server = Service::new(Duration::from_millis(20)).serve(listener, COUNT);
        let silent =
            join_all((0..COUNT).map(|_| async move {
                TcpStream::connect(addr).await.unwrap().read(&mut [0]).await.unwrap()
            }));
        assert!(silent.await.into_iter().all(|read| read == 0));
        assert_eq!(ends(&server.await.unwrap(), ErrorKind::TimedOut), COUNT);
    });
}
