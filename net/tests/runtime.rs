//! Sockets and the runtime: who waits, who is woken, by whom, and what is left at the end.
#![allow(missing_docs)]
mod support;

use dormouse_executor::runtime::{Builder, Handle};
use dormouse_executor::task;
use dormouse_executor::time::{Duration, Instant, sleep, timeout};
use dormouse_net::{TcpListener, TcpStream, UnixStream};
use dormouse_testing::{Count, Gate, Wall, until, watch};
use dormouse_wait::Reason;
use futures::future::join_all;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use std::future::{Future, poll_fn};
use std::io::{ErrorKind, Read, Write};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use support::{bytes, listener, on_each, once, pair, quiet, runtimes, waiting};

#[test]
fn all_who_wait_for_one_socket_are_woken() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, server) = pair().await;
        let server = Arc::new(server);
        assert_eq!(server.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let readers: Vec<_> = (0..10)
            .map(|_| {
                let server = server.clone();
                task::spawn(async move { server.readable().await.unwrap() })
            })
            .collect();
        waiting(10).await;
        client.write_all(b"x").await.unwrap();
        for reader in readers {
            reader.await.unwrap();
        }
        // What is there was not taken.
        assert_eq!(server.try_read(&mut [0; 4]).unwrap(), 1);
    });
}

/// More tasks than a slot's ring holds, by one worker: what overflows must not wait for the news of sockets to end.
#[test]
fn of_many_connections_none_falls_behind() {
    const PAIRS: usize = 400;
    let _watch = watch();
    let [one, _, current] = runtimes();
    for rt in [one, current] {
        rt.block_on(async {
            let (total, end) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
            let mut clients = Vec::new();
            for _ in 0..PAIRS {
                let (mut client, mut server) = UnixStream::pair().unwrap();
                task::go(async move {
                    let mut byte = [0];
                    while server.read(&mut byte).await.unwrap() == 1 {
                        server.write_all(&byte).await.unwrap();
                    }
                });
                let (total, end) = (total.clone(), end.clone());
                clients.push(task::spawn(async move {
                    let mut rounds = 0;
                    while !end.load(SeqCst) {
                        client.write_all(b"x").await.unwrap();
                        client.read_exact(&mut [0]).await.unwrap();
                        rounds += 1;
                        if total.fetch_add(1, SeqCst) == 100 * PAIRS {
                            end.store(true, SeqCst);
                        }
                    }
                    rounds
                }));
            }
            let mut rounds = Vec::new();
            for client in clients {
                rounds.push(client.await.unwrap());
            }
            let (least, most) = (rounds.iter().min().unwrap(), rounds.iter().max().unwrap());
            assert!(least * 4 >= *most, "{least} to {most} round trips");
        });
    }
}

#[test]
fn several_tasks_accept_and_each_connection_is_accepted_once() {
    let _watch = watch();
    on_each(|| async {
        const COUNT: usize = 200;
        let listener = Arc::new(listener().await);
        let addr = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let acceptors: Vec<_> = (0..5)
            .map(|_| {
                let (listener, accepted) = (listener.clone(), accepted.clone());
                task::spawn(async move {
                    loop {
                        let (mut stream, _) = listener.accept().await.unwrap();
                        stream.write_all(b"k").await.unwrap();
                        accepted.fetch_add(1, SeqCst);
                    }
                })
            })
            .collect();
        waiting(5).await;
        let clients = join_all((0..COUNT).map(|_| async move {
            let mut text = String::new();
            TcpStream::connect(addr).await.unwrap().read_to_string(&mut text).await.unwrap();
            text
        }));
        assert!(clients.await.iter().all(|text| text == "k"));
        assert_eq!(accepted.load(SeqCst), COUNT);
        acceptors.iter().for_each(|acceptor| acceptor.abort());
    });
}

#[test]
fn a_wait_that_is_dropped_takes_no_wake_up_with_it() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, server) = pair().await;
        assert_eq!(server.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        for _ in 0..100 {
            let mut dropped = Box::pin(server.readable());
            let mut kept = pin!(server.readable());
            let mut later = Box::pin(server.readable());
            assert!(once(dropped.as_mut()).await.is_pending());
            assert!(once(kept.as_mut()).await.is_pending());
            assert!(once(later.as_mut()).await.is_pending());
            assert!(once(kept.as_mut()).await.is_pending(), "polled again");
            drop(dropped);
            client.write_all(b"x").await.unwrap();
            kept.await.unwrap();
            // It was woken as well, and is not polled any more.
            drop(later);
            assert_eq!(server.try_read(&mut [0; 4]).unwrap(), 1);
            // What is told after that is a hint.
            let _ = server.try_read(&mut [0]).unwrap_err();
        }
    });
}

#[test]
fn a_reader_that_is_dropped_while_it_waits_has_taken_nothing() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, mut server) = pair().await;
        let mut came = Vec::new();
        for round in 0..200 {
            let mut buf = [0; 3];
            if let Poll::Ready(got) = once(pin!(server.read(&mut buf))).await {
                came.extend(&buf[..got.unwrap()]);
            }
            client.write_all(&bytes(5 * round, 5)).await.unwrap();
        }
        client.close().await.unwrap();
        server.read_to_end(&mut came).await.unwrap();
        assert_eq!(came, bytes(0, 1000));
    });
}

#[test]
fn the_task_that_polled_last_is_woken() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, mut server) = pair().await;
        let (first, waker) = Count::new();
        let mut buf = [0; 4];
        let mut read = server.read(&mut buf);
        assert!(Pin::new(&mut read).poll(&mut Context::from_waker(&waker)).is_pending());
        let gate = Gate::default();
        let wait = async {
            assert_eq!(poll_fn(|cx| Pin::new(&mut read).poll(cx)).await.unwrap(), 2);
        };
        let write = async {
            client.write_all(b"hi").await.unwrap();
            gate.open();
        };
        futures::join!(wait, write);
        assert_eq!(first.get(), 0, "its task does not wait any more");
        // The former waker is gone with its task.
        assert_eq!(Arc::strong_count(&first), 2);
    });
}

#[test]
fn a_dump_says_io_wait_and_where() {
    let _watch = watch();
    on_each(|| async {
        let listener = listener().await;
        let line = line!() + 2;
        let accept = task::spawn(async move {
            drop(listener.accept().await);
        });
        waiting(1).await;
        let waits = Handle::current().task_waits();
        let site = waits.iter().find(|wait| wait.2 == Reason::IoWait).unwrap().3.unwrap();
        assert_eq!((site.file(), site.line()), (file!(), line));
        assert_eq!(Reason::IoWait.as_str(), "IO wait");
        accept.abort();
    });
}

#[test]
fn operations_spend_the_budget() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, server) = pair().await;
        client.write_all(&[0; 4096]).await.unwrap();
        let mut server = server;
        // A poll that reads on and on comes to an end, though there is more.
        static READS: AtomicUsize = AtomicUsize::new(0);
        let mut read_on = pin!(async {
            loop {
                server.read_exact(&mut [0; 1]).await.unwrap();
                READS.fetch_add(1, SeqCst);
            }
        });
        assert!(once(read_on.as_mut()).await.is_pending());
        // It had its turn, and others have theirs before it goes on.
        assert!((1..=128).contains(&READS.swap(0, SeqCst)));
    });
}

#[test]
fn timers_and_sockets_together() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, mut server) = pair().await;
        let pings = task::spawn(async move {
            for round in 0..20 {
                sleep(Duration::from_micros(300)).await;
                client.write_all(&[round]).await.unwrap();
                let begin = Instant::now();
                let limit = Duration::from_millis(1);
                assert!(timeout(limit, client.read(&mut [0])).await.is_err(), "nobody writes");
                assert!(begin.elapsed() >= limit);
            }
        });
        for round in 0..20 {
            let mut buf = [0];
            timeout(Duration::from_secs(50), server.read_exact(&mut buf)).await.unwrap().unwrap();
            assert_eq!(buf, [round]);
        }
        pings.await.unwrap();
    });
}

/// As many tasks as there are workers block until the sockets have done their work: so others must do it.
#[test]
fn a_blocked_worker_does_not_stall_sockets() {
    let _watch = watch();
    for workers in 1..=3 {
        let rt = quiet(Builder::multi_thread().worker_threads(workers));
        rt.block_on(async {
            for _ in 0..5 {
                let (client, mut server) = pair().await;
                let echo = task::spawn(async move {
                    let mut buf = [0; 4];
                    for _ in 0..50 {
                        server.read_exact(&mut buf).await.unwrap();
                        server.write_all(&buf).await.unwrap();
                    }
                });
                waiting(1).await;
                let wall = Wall::default();
                let blocked: Vec<_> = (0..workers)
                    .map(|_| {
                        let wall = wall.clone();
                        task::spawn(async move { wall.block() })
                    })
                    .collect();
                let client = client.into_std().unwrap();
                // A thread of its own speaks to the echo.
                let other = std::thread::spawn(move || {
                    client.set_nonblocking(false).unwrap();
                    let mut buf = [0; 4];
                    until(|| wall.blocked() == workers);
                    for _ in 0..50 {
                        (&client).write_all(b"ping").unwrap();
                        (&client).read_exact(&mut buf).unwrap();
                    }
                    wall.open();
                });
                echo.await.unwrap();
                for task in blocked {
                    task.await.unwrap();
                }
                other.join().unwrap();
            }
        });
    }
}

#[test]
fn the_thread_in_block_on_leaves_and_sockets_go_on() {
    let _watch = watch();
    for workers in [1, 3] {
        let rt = quiet(Builder::multi_thread().worker_threads(workers));
        let addr = rt.block_on(async {
            let listener = listener().await;
            let addr = listener.local_addr().unwrap();
            task::go(async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let (mut read, mut write) = stream.into_split();
                    task::go(async move { drop(futures::io::copy(&mut read, &mut write).await) });
                }
            });
            waiting(1).await;
            addr
        });
        // Nobody is in `block_on`.
        for _ in 0..3 {
            let mut client = std::net::TcpStream::connect(addr).unwrap();
            std::io::Write::write_all(&mut client, b"there?").unwrap();
            let mut buf = [0; 6];
            std::io::Read::read_exact(&mut client, &mut buf).unwrap();
            assert_eq!(&buf, b"there?");
        }
    }
}

#[test]
fn two_threads_in_block_on_of_a_current_thread_runtime() {
    let _watch = watch();
    let rt = Arc::new(quiet(Builder::current_thread()));
    let (mut client, mut server) = rt.block_on(pair());
    let (gone, goes) = mpsc::channel();
    let other = std::thread::spawn({
        let rt = rt.clone();
        move || {
            rt.block_on(async {
                server.read_exact(&mut [0; 1]).await.unwrap();
                gone.send(()).unwrap();
                server.write_all(b"x").await.unwrap();
            });
            server
        }
    });
    // One of the two waits in the reactor; whoever leaves first, the other one goes on.
    rt.block_on(async {
        client.write_all(b"a").await.unwrap();
        client.read_exact(&mut [0; 1]).await.unwrap();
    });
    goes.recv().unwrap();
    let mut server = other.join().unwrap();
    rt.block_on(async {
        server.write_all(b"y").await.unwrap();
        client.read_exact(&mut [0; 1]).await.unwrap();
    });
}

#[test]
fn a_first_socket_wakes_a_thread_that_sleeps_without_knowing_of_sockets() {
    let _watch = watch();
    for rt in runtimes() {
        let gate = Gate::default();
        std::thread::scope(|scope| {
            let parks = rt.metrics().parks;
            scope.spawn(|| rt.block_on(gate.clone()));
            until(|| gate.waiting() == 1 && rt.metrics().parks > parks);
            // Made and waited for where no thread of the runtime comes by.
            let guard = rt.enter();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = listener.local_addr().unwrap();
            let listener = TcpListener::from_std(listener).unwrap();
            let (count, waker) = Count::new();
            let mut accept = pin!(listener.accept());
            assert!(accept.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            let _client = std::net::TcpStream::connect(addr).unwrap();
            until(|| count.get() == 1);
            assert!(accept.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
            drop(guard);
            gate.open();
        });
    }
}

#[test]
fn a_thread_that_leaves_hands_the_reactor_over() {
    let _watch = watch();
    let rt = quiet(Builder::current_thread());
    let (mut client, mut server) = rt.block_on(pair());
    let gate = Gate::default();
    std::thread::scope(|scope| {
        let parks = rt.metrics().parks;
        let first = scope.spawn(|| rt.block_on(gate.clone()));
        until(|| gate.waiting() == 1 && rt.metrics().parks > parks);
        // The second one finds the first one in the reactor.
        let parks = rt.metrics().parks;
        let second = scope.spawn(|| rt.block_on(server.read_exact(&mut [0; 1])).unwrap());
        until(|| rt.metrics().parks > parks);
        // It is woken there by what is no news of a socket, and leaves.
        gate.open();
        first.join().unwrap();
        let _guard = rt.enter();
        assert!(pin!(client.write(b"x")).poll(&mut Context::from_waker(&Count::new().1)).is_ready());
        second.join().unwrap();
    });
}

#[test]
fn the_monitor_attends_when_every_thread_is_stuck() {
    let _watch = watch();
    let rt = quiet(Builder::multi_thread().worker_threads(1).max_spare_threads(0));
    let (client, server) = rt.block_on(pair());
    let wall = Wall::default();
    let blocked = rt.spawn({
        let wall = wall.clone();
        async move { wall.block() }
    });
    until(|| wall.blocked() == 1);
    assert!(server.try_read(&mut [0]).is_err());
    let guard = rt.enter();
    for round in 1..=3 {
        let (count, waker) = Count::new();
        let mut wait = pin!(server.readable());
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        client.try_write(&[round]).unwrap();
        until(|| count.get() == 1);
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        while server.try_read(&mut [0]).is_ok() {}
    }
    drop(guard);
    wall.open();
    rt.block_on(blocked).unwrap();
}

#[test]
fn a_socket_made_on_a_plain_thread_is_attended() {
    let _watch = watch();
    for rt in runtimes() {
        let handle = rt.handle().clone();
        let std = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = std.local_addr().unwrap();
        let (give, gift) = given();
        let maker = std::thread::spawn(move || {
            // The runtime's threads sleep by then, and know of no socket.
            let _guard = handle.enter();
            give(TcpListener::from_std(std).unwrap());
            std::net::TcpStream::connect(addr).unwrap()
        });
        rt.block_on(async {
            let listener = gift.await;
            listener.accept().await.unwrap();
        });
        maker.join().unwrap();
    }
}

/// A value given once, and the future of it.
fn given<T: Send + 'static>() -> (impl FnOnce(T) + Send, impl Future<Output = T>) {
    let (tx, rx) = futures::channel::oneshot::channel();
    (move |value| drop(tx.send(value)), async { rx.await.unwrap() })
}

#[test]
fn dropping_the_runtime_while_sockets_wait() {
    let _watch = watch();
    for rt in runtimes() {
        let (dropped, kept) = rt.block_on(async {
            let (client, server) = pair().await;
            let count = Count::shared();
            for mut stream in [client, server] {
                let guard = count.on_drop();
                task::go(async move {
                    let _guard = guard;
                    stream.read_exact(&mut [0; 1]).await.unwrap();
                    unreachable!("nobody writes");
                });
            }
            waiting(2).await;
            (count, pair().await)
        });
        drop(rt);
        assert_eq!(dropped.get(), 2);
        // A socket that outlives its runtime says so, and can be dropped.
        let (client, mut server) = kept;
        assert_eq!(client.try_write(b"x").unwrap_err().to_string(), CLOSED);
        let error = futures::executor::block_on(server.read(&mut [0; 1])).unwrap_err();
        assert_eq!(error.to_string(), CLOSED);
        drop(client);
    }
}

const CLOSED: &str = "dormouse: a socket was waited for while its runtime was shut down";

#[test]
fn a_future_outside_of_every_task_learns_that_the_runtime_is_gone() {
    let _watch = watch();
    for rt in runtimes() {
        let (_client, server) = rt.block_on(pair());
        let (count, waker) = Count::new();
        assert!(server.try_read(&mut [0]).is_err());
        let mut wait = pin!(server.readable());
        {
            let _guard = rt.enter();
            assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        drop(rt);
        until(|| count.get() == 1);
        let Poll::Ready(Err(error)) = wait.as_mut().poll(&mut Context::from_waker(&waker)) else {
            panic!("it waits on");
        };
        assert_eq!(error.to_string(), CLOSED);
    }
}

#[test]
fn outside_of_its_runtime_a_socket_says_so() {
    let _watch = watch();
    let std = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = TcpListener::from_std(std.try_clone().unwrap()).unwrap_err();
    assert!(error.to_string().contains("outside of a runtime"), "{error}");
    let [one, other, _] = runtimes();
    let (mut client, mut server) = one.block_on(pair());
    let error = other.block_on(server.read(&mut [0; 1])).unwrap_err();
    assert!(error.to_string().contains("outside of the runtime"), "{error}");
    let error = futures::executor::block_on(server.readable()).unwrap_err();
    assert!(error.to_string().contains("outside of the runtime"), "{error}");
    // It is as good as before.
    one.block_on(async {
        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut [0; 1]).await.unwrap();
    });
}

#[test]
fn a_simulated_run_has_no_sockets() {
    let _watch = watch();
    let error = dormouse_executor::sim::Builder::new()
        .seed(1)
        .run(async { TcpListener::bind("127.0.0.1:0").await.unwrap_err().to_string() });
    assert!(error.contains("simulated run"), "{error}");
}
