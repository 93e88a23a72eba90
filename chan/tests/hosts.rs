//! The same flows under every kind of host: the crate needs no runtime of its own.

use dormouse_chan::{bounded, select, unbounded};
use dormouse_testing::watch;
use futures::StreamExt;
use std::future::Future;
use std::pin::Pin;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A pipeline, a worker pool with results, a select loop with an end, a stream; `spawn` starts a task of the host.
async fn flows(spawn: impl Fn(Job)) {
    // A pipeline of rendezvous.
    let (source, numbers) = bounded(0);
    let (squares_tx, squares) = bounded(0);
    spawn(Box::pin(async move {
        for n in 1..=20_u64 {
            source.send(n).await.unwrap();
        }
    }));
    spawn(Box::pin(async move {
        while let Some(n) = numbers.recv().await {
            squares_tx.send(n * n).await.unwrap();
        }
    }));
    let mut sum = 0;
    while let Some(square) = squares.recv().await {
        sum += square;
    }
    assert_eq!(sum, 2870);

    // A pool of workers.
    let (jobs_tx, jobs) = bounded(4);
    let (results_tx, results) = unbounded();
    for _ in 0..3 {
        let (jobs, results) = (jobs.clone(), results_tx.clone());
        spawn(Box::pin(async move {
            while let Some(job) = jobs.recv().await {
                results.send(job * 2).await.unwrap();
            }
        }));
    }
    drop((jobs, results_tx));
    for job in 1..=30_u64 {
        jobs_tx.send(job).await.unwrap();
    }
    drop(jobs_tx);
    assert_eq!(results.fold(0, |sum, n| async move { sum + n }).await, 930);

    // A task that serves two channels until it is told to end.
    let ((add, adds), (ask, asks), (quit, quitting)) = (bounded(0), bounded(0), bounded::<()>(0));
    spawn(Box::pin(async move {
        let mut total = 0;
        loop {
            select! {
                recv(adds) -> n => total += n.unwrap_or(0),
                send(ask, total) -> sent => sent.unwrap(),
                recv(quitting) -> _ => break,
            }
        }
    }));
    for n in 1..=10_u64 {
        add.send(n).await.unwrap();
    }
    assert_eq!(asks.recv().await, Some(55));
    drop(quit);
    while asks.recv().await.is_some() {}
    assert!(add.send(1).await.is_err(), "nobody is there any more");
}

#[test]
fn tokio_on_one_thread() {
    let _watch = watch();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(flows(|job| drop(tokio::spawn(job))));
}

#[test]
fn tokio_on_many_threads() {
    let _watch = watch();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    runtime.block_on(async { tokio::spawn(flows(|job| drop(tokio::spawn(job)))).await.unwrap() });
}

#[test]
fn the_executor_of_futures() {
    use futures::task::SpawnExt;
    let _watch = watch();
    let mut pool = futures::executor::LocalPool::new();
    let spawner = pool.spawner();
    pool.run_until(flows(|job| spawner.spawn(job).unwrap()));
}

/// A thread for each task, each with a `block_on` of its own.
#[test]
fn a_thread_for_each_task() {
    let _watch = watch();
    let block_on = |job: Job| dormouse_wait::blocking::wait_for("the test", "nothing", job);
    block_on(Box::pin(flows(move |job| drop(std::thread::spawn(move || block_on(job))))));
}

/// All tasks in one, polled together.
#[test]
fn many_futures_in_one_task() {
    let _watch = watch();
    let (jobs_tx, jobs) = std::sync::mpsc::channel::<Job>();
    let mut main = Box::pin(flows(move |job| jobs_tx.send(job).unwrap()));
    let mut others = futures::stream::FuturesUnordered::new();
    futures::executor::block_on(std::future::poll_fn(move |cx| {
        let end = main.as_mut().poll(cx);
        others.extend(jobs.try_iter());
        while let std::task::Poll::Ready(Some(())) = others.poll_next_unpin(cx) {}
        end
    }));
}
