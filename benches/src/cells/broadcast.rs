//! Values of which every receiver gets a copy.
//!
//! One operation is one value received. The sender sends rounds of 100 values, which fit in the channel, and waits until
//! all receivers have them: so tokio's, which drops what does not fit, does the same work as those that wait.
use super::tools::{Latch, measured};
use crate::hosts::{AsyncExecutor, Dormouse, Host, Tokio};
use crate::measure::Sample;
use crate::registry::{Cell, Scale};
use std::future::Future;
use std::sync::Arc;

/// Values of a round.
const ROUND: u64 = 100;
/// Room in the channel.
const CAPACITY: usize = 128;

pub(crate) fn cells() -> Vec<Cell> {
    let cell = |name: &str| Cell::new(name, "value received", "ns");
    vec![
        contenders(cell("broadcast/1 receiver"), 1, true),
        contenders(cell("broadcast/4 receivers"), 4, true),
        contenders(cell("broadcast/4 receivers/one task"), 4, false),
    ]
}

/// A channel of this kind.
trait Broadcast: 'static {
    const NAME: &'static str;
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    fn make(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>);
    fn send(sender: &mut Self::Sender, value: u64) -> impl Future<Output = ()> + Send;
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = u64> + Send;
}

struct Ours;

impl Broadcast for Ours {
    const NAME: &'static str = "dormouse";
    type Sender = dormouse_chan::broadcast::Sender<u64>;
    type Receiver = dormouse_chan::broadcast::Receiver<u64>;

    fn make(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, receiver) = dormouse_chan::broadcast(CAPACITY, dormouse_chan::broadcast::Overflow::Wait);
        (sender, vec![receiver; receivers])
    }

    async fn send(sender: &mut Self::Sender, value: u64) {
        sender.send(value).await.expect("open");
    }

    async fn recv(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("open")
    }
}

struct OfTokio;

impl Broadcast for OfTokio {
    const NAME: &'static str = "tokio";
    type Sender = tokio::sync::broadcast::Sender<u64>;
    type Receiver = tokio::sync::broadcast::Receiver<u64>;

    fn make(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, receiver) = tokio::sync::broadcast::channel(CAPACITY);
        let mut all: Vec<_> = (1..receivers).map(|_| sender.subscribe()).collect();
        all.push(receiver);
        (sender, all)
    }

    async fn send(sender: &mut Self::Sender, value: u64) {
        sender.send(value).expect("open");
    }

    async fn recv(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("open, and nothing missed")
    }
}

struct AsyncBroadcast;

impl Broadcast for AsyncBroadcast {
    const NAME: &'static str = "async-broadcast";
    type Sender = async_broadcast::Sender<u64>;
    type Receiver = async_broadcast::Receiver<u64>;

    fn make(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, receiver) = async_broadcast::broadcast(CAPACITY);
        (sender, vec![receiver; receivers])
    }

    async fn send(sender: &mut Self::Sender, value: u64) {
        sender.broadcast_direct(value).await.expect("open");
    }

    async fn recv(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv_direct().await.expect("open")
    }
}

fn contenders(cell: Cell, receivers: u64, in_tasks: bool) -> Cell {
    let cell = one::<_, Ours>(cell, Dormouse::ALL, receivers, in_tasks);
    let cell = one::<_, Ours>(cell, Dormouse::ONE, receivers, in_tasks);
    let cell = one::<_, Ours>(cell, Tokio::ALL, receivers, in_tasks);
    let cell = one::<_, OfTokio>(cell, Tokio::ALL, receivers, in_tasks);
    let cell = one::<_, OfTokio>(cell, Tokio::ONE, receivers, in_tasks);
    let cell = one::<_, AsyncBroadcast>(cell, Tokio::ALL, receivers, in_tasks);
    one::<_, AsyncBroadcast>(cell, AsyncExecutor, receivers, in_tasks)
}

fn one<H: Host, B: Broadcast>(cell: Cell, host: H, receivers: u64, in_tasks: bool) -> Cell {
    cell.with(host.with(B::NAME), B::NAME, move |scale: Scale| {
        if in_tasks { tasks::<H, B>(host, scale, receivers) } else { alone::<H, B>(host, scale, receivers) }
    })
}

/// Each receiver is a task.
fn tasks<H: Host, B: Broadcast>(host: H, scale: Scale, count: u64) -> Sample {
    let rounds = scale.of(2_000);
    host.run(measured(rounds, ROUND * count, move |rounds| async move {
        let (mut sender, receivers) = B::make(count as usize);
        let latches: Arc<[_]> = (0..rounds).map(|_| Latch::new(count)).collect();
        for mut receiver in receivers {
            let latches = Arc::clone(&latches);
            H::go(async move {
                for latch in &*latches {
                    let mut sum = 0;
                    for _ in 0..ROUND {
                        sum += B::recv(&mut receiver).await;
                    }
                    latch.done(sum);
                }
            });
        }
        let mut sum = 0;
        for latch in &*latches {
            for value in 0..ROUND {
                B::send(&mut sender, value).await;
            }
            sum += latch.wait().await;
        }
        sum
    }))
}

/// All in one task: what it costs where nobody waits.
fn alone<H: Host, B: Broadcast>(host: H, scale: Scale, count: u64) -> Sample {
    let rounds = scale.of(2_000);
    host.run(measured(rounds, ROUND * count, move |rounds| async move {
        let (mut sender, mut receivers) = B::make(count as usize);
        let mut sum = 0;
        for _ in 0..rounds {
            for value in 0..ROUND {
                B::send(&mut sender, value).await;
            }
            for receiver in &mut receivers {
                for _ in 0..ROUND {
                    sum += B::recv(receiver).await;
                }
            }
        }
        sum
    }))
}
