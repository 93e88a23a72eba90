//! Serving HTTP: [`serve`] takes the connections of a listener and gives their requests to a service.
//!
//! The protocol is hyper's: HTTP/1.1 with keep-alive, pipelining and upgrades, and HTTP/2 for clients that begin with it
//! ("prior knowledge", or a TLS listener that has agreed on `h2`). The service is one of [`hyper::service::Service`] or
//! of tower: a `service_fn`, an axum `Router`.
//!
//! ```
//! use dormouse_net::TcpListener;
//! use dormouse_net::http::{self, http_body_util::Full, hyper};
//! use hyper::body::{Bytes, Incoming};
//! use hyper::service::service_fn;
//! use hyper::{Request, Response};
//! use std::convert::Infallible;
//!
//! async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(Response::new(Full::from(format!("hello, {}\n", request.uri().path()))))
//! }
//!
//! # dormouse_executor::runtime::block_on(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! # let shutdown = std::future::ready(());
//! // let shutdown = dormouse_net::signal::ctrl_c();
//! let served = http::serve(listener, service_fn(hello)).with_graceful_shutdown(shutdown).await?;
//! assert_eq!(served.cut_off, 0);
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```
//!
//! # Limits
//!
//! A client that says nothing, sends its request a byte at a time, or does not read what it is sent, does not keep its
//! connection:
//!
//! | | from | to | default |
//! |---|---|---|---|
//! | [`header_read_timeout`](Serve::header_read_timeout) | the accept, or the first byte of a further request | the end of the request's head | 30 s |
//! | [`idle_timeout`](Serve::idle_timeout) | the last byte of an answer | the first byte of the next request | 60 s |
//! | [`idle_timeout`](Serve::idle_timeout) | a write that the client does not take | the next byte that it takes | 60 s |
//! | [`request_timeout`](Serve::request_timeout) | the end of a request's head | the end of its answer | no limit |
//! | [`max_connections`](Serve::max_connections) | | | no limit |
//!
//! With HTTP/2, a write counts as not taken too when no open answer has room in the client's window; and any byte of the
//! client, as of a ping, counts as a sign of life.
//!
//! How large a request's body may be is the service's affair, as with the layers of `tower-http`. (Not those that need
//! tokio's runtime, as its timeouts do.)
//!
//! # Shutdown
//!
//! From the moment that [`with_graceful_shutdown`](Serve::with_graceful_shutdown)'s future is ready:
//!
//! 1. Nobody new can connect. Connections that the system has taken are accepted and served all the same.
//! 2. Every connection is served until its answer is complete, which says `connection: close` (HTTP/2: `GOAWAY`). One on
//!    which nothing is going on is closed when no request has come for a moment, 0.3 s: so that a request which is on
//!    its way is answered too.
//! 3. What is still open at the [deadline](Serve::shutdown_deadline), 30 s by default, is dropped.
//!
//! On Linux no connection is lost over TCP that way, nor a request that comes within that moment. (A client that keeps a
//! quiet connection of HTTP/1 and uses it later finds it closed, and is to try again, as after any idle time.) A listener
//! that is not told to take no more (a Unix socket, another system, one [from `std`](crate::TcpListener::from_std), which
//! others may have too) has a gap of some microseconds: who connects between the last look at its queue and its close is
//! reset, unless others have it.
//! A listener that was bound here and is given to another process takes no more connections there either, once its server
//! has shut down: give it away as one from `std`, and serve that.
//!
//! # Failures
//!
//! A service that panics answers 500, and the panic is reported on stderr by the panic hook; other requests and other
//! connections go on. A service that returns an error ends its connection (HTTP/2: its stream) without an answer. So
//! does a panic or an error of an answer's body.
//!
//! When a client goes away, the futures of its requests are dropped where they wait. In HTTP/1 it has gone away as well if it
//! only says that it will send no more.
mod activity;
mod connection;
mod listener;
mod serve;
mod service;
mod stream;

pub use listener::Listener;
pub use serve::{Serve, Served, serve};
pub use service::{ByHyper, ByTower, HttpService, IntoService};
#[doc(no_inline)]
pub use {http_body_util, hyper};
