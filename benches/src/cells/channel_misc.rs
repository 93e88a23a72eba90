//! What a channel costs beside its values, in one task.
//!
//! - try_recv/empty, try_send/full: one operation is one call that does not succeed.
//! - create: one operation is a channel for values of 8 bytes, made and dropped.
//! - oneshot: one operation is a channel made, a value sent, the value received, and the channel dropped: the library's
//!   oneshot, or a channel of capacity 1.
use super::table::{Through, through_on_one_thread};
use crate::channels::{Capacity, Channel, Shape};
use crate::hosts::{Dormouse, Host, Tokio};
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use std::hint::black_box;

pub(crate) fn cells() -> Vec<Cell> {
    let cell = |name: String, operation| Cell::new(name, operation, "ns");
    let mut cells = vec![
        through_on_one_thread(cell("channel/try_recv/empty".into(), "call"), Miss::Recv),
        through_on_one_thread(cell("channel/try_send/full".into(), "call"), Miss::Send),
    ];
    let capacities =
        [Capacity::Bounded(0), Capacity::Bounded(1), Capacity::Bounded(128), Capacity::Unbounded];
    for capacity in capacities {
        let name = format!("channel/create/{capacity}");
        cells.push(through_on_one_thread(cell(name, "channel"), Create(capacity)));
    }
    let oneshot = through_on_one_thread(cell("channel/oneshot".into(), "channel"), OneShot);
    cells.push(
        oneshot
            .with("dormouse oneshot on dormouse, 1 thread", "dormouse", |scale| {
                dormouse_oneshot(Dormouse::ONE, scale)
            })
            .with("dormouse oneshot on tokio, 1 thread", "dormouse", |scale| {
                dormouse_oneshot(Tokio::ONE, scale)
            })
            .with("tokio oneshot on tokio, 1 thread", "tokio", tokio_oneshot)
            .with("futures oneshot on tokio, 1 thread", "futures", futures_oneshot)
            .with("crossfire oneshot on tokio, 1 thread", "crossfire", crossfire_oneshot),
    );
    cells
}

/// A call that does not succeed.
#[derive(Clone, Copy)]
enum Miss {
    Recv,
    Send,
}

impl Through for Miss {
    fn shape(self) -> Shape {
        Shape::pair(Capacity::Bounded(128))
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        let calls = scale.of(5_000_000);
        let shape = self.shape();
        host.run(async move {
            let (mut sender, mut receiver) = C::pair::<u64>(shape.capacity);
            match self {
                Miss::Recv => timed(calls, |_| u64::from(C::try_recv(black_box(&mut receiver)).is_none())),
                Miss::Send => {
                    while C::try_send(&mut sender, 0) {}
                    timed(calls, |n| u64::from(!C::try_send(black_box(&mut sender), n)))
                }
            }
        })
    }
}

#[derive(Clone, Copy)]
struct Create(Capacity);

impl Through for Create {
    fn shape(self) -> Shape {
        Shape::pair(self.0)
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        let shape = self.shape();
        host.run(async move {
            timed(scale.of(400_000), |n| {
                drop(black_box(C::pair::<u64>(shape.capacity)));
                n
            })
        })
    }
}

/// Does an operation so many times, and adds up what it gives.
fn timed(count: u64, mut operation: impl FnMut(u64) -> u64) -> Sample {
    let mut sum_of = |count| (0..count).map(&mut operation).sum();
    let _: u64 = sum_of(count / 10); // warm
    let watch = Stopwatch::start();
    let sum = sum_of(count);
    watch.stop(count, sum)
}

/// Channels in a sample of the oneshot cell.
const ONESHOTS: u64 = 1_000_000;

#[derive(Clone, Copy)]
struct OneShot;

impl Through for OneShot {
    fn shape(self) -> Shape {
        Shape::pair(Capacity::Bounded(1))
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        let shape = self.shape();
        oneshots(host, scale, move |n| async move {
            let (mut sender, mut receiver) = C::pair::<u64>(shape.capacity);
            C::send(&mut sender, n).await;
            C::recv(&mut receiver).await.expect("it was sent")
        })
    }
}

fn dormouse_oneshot(host: impl Host, scale: Scale) -> Sample {
    oneshots(host, scale, |n| async move {
        let (sender, receiver) = dormouse_chan::oneshot();
        sender.send(n).expect("open");
        receiver.await.expect("it was sent")
    })
}

fn tokio_oneshot(scale: Scale) -> Sample {
    oneshots(Tokio::ONE, scale, |n| async move {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        sender.send(n).expect("open");
        receiver.await.expect("it was sent")
    })
}

fn futures_oneshot(scale: Scale) -> Sample {
    oneshots(Tokio::ONE, scale, |n| async move {
        let (sender, receiver) = futures::channel::oneshot::channel();
        sender.send(n).expect("open");
        receiver.await.expect("it was sent")
    })
}

fn crossfire_oneshot(scale: Scale) -> Sample {
    oneshots(Tokio::ONE, scale, |n| async move {
        let (sender, receiver) = crossfire::oneshot::oneshot();
        sender.send(n);
        receiver.await.expect("it was sent")
    })
}

fn oneshots<H, F>(host: H, scale: Scale, one: impl Fn(u64) -> F + Send + 'static) -> Sample
where
    H: Host,
    F: Future<Output = u64> + Send,
{
    let count = scale.of(ONESHOTS);
    host.run(async move {
        for n in 0..count / 10 {
            one(n).await; // warm
        }
        let watch = Stopwatch::start();
        let mut sum = 0;
        for n in 0..count {
            sum += one(n).await;
        }
        watch.stop(count, sum)
    })
}
