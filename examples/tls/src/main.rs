//! HTTPS: `net::http::serve` over TLS by rustls, with HTTP/2 and HTTP/1.1.
//!
//! ```text
//! cargo run --release -p dormouse-example-tls -- [LISTEN] [--cert FILE --key FILE] [--header SECONDS] [--grace SECONDS]
//! ```
//!
//! - Without a certificate it makes one for `localhost`, for as long as it runs, and writes its public part to a file, for
//!   clients to trust: `curl --cacert FILE https://localhost:8443/`.
//! - The handshake is a part of a connection's first request: one that takes too long is closed by the same limit, and
//!   nobody else waits for it.
//! - On Ctrl-C or SIGTERM it takes no more connections and ends when the requests that it has are answered.
//!
//! `listener` has the handshake, `certificate` the files.
mod certificate;
mod listener;
#[path = "../../service/mod.rs"]
mod service;

use clap::Parser;
use dormouse::net::TcpListener;
use dormouse::net::http::http_body_util::Full;
use dormouse::net::http::hyper::body::{Bytes, Incoming};
use dormouse::net::http::hyper::service::service_fn;
use dormouse::net::http::hyper::{Request, Response};
use dormouse::net::http::serve;
use dormouse::time::Duration;
use listener::TlsListener;
use service::{Signals, seconds};
use std::convert::Infallible;
use std::error::Error;
use std::path::PathBuf;

/// Says hello over HTTPS.
#[derive(Parser)]
#[command(name = "tls", version)]
struct Arguments {
    /// The address to listen at; port 0 lets the system choose one
    #[arg(default_value = "127.0.0.1:8443")]
    listen: String,
    /// The certificate, with those that vouch for it, as PEM; without it one is made for localhost
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The certificate's private key, as PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Where to write a certificate that is made
    #[arg(long, value_name = "FILE", conflicts_with = "cert", default_value_os_t = std::env::temp_dir().join("dormouse-tls.pem"))]
    write: PathBuf,
    /// How long a client may take for the handshake and the head of its request
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    header: Duration,
    /// After Ctrl-C or SIGTERM, drop connections that take longer than this
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    grace: Duration,
}

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(format!("hello by {:?}: {}\n", request.version(), request.uri().path()))))
}

#[dormouse::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments = Arguments::parse();
    let mut signals = Signals::new()?;
    let config = match arguments.cert.as_deref().zip(arguments.key.as_deref()) {
        Some((cert, key)) => certificate::read(cert, key)?,
        None => certificate::make(&arguments.write)?,
    };
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("tls at {}", listener.local_addr()?);
    if arguments.cert.is_none() {
        println!("certificate for localhost: {}", arguments.write.display());
    }
    let served = serve(TlsListener::new(listener, config), service_fn(hello))
        .header_read_timeout(arguments.header)
        .with_graceful_shutdown(async move { signals.recv().await })
        .shutdown_deadline(arguments.grace)
        .await?;
    println!("{} connections, {} of them cut off", served.connections, served.cut_off);
    Ok(())
}
