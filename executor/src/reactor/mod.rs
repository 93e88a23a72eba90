//! The reactor: one thread that would sleep anyway waits for what the system tells of sockets.
//!
//! It stands on `mio`: edge-triggered, each socket registered once, both directions together, and a wait is one system
//! call. (`polling` arms its timer and its notifier anew by two `epoll_ctl`s and one `timerfd_settime` per wait.) mio
//! rounds a timeout up to whole milliseconds; so on Linux [a timer of the system](clock), registered like a socket, ends
//! a wait in time, and is set only when the deadline has come nearer.
//!
//! It is made when the first socket is registered. Until then, and while another thread waits here, threads sleep by
//! their parkers as ever.
//!
//! | who | when | does |
//! |---|---|---|
//! | a thread that goes to sleep | nobody waits here | [`wait`](Reactor::wait)s: until it is unparked (`Rouse`), its deadline, or somebody is to be woken |
//! | a seat | every 61st turn, every 976th while the injector is not empty | [`look`](Reactor::look)s without waiting, if nobody waits here |
//! | the monitor | nobody waits here, and nobody looked for a tick | looks, and wakes a sleeper, which will wait here |
//! | a thread that leaves its runtime, or its seat within a poll | nobody waits here | wakes a sleeper (`Shared::hand_over`) |
//! | the first socket | | wakes all who sleep |
//!
//! Invariants:
//! - R1 `turn` is the right to ask the system. Nobody waits for it: who does not get it is not needed here.
//! - R2 no user code runs under a lock of this module: the wakers are collected, and woken by the caller, who sits by then
//!   if it can, so that the tasks become its own.
//! - R3 a number of a socket may be given anew while news of the former one are on their way: news are hints, so the worst
//!   is a system call that would block.
//! - R4 the monitor sleeps only while somebody waits here, so sockets are attended within about a millisecond whatever
//!   the workers do. (A current-thread runtime has no monitor: there the thread itself must come around.)
//!
//! Checked by `models::{parker, source}` (loom), the tests of `dormouse-net`.
mod clock;
pub(crate) mod source;

use crate::panics;
use clock::Clock;
use dormouse_wait::parker::{Parker, Rouse};
use dormouse_wait::wakes;
use mio::{Events, Interest, Poll, Registry, Token};
use slab::Slab;
use source::{READ_CLOSED, READABLE, Source, WRITABLE, WRITE_CLOSED};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::task::Waker;
use std::time::{Duration, Instant};

/// News per system call.
const EVENTS: usize = 1024;
const ROUSE: Token = Token(usize::MAX);
const CLOCK: Token = Token(usize::MAX - 1);

/// Who is to be woken. Whatever is left is woken when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Woken(Vec<Waker>);

impl Woken {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Wakes all, in order.
    pub(crate) fn fire(&mut self) {
        self.0.drain(..).for_each(|waker| wakes::wake(Some(waker)));
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        self.fire();
    }
}

#[derive(Debug, Default)]
pub(crate) struct Reactor {
    driver: OnceLock<Driver>,
}

#[derive(Debug)]
struct Driver {
    registry: Registry,
    rouse: mio::Waker,
    turn: Mutex<Turn>,
    /// A socket was registered.
    begun: AtomicBool,
    /// Somebody waits.
    attended: AtomicBool,
    /// How often the system was asked; wraps around.
    looks: AtomicU32,
    sources: Mutex<Sources>,
}

#[derive(Debug)]
struct Turn {
    poll: Poll,
    events: Events,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Sources {
    all: Slab<Arc<Source>>,
    closed: bool,
}

impl Driver {
    fn new() -> io::Result<Driver> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        Ok(Driver {
            rouse: mio::Waker::new(&registry, ROUSE)?,
            turn: Mutex::new(Turn {
                clock: Clock::new(&registry)?,
                poll,
                events: Events::with_capacity(EVENTS),
            }),
            registry,
            begun: AtomicBool::new(false),
            attended: AtomicBool::new(false),
            looks: AtomicU32::new(0),
            sources: Mutex::default(),
        })
    }

    /// Calls `f` with the right to ask the system, if nobody else has it.
    fn with_turn<R>(&self, f: impl FnOnce(&mut Turn) -> R) -> Option<R> {
        match self.turn.try_lock() {
            Ok(mut turn) => Some(f(&mut turn)),
            Err(TryLockError::Poisoned(poisoned)) => Some(f(&mut poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Asks the system once, waiting for at most `timeout`, and collects who is to be woken.
    fn ask(&self, turn: &mut Turn, timeout: Option<Duration>, woken: &mut Woken) {
        match turn.poll.poll(&mut turn.events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Err(error) => panic!("dormouse: the system does not tell of sockets any more: {error}"),
        }
        self.looks.fetch_add(1, Relaxed);
        if turn.events.is_empty() {
            return;
        }
        let sources = panics::lock(&self.sources);
        for event in &turn.events {
            // The other two, and a socket that is gone, are no numbers of the slab.
            if let Some(source) = sources.all.get(event.token().0) {
                source.apply(told(event), &mut woken.0);
            }
        }
    }
}

/// What an event says, in a source's bits.
fn told(event: &mio::event::Event) -> u8 {
    let bit = |is, bit| if is { bit } else { 0 };
    bit(event.is_readable() || event.is_error(), READABLE)
        | bit(event.is_writable() || event.is_error(), WRITABLE)
        | bit(event.is_read_closed(), READ_CLOSED)
        | bit(event.is_write_closed(), WRITE_CLOSED)
}

impl Reactor {
    /// The driver, which is made if there is none.
    fn driver(&self) -> io::Result<&Driver> {
        if let Some(driver) = self.driver.get() {
            return Ok(driver);
        }
        // If another thread is faster, ours goes.
        let _ = self.driver.set(Driver::new()?);
        Ok(self.driver.get().expect("just set"))
    }

    // --- for sockets ------------------------------------------------------------------------------------------------

    /// Registers `io` for both directions: its source, its number, and whether it is the first of all: then all who
    /// sleep are to be woken, and the monitor is to be called.
    pub(crate) fn register(
        &self,
        io: &mut impl mio::event::Source,
        interest: Interest,
    ) -> io::Result<(Arc<Source>, usize, bool)> {
        let driver = self.driver()?;
        let source = Arc::new(Source::new());
        let mut sources = panics::lock(&driver.sources);
        if sources.closed {
            return Err(io::Error::other("dormouse: a socket was made while its runtime was shut down"));
        }
        let number = sources.all.insert(Arc::clone(&source));
        drop(sources);
        if let Err(error) = driver.registry.register(io, Token(number), interest) {
            panics::lock(&driver.sources).all.remove(number);
            return Err(error);
        }
        // Not the one that made the driver: it may have been refused just now.
        // Ordering: Relaxed; the caller who is first tells the others, with a fence.
        let first = !driver.begun.load(Relaxed) && !driver.begun.swap(true, Relaxed);
        Ok((source, number, first))
    }

    /// Takes `io`, which has this number, out again. Whatever the system says: the number is free after.
    pub(crate) fn deregister(&self, io: &mut impl mio::event::Source, number: usize) -> io::Result<()> {
        let Some(driver) = self.driver.get() else { return Ok(()) };
        let result = driver.registry.deregister(io);
        panics::lock(&driver.sources).all.try_remove(number);
        result
    }

    /// Takes no more sockets, and wakes all who wait for one: they see that the runtime is gone.
    pub(crate) fn close(&self) {
        let Some(driver) = self.driver.get() else { return };
        let mut woken = Woken::default();
        let mut sources = panics::lock(&driver.sources);
        sources.closed = true;
        sources.all.iter().for_each(|(_, source)| source.close(&mut woken.0));
        drop(sources);
        woken.fire();
    }

    // --- for the threads of the runtime -----------------------------------------------------------------------------

    /// Sleeps here until `parker` is unparked, until `deadline`, or until somebody is to be woken: false if by the
    /// deadline. `None` if there is no socket, or another thread is here.
    pub(crate) fn wait(&self, parker: &Parker, deadline: Option<Instant>, woken: &mut Woken) -> Option<bool> {
        let driver = self.driver.get()?;
        driver.with_turn(|turn| {
            driver.attended.store(true, Relaxed);
            let unparked = parker.park_elsewhere(|| {
                loop {
                    let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
                    if left.is_some_and(|left| left.is_zero()) {
                        return;
                    }
                    let timeout = turn.clock.set(deadline, left);
                    driver.ask(turn, timeout, woken);
                    // A rousing may have been meant for the thread before.
                    if !woken.is_empty() || parker.is_woken() {
                        return;
                    }
                }
            });
            driver.attended.store(false, Relaxed);
            unparked || !woken.is_empty()
        })
    }

    /// Wakes, without waiting, whoever waits for what the system has to tell; unless a thread is there for that.
    #[inline]
    pub(crate) fn look(&self) {
        if let Some(driver) = self.driver.get() {
            driver.look();
        }
    }

    /// Does nobody wait here, though there may be sockets?
    pub(crate) fn is_unattended(&self) -> bool {
        self.driver.get().is_some_and(|driver| !driver.attended.load(Relaxed))
    }

    /// How often the system was asked.
    pub(crate) fn looks(&self) -> u32 {
        self.driver.get().map_or(0, |driver| driver.looks.load(Relaxed))
    }
}

impl Driver {
    #[cold]
    fn look(&self) {
        if self.attended.load(Relaxed) {
            return;
        }
        let mut woken = Woken::default();
        self.with_turn(|turn| self.ask(turn, Some(Duration::ZERO), &mut woken));
        woken.fire();
    }
}

impl Rouse for Reactor {
    fn rouse(&self) {
        if let Some(driver) = self.driver.get()
            && let Err(error) = driver.rouse.wake()
        {
            panic!("dormouse: a thread that waits for sockets cannot be woken: {error}");
        }
    }
}

#[cfg(all(test, target_os = "linux", not(any(dormouse_loom, dormouse_shuttle))))]
mod tests {
    use super::*;
    use mio::unix::SourceFd;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    /// Else nobody would be told that there are sockets from now on.
    #[test]
    fn the_first_socket_is_the_first_that_the_system_takes() {
        let reactor = Reactor::default();
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let refused = reactor.register(&mut SourceFd(&file.as_raw_fd()), Interest::READABLE);
        assert!(refused.is_err(), "a regular file has no readiness");
        let (socket, other) = UnixStream::pair().unwrap();
        let register = |socket: &UnixStream| {
            let registered = reactor.register(&mut SourceFd(&socket.as_raw_fd()), Interest::READABLE);
            registered.unwrap().2
        };
        assert!(register(&socket));
        assert!(!register(&other));
    }
}
