//! What all sockets are: a source of events, registered with the reactor of the runtime that it was made in.
use dormouse_executor::io::{Attempt, Interest, Operation, Registration};
use dormouse_wait::frame::Site;
use mio::event::Source;
use std::fmt;
use std::io::{self, ErrorKind};
use std::ops::Deref;
use std::task::{Context, Poll};

/// A registered socket. Its Drop takes it out of the reactor, before it closes it.
pub(crate) struct Io<S: Source> {
    /// `None` only after it was taken out or closed.
    inner: Option<S>,
    registration: Registration,
}

impl<S: Source> Io<S> {
    /// Registers `inner`, which does not block, for both directions.
    pub(crate) fn new(inner: S) -> io::Result<Io<S>> {
        Io::with_interest(inner, Interest::READABLE | Interest::WRITABLE)
    }

    pub(crate) fn with_interest(mut inner: S, interest: Interest) -> io::Result<Io<S>> {
        let registration = Registration::new(&mut inner, interest)?;
        Ok(Io { inner: Some(inner), registration })
    }

    /// The socket alone, out of the reactor.
    pub(crate) fn into_inner(mut self) -> io::Result<S> {
        let mut inner = self.inner.take().ok_or(ErrorKind::BrokenPipe)?;
        self.registration.deregister(&mut inner)?;
        Ok(inner)
    }

    /// Closes the socket: what is polled from now on fails.
    pub(crate) fn close(&mut self) {
        if let Some(mut inner) = self.inner.take() {
            // It is closed in any case.
            let _ = self.registration.deregister(&mut inner);
        }
    }

    /// Does `call` until it does not say `WouldBlock`; any number of such futures may wait.
    pub(crate) fn run<'a, R>(
        &'a self,
        interest: Interest,
        site: Site,
        mut call: impl FnMut(&'a S) -> io::Result<R>,
    ) -> Operation<'a, impl FnMut(&Attempt) -> io::Result<R>> {
        self.registration.io(interest, site, move |_| call(self))
    }

    /// What is ready of `interest`, waiting until something is.
    pub(crate) fn ready(
        &self,
        interest: Interest,
        site: Site,
    ) -> Operation<'_, impl FnMut(&Attempt) -> io::Result<dormouse_executor::io::Ready>> {
        self.registration.io(interest, site, |attempt| Ok(attempt.ready()))
    }

    /// Does `call` until it does not say `WouldBlock`, for the one task that polls this direction.
    pub(crate) fn poll<R>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        mut call: impl FnMut(&S, &Attempt) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let Some(inner) = &self.inner else { return Poll::Ready(Err(ErrorKind::BrokenPipe.into())) };
        self.registration.poll_io(cx, interest, None, |attempt| call(inner, attempt))
    }

    /// Does `call` once.
    pub(crate) fn attempt<R>(
        &self,
        interest: Interest,
        call: impl FnOnce(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        self.registration.try_io(interest, |_| call(self))
    }
}

impl<S: Source> Deref for Io<S> {
    type Target = S;
    fn deref(&self) -> &S {
        self.inner.as_ref().expect("until it is taken out")
    }
}

impl<S: Source> Drop for Io<S> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<S: Source + fmt::Debug> fmt::Debug for Io<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
