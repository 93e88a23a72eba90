//! TLS connections, whose first read does the handshake.
use dormouse::net::http::Listener;
use dormouse::net::http::hyper::rt::{Read, ReadBufCursor, Write};
use dormouse::net::{TcpListener, TcpStream};
use futures::io::{AsyncRead, AsyncWrite};
use futures_rustls::rustls::ServerConfig;
use futures_rustls::{Accept, TlsAcceptor, server};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

pub(crate) struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, config: Arc<ServerConfig>) -> TlsListener {
        TlsListener { listener, acceptor: config.into() }
    }

    fn begin(&self, stream: TcpStream) -> TlsStream {
        TlsStream(State::Handshake(Box::new(self.acceptor.accept(stream))))
    }
}

impl Listener for TlsListener {
    type Stream = TlsStream;

    async fn accept(&mut self) -> io::Result<TlsStream> {
        let stream = Listener::accept(&mut self.listener).await?;
        Ok(self.begin(stream))
    }

    fn try_accept(&mut self) -> io::Result<TlsStream> {
        let stream = Listener::try_accept(&mut self.listener)?;
        Ok(self.begin(stream))
    }

    fn refuse(&mut self) -> bool {
        Listener::refuse(&mut self.listener)
    }
}

/// A connection of the listener.
pub(crate) struct TlsStream(State);

enum State {
    Handshake(Box<Accept<TcpStream>>),
    Open(Box<server::TlsStream<TcpStream>>),
    /// The client was told why, as far as it could be.
    Failed,
}

impl TlsStream {
    /// The stream, once its handshake is done.
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Pin<&mut server::TlsStream<TcpStream>>>> {
        if let State::Handshake(accept) = &mut self.0 {
            let accepted = ready!(Pin::new(accept).poll(cx));
            self.0 = State::Failed;
            self.0 = State::Open(Box::new(accepted?));
        }
        match &mut self.0 {
            State::Open(stream) => Poll::Ready(Ok(Pin::new(stream))),
            _ => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }
}

impl Read for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = ready!(self.poll_open(cx))?;
        let read = ready!(stream.poll_read(cx, buf.initialize_unfilled()))?;
        // SAFETY: all of it is initialized.
        unsafe { buf.advance(read) };
        Poll::Ready(Ok(()))
    }
}

impl Write for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true // rustls copies them in any case
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_close(cx)
    }
}
