//! What all sockets have, all streams, and all datagram sockets: readiness, and calls that do not wait.

/// Readiness of what has a method `io`. The generics of `$type`, if it has any, come after it.
macro_rules! readiness_methods {
    ($type:ty $(, $($generics:tt)*)?) => {
        impl $(<$($generics)*>)? $type {
            /// Waits until there is something to read, the end included.
            ///
            /// A hint: a read after it may still find nothing. What reads and writes by a future waits by itself; this is
            /// for the calls that do not wait.
            ///
            /// # Errors
            /// When the runtime is gone, or if it has to wait outside of it.
            ///
            /// # Cancel safety
            /// Safe to drop at any moment.
            ///
            /// # Fairness
            /// All who wait are woken together.
            #[track_caller]
            pub fn readable(&self) -> impl Future<Output = io::Result<()>> + '_ {
                let ready = self.ready(Interest::READABLE);
                async move { ready.await.map(drop) }
            }

            /// Waits until there is room to write, or an error. See [`readable`](Self::readable).
            ///
            /// # Errors
            /// When the runtime is gone, or if it has to wait outside of it.
            ///
            /// # Cancel safety
            /// Safe to drop at any moment.
            #[track_caller]
            pub fn writable(&self) -> impl Future<Output = io::Result<()>> + '_ {
                let ready = self.ready(Interest::WRITABLE);
                async move { ready.await.map(drop) }
            }

            /// Waits until one of `interest` is ready, and says what is. It stays so until a call that does not wait says
            /// `WouldBlock`. See [`readable`](Self::readable).
            ///
            /// # Errors
            /// When the runtime is gone, or if it has to wait outside of it.
            ///
            /// # Cancel safety
            /// Safe to drop at any moment.
            #[track_caller]
            pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> + '_ {
                self.io().ready(interest, Location::caller())
            }
        }
    };
}

/// Readiness, and the socket's own error, of what has a method `io`.
macro_rules! socket_methods {
    ($type:ident) => {
        crate::methods::readiness_methods!($type);

        impl $type {
            /// The error that the socket holds, which is taken away.
            ///
            /// # Errors
            /// What the system says.
            pub fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.io().sock().take_error()
            }
        }
    };
}

/// Methods of the stream `$stream`, which has a method `io`.
macro_rules! stream_methods {
    ($stream:ident) => {
        impl $stream {
            /// Reads what is there, without waiting. 0 is the end (or an empty `buf`).
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there; what the system says.
            pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.io().attempt(Interest::READABLE, |mut socket| socket.read(buf))
            }

            /// Reads what is there into several buffers, without waiting. 0 is the end.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there; what the system says.
            pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.io().attempt(Interest::READABLE, |mut socket| socket.read_vectored(bufs))
            }

            /// Writes what there is room for, without waiting.
            ///
            /// # Errors
            /// `WouldBlock` if there is no room; what the system says.
            pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
                self.io().attempt(Interest::WRITABLE, |mut socket| socket.write(buf))
            }

            /// Writes what there is room for out of several buffers, without waiting.
            ///
            /// # Errors
            /// `WouldBlock` if there is no room; what the system says.
            pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                self.io().attempt(Interest::WRITABLE, |mut socket| socket.write_vectored(bufs))
            }

            /// Ends one direction or both: the other side reads the end, what is to be read here is given up. It does not
            /// wait.
            ///
            /// # Errors
            /// What the system says, as when the other side is gone.
            pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                self.io().sock().shutdown(how)
            }
        }

        crate::methods::socket_methods!($stream);
        crate::dialect::reads!($stream);
        crate::dialect::writes!($stream);
    };
}

/// Methods of the datagram socket `$type`, which has a method `io`, and addresses of the type `$addr`.
macro_rules! datagram_methods {
    ($type:ident, $addr:ty) => {
        impl $type {
            /// The address on this side.
            ///
            /// # Errors
            /// What the system says.
            pub fn local_addr(&self) -> io::Result<$addr> {
                self.io().local_addr()
            }

            /// The address that it is connected to.
            ///
            /// # Errors
            /// If it is not.
            pub fn peer_addr(&self) -> io::Result<$addr> {
                self.io().peer_addr()
            }

            /// Receives a datagram, and says from where. What does not fit into `buf` is given up.
            ///
            /// # Errors
            /// What the system says.
            ///
            /// # Cancel safety
            /// Safe to drop at any moment: no datagram is lost.
            ///
            /// # Fairness
            /// Of several tasks that receive, any may have the next datagram.
            #[track_caller]
            pub fn recv_from<'a>(
                &'a self,
                buf: &'a mut [u8],
            ) -> impl Future<Output = io::Result<(usize, $addr)>> + 'a {
                self.io().run(Interest::READABLE, Location::caller(), |socket| socket.recv_from(buf))
            }

            /// Receives a datagram if one is there, and says from where.
            ///
            /// # Errors
            /// `WouldBlock` if none is there; what the system says.
            pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, $addr)> {
                self.io().attempt(Interest::READABLE, |socket| socket.recv_from(buf))
            }

            /// Receives a datagram from the address that it is connected to. What does not fit into `buf` is given up.
            ///
            /// # Errors
            /// What the system says.
            ///
            /// # Cancel safety
            /// Safe to drop at any moment: no datagram is lost.
            #[track_caller]
            pub fn recv<'a>(&'a self, buf: &'a mut [u8]) -> impl Future<Output = io::Result<usize>> + 'a {
                self.io().run(Interest::READABLE, Location::caller(), |socket| socket.recv(buf))
            }

            /// Receives a datagram if one is there.
            ///
            /// # Errors
            /// `WouldBlock` if none is there; what the system says.
            pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.io().attempt(Interest::READABLE, |socket| socket.recv(buf))
            }

            /// Sends a datagram to the address that it is connected to.
            ///
            /// # Errors
            /// What the system says, as when it is not connected, or nobody is there.
            ///
            /// # Cancel safety
            /// Safe to drop at any moment: it was sent, or not.
            #[track_caller]
            pub fn send<'a>(&'a self, buf: &'a [u8]) -> impl Future<Output = io::Result<usize>> + 'a {
                self.io().run(Interest::WRITABLE, Location::caller(), |socket| socket.send(buf))
            }

            /// Sends a datagram if there is room.
            ///
            /// # Errors
            /// `WouldBlock` if there is none; what the system says.
            pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
                self.io().attempt(Interest::WRITABLE, |socket| socket.send(buf))
            }
        }

        crate::methods::socket_methods!($type);
    };
}

/// `AsFd`, `AsRawFd`, and on Windows their likes, of what has an `io()`.
macro_rules! descriptors {
    ($type:ty) => {
        #[cfg(unix)]
        impl std::os::fd::AsFd for $type {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                std::os::fd::AsFd::as_fd(&**self.io())
            }
        }

        #[cfg(unix)]
        impl std::os::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                std::os::fd::AsRawFd::as_raw_fd(&**self.io())
            }
        }
    };
}

pub(crate) use {datagram_methods, descriptors, readiness_methods, socket_methods, stream_methods};
