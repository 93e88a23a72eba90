//! One line in the log for each request, and its place in the counts: when its answer has ended, or nobody waits for it.
use crate::App;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use pin_project::pin_project;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// The client has gone before its answer.
const GONE: u16 = 499;
/// The handler has panicked: this is what the server says then.
const PANICKED: u16 = 500;

/// Whose request it is: an extension of each.
#[derive(Clone, Copy)]
pub(crate) struct Client(pub(crate) SocketAddr);

pub(crate) async fn log(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut entry = Entry::new(app, &request);
    let response = next.run(request).await;
    entry.status = response.status().as_u16();
    response.map(|body| Body::new(Watched { body, entry }))
}

/// A request, from its head on. Its drop is the end.
struct Entry {
    app: Arc<App>,
    since: Instant,
    client: Option<Client>,
    method: &'static str,
    route: Option<MatchedPath>,
    path: String,
    status: u16,
    bytes: u64,
}

impl Entry {
    fn new(app: Arc<App>, request: &Request) -> Entry {
        app.traffic.begin();
        Entry {
            app,
            since: Instant::now(),
            client: request.extensions().get().copied(),
            method: name(request.method()),
            route: request.extensions().get().cloned(),
            path: request.uri().path().into(),
            status: GONE,
            bytes: 0,
        }
    }
}

/// The method's name. A client may invent any: the counts must not grow by that.
fn name(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
    known.into_iter().find(|known| known == method).unwrap_or("OTHER")
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = self.since.elapsed();
        if std::thread::panicking() {
            self.status = PANICKED;
        }
        let route = self.route.as_ref().map_or("none", MatchedPath::as_str);
        self.app.traffic.end(route, self.method, self.status, took);
        let (method, status, bytes) = (self.method, self.status, self.bytes);
        let ms = took.as_micros() as f64 / 1000.0;
        let client = self.client.map(|client| tracing::field::display(client.0));
        tracing::info!(client, method, path = self.path, status, ms, bytes, "request");
    }
}

/// An answer's body, whose bytes are counted.
#[pin_project]
struct Watched {
    #[pin]
    body: Body,
    entry: Entry,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            this.entry.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
