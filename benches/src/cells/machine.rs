//! What the machine can do at best: no library is part of this.
//!
//! One operation: a round trip between two threads, or a call.
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use std::hint::{black_box, spin_loop};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn cells() -> Vec<Cell> {
    let cell = |name: &str, operation, work: fn(Scale) -> Sample| {
        Cell::new(format!("machine/{name}"), operation, "ns").with("machine", "machine", work)
    };
    vec![
        cell("cache-line", "round trip", cache_line),
        cell("park-unpark", "round trip", park_unpark),
        cell("lock-unlock", "pair", lock_unlock),
        cell("fetch-add", "call", fetch_add),
        cell("malloc-free-128", "pair", malloc_free),
        cell("clock", "call", clock),
        cell("system-call", "call", system_call),
        cell("udp", "round trip", udp),
        cell("tcp", "round trip", tcp),
    ]
}

/// Does `call` so many times, with the number of the time, and adds up what it gives.
fn repeat(scale: Scale, full: u64, mut call: impl FnMut(u64) -> u64) -> Sample {
    let count = scale.of(full);
    for n in 0..count / 10 {
        black_box(call(n)); // warm
    }
    let watch = Stopwatch::start();
    let mut sum = 0_u64;
    for n in 0..count {
        sum = sum.wrapping_add(call(n));
    }
    watch.stop(count, sum)
}

/// Waits for a number: spinning, with a look at other threads now and then, should both have one core.
fn await_number(word: &AtomicU64, number: u64) {
    let mut spins = 0_u32;
    // Ordering: pairs with the stores in `cache_line`.
    while word.load(Acquire) != number {
        spins += 1;
        if spins.is_multiple_of(10_000) {
            thread::yield_now();
        }
        spin_loop();
    }
}

/// Two spinning threads and one line.
fn cache_line(scale: Scale) -> Sample {
    let trips = scale.of(400_000);
    let word = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..trips {
                await_number(&word, 2 * n + 1);
                // Ordering: pairs with `await_number`.
                word.store(2 * n + 2, Release);
            }
        });
        let watch = Stopwatch::start();
        for n in 0..trips {
            // Ordering: pairs with `await_number`.
            word.store(2 * n + 1, Release);
            await_number(&word, 2 * n + 2);
        }
        watch.stop(trips, word.load(Relaxed))
    })
}

/// Two threads that park and unpark each other.
fn park_unpark(scale: Scale) -> Sample {
    let trips = scale.of(4_000);
    let word = AtomicU64::new(0);
    let park_until = |number| {
        // Ordering: pairs with the stores below.
        while word.load(Acquire) != number {
            thread::park();
        }
    };
    let main = thread::current();
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            for n in 0..trips {
                park_until(2 * n + 1);
                // Ordering: pairs with `park_until`.
                word.store(2 * n + 2, Release);
                main.unpark();
            }
        });
        let watch = Stopwatch::start();
        for n in 0..trips {
            // Ordering: pairs with `park_until`.
            word.store(2 * n + 1, Release);
            other.thread().unpark();
            park_until(2 * n + 2);
        }
        watch.stop(trips, word.load(Relaxed))
    })
}

/// std's mutex, which nobody else wants.
fn lock_unlock(scale: Scale) -> Sample {
    let mutex = Mutex::new(0_u64);
    repeat(scale, 10_000_000, |n| {
        let mut sum = black_box(&mutex).lock().expect("not poisoned");
        *sum = sum.wrapping_add(n);
        *sum
    })
}

fn fetch_add(scale: Scale) -> Sample {
    let word = AtomicU64::new(0);
    repeat(scale, 20_000_000, |n| black_box(&word).fetch_add(n, Relaxed))
}

fn malloc_free(scale: Scale) -> Sample {
    repeat(scale, 10_000_000, |n| black_box(Box::new([n; 16]))[7])
}

fn clock(scale: Scale) -> Sample {
    let start = Instant::now();
    repeat(scale, 4_000_000, |_| u64::from(Instant::now() >= start))
}

/// One that does next to nothing: who is the parent?
fn system_call(scale: Scale) -> Sample {
    let parent = std::os::unix::process::parent_id();
    repeat(scale, 1_000_000, |_| u64::from(std::os::unix::process::parent_id() == parent))
}

/// 64 bytes to a thread and back.
fn udp(scale: Scale) -> Sample {
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let (here, there) = (bind(), bind());
    let address = |socket: &UdpSocket| socket.local_addr().expect("it is bound");
    here.connect(address(&there)).expect("loopback");
    there.connect(address(&here)).expect("loopback");
    here.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout"); // should a datagram be lost
    let echo = thread::spawn(move || {
        let mut bytes = [0; 64];
        while let Ok(64) = there.recv(&mut bytes) {
            there.send(&bytes).expect("it fits");
        }
    });
    let sample = repeat(scale, 3_000, |n| {
        let mut bytes = [n as u8; 64];
        here.send(&bytes).expect("it fits");
        here.recv(&mut bytes).expect("an answer");
        u64::from(bytes[63])
    });
    here.send(&[]).expect("it fits");
    echo.join().expect("the thread does not fail");
    sample
}

/// 64 bytes to a thread and back, without Nagle's delay.
fn tcp(scale: Scale) -> Sample {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let mut here = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("loopback");
    let (mut there, _) = listener.accept().expect("a connection");
    for stream in [&here, &there] {
        stream.set_nodelay(true).expect("an option");
    }
    let echo = thread::spawn(move || {
        let mut bytes = [0; 64];
        while there.read_exact(&mut bytes).is_ok() {
            there.write_all(&bytes).expect("it is open");
        }
    });
    let sample = repeat(scale, 3_000, |n| {
        let mut bytes = [n as u8; 64];
        here.write_all(&bytes).expect("it is open");
        here.read_exact(&mut bytes).expect("an answer");
        u64::from(bytes[63])
    });
    drop(here);
    echo.join().expect("the thread does not fail");
    sample
}
