//! Notify before wait: a signal for those who wait at this moment is lost for who comes a moment later.
use crate::{Bug, is_right};
use dormouse::prelude::*;
use dormouse::sim::FailureKind;

/// A request carries the channel for its answer.
type Request = (String, Sender<String>);

async fn serve(requests: Receiver<Request>) {
    while let Some((name, reply)) = requests.recv().await {
        reply.send(format!("hello {name}")).await.unwrap();
    }
}

async fn server_buggy(ready: Sender<()>, requests: Receiver<Request>) {
    time::sleep(Duration::from_millis(1)).await; // opens its files
    let _ = ready.try_send(()); // tells who waits; nobody does: then nobody has to be told
    serve(requests).await;
}

async fn server(ready: Sender<()>, requests: Receiver<Request>) {
    time::sleep(Duration::from_millis(1)).await;
    ready.close(); // tells who waits, and who will
    serve(requests).await;
}

async fn client<F>(server: impl Fn(Sender<()>, Receiver<Request>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (ready, is_ready) = bounded(0);
    let (requests, received) = bounded(0);
    let server = task::Builder::new().name("server").spawn(server(ready, received));
    time::sleep(Duration::from_millis(1)).await; // reads its settings
    is_ready.recv().await;
    let (reply, answer) = bounded(1);
    requests.send(("Gopher".to_owned(), reply)).await.unwrap();
    assert_eq!(answer.recv().await.as_deref(), Some("hello Gopher"));
    requests.close();
    server.await.unwrap();
}

#[test]
fn is_found() {
    let bug = Bug {
        file: "notify_before_wait.rs",
        seeds: 15,
        kind: FailureKind::Deadlock,
        says: &[
            "all tasks are asleep - deadlock!",
            "virtual time 1ms",
            "main [chan receive] at tests/gallery/notify_before_wait.rs:35:",
            "\"server\" [chan receive] at tests/gallery/notify_before_wait.rs:10:",
        ],
    };
    bug.is_found(|| client(server_buggy));
}

#[test]
fn repaired() {
    is_right(|| client(server));
}
