//! One connection: two directions, each with its own end.
use crate::activity::Activity;
use dormouse::net::TcpStream;
use dormouse::prelude::*;
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use std::fmt;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a read takes at most.
const CHUNK: usize = 16 * 1024;

/// What the proxy has done. Bytes count when they are written.
#[derive(Default)]
pub(crate) struct Counters {
    connections: AtomicU64,
    failed: AtomicU64,
    to_target: AtomicU64,
    to_clients: AtomicU64,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { connections, failed, to_target, to_clients } = self;
        let [connections, failed, to_target, to_clients] =
            [connections, failed, to_target, to_clients].map(|counter| counter.load(Relaxed));
        write!(
            f,
            "{connections} connections, {failed} of them failed; {to_target} bytes to the target, {to_clients} to clients"
        )
    }
}

pub(crate) struct Relay {
    pub(crate) target: String,
    /// How long nothing may happen.
    pub(crate) idle: Option<Duration>,
    pub(crate) counters: Counters,
}

impl Relay {
    /// Passes `client` on to the target until both directions have ended, or something has failed, or `serving` is done.
    pub(crate) async fn run(&self, mut client: TcpStream, serving: &Context) -> io::Result<()> {
        self.counters.connections.fetch_add(1, Relaxed);
        let mut target = None;
        let activity = Activity::now();
        let idle = async {
            match self.idle {
                Some(limit) => activity.idle(limit).await,
                None => pending().await,
            }
        };
        let end = select! {
            end = self.both_ways(&mut client, &mut target, &activity) => end,
            () = idle => Err(ErrorKind::TimedOut.into()),
            _ = serving.done() => Err(io::Error::new(ErrorKind::ConnectionAborted, "cut off by the shutdown")),
        };
        if end.is_err() {
            self.counters.failed.fetch_add(1, Relaxed);
            // Closed like this a connection is reset; as it is closed else, the other side may take it for the end.
            for stream in [Some(client), target].into_iter().flatten() {
                let _ = stream.reset(); // if that fails, it is gone already
            }
        }
        end
    }

    async fn both_ways(
        &self,
        client: &mut TcpStream,
        target: &mut Option<TcpStream>,
        activity: &Activity,
    ) -> io::Result<()> {
        let connecting = TcpStream::connect(self.target.as_str()).await;
        let target = target.insert(
            connecting.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.target)))?,
        );
        client.set_nodelay(true)?;
        target.set_nodelay(true)?;
        let (from_client, to_client) = TcpStream::split(client);
        let (from_target, to_target) = TcpStream::split(target);
        futures::try_join!(
            pass(from_client, to_target, activity, &self.counters.to_target),
            pass(from_target, to_client, activity, &self.counters.to_clients),
        )?;
        Ok(())
    }
}

/// Passes on what `from` says, and its end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    activity: &Activity,
    counter: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let mut rest = match from.read(&mut buffer).await? {
            0 => return to.close().await,
            read => &buffer[..read],
        };
        activity.note();
        while !rest.is_empty() {
            let written = to.write(rest).await?;
            activity.note();
            counter.fetch_add(written as u64, Relaxed);
            rest = &rest[written..];
        }
    }
}
