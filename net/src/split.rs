//! The two halves of a stream, so that one task reads while another writes.

/// The halves of the stream `$stream`, which has a method `io`.
macro_rules! halves {
    ($stream:ident, $io:ty) => {
        /// The reading half of a stream that is borrowed: see [`split`](
        #[doc = concat!(stringify!($stream), "::split).")]
        #[derive(Debug)]
        pub struct ReadHalf<'a>(pub(super) &'a $stream);

        /// The writing half of a stream that is borrowed: see [`split`](
        #[doc = concat!(stringify!($stream), "::split).")]
        #[derive(Debug)]
        pub struct WriteHalf<'a>(pub(super) &'a $stream);

        /// The reading half of a stream, on its own: see [`into_split`](
        #[doc = concat!(stringify!($stream), "::into_split).")]
        #[derive(Debug)]
        pub struct OwnedReadHalf(pub(super) std::sync::Arc<$stream>);

        /// The writing half of a stream, on its own: see [`into_split`](
        #[doc = concat!(stringify!($stream), "::into_split).")]
        ///
        /// Its Drop tells the other side that no more will come, unless it was [reunited](OwnedReadHalf::reunite) or
        /// [forgotten](OwnedWriteHalf::forget).
        #[derive(Debug)]
        pub struct OwnedWriteHalf {
            /// `None` only after it was taken out.
            pub(super) stream: Option<std::sync::Arc<$stream>>,
        }

        /// The halves are not of the same stream. They are given back.
        #[derive(Debug)]
        pub struct ReuniteError(
            /// The reading half.
            pub OwnedReadHalf,
            /// The writing half.
            pub OwnedWriteHalf,
        );

        impl std::fmt::Display for ReuniteError {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the halves are not of the same stream")
            }
        }

        impl std::error::Error for ReuniteError {}

        impl OwnedReadHalf {
            fn io(&self) -> &$io {
                self.0.io()
            }

            /// Puts the two halves together again.
            ///
            /// # Errors
            /// If they are not of the same stream.
            pub fn reunite(self, mut other: OwnedWriteHalf) -> Result<$stream, ReuniteError> {
                let Some(stream) = other.stream.take_if(|stream| std::sync::Arc::ptr_eq(&self.0, stream))
                else {
                    return Err(ReuniteError(self, other));
                };
                drop(stream);
                Ok(std::sync::Arc::into_inner(self.0).expect("there are two halves, and both are here"))
            }
        }

        impl OwnedWriteHalf {
            fn io(&self) -> &$io {
                self.as_ref().io()
            }

            /// Puts the two halves together again.
            ///
            /// # Errors
            /// If they are not of the same stream.
            pub fn reunite(self, other: OwnedReadHalf) -> Result<$stream, ReuniteError> {
                other.reunite(self)
            }

            /// Drops it without telling the other side: the stream stays open both ways until the other half is dropped.
            pub fn forget(mut self) {
                self.stream = None;
            }
        }

        impl Drop for OwnedWriteHalf {
            fn drop(&mut self) {
                if let Some(stream) = &self.stream {
                    // If that cannot be said, the other side is gone.
                    let _ = stream.io().close_write();
                }
            }
        }

        impl ReadHalf<'_> {
            fn io(&self) -> &$io {
                self.0.io()
            }
        }

        impl WriteHalf<'_> {
            fn io(&self) -> &$io {
                self.0.io()
            }
        }

        /// For what needs no half: addresses, options, readiness.
        impl AsRef<$stream> for ReadHalf<'_> {
            fn as_ref(&self) -> &$stream {
                self.0
            }
        }

        /// For what needs no half: addresses, options, readiness.
        impl AsRef<$stream> for WriteHalf<'_> {
            fn as_ref(&self) -> &$stream {
                self.0
            }
        }

        /// For what needs no half: addresses, options, readiness.
        impl AsRef<$stream> for OwnedReadHalf {
            fn as_ref(&self) -> &$stream {
                &self.0
            }
        }

        /// For what needs no half: addresses, options, readiness.
        impl AsRef<$stream> for OwnedWriteHalf {
            fn as_ref(&self) -> &$stream {
                self.stream.as_ref().expect("until it is taken out")
            }
        }

        crate::dialect::reads!(ReadHalf<'_>);
        crate::dialect::reads!(OwnedReadHalf);
        crate::dialect::writes!(WriteHalf<'_>);
        crate::dialect::writes!(OwnedWriteHalf);

        impl $stream {
            /// Two halves that borrow the stream: one task can read while it writes, as with `join!`.
            ///
            /// Where `futures::io::AsyncReadExt` is in scope, `stream.split()` is that one's, which takes the stream:
            #[doc = concat!("say `", stringify!($stream), "::split(&mut stream)`.")]
            pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
                (ReadHalf(self), WriteHalf(self))
            }

            /// Two halves, one to read and one to write, for two tasks. They can be put together again.
            ///
            /// When the writing half is dropped, the other side is told that no more will come.
            pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
                let stream = std::sync::Arc::new(self);
                (OwnedReadHalf(std::sync::Arc::clone(&stream)), OwnedWriteHalf { stream: Some(stream) })
            }
        }
    };
}

pub(crate) use halves;
