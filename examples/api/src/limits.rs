//! How long a request may take, how large it may be, and how many there are at once.
use crate::App;
use crate::problem::Problem;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use dormouse::prelude::*;
use dormouse::sync::Semaphore;
use http_body_util::LengthLimitError;
use std::error::Error;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Limits {
    /// How long a client may take to send a request, and how long that may then wait and run.
    pub(crate) time: Duration,
    /// The bytes of a body.
    pub(crate) body: usize,
    /// Who runs. The others wait in their order.
    pub(crate) running: Semaphore,
}

/// Reads all of the request, and only then takes a place among those that run: a slow client takes none.
pub(crate) async fn limit(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let limits = &app.limits;
    let (head, body) = request.into_parts();
    let body = match time::timeout(limits.time, whole(body, limits.body)).await {
        Ok(body) => body?,
        Err(_) => {
            let message = format!("the request has not come within {:?}", limits.time);
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", message));
        }
    };
    let answer = async {
        let _place = limits.running.acquire().await.expect("nobody closes it");
        next.run(Request::from_parts(head, body.into())).await
    };
    time::timeout(limits.time, answer).await.map_err(|_| {
        let message = format!("no answer within {:?}; a change may have been made or not", limits.time);
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", message)
    })
}

async fn whole(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let large =
        || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "large", format!("a body has up to {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(large());
    }
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        if error.source().is_some_and(|source| source.is::<LengthLimitError>()) {
            large()
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "malformed", format!("the body: {error}"))
        }
    })
}
