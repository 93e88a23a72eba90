//! Limits of single requests and answers.
use crate::app::App;
use crate::{HELLO, WAIT, answer, closed, get, http2, ms, request, s, simulated, start};
use dormouse_executor::task;
use dormouse_executor::time::{Instant, sleep};
use dormouse_net::http::hyper::service::service_fn;
use dormouse_net::http::hyper::{Response, StatusCode};
use dormouse_net::hyper_rt::Executor;
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body that always has more.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 1000])))))
    }
}

#[test]
fn an_http2_client_that_takes_no_more_of_an_answer_is_closed() {
    simulated(async || {
        let service = service_fn(async |_| Ok::<_, Infallible>(Response::new(Endless)));
        let server = start(App::default(), service, |serve| serve.idle_timeout(s(20)));
        let mut client = http2::Builder::new(Executor);
        client.initial_stream_window_size(10_000);
        let (mut send, connection) = client.handshake(server.door.connect()).await.unwrap();
        let connection = task::spawn(async move { drop(connection.await) });
        let mut body = send.send_request(request("/")).await.unwrap().into_body();
        // As long as it takes something, it is waited for.
        for _ in 0..10 {
            let mut taken = 0;
            while taken < 10_000 {
                taken += body.frame().await.unwrap().unwrap().data_ref().unwrap().len();
            }
            sleep(s(19)).await;
        }
        let begin = Instant::now();
        connection.await.unwrap();
        assert!(begin.elapsed() <= s(41));
    });
}

#[test]
fn a_request_that_takes_too_long_is_answered_503() {
    simulated(async || {
        let server = start!(|serve| serve.request_timeout(s(5)).idle_timeout(s(800)));
        let client = server.door.connect();
        for count in 1..3 {
            let begin = Instant::now();
            client.say(WAIT).await;
            assert!(answer(&client, "\r\n\r\n").await.starts_with("HTTP/1.1 503 "));
            assert_eq!(begin.elapsed(), s(5));
            // Its future is gone, and its connection is not.
            assert_eq!((server.app.begun.get(), server.app.ended.get()), (count, count));
        }
        let (mut send, connection) = http2(&server).await;
        let begin = Instant::now();
        assert_eq!(get(&mut send, "/wait").await, (StatusCode::SERVICE_UNAVAILABLE, Bytes::new()));
        assert_eq!(begin.elapsed(), s(5));
        // In time.
        client.say(WAIT).await;
        let stream = task::spawn(async move { get(&mut send, "/wait").await });
        sleep(s(5) - ms(1)).await;
        server.app.gate.open();
        assert!(answer(&client, "at last").await.starts_with("HTTP/1.1 200 "));
        assert_eq!(stream.await.unwrap().1, "at last");
        sleep(s(500)).await;
        client.say(HELLO).await;
        answer(&client, "hello").await;
        connection.abort();
    });
}

#[test]
fn a_body_of_a_request_that_comes_too_slowly_is_answered_503() {
    simulated(async || {
        let server = start!(|serve| serve.request_timeout(s(5)));
        let (client, begin) = (server.door.connect(), Instant::now());
        client.say("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n").await;
        for _ in 0..4 {
            sleep(s(1)).await;
            client.say("x").await;
        }
        assert!(answer(&client, "\r\n\r\n").await.starts_with("HTTP/1.1 503 "));
        assert_eq!((begin.elapsed(), closed(&client).await), (s(5), ms(0)));
    });
}

/// A body whose second part never comes.
struct Half(bool);

impl Body for Half {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match std::mem::replace(&mut self.0, true) {
            true => Poll::Pending,
            false => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"half"))))),
        }
    }
}

#[test]
fn an_answer_that_takes_too_long_is_broken_off() {
    simulated(async || {
        let half = service_fn(async |_| {
            sleep(s(3)).await;
            Ok::<_, Infallible>(Response::new(Half(false)))
        });
        let server = start(App::default(), half, |serve| serve.request_timeout(s(5)));
        let (client, begin) = (server.door.connect(), Instant::now());
        client.say(HELLO).await;
        answer(&client, "4\r\nhalf\r\n").await;
        assert_eq!((closed(&client).await, begin.elapsed()), (s(2), s(5)));
        let (mut send, _connection) = http2(&server).await;
        let begin = Instant::now();
        let mut body = send.send_request(request("/")).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
        body.frame().await.unwrap().unwrap_err();
        assert_eq!(begin.elapsed(), s(5));
    });
}

#[test]
fn an_answer_without_end_is_broken_off_too() {
    simulated(async || {
        let endless = service_fn(async |_| Ok::<_, Infallible>(Response::new(Endless)));
        let server = start(App::default(), endless, |serve| serve.request_timeout(s(5)));
        let (client, begin) = (server.door.connect(), Instant::now());
        client.say(HELLO).await;
        let mut heard = String::new();
        while let more = client.hear().await
            && !more.is_empty()
        {
            heard = more;
            sleep(ms(100)).await;
        }
        assert!(!heard.ends_with("0\r\n\r\n"), "{heard:?}");
        assert!(begin.elapsed() >= s(5) && begin.elapsed() < s(6), "{:?}", begin.elapsed());
    });
}
