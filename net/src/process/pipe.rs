//! Our ends of a child's pipes.
use crate::dialect::{reads, writes};
use crate::io::Io;
use crate::methods::descriptors;
use dormouse_executor::io::Interest;
use mio::unix::pipe::{Receiver, Sender};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

macro_rules! pipe {
    ($(#[$doc:meta])* $name:ident, $end:ident, $interest:ident) => {
        $(#[$doc])*
        ///
        /// # Cancel safety
        /// A read or write of the traits that is dropped while it waits has done nothing.
        pub struct $name {
            io: Io<$end>,
        }

        impl $name {
            /// Takes over a pipe of `std`, in the runtime that the thread is in.
            ///
            /// # Errors
            /// Outside of a runtime; what the system says.
            pub fn from_std(pipe: std::process::$name) -> io::Result<$name> {
                let pipe = $end::from(pipe);
                pipe.set_nonblocking(true)?;
                Ok($name { io: Io::with_interest(pipe, Interest::$interest)? })
            }

            /// The pipe's descriptor, out of the runtime. It blocks, as other programs expect.
            ///
            /// # Errors
            /// What the system says; if it was closed.
            pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
                let pipe = self.io.into_inner()?;
                pipe.set_nonblocking(false)?;
                Ok(pipe.into())
            }

            fn io(&self) -> &Io<$end> {
                &self.io
            }
        }

        impl TryFrom<std::process::$name> for $name {
            type Error = io::Error;
            fn try_from(pipe: std::process::$name) -> io::Result<$name> {
                $name::from_std(pipe)
            }
        }

        /// For another child, which reads or writes in our place. (The [`Command`](super::Command) that it is given to
        /// holds it until it is dropped.)
        impl TryFrom<$name> for Stdio {
            type Error = io::Error;
            fn try_from(pipe: $name) -> io::Result<Stdio> {
                pipe.into_owned_fd().map(Stdio::from)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.io.fmt(f)
            }
        }
    };
}

pipe! {
    /// What a child reads as its standard input.
    ///
    /// `close` of the traits closes the pipe, as dropping it does: the child reads the end. What is written after that
    /// fails, and so does what is written when the child reads no more (`BrokenPipe`).
    ChildStdin, Sender, WRITABLE
}

pipe! {
    /// What a child writes as its standard output. The end comes when it, and whatever process has this output from it,
    /// has closed it or ended.
    ChildStdout, Receiver, READABLE
}

pipe! {
    /// What a child writes as its standard error. It ends as [`ChildStdout`] does.
    ChildStderr, Receiver, READABLE
}

writes!(ChildStdin, this => {
    this.io.close();
    Ok(())
});
reads!(ChildStdout);
reads!(ChildStderr);
descriptors!(ChildStdout);
descriptors!(ChildStderr);

#[cfg(any(feature = "tokio-io", feature = "hyper"))]
impl crate::stream::ReadUninit for Receiver {
    fn read_uninit(&self, buf: &mut [std::mem::MaybeUninit<u8>]) -> io::Result<usize> {
        Ok(rustix::io::read(self, buf)?.0.len())
    }
}
