//! Tasks that wake each other: what the scheduler makes of communication.
//!
//! One operation: a round trip, for ping-pong; a pass, for the ring; a task, for skynet; a prime, for the sieve.
//! `/bare`: turns in shared memory, one `AtomicWaker` per side. `/channel`: each host with its best channel.
use crate::cells::tools::{Latch, measured, on_best_channels, on_hosts};
use crate::channels::{Capacity, Channel, Shape};
use crate::hosts::Host;
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use futures::task::AtomicWaker;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::task::Poll;

/// Tasks of the ring, as in the Benchmarks Game.
const RING: u64 = 503;

const ONE: Shape = Shape::pair(Capacity::Bounded(1));
const RENDEZVOUS: Shape = Shape::pair(Capacity::Bounded(0));
const TEN: Shape = Shape { capacity: Capacity::Bounded(10), senders: 10, receivers: 1 };

pub(crate) fn cells() -> Vec<Cell> {
    let cell = |name: &str, operation| Cell::new(format!("scheduler/{name}"), operation, "ns");
    vec![
        on_hosts!(cell("ping-pong/1/bare", "round trip"), ping_pong, 1),
        on_best_channels!(cell("ping-pong/1/channel", "round trip"), ONE, one_pair),
        on_hosts!(cell("ping-pong/1000/bare", "round trip"), ping_pong, 1_000),
        on_best_channels!(cell("ping-pong/1000/channel", "round trip"), ONE, many_pairs),
        on_hosts!(cell("ping-pong/main/bare", "round trip"), main_to_task),
        on_best_channels!(cell("thread-ring/503", "pass"), ONE, ring),
        on_best_channels!(cell("prime-sieve", "prime"), RENDEZVOUS, sieve),
        on_best_channels!(cell("skynet/channel", "task"), TEN, skynet),
    ]
}

/// Whose turn it is of two; the least that two tasks need.
struct Turns {
    done: AtomicU64,
    wakers: [AtomicWaker; 2],
}

impl Turns {
    fn new() -> Arc<Turns> {
        Arc::new(Turns { done: AtomicU64::new(0), wakers: [AtomicWaker::new(), AtomicWaker::new()] })
    }

    /// Waits for the turn of `side`, and takes it.
    async fn take(&self, side: usize) {
        poll_fn(|cx| {
            // Ordering: both pair with the addition below, of the other side.
            if self.done.load(Acquire) % 2 == side as u64 {
                return Poll::Ready(());
            }
            self.wakers[side].register(cx.waker());
            // Ordering: as above.
            if self.done.load(Acquire) % 2 == side as u64 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // Ordering: pairs with the loads above.
        self.done.fetch_add(1, AcqRel);
        self.wakers[1 - side].wake();
    }

    /// Plays one side.
    async fn play(&self, side: usize, turns: u64) -> u64 {
        for _ in 0..turns {
            self.take(side).await;
        }
        turns
    }
}

/// Pairs of tasks that take turns.
fn ping_pong<H: Host>(host: H, scale: Scale, pairs: u64) -> Sample {
    let turns = scale.of(500_000) / pairs;
    host.run(measured(turns, pairs, move |turns| pairs_of::<H, _>(pairs, turns, bare::<H>)))
}

/// Starts pairs, each with a latch that both sides release, and waits for all.
async fn pairs_of<H: Host, S: Fn(u64, &Arc<Latch>) + Send>(pairs: u64, turns: u64, start: S) -> u64 {
    let latch = Latch::new(pairs * 2);
    for _ in 0..pairs {
        start(turns, &latch);
    }
    latch.wait().await
}

fn bare<H: Host>(turns: u64, latch: &Arc<Latch>) {
    let pair = Turns::new();
    for side in 0..2 {
        let (pair, latch) = (Arc::clone(&pair), Arc::clone(latch));
        H::go(async move { latch.done(pair.play(side, turns).await) });
    }
}

/// The runtime's main future, which is no task, and a task take turns.
fn main_to_task<H: Host>(host: H, scale: Scale) -> Sample {
    async fn play<H: Host>(turns: u64) -> u64 {
        let pair = Turns::new();
        let task = H::spawn({
            let pair = Arc::clone(&pair);
            async move { pair.play(1, turns).await }
        });
        pair.play(0, turns).await + task.await
    }
    let turns = scale.of(150_000); // few: some hosts have to wake a thread at each turn
    host.block_on(async move {
        play::<H>(turns / 10).await; // warm
        let watch = Stopwatch::start();
        let sum = play::<H>(turns).await;
        watch.stop(turns, sum)
    })
}

fn one_pair<H: Host, C: Channel>(host: H, scale: Scale, shape: Shape) -> Sample {
    channel_pairs::<H, C>(host, scale, shape, 1)
}

fn many_pairs<H: Host, C: Channel>(host: H, scale: Scale, shape: Shape) -> Sample {
    channel_pairs::<H, C>(host, scale, shape, 1_000)
}

/// Pairs of tasks that send a number to and fro through two channels.
fn channel_pairs<H: Host, C: Channel>(host: H, scale: Scale, shape: Shape, pairs: u64) -> Sample {
    let turns = scale.of(500_000) / pairs;
    let start = move |turns, latch: &Arc<Latch>| channel_pair::<H, C>(shape, turns, latch);
    host.run(measured(turns, pairs, move |turns| pairs_of::<H, _>(pairs, turns, start)))
}

/// The one end of a channel that has one.
fn ends<C: Channel>(shape: Shape) -> (C::Sender<u64>, C::Receiver<u64>) {
    let (mut senders, mut receivers) = C::make::<u64>(shape);
    (senders.pop().expect("a sender"), receivers.pop().expect("a receiver"))
}

fn channel_pair<H: Host, C: Channel>(shape: Shape, turns: u64, latch: &Arc<Latch>) {
    let (mut to, mut requests) = ends::<C>(shape);
    let (mut fro, mut answers) = ends::<C>(shape);
    let (asks, echoes) = (Arc::clone(latch), Arc::clone(latch));
    H::go(async move {
        let mut sum = 0;
        for _ in 0..turns {
            C::send(&mut to, 1).await;
            sum += C::recv(&mut answers).await.expect("an answer");
        }
        asks.done(sum);
    });
    H::go(async move {
        let mut sum = 0;
        while let Some(value) = C::recv(&mut requests).await {
            sum += value;
            C::send(&mut fro, value).await;
        }
        echoes.done(sum);
    });
}

/// A number goes round 503 tasks, one less at each pass; who has the 0 says who it is.
fn ring<H: Host, C: Channel>(host: H, scale: Scale, shape: Shape) -> Sample {
    async fn once<H: Host, C: Channel>(shape: Shape, passes: u64) -> u64 {
        let (mut senders, mut receivers): (Vec<_>, Vec<_>) = (0..RING).map(|_| ends::<C>(shape)).unzip();
        C::send(&mut senders[0], passes).await;
        senders.rotate_left(1); // task n receives from its own and sends to the next one's
        let latch = Latch::new(RING);
        for n in (0..RING).rev() {
            let mut receiver = receivers.pop().expect("one each");
            let mut sender = senders.pop().expect("one each");
            let latch = Arc::clone(&latch);
            H::go(async move {
                let mut who = 0;
                while let Some(token) = C::recv(&mut receiver).await {
                    if token == 0 {
                        who = n + 1;
                        break; // the next one's channel closes, and so on
                    }
                    C::send(&mut sender, token - 1).await;
                }
                drop(sender);
                latch.done(who);
            });
        }
        latch.wait().await
    }
    let passes = scale.of(1_000_000);
    host.run(measured(passes, 1, move |passes| once::<H, C>(shape, passes)))
}

/// Go's classic: a task per prime, which passes on what its prime does not divide. All numbers up to the last prime.
fn sieve<H: Host, C: Channel>(host: H, scale: Scale, shape: Shape) -> Sample {
    async fn filter<C: Channel>(prime: u64, mut from: C::Receiver<u64>, mut to: C::Sender<u64>) {
        while let Some(n) = C::recv(&mut from).await {
            if n % prime != 0 {
                C::send(&mut to, n).await;
            }
        }
    }
    async fn primes<H: Host, C: Channel>(shape: Shape, last: u64) -> (u64, u64) {
        let (mut sender, mut receiver) = ends::<C>(shape);
        H::go(async move {
            for n in 2..=last {
                C::send(&mut sender, n).await;
            }
        });
        let (mut count, mut sum) = (0, 0);
        while let Some(prime) = C::recv(&mut receiver).await {
            (count, sum) = (count + 1, sum + prime);
            let (to, from) = ends::<C>(shape);
            H::go(filter::<C>(prime, std::mem::replace(&mut receiver, from), to));
        }
        (count, sum)
    }
    // The 2,000th and the 700th prime: 2.0 and 0.26 million messages.
    let last = match scale {
        Scale::Full => 17_389,
        Scale::Quick => 5_279,
    };
    host.run(async move {
        primes::<H, C>(shape, 1_000).await; // warm
        let watch = Stopwatch::start();
        let (count, sum) = primes::<H, C>(shape, last).await;
        watch.stop(count, sum)
    })
}

/// A tree of tasks, ten below each, whose numbers go up through channels.
fn skynet<H: Host, C: Channel>(host: H, scale: Scale, shape: Shape) -> Sample {
    fn node<H: Host, C: Channel>(shape: Shape, first: u64, leaves: u64, mut up: C::Sender<u64>) {
        H::go(async move {
            let sum = if leaves == 1 { first } else { below::<H, C>(shape, first, leaves).await };
            C::send(&mut up, sum).await;
        });
    }
    // A box, as the future would have itself within.
    fn below<H: Host, C: Channel>(
        shape: Shape,
        first: u64,
        leaves: u64,
    ) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>> {
        let (senders, mut receivers) = C::make::<u64>(shape);
        for (n, up) in senders.into_iter().enumerate() {
            node::<H, C>(shape, first + n as u64 * (leaves / 10), leaves / 10, up);
        }
        Box::pin(async move {
            let mut receiver = receivers.pop().expect("a receiver");
            let mut sum = 0;
            while let Some(part) = C::recv(&mut receiver).await {
                sum += part;
            }
            sum
        })
    }
    let leaves = match scale {
        Scale::Full => 1_000_000,
        Scale::Quick => 100_000,
    };
    host.run(async move {
        below::<H, C>(shape, 0, 1_000).await; // warm
        let watch = Stopwatch::start();
        let sum = below::<H, C>(shape, 0, leaves).await;
        watch.stop((leaves * 10 - 1) / 9, sum)
    })
}
