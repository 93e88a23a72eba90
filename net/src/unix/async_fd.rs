//! Descriptors that other libraries have made.
use crate::io::Io;
use crate::methods::readiness_methods;
use dormouse_executor::io::{Interest, Ready};
use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Registry, Token};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::Location;

/// A descriptor of any kind that the system can tell news of: a pipe, an eventfd, a device, another library's socket.
///
/// It must not block (`O_NONBLOCK`), or whoever uses it blocks its thread; and its number must not change while it is
/// here. What reads and writes is the caller's own call, given to [`async_io`](AsyncFd::async_io) or
/// [`try_io`](AsyncFd::try_io): these learn from its `WouldBlock` that it must wait.
///
/// ```
/// use dormouse_net::unix::AsyncFd;
/// use dormouse_net::Interest;
/// use std::io::{Read, Write};
///
/// # dormouse_executor::runtime::block_on(async {
/// let (ours, mut theirs) = std::os::unix::net::UnixStream::pair()?;
/// ours.set_nonblocking(true)?;
/// let fd = AsyncFd::new(ours)?;
/// theirs.write_all(b"news")?;
/// let mut buf = [0; 8];
/// let len = fd.async_io(Interest::READABLE, |mut ours| ours.read(&mut buf)).await?;
/// assert_eq!(&buf[..len], b"news");
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub struct AsyncFd<T: AsRawFd> {
    io: Io<Descriptor<T>>,
}

readiness_methods!(AsyncFd<T>, T: AsRawFd);

/// What `mio` registers by its number.
pub(crate) struct Descriptor<T>(T);

impl<T: AsRawFd> Source for Descriptor<T> {
    fn register(&mut self, registry: &Registry, token: Token, interests: mio::Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: mio::Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).deregister(registry)
    }
}

impl<T: AsRawFd> AsyncFd<T> {
    /// Takes `fd`, for both directions.
    ///
    /// # Errors
    /// Outside of a runtime; if the system cannot tell news of it, as of a regular file; if it is registered already.
    pub fn new(fd: T) -> io::Result<AsyncFd<T>> {
        AsyncFd::with_interest(fd, Interest::READABLE | Interest::WRITABLE)
    }

    /// Takes `fd`, for what is in `interest` only: a wait for anything else would not end.
    ///
    /// # Errors
    /// As [`new`](AsyncFd::new).
    pub fn with_interest(fd: T, interest: Interest) -> io::Result<AsyncFd<T>> {
        Ok(AsyncFd { io: Io::with_interest(Descriptor(fd), interest)? })
    }

    pub(crate) fn io(&self) -> &Io<Descriptor<T>> {
        &self.io
    }

    /// The descriptor.
    pub fn get_ref(&self) -> &T {
        &self.io.0
    }

    /// The descriptor, out of the runtime.
    ///
    /// # Errors
    /// What the system says.
    pub fn into_inner(self) -> io::Result<T> {
        Ok(self.io.into_inner()?.0)
    }

    /// Does `call` until it does not say `WouldBlock`, waiting in between. Any number of tasks may.
    ///
    /// # Errors
    /// What `call` says; when the runtime is gone, or if it has to wait outside of it.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment, if a `call` that says `WouldBlock` has done nothing.
    ///
    /// # Fairness
    /// All who wait for one direction are woken together.
    #[track_caller]
    pub fn async_io<'a, R>(
        &'a self,
        interest: Interest,
        mut call: impl FnMut(&'a T) -> io::Result<R> + 'a,
    ) -> impl Future<Output = io::Result<R>> + 'a
    where
        R: 'a,
    {
        self.io.run(interest, Location::caller(), move |fd| call(&fd.0))
    }

    /// Does `call` once.
    ///
    /// # Errors
    /// What `call` says, `WouldBlock` too.
    pub fn try_io<R>(&self, interest: Interest, call: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.io.attempt(interest, |fd| call(&fd.0))
    }
}

impl<T: AsRawFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.get_ref().as_raw_fd()
    }
}

impl<T: AsRawFd + AsFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsRawFd + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncFd").field(self.get_ref()).finish()
    }
}
