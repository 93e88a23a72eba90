//! Services, and what the server puts around one: requests are counted, panics caught.
use super::activity::Activity;
use dormouse_executor::time::{self, Duration, Instant, Sleep};
use dormouse_sync::Context as Scope;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::Extensions;
use hyper::service::Service;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::service::TowerToHyperService;
use pin_project::pin_project;
use std::error::Error;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

type BoxError = Box<dyn Error + Send + Sync>;

/// What [`serve`](super::serve) needs of a hyper service; it holds for all that have it. Each connection has a clone.
pub trait HttpService:
    Service<
        Request<Incoming>,
        Response = Response<Self::Answer>,
        Error: Into<BoxError>,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
    /// The body of its answers.
    type Answer: Body<Data: Send, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> HttpService for S
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Answer = B;
}

/// What can be [served](super::serve): a service of hyper, or one of tower (such as axum's `Router`).
///
/// `Kind` says which of the two it is; the compiler finds it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no service of HTTP requests",
    note = "it must be a `hyper::service::Service<Request<Incoming>>` (as from `service_fn`) or a \
            `tower::Service<Request<Incoming>>` (as axum's `Router`), `Clone` and `Send`, with futures that are `Send`"
)]
pub trait IntoService<Kind> {
    /// The service as one of hyper's.
    type Service: HttpService;

    /// Makes it one of hyper's.
    fn into_service(self) -> Self::Service;
}

/// A [`hyper::service::Service`].
#[derive(Debug)]
pub enum ByHyper {}

/// A service of tower.
#[derive(Debug)]
pub enum ByTower {}

impl<S: HttpService> IntoService<ByHyper> for S {
    type Service = S;

    fn into_service(self) -> S {
        self
    }
}

impl<S> IntoService<ByTower> for S
where
    S: tower_service::Service<Request<Incoming>> + Clone,
    TowerToHyperService<S>: HttpService,
{
    type Service = TowerToHyperService<S>;

    fn into_service(self) -> Self::Service {
        TowerToHyperService::new(self)
    }
}

/// Asks a connection's stream what its requests are told.
pub(super) type Info<I> = Arc<dyn Fn(&I) -> io::Result<Tell> + Send + Sync>;

/// Tells a request.
pub(super) type Tell = Box<dyn Fn(&mut Extensions) + Send + Sync>;

/// The service of one connection.
pub(super) struct Watched<S> {
    pub(super) service: S,
    pub(super) tell: Option<Tell>,
    pub(super) activity: Arc<Activity>,
    /// How long a request may take.
    pub(super) limit: Option<Duration>,
    /// Done when the server shuts down.
    pub(super) closing: Scope,
}

impl<S: HttpService> Service<Request<Incoming>> for Watched<S> {
    type Response = Response<Answer<S::Answer>>;
    type Error = S::Error;
    type Future = Call<S::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let http2 = request.version() == Version::HTTP_2;
        let time = Time::new(self.limit);
        self.activity.begin(http2);
        let open = Open { activity: self.activity.clone(), http2, given: false };
        if let Some(tell) = &self.tell {
            tell(request.extensions_mut());
        }
        // What a panic leaves behind is the service's own.
        let future = catch_unwind(AssertUnwindSafe(|| self.service.call(request))).ok();
        Call { future, open: Some(open), time, closing: (!http2).then(|| self.closing.clone()) }
    }
}

/// A request that is not answered to its end yet.
struct Open {
    activity: Arc<Activity>,
    http2: bool,
    /// The client is to take a part of the answer.
    given: bool,
}

impl Open {
    /// A part is ready. (HTTP/1 asks for the next one at once, or its write is blocked.)
    fn give(&mut self) {
        if self.http2 {
            self.given = true;
            self.activity.give();
        }
    }

    /// It was taken, if there was one: the next one is asked for.
    fn taken(&mut self) {
        if mem::take(&mut self.given) {
            self.activity.taken();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.taken();
        self.activity.end();
    }
}

/// The time that is left to a request.
#[derive(Default)]
struct Time {
    deadline: Option<Instant>,
    /// From when on somebody waits. Apart, for connections whose requests have all the time.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Time {
    fn new(limit: Option<Duration>) -> Time {
        Time { deadline: limit.and_then(|limit| Instant::now().checked_add(limit)), timer: None }
    }

    /// Ready when there is none left.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        self.timer.get_or_insert_with(|| Box::pin(time::sleep_until(deadline))).as_mut().poll(cx)
    }
}

/// An answer to be.
#[pin_project]
pub(super) struct Call<F> {
    /// Gone after a panic, and when its time is over.
    #[pin]
    future: Option<F>,
    time: Time,
    open: Option<Open>,
    /// For HTTP/1, whose answers say whether they are the last.
    closing: Option<Scope>,
}

impl<F, B, E> Future for Call<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Answer<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = match this.future.as_mut().as_pin_mut() {
            Some(future) => catch_unwind(AssertUnwindSafe(|| future.poll(cx))).ok(),
            None => None,
        };
        let response = match polled {
            Some(Poll::Ready(response)) => response?.map(Some),
            Some(Poll::Pending) => {
                ready!(this.time.poll_over(cx));
                // What it has is given back now, not when the answer has been sent.
                let _ = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
                empty(StatusCode::SERVICE_UNAVAILABLE)
            }
            None => empty(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let mut open = this.open.take().expect("polled until it is ready");
        open.give();
        let time = mem::take(this.time);
        let mut response = response.map(|body| Answer { body, time, open });
        if this.closing.as_ref().is_some_and(Scope::is_done) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response))
    }
}

fn empty<B>(status: StatusCode) -> Response<Option<B>> {
    let mut response = Response::new(None);
    *response.status_mut() = status;
    response
}

/// The body of an answer.
#[pin_project]
pub(super) struct Answer<B> {
    /// None if the service has panicked, or its time was over: then it is empty.
    #[pin]
    body: Option<B>,
    time: Time,
    open: Open,
}

impl<B: Body<Error: Into<BoxError>>> Body for Answer<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        this.open.taken();
        match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll_frame(cx))) {
            Ok(polled) => {
                let ends = matches!(polled, Poll::Ready(None | Some(Err(_)))) || body.is_end_stream();
                if !ends && this.time.poll_over(cx).is_ready() {
                    return Poll::Ready(Some(Err("the answer took too long".into())));
                }
                if let Poll::Ready(Some(_)) = polled {
                    this.open.give();
                }
                polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
            Err(_) => Poll::Ready(Some(Err("the body of the answer panicked".into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
