//! Waiting for descriptors of the system: what `dormouse-net`'s sockets stand on.
//!
//! A [`Registration`] ties a `mio` source to the runtime that the thread is in. Operations on it try their system call
//! first, and wait only if that would block. Programs use the sockets of `dormouse-net`, or its `AsyncFd`.
mod operation;

pub use operation::{Attempt, Operation};

use crate::reactor::Reactor;
use crate::reactor::source::{self, Closed, Seen, Source};
use crate::sched::context;
use crate::sched::shared::Shared;
use dormouse_wait::frame::{self, Reason, Site};
use std::fmt;
use std::io;
use std::ops::BitOr;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What a program wants to do: read, write, or either.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// To read: to receive, to accept.
    pub const READABLE: Interest = Interest(source::READABLE);
    /// To write: to send, to connect.
    pub const WRITABLE: Interest = Interest(source::WRITABLE);

    fn to_mio(self) -> mio::Interest {
        match (self | Interest::WRITABLE == self, self | Interest::READABLE == self) {
            (true, true) => mio::Interest::READABLE | mio::Interest::WRITABLE,
            (true, false) => mio::Interest::WRITABLE,
            _ => mio::Interest::READABLE,
        }
    }
}

impl BitOr for Interest {
    type Output = Interest;
    fn bitor(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(source::READABLE, "READABLE"), (source::WRITABLE, "WRITABLE")];
        let names: Vec<_> =
            names.iter().filter(|(bit, _)| self.0 & bit != 0).map(|(_, name)| *name).collect();
        write!(f, "Interest({})", names.join(" | "))
    }
}

/// What a descriptor is ready for, as far as the system has told. A hint: an operation may find that it would block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ready(u8);

impl Ready {
    /// May there be something to read, an end, or an error?
    pub fn is_readable(self) -> bool {
        self.0 & source::mask(source::READABLE) != 0
    }

    /// May there be room to write, or an error?
    pub fn is_writable(self) -> bool {
        self.0 & source::mask(source::WRITABLE) != 0
    }

    /// Has the other side said that it will send no more?
    pub fn is_read_closed(self) -> bool {
        self.0 & source::READ_CLOSED != 0
    }

    /// Is there nobody any more who would read?
    pub fn is_write_closed(self) -> bool {
        self.0 & source::WRITE_CLOSED != 0
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("readable", &self.is_readable())
            .field("writable", &self.is_writable())
            .field("read_closed", &self.is_read_closed())
            .field("write_closed", &self.is_write_closed())
            .finish()
    }
}

/// A descriptor in the reactor of a runtime.
///
/// It must be [taken out](Registration::deregister) before the descriptor is closed; what is forgotten there stays in
/// the reactor's table.
pub struct Registration {
    reactor: Arc<Reactor>,
    source: Arc<Source>,
    number: usize,
    /// Its runtime, for comparing only.
    rt: NonNull<()>,
}

// SAFETY: the pointer is only compared.
unsafe impl Send for Registration {}
// SAFETY: as above.
unsafe impl Sync for Registration {}

impl Registration {
    /// Registers `io`, which must not block, in the runtime that the thread is in.
    ///
    /// # Errors
    /// Outside of a runtime, in a [simulated](crate::sim) one, or while it is shut down; and what the system says.
    pub fn new(io: &mut impl mio::event::Source, interest: Interest) -> io::Result<Registration> {
        here(|shared| {
            let (source, number, first) = shared.reactor.register(io, interest.to_mio())?;
            if first {
                shared.reactor_begins();
            }
            Ok(Registration { reactor: Arc::clone(&shared.reactor), source, number, rt: shared.pointer() })
        })
    }

    /// Is the thread where [`new`](Registration::new) is possible? For what must know before it begins.
    ///
    /// # Errors
    /// Outside of a runtime, or in a [simulated](crate::sim) one.
    pub fn check() -> io::Result<()> {
        here(|_| Ok(()))
    }

    /// Takes `io` out again. To be called once, with what was registered.
    ///
    /// # Errors
    /// What the system says; it is out all the same.
    pub fn deregister(&self, io: &mut impl mio::event::Source) -> io::Result<()> {
        self.reactor.deregister(io, self.number)
    }

    /// Does `call` until it does not say `WouldBlock`, waiting in between. The task of `cx` is woken, in place of the one
    /// that polled for the same direction before.
    ///
    /// # Errors
    /// What `call` says; or if it had to wait outside of the runtime that it is registered in, or when that is gone.
    pub fn poll_io<R>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        site: Option<Site>,
        mut call: impl FnMut(&Attempt) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        ready!(frame::poll_spend(cx));
        loop {
            let seen = match self.source.poll(interest.0, cx.waker()) {
                Poll::Ready(seen) => seen.map_err(gone)?,
                Poll::Pending => return self.pending(site),
            };
            if let Some(result) = self.attempt(seen, interest, &mut call) {
                return Poll::Ready(result);
            }
        }
    }

    /// Does `call` once.
    ///
    /// # Errors
    /// What `call` says, `WouldBlock` too.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        call: impl FnOnce(&Attempt) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut call = Some(call);
        let mut call = |attempt: &Attempt| (call.take().expect("attempted once"))(attempt);
        match self.source.look(interest.0) {
            Poll::Ready(seen) => self
                .attempt(seen.map_err(gone)?, interest, &mut call)
                .unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into())),
            // What the system has to tell may not have been asked for yet.
            Poll::Pending => call(&Attempt::new(0)),
        }
    }

    /// Does `call` until it does not say `WouldBlock`, as a future: any number of them may wait.
    ///
    /// `site` is where the program waits, for dumps.
    pub fn io<R, F>(&self, interest: Interest, site: Site, call: F) -> Operation<'_, F>
    where
        F: FnMut(&Attempt) -> io::Result<R>,
    {
        Operation::new(self, interest, site, call)
    }

    /// One call; `None` if it would block.
    fn attempt<R>(
        &self,
        seen: Seen,
        interest: Interest,
        call: &mut impl FnMut(&Attempt) -> io::Result<R>,
    ) -> Option<io::Result<R>> {
        let attempt = Attempt::new(seen.ready);
        let result = call(&attempt);
        let blocks = matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        if blocks || attempt.is_drained() {
            self.source.clear(seen, interest.0);
        }
        if blocks { None } else { Some(result) }
    }

    /// A poll is about to wait: an error if nothing would end that.
    fn pending<R>(&self, site: Option<Site>) -> Poll<io::Result<R>> {
        if !context::is_inside(self.rt) {
            return Poll::Ready(Err(io::Error::other(
                "dormouse: a socket had to wait outside of the runtime that it was made in: use it in that runtime's \
                 tasks and its `block_on`",
            )));
        }
        frame::note(Reason::IoWait, site);
        Poll::Pending
    }
}

/// Calls `f` with the runtime that the thread is in.
fn here<R>(f: impl FnOnce(&Shared) -> io::Result<R>) -> io::Result<R> {
    let result = context::with_current(|shared, _| {
        if shared.config.simulated.is_some() {
            return Err(io::Error::other(
                "dormouse: a socket or a process cannot be used in a simulated run, which has no control over what is \
                 outside: let the code under test take a stream, and give it one in memory",
            ));
        }
        f(shared)
    });
    result.unwrap_or_else(|| {
        Err(io::Error::other(
            "dormouse: a socket or a process was made outside of a runtime: make it in a task, inside \
             `Runtime::block_on`, or while `Handle::enter`'s guard is held",
        ))
    })
}

#[cold]
fn gone(_: Closed) -> io::Error {
    io::Error::other("dormouse: a socket was waited for while its runtime was shut down")
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("number", &self.number).finish_non_exhaustive()
    }
}
