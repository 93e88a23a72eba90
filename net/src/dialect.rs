//! The I/O traits of the ecosystem, for whatever has an `io()` that is a stream.

macro_rules! reads {
    ($type:ty) => {
        impl futures_io::AsyncRead for $type {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.io().poll_read(cx, buf)
            }

            fn poll_read_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.io().poll_read_vectored(cx, bufs)
            }
        }

        #[cfg(all(unix, feature = "tokio-io"))]
        impl tokio::io::AsyncRead for $type {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &mut tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                // SAFETY: nothing that is written there is made unwritten.
                let unfilled = unsafe { buf.unfilled_mut() };
                let got = std::task::ready!(self.io().poll_read_uninit(cx, unfilled))?;
                // SAFETY: so many were written.
                unsafe { buf.assume_init(got) };
                buf.advance(got);
                std::task::Poll::Ready(Ok(()))
            }
        }

        #[cfg(all(unix, feature = "hyper"))]
        impl hyper::rt::Read for $type {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                mut buf: hyper::rt::ReadBufCursor<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                // SAFETY: nothing that is written there is made unwritten.
                let unfilled = unsafe { buf.as_mut() };
                let got = std::task::ready!(self.io().poll_read_uninit(cx, unfilled))?;
                // SAFETY: so many were written.
                unsafe { buf.advance(got) };
                std::task::Poll::Ready(Ok(()))
            }
        }
    };
}

/// The writers are the same but for the name of the close, and that tokio's and hyper's say that they gather.
macro_rules! writer {
    ($trait:path, $type:ty, $this:ident => $closed:expr, $close:ident $(, $gathers:ident)?) => {
        impl $trait for $type {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.io().poll_write(cx, buf)
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.io().poll_write_vectored(cx, bufs)
            }

            $(
                fn $gathers(&self) -> bool {
                    true
                }
            )?

            /// Ready at once: nothing is buffered here.
            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::task::Poll::Ready(Ok(()))
            }

            /// Says that no more will be written; what comes can still be read.
            fn $close(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                let $this = self.get_mut();
                std::task::Poll::Ready($closed)
            }
        }
    };
}

/// `this` is closed by `closed`; a socket by shutting it down.
macro_rules! writes {
    ($type:ty) => {
        crate::dialect::writes!($type, this => this.io().close_write());
    };
    ($type:ty, $this:ident => $closed:expr) => {
        crate::dialect::writer!(futures_io::AsyncWrite, $type, $this => $closed, poll_close);
        #[cfg(all(unix, feature = "tokio-io"))]
        crate::dialect::writer!(
            tokio::io::AsyncWrite, $type, $this => $closed, poll_shutdown, is_write_vectored
        );
        #[cfg(all(unix, feature = "hyper"))]
        crate::dialect::writer!(
            hyper::rt::Write, $type, $this => $closed, poll_shutdown, is_write_vectored
        );
    };
}

/// tokio's reader, by that of `futures_io`.
macro_rules! reads_for_tokio {
    ($type:ty) => {
        #[cfg(feature = "tokio-io")]
        impl tokio::io::AsyncRead for $type {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &mut tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                let unfilled = buf.initialize_unfilled();
                let got = std::task::ready!(futures_io::AsyncRead::poll_read(self, cx, unfilled))?;
                buf.advance(got);
                std::task::Poll::Ready(Ok(()))
            }
        }
    };
}

/// tokio's writer, by that of `futures_io`.
macro_rules! writes_for_tokio {
    ($type:ty) => {
        #[cfg(feature = "tokio-io")]
        impl tokio::io::AsyncWrite for $type {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                futures_io::AsyncWrite::poll_write(self, cx, buf)
            }

            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                futures_io::AsyncWrite::poll_flush(self, cx)
            }

            fn poll_shutdown(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                futures_io::AsyncWrite::poll_close(self, cx)
            }
        }
    };
}

pub(crate) use {reads, reads_for_tokio, writer, writes, writes_for_tokio};
