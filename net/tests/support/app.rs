//! A service to be tested.
use dormouse_executor::task;
use dormouse_net::http::http_body_util::{BodyExt, Full};
use dormouse_net::http::hyper;
use dormouse_testing::{Count, Gate};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::rt::{Read, ReadBuf, Write};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// What panics on purpose.
pub(crate) const ON_PURPOSE: &str = "a handler panics on purpose";

/// What the service and its test share.
#[derive(Clone, Default)]
pub(crate) struct App {
    /// Requests of `/wait` wait here.
    pub(crate) gate: Gate,
    /// Requests that have come to their handler.
    pub(crate) begun: Arc<Count>,
    /// Requests that are over, answered or not.
    pub(crate) ended: Arc<Count>,
}

impl App {
    pub(crate) async fn handle(self, request: Request<Incoming>) -> Result<Response<Text>, BoxError> {
        self.begun.add();
        let _ended = self.ended.on_drop();
        let answer = |text: &[u8]| Ok(Response::new(Text::Whole(Full::new(Bytes::copy_from_slice(text)))));
        match request.uri().path() {
            "/" => answer(b"hello"),
            "/echo" => answer(&request.into_body().collect().await?.to_bytes()),
            // As large as the number says.
            "/large" => answer(&vec![b'x'; request.uri().query().ok_or("how large?")?.parse()?]),
            "/wait" => {
                self.gate.clone().await;
                answer(b"at last")
            }
            "/upgrade" => {
                task::go(async move {
                    if let Ok(upgraded) = hyper::upgrade::on(request).await {
                        echo(upgraded).await;
                    }
                });
                let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
                let response = response.header(CONNECTION, "upgrade").header(UPGRADE, "echo");
                Ok(response.body(Text::Whole(Full::default()))?)
            }
            "/panic" => std::panic::panic_any(ON_PURPOSE),
            "/body-panic" => Ok(Response::new(Text::Panics)),
            "/error" => Err("no answer to this".into()),
            _ => {
                let mut response = Response::new(Text::Whole(Full::default()));
                *response.status_mut() = StatusCode::NOT_FOUND;
                Ok(response)
            }
        }
    }
}

/// Bodies.
pub(crate) enum Text {
    Whole(Full<Bytes>),
    /// Panics when it is asked for.
    Panics,
}

impl Body for Text {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Text::Whole(text) => {
                Pin::new(text).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
            Text::Panics => std::panic::panic_any(ON_PURPOSE),
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Text::Whole(text) => text.size_hint(),
            Text::Panics => hyper::body::SizeHint::default(),
        }
    }
}

/// Says what it hears, until the end.
async fn echo(mut stream: Upgraded) {
    let mut memory = [0; 64];
    loop {
        let mut buf = ReadBuf::new(&mut memory);
        if poll_fn(|cx| Pin::new(&mut stream).poll_read(cx, buf.unfilled())).await.is_err() {
            return;
        }
        let mut rest = buf.filled();
        if rest.is_empty() {
            return;
        }
        while !rest.is_empty() {
            match poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, rest)).await {
                Ok(count) => rest = &rest[count..],
                Err(_) => return,
            }
        }
    }
}
