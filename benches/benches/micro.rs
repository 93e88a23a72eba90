//! The hot paths of our own crates, a call each: for those who work on the code. `cargo bench -p dormouse-bench`, or with a
//! name behind it: `cargo bench -p dormouse-bench -- channel`.
//!
//! Nothing waits here and nobody is measured beside us: that is what `dormouse-bench run` is for.
use divan::Bencher;
use divan::counter::ItemsCount;
use dormouse_chan::{bounded, select, unbounded};
use dormouse_executor::runtime::{Builder, Runtime};
use dormouse_executor::{task, time};
use dormouse_sync::Mutex;
use futures::FutureExt;
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

fn main() {
    divan::main();
}

/// What a future gives that is ready at once.
fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("it need not wait")
}

/// Capacities of the cells that have several.
const CAPACITIES: [usize; 3] = [1, 8, 128];

mod channel {
    use super::*;

    #[divan::bench]
    fn try_recv_empty(bencher: Bencher<'_, '_>) {
        let (_sender, receiver) = bounded::<u64>(128);
        bencher.bench_local(|| black_box(&receiver).try_recv().is_err());
    }

    #[divan::bench]
    fn try_send_full(bencher: Bencher<'_, '_>) {
        let (sender, _receiver) = bounded::<u64>(1);
        sender.try_send(0).expect("room");
        bencher.bench_local(|| black_box(&sender).try_send(1).is_err());
    }

    #[divan::bench(args = CAPACITIES)]
    fn try_send_try_recv(bencher: Bencher<'_, '_>, capacity: usize) {
        let (sender, receiver) = bounded::<u64>(capacity);
        bencher.bench_local(|| {
            black_box(&sender).try_send(1).expect("room");
            black_box(&receiver).try_recv().expect("a value")
        });
    }

    #[divan::bench(args = CAPACITIES)]
    fn send_recv(bencher: Bencher<'_, '_>, capacity: usize) {
        let (sender, receiver) = bounded::<u64>(capacity);
        bencher.bench_local(|| {
            ready(black_box(&sender).send(1)).expect("open");
            ready(black_box(&receiver).recv())
        });
    }

    #[divan::bench]
    fn send_recv_unbounded(bencher: Bencher<'_, '_>) {
        let (sender, receiver) = unbounded::<u64>();
        bencher.bench_local(|| {
            ready(black_box(&sender).send(1)).expect("open");
            ready(black_box(&receiver).recv())
        });
    }

    #[divan::bench(args = [0, 1, 8, 128])]
    fn create(capacity: usize) {
        drop(black_box(bounded::<u64>(black_box(capacity))));
    }

    #[divan::bench]
    fn create_unbounded() {
        drop(black_box(unbounded::<u64>()));
    }
}

mod select_of_two {
    use super::*;

    /// Both have a value; the one that was received is sent again.
    #[divan::bench]
    fn ready_and_send(bencher: Bencher<'_, '_>) {
        let ((to_a, a), (to_b, b)) = (bounded::<bool>(1), bounded::<bool>(1));
        to_a.try_send(true).expect("room");
        to_b.try_send(false).expect("room");
        bencher.bench_local(|| {
            let is_a = ready(async {
                select! {
                    recv(a) -> value => value,
                    recv(b) -> value => value,
                }
            });
            let is_a = is_a.expect("open");
            let sender = if is_a { &to_a } else { &to_b };
            sender.try_send(is_a).expect("room");
        });
    }

    #[divan::bench]
    fn empty_with_default(bencher: Bencher<'_, '_>) {
        let ((_to_a, a), (_to_b, b)) = (bounded::<u64>(1), bounded::<u64>(1));
        bencher.bench_local(|| {
            ready(async {
                select! {
                    recv(a) -> value => value,
                    recv(b) -> value => value,
                    default => None,
                }
            })
        });
    }
}

mod mutex {
    use super::*;

    #[divan::bench]
    fn lock_unlock(bencher: Bencher<'_, '_>) {
        let mutex = Mutex::new(0_u64);
        bencher.bench_local(|| *ready(black_box(&mutex).lock()) += 1);
    }
}

/// One thread, so that a figure is that of the path and not of who else is awake.
fn runtime() -> Runtime {
    Builder::current_thread().build().expect("a runtime")
}

/// Of tasks, of timers.
const BATCH: u64 = 1_000;

mod executor {
    use super::*;

    #[divan::bench]
    fn spawn_join(bencher: Bencher<'_, '_>) {
        let runtime = runtime();
        bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
            runtime.block_on(async {
                let tasks: Vec<_> = (0..BATCH).map(|n| task::spawn(async move { n })).collect();
                let mut sum = 0;
                for task in tasks {
                    sum += task.await.expect("it does not fail");
                }
                sum
            })
        });
    }

    #[divan::bench]
    fn yields(bencher: Bencher<'_, '_>) {
        let runtime = runtime();
        bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
            runtime.block_on(async {
                let yields = task::spawn(async {
                    for _ in 0..BATCH {
                        task::yield_now().await;
                    }
                });
                yields.await.expect("it does not fail");
            });
        });
    }

    #[divan::bench]
    fn timer_start_cancel(bencher: Bencher<'_, '_>) {
        let runtime = runtime();
        bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
            runtime.block_on(async {
                for n in 0..BATCH {
                    let mut sleep = pin!(time::sleep(Duration::from_secs(60) + Duration::from_millis(n)));
                    poll_fn(|cx| {
                        assert!(sleep.as_mut().poll(cx).is_pending());
                        Poll::Ready(())
                    })
                    .await;
                }
            });
        });
    }
}
