//! Services, and what the server puts around one: requests are counted, panics caught.
use super::activity::Activity;
use dormouse_sync::Context as Scope;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::Service;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::service::TowerToHyperService;
use pin_project::pin_project;
use std::error::Error;
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

/// The service of one connection.
pub(super) struct Watched<S> {
    pub(super) service: S,
    pub(super) activity: Arc<Activity>,
    /// Done when the server shuts down.
    pub(super) closing: Scope,
}

impl<S: HttpService> Service<Request<Incoming>> for Watched<S> {
    type Response = Response<Answer<S::Answer>>;
    type Error = S::Error;
    type Future = Call<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let http2 = request.version() == Version::HTTP_2;
        self.activity.begin(http2);
        let open = Open { activity: self.activity.clone(), http2, given: false };
        // What a panic leaves behind is the service's own.
        let future = catch_unwind(AssertUnwindSafe(|| self.service.call(request))).ok();
        Call { future, open: Some(open), closing: (!http2).then(|| self.closing.clone()) }
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

/// An answer to be.
#[pin_project]
pub(super) struct Call<F> {
    /// Gone after a panic.
    #[pin]
    future: Option<F>,
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
            Some(polled) => ready!(polled)?.map(Some),
            None => {
                let mut response = Response::new(None);
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        };
        let mut open = this.open.take().expect("polled until it is ready");
        open.give();
        let mut response = response.map(|body| Answer { body, open });
        if this.closing.as_ref().is_some_and(Scope::is_done) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response))
    }
}

/// The body of an answer.
#[pin_project]
pub(super) struct Answer<B> {
    /// None if the service has panicked: then it is empty.
    #[pin]
    body: Option<B>,
    open: Open,
}

impl<B: Body<Error: Into<BoxError>>> Body for Answer<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.project();
        let Some(body) = this.body.as_pin_mut() else { return Poll::Ready(None) };
        this.open.taken();
        match catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))) {
            Ok(polled) => {
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
