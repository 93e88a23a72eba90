//! Signals of the system: [`ctrl_c`], [`shutdown`], and on Unix any other as a [stream](unix::Signal).
//!
//! What waits for a signal has a small socket of its own, which the signal handler writes to; so it is waited for as any
//! socket is. From the first one on, the process does not end by that signal any more, also when nobody waits for it.
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Waits for the next Ctrl-C (`SIGINT`) from this call on.
///
/// # Errors
/// Outside of a runtime; what the system says.
///
/// # Cancel safety
/// Safe to drop at any moment. (But see the [module](self): the signal does not end the process from here on.)
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// dormouse_net::signal::ctrl_c().await?;
/// println!("shutting down");
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn ctrl_c() -> impl Future<Output = std::io::Result<()>> {
    let site = std::panic::Location::caller();
    let signal = unix::signal(unix::SignalKind::interrupt());
    async move { signal?.wait(site).await }
}

/// Waits for the next Ctrl-C or `SIGTERM` from this call on: for what tells a service to end. (`SIGTERM` is what service
/// managers send, as systemd, Docker and Kubernetes.)
///
/// For a second one, which shall not wait for what is being finished, call it again before that begins.
///
/// # Errors
/// Outside of a runtime; what the system says.
///
/// # Cancel safety
/// Safe to drop at any moment. (But see the [module](self): the signals do not end the process from here on.)
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let shutdown = dormouse_net::signal::shutdown();
/// // Requests are served here, until:
/// shutdown.await?;
/// println!("shutting down");
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn shutdown() -> impl Future<Output = std::io::Result<()>> {
    let site = std::panic::Location::caller();
    let signals = unix::signal(unix::SignalKind::interrupt())
        .and_then(|interrupt| Ok([interrupt, unix::signal(unix::SignalKind::terminate())?]));
    async move {
        let [interrupt, terminate] = signals?;
        let (mut interrupt, mut terminate) = (pin!(interrupt.wait(site)), pin!(terminate.wait(site)));
        poll_fn(|cx| match interrupt.as_mut().poll(cx) {
            Poll::Pending => terminate.as_mut().poll(cx),
            ready => ready,
        })
        .await
    }
}

/// Unix signals.
pub mod unix {
    use crate::io::Io;
    use dormouse_executor::io::Interest;
    use dormouse_wait::frame::Site;
    use futures_core::stream::{FusedStream, Stream};
    use mio::net::UnixStream;
    use signal_hook_registry::{FORBIDDEN, SigId, register, unregister};
    use std::fmt;
    use std::io::{self, ErrorKind, Read};
    use std::panic::Location;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    /// Which signal.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct SignalKind(i32);

    macro_rules! kinds {
        ($($name:ident $signal:ident $what:literal,)*) => {
            impl SignalKind {
                $(
                    #[doc = concat!("`SIG", stringify!($signal), "`: ", $what, ".")]
                    pub fn $name() -> SignalKind {
                        SignalKind(rustix::process::Signal::$signal.as_raw())
                    }
                )*
            }
        };
    }

    kinds! {
        alarm ALARM "a timer of the process",
        child CHILD "a child process has ended",
        hangup HUP "the terminal is gone; to many services: read your configuration again",
        interrupt INT "Ctrl-C",
        pipe PIPE "nobody reads what was written",
        quit QUIT "Ctrl-\\",
        terminate TERM "the process is to end",
        user_defined1 USR1 "as the program likes",
        user_defined2 USR2 "as the program likes",
        window_change WINCH "the terminal has another size",
    }

    impl SignalKind {
        /// The signal with this number.
        pub const fn from_raw(number: i32) -> SignalKind {
            SignalKind(number)
        }

        /// Its number.
        pub const fn as_raw(self) -> i32 {
            self.0
        }
    }

    /// Waits for signals of one kind: see [`signal`].
    ///
    /// Several that come before one is received count as one, as the system has it too. Each `Signal` is told of each.
    ///
    /// As a stream it does not end, unless its runtime does.
    #[must_use = "signals that nobody receives have no effect"]
    pub struct Signal {
        io: Io<UnixStream>,
        kind: SignalKind,
        id: SigId,
        ended: bool,
    }

    /// Listens for signals of this kind from now on, in the runtime that the thread is in.
    ///
    /// # Errors
    /// For a signal that cannot be handled, as `SIGKILL` and `SIGSEGV`; outside of a runtime; what the system says.
    ///
    /// ```no_run
    /// use dormouse_net::signal::unix::{SignalKind, signal};
    /// # async fn example() -> std::io::Result<()> {
    /// let mut hangups = signal(SignalKind::hangup())?;
    /// while hangups.recv().await.is_ok() {
    ///     println!("reading the configuration again");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn signal(kind: SignalKind) -> io::Result<Signal> {
        if FORBIDDEN.contains(&kind.0) {
            let text = format!("signal {} cannot be waited for", kind.0);
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        let (reader, writer) = std::os::unix::net::UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let io = Io::with_interest(UnixStream::from_std(reader), Interest::READABLE)?;
        Ok(Signal { io, kind, id: tell(kind, writer)?, ended: false })
    }

    /// Writes a byte to `writer` for each signal of this kind, until that is unregistered.
    pub(crate) fn tell(kind: SignalKind, writer: std::os::unix::net::UnixStream) -> io::Result<SigId> {
        writer.set_nonblocking(true)?;
        let told = move || {
            // If it is full, the reader has yet to learn of those before. (The registry keeps `errno`.)
            let _ = rustix::io::write(&writer, &[1]);
        };
        // SAFETY: all that is called in the handler is `write`, which is safe there.
        unsafe { register(kind.0, told) }
    }

    /// Takes all that is there; `WouldBlock` if nothing is.
    fn drain(mut socket: &UnixStream) -> io::Result<()> {
        let (mut buf, mut any) = ([0; 64], false);
        loop {
            match socket.read(&mut buf) {
                // The writer is there as long as this is.
                Ok(_) => any = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && any => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    impl Signal {
        /// Waits for the next signal.
        ///
        /// # Errors
        /// When the runtime is gone, or if it has to wait outside of it.
        ///
        /// # Cancel safety
        /// Safe to drop at any moment: no signal is lost.
        #[track_caller]
        pub fn recv(&mut self) -> impl Future<Output = io::Result<()>> + '_ {
            self.wait(Location::caller())
        }

        pub(crate) fn wait(&self, site: Site) -> impl Future<Output = io::Result<()>> + '_ {
            self.io.run(Interest::READABLE, site, drain)
        }
    }

    impl Stream for Signal {
        type Item = ();

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
            if self.ended {
                return Poll::Ready(None);
            }
            let received = ready!(self.io.poll(cx, Interest::READABLE, |socket, _| drain(socket)));
            self.ended = received.is_err();
            Poll::Ready(received.ok())
        }
    }

    impl FusedStream for Signal {
        fn is_terminated(&self) -> bool {
            self.ended
        }
    }

    impl Drop for Signal {
        fn drop(&mut self) {
            unregister(self.id);
        }
    }

    impl fmt::Debug for Signal {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Signal").field("kind", &self.kind).finish_non_exhaustive()
        }
    }
}
