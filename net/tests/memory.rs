//! What a service keeps of requests that are done: nothing.
#![allow(missing_docs)]
#[expect(dead_code, reason = "it has more than this needs")]
#[path = "../../chan/tests/support/allocs.rs"]
mod allocs;
mod support;

use allocs::allocated;
use dormouse_executor::runtime::Builder;
use dormouse_executor::task;
use dormouse_executor::time::{Duration, timeout};
use dormouse_net::TcpStream;
use dormouse_testing::watch_for;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use support::{listener, quiet};

const CONNECTIONS: usize = 50;
const REQUESTS: usize = 200;
const ROUNDS: usize = 10;

/// Both sides of some connections, all on this thread: each request has a time limit and is answered.
async fn round() {
    let listener = listener().await;
    let addr = listener.local_addr().unwrap();
    let server = task::spawn(async move {
        let mut handlers = Vec::new();
        for _ in 0..CONNECTIONS {
            let (mut stream, _) = listener.accept().await.unwrap();
            handlers.push(task::spawn(async move {
                let mut buf = vec![0; 64];
                loop {
                    let limit = Duration::from_secs(3600);
                    match timeout(limit, stream.read(&mut buf)).await.unwrap().unwrap() {
                        0 => return,
                        len => stream.write_all(&buf[..len]).await.unwrap(),
                    }
                }
            }));
        }
        for handler in handlers {
            handler.await.unwrap();
        }
    });
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            task::spawn(async move {
                let mut stream = TcpStream::connect(addr).await.unwrap();
                for number in 0..REQUESTS {
                    let (sent, mut came) = ([number as u8; 64], [0; 64]);
                    stream.write_all(&sent).await.unwrap();
                    stream.read_exact(&mut came).await.unwrap();
                    assert_eq!(came, sent);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    server.await.unwrap();
}

#[test]
fn a_hundred_thousand_requests_leave_nothing() {
    let _watch = watch_for(Duration::from_secs(240));
    let rt = quiet(Builder::current_thread());
    // What grows once has grown.
    rt.block_on(round());
    let (allocated, ()) = allocated(|| (0..ROUNDS).for_each(|_| rt.block_on(round())));
    assert!(allocated.times > ROUNDS * CONNECTIONS, "{allocated:?}");
    // Far less than a byte for each.
    assert!(allocated.kept < (ROUNDS * CONNECTIONS * REQUESTS / 20) as isize, "{allocated:?}");
}
