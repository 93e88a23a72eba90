//! The server: accepting, and shutting down.
use super::activity::{Activity, LAST_CALL, Limits};
use super::connection::{self, Shared};
use super::listener::Listener;
use super::service::{HttpService, Info, IntoService};
use super::stream::{Begin, Stream};
use crate::hyper_rt::{Executor, Timer};
use dormouse_executor::task;
use dormouse_executor::time::{self, Duration, Instant};
use dormouse_sync::{Context, OwnedSemaphorePermit, Semaphore, WaitGroup};
use hyper::Version;
use hyper_util::server::conn::auto;
use std::fmt;
use std::future::{Pending, pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

/// Serves the connections of `listener` with `service`, each in a task of its own. The result is awaited; its methods set
/// the limits and the shutdown. See the [module](super).
///
/// It goes on until the [shutdown](Serve::with_graceful_shutdown), or an error of the listener. Dropping it closes the
/// listener and drops the connections at their next await.
///
/// # Panics
/// When awaited outside of a runtime.
///
/// # Fairness
/// Connections are accepted in the order of the system's queue, and wait there for those over the
/// [limit](Serve::max_connections).
pub fn serve<L, S, Kind>(listener: L, service: S) -> Serve<L, S::Service>
where
    L: Listener,
    S: IntoService<Kind>,
{
    Serve {
        listener,
        service: service.into_service(),
        shutdown: pending(),
        deadline: Some(Duration::from_secs(30)),
        connections: None,
        limits: Limits {
            header: Some(Duration::from_secs(30)),
            request: None,
            idle: Some(Duration::from_secs(60)),
        },
        only: None,
        info: None,
    }
}

/// A server that is about to serve: see [`serve`].
#[must_use = "a server does nothing unless it is awaited"]
pub struct Serve<L: Listener, S, F = Pending<()>> {
    listener: L,
    service: S,
    shutdown: F,
    deadline: Option<Duration>,
    connections: Option<usize>,
    limits: Limits,
    only: Option<Version>,
    info: Option<Info<L::Stream>>,
}

impl<L: Listener, S, F> Serve<L, S, F> {
    /// Shuts down when `shutdown` is ready, whatever it says: what happens then is told [here](super#shutdown).
    ///
    /// ```no_run
    /// # use dormouse_net::{TcpListener, http};
    /// # async fn example<S: http::HttpService>(listener: TcpListener, service: S) -> std::io::Result<()> {
    /// use dormouse_net::signal::ctrl_c;
    /// http::serve(listener, service).with_graceful_shutdown(ctrl_c()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_graceful_shutdown<G: Future>(self, shutdown: G) -> Serve<L, S, G> {
        let Serve { listener, service, deadline, connections, limits, only, info, .. } = self;
        Serve { listener, service, shutdown, deadline, connections, limits, only, info }
    }

    /// How long the connections have from the shutdown on, 30 s unless this says else; `None`: as long as they take.
    pub fn shutdown_deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// How many connections there may be at once. More wait, in the system's queue, until others end. An upgraded
    /// connection counts as long as it is held.
    ///
    /// # Panics
    /// If it is 0.
    pub fn max_connections(mut self, connections: usize) -> Self {
        assert!(connections > 0, "dormouse: a server with `max_connections(0)` would serve nobody");
        self.connections = Some(connections);
        self
    }

    /// How long a client may take to send a request's head, 30 s unless this says else; `None`: as long as it likes. The
    /// time of a connection's first request counts from the accept, of a further one from its first byte. The connection
    /// is closed then, without an answer.
    pub fn header_read_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.limits.header = timeout.into();
        self
    }

    /// How long the service may take for a request, from the end of its head to the end of the answer's body; `None`, which
    /// is the default: as long as it likes. What is over then is given up: the service's future is dropped and 503 answered,
    /// with an empty body; if the answer has begun, its connection (HTTP/2: its stream) is broken off, so that the client
    /// sees that it is not complete.
    ///
    /// The service's time to read the request's body is a part of it, so a client that sends it slowly gets 503 too. Whether
    /// the client takes what the service gives is the affair of [`idle_timeout`](Serve::idle_timeout). A service that
    /// blocks its thread is not stopped. After an upgrade the time has ended with the answer.
    ///
    /// It holds for all requests, also for those whose answers have no end, such as streams of events: where there are some,
    /// give the other handlers a [`timeout`](dormouse_executor::time::timeout) each instead.
    pub fn request_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.limits.request = timeout.into();
        self
    }

    /// Speaks HTTP/1 only, with all clients: a connection that begins as HTTP/2 does is closed. Of this and
    /// [`http2_only`](Serve::http2_only) the last one counts.
    pub fn http1_only(mut self) -> Self {
        self.only = Some(Version::HTTP_11);
        self
    }

    /// Speaks HTTP/2 only, with all clients: a connection that begins otherwise is closed. Of this and
    /// [`http1_only`](Serve::http1_only) the last one counts.
    pub fn http2_only(mut self) -> Self {
        self.only = Some(Version::HTTP_2);
        self
    }

    /// Tells all requests of a connection what `info` says of its stream, as one of their
    /// [extensions](hyper::Request::extensions): the client's address, for example. A connection is closed when that is an
    /// error, as it is of one that the client has given up already.
    ///
    /// ```no_run
    /// # use dormouse_net::http::{self, http_body_util::Full, hyper};
    /// # use dormouse_net::{TcpListener, TcpStream};
    /// # use hyper::{Request, Response, body::{Bytes, Incoming}, service::service_fn};
    /// # use std::{convert::Infallible, net::SocketAddr};
    /// # async fn example(listener: TcpListener) -> std::io::Result<()> {
    /// #[derive(Clone)]
    /// struct Peer(SocketAddr);
    ///
    /// async fn who(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    ///     let Peer(addr) = request.extensions().get().expect("each request has it");
    ///     Ok(Response::new(Full::from(format!("you are {addr}\n"))))
    /// }
    ///
    /// http::serve(listener, service_fn(who)).with_connect_info(|stream: &TcpStream| stream.peer_addr().map(Peer)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// axum's handlers have it as `Extension<Peer>`, or, with `.map(axum::extract::ConnectInfo)` and axum's feature `tokio`, as
    /// `ConnectInfo<SocketAddr>`.
    ///
    /// `info` is called once per connection, in its task; if it panics, that ends. A stream of TLS has not done its handshake
    /// then. The last `info` that is given counts.
    pub fn with_connect_info<T: Clone + Send + Sync + 'static>(
        mut self,
        info: impl Fn(&L::Stream) -> io::Result<T> + Send + Sync + 'static,
    ) -> Self {
        self.info = Some(Arc::new(move |stream| {
            let info = info(stream)?;
            Ok(Box::new(move |extensions| drop(extensions.insert(info.clone()))))
        }));
        self
    }

    /// How long a connection may be quiet between two requests, and how long a client may take none of the bytes that are
    /// sent to it, 60 s unless this says else; `None`: as long as it likes. The connection is closed then.
    ///
    /// For HTTP/2 "between two requests" is while none is open, counted from the last byte of whatever kind.
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.limits.idle = timeout.into();
        self
    }
}

impl<L: Listener + fmt::Debug, S, F> fmt::Debug for Serve<L, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Serve { listener, deadline, connections, limits, only, .. } = self;
        f.debug_struct("Serve")
            .field("listener", listener)
            .field("shutdown_deadline", deadline)
            .field("max_connections", connections)
            .field("limits", limits)
            .field("only", only)
            .finish_non_exhaustive()
    }
}

/// What a server has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Connections that were accepted.
    pub connections: u64,
    /// How many of them were open at the deadline of the shutdown, and were dropped; also those that still waited for the
    /// [limit](Serve::max_connections). (An upgraded one is its service's to end; it is counted here too.)
    pub cut_off: usize,
}

impl<L, S, F> IntoFuture for Serve<L, S, F>
where
    L: Listener,
    S: HttpService,
    F: Future + Send + 'static,
{
    type Output = io::Result<Served>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<Served>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<L, S, F> Serve<L, S, F>
where
    L: Listener,
    S: HttpService,
    F: Future + Send + 'static,
{
    async fn run(self) -> io::Result<Served> {
        let mut protocol = auto::Builder::new(Executor);
        // The limits are kept here: hyper's have nothing to say before a first byte, nor in HTTP/2.
        protocol.http1().timer(Timer).header_read_timeout(None);
        protocol.http2().timer(Timer);
        let (cut, cut_off) = Context::background().with_cancel();
        let (closing, close) = cut.with_cancel();
        let _dropped = cut_off.clone().guard();
        let mut server = Server {
            service: self.service,
            shared: Arc::new(Shared { protocol, limits: self.limits, closing, cut }),
            only: self.only,
            info: self.info,
            permits: self.connections.map(|count| Arc::new(Semaphore::new(count))),
            open: WaitGroup::new(),
            connections: 0,
            waiting: 0,
        };
        let mut listener = self.listener;
        let failed = until(self.shutdown, server.accept_all(&mut listener)).await;
        close.cancel();
        let deadline = self.deadline.and_then(|limit| Instant::now().checked_add(limit));
        let late = async {
            match deadline {
                Some(deadline) => time::sleep_until(deadline).await,
                None => pending().await,
            }
        };
        let _ = until(late, server.finish(listener)).await;
        let served = Served {
            connections: server.connections + server.waiting as u64,
            cut_off: server.open.count() + server.waiting,
        };
        cut_off.cancel();
        match failed {
            Some(error) => Err(error),
            None => Ok(served),
        }
    }
}

struct Server<L: Listener, S> {
    service: S,
    shared: Arc<Shared>,
    only: Option<Version>,
    info: Option<Info<L::Stream>>,
    /// One for each connection that there may be.
    permits: Option<Arc<Semaphore>>,
    /// The connections that are open.
    open: WaitGroup,
    /// How many there were.
    connections: u64,
    /// Those that were accepted at shutdown and have no permit yet.
    waiting: usize,
}

impl<L: Listener, S: HttpService> Server<L, S> {
    async fn permit(&mut self) -> Option<OwnedSemaphorePermit> {
        match &self.permits {
            Some(permits) => Some(permits.clone().acquire_owned().await.expect("nobody closes it")),
            None => None,
        }
    }

    /// Takes connections until the listener fails.
    async fn accept_all(&mut self, listener: &mut L) -> io::Error {
        loop {
            // First the permit: what is over the limit stays in the system's queue.
            let permit = self.permit().await;
            match listener.accept().await {
                Ok(stream) => self.spawn(stream, permit),
                Err(error) => return error,
            }
        }
    }

    /// Takes what the system has taken, closes the listener, and waits until nobody is left.
    async fn finish(&mut self, mut listener: L) {
        if listener.refuse() {
            // Those who are about to be connected come to be.
            let _ = until(time::sleep(LAST_CALL), self.accept_all(&mut listener)).await;
        }
        let mut rest = Vec::new();
        while let Ok(stream) = listener.try_accept() {
            rest.push(stream);
        }
        drop(listener);
        self.waiting = rest.len();
        for stream in rest {
            let permit = self.permit().await;
            self.waiting -= 1;
            self.spawn(stream, permit);
        }
        self.open.wait().await;
    }

    fn spawn(&mut self, stream: L::Stream, permit: Option<OwnedSemaphorePermit>) {
        self.connections += 1;
        let activity = Arc::new(Activity::new());
        let begin = self.only.map(Begin::new);
        let stream = Stream { inner: stream, begin, activity, _permit: permit, _open: self.open.guard() };
        let (service, info) = (self.service.clone(), self.info.clone());
        task::go(connection::run(stream, service, info, self.shared.clone()));
    }
}

/// Does `work`; `None` if `stop` is ready before, or at the same time.
async fn until<T>(stop: impl Future, work: impl Future<Output = T>) -> Option<T> {
    let (mut stop, mut work) = (pin!(stop), pin!(work));
    poll_fn(|cx| match stop.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(None),
        Poll::Pending => work.as_mut().poll(cx).map(Some),
    })
    .await
}
