//! Values through a channel between plain threads, which block: how a library does where no runtime is.
//! One operation is one value, sent and received.
use crate::channels::{NO_RENDEZVOUS, ONE_RECEIVER};
use crate::measure::Stopwatch;
use crate::registry::Cell;
use std::sync::mpsc;
use std::thread;

/// A channel that threads use.
trait Blocking: 'static {
    const NAME: &'static str;
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    /// Can it have this capacity, and so many senders and receivers? If not, why.
    fn supports(_capacity: usize, _count: usize) -> Result<(), &'static str> {
        Ok(())
    }

    fn make(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>);
    fn send(sender: &Self::Sender, value: u64);
    /// `None` once it is closed and empty.
    fn recv(receiver: &Self::Receiver) -> Option<u64>;
}

struct Dormouse;

impl Blocking for Dormouse {
    const NAME: &'static str = "dormouse";
    type Sender = dormouse_chan::Sender<u64>;
    type Receiver = dormouse_chan::Receiver<u64>;

    fn make(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        let (sender, receiver) = dormouse_chan::bounded(capacity);
        (vec![sender; count], vec![receiver; count])
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send_blocking(value).expect("open");
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv_blocking()
    }
}

macro_rules! like_std {
    ($Name:ident, $name:literal, $library:ident) => {
        struct $Name;

        impl Blocking for $Name {
            const NAME: &'static str = $name;
            type Sender = $library::Sender<u64>;
            type Receiver = $library::Receiver<u64>;

            fn make(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
                let (sender, receiver) = $library::bounded(capacity);
                (vec![sender; count], vec![receiver; count])
            }

            fn send(sender: &Self::Sender, value: u64) {
                sender.send(value).expect("open");
            }

            fn recv(receiver: &Self::Receiver) -> Option<u64> {
                receiver.recv().ok()
            }
        }
    };
}

like_std!(Kanal, "kanal", kanal);
like_std!(Flume, "flume", flume);
like_std!(Crossbeam, "crossbeam-channel", crossbeam_channel);

/// crossfire's, in the flavour that it documents for a capacity, as with its async ones.
macro_rules! crossfire {
    ($Name:ident, $module:ident, $sender:ident, $receiver:ident: $Tx:ident, $Rx:ident, $clone:ident) => {
        struct $Name;

        enum $sender {
            One(crossfire::$Tx<crossfire::$module::One<u64>>),
            Array(crossfire::$Tx<crossfire::$module::Array<u64>>),
        }

        enum $receiver {
            One(crossfire::$Rx<crossfire::$module::One<u64>>),
            Array(crossfire::$Rx<crossfire::$module::Array<u64>>),
        }

        impl Blocking for $Name {
            const NAME: &'static str = "crossfire";
            type Sender = $sender;
            type Receiver = $receiver;

            fn supports(capacity: usize, _: usize) -> Result<(), &'static str> {
                if capacity == 0 { Err(NO_RENDEZVOUS) } else { Ok(()) }
            }

            fn make(capacity: usize, count: usize) -> (Vec<$sender>, Vec<$receiver>) {
                if capacity == 1 {
                    let (sender, receiver) = crossfire::$module::build(crossfire::$module::One::new());
                    return ($clone(sender, count, $sender::One), $clone(receiver, count, $receiver::One));
                }
                let (sender, receiver) = crossfire::$module::bounded_blocking(capacity);
                ($clone(sender, count, $sender::Array), $clone(receiver, count, $receiver::Array))
            }

            fn send(sender: &$sender, value: u64) {
                match sender {
                    $sender::One(sender) => sender.send(value).expect("open"),
                    $sender::Array(sender) => sender.send(value).expect("open"),
                }
            }

            fn recv(receiver: &$receiver) -> Option<u64> {
                match receiver {
                    $receiver::One(receiver) => receiver.recv().ok(),
                    $receiver::Array(receiver) => receiver.recv().ok(),
                }
            }
        }
    };
}

crossfire!(CrossfireSpsc, spsc, SingleSender, SingleReceiver: Tx, Rx, one);
crossfire!(CrossfireMpmc, mpmc, ManySender, ManyReceiver: MTx, MRx, copies);

fn one<H, E>(handle: H, _: usize, wrap: fn(H) -> E) -> Vec<E> {
    vec![wrap(handle)]
}

fn copies<H: Clone, E>(handle: H, count: usize, wrap: fn(H) -> E) -> Vec<E> {
    vec![handle; count].into_iter().map(wrap).collect()
}

struct Std;

impl Blocking for Std {
    const NAME: &'static str = "std";
    type Sender = mpsc::SyncSender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn supports(_: usize, count: usize) -> Result<(), &'static str> {
        if count > 1 { Err(ONE_RECEIVER) } else { Ok(()) }
    }

    fn make(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        (vec![sender; count], vec![receiver])
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect("open");
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

pub(crate) fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (name, count) in [("spsc", 1), ("mpmc4x4", 4)] {
        for capacity in [0, 1, 128] {
            let cell = Cell::new(format!("channel/blocking/{name}/{capacity}"), "message", "ns");
            let cell = contender::<Dormouse>(cell, capacity, count);
            let cell = contender::<Kanal>(cell, capacity, count);
            let cell = match count {
                1 => contender::<CrossfireSpsc>(cell, capacity, count),
                _ => contender::<CrossfireMpmc>(cell, capacity, count),
            };
            let cell = contender::<Flume>(cell, capacity, count);
            let cell = contender::<Crossbeam>(cell, capacity, count);
            cells.push(contender::<Std>(cell, capacity, count));
        }
    }
    cells
}

fn contender<B: Blocking>(cell: Cell, capacity: usize, count: usize) -> Cell {
    match B::supports(capacity, count) {
        Ok(()) => cell.with(B::NAME, B::NAME, move |scale| {
            // Where each value may wake a sleeping thread, fewer take as long.
            let each = scale.of(if capacity > 1 { 400_000 } else { 16_000 }) / count as u64;
            between_threads::<B>(capacity, count, each / 10); // warm
            let watch = Stopwatch::start();
            let sum = between_threads::<B>(capacity, count, each);
            watch.stop(each * count as u64, sum)
        }),
        Err(why) => cell.without(B::NAME, B::NAME, why),
    }
}

/// So many threads send numbers, as many add up what arrives. The threads' start is part of it: as little as their number.
fn between_threads<B: Blocking>(capacity: usize, count: usize, each: u64) -> u64 {
    let (senders, receivers) = B::make(capacity, count);
    let receiving: Vec<_> = receivers
        .into_iter()
        .map(|receiver| thread::spawn(move || std::iter::from_fn(|| B::recv(&receiver)).sum::<u64>()))
        .collect();
    let sending: Vec<_> = senders
        .into_iter()
        .map(|sender| thread::spawn(move || (0..each).for_each(|n| B::send(&sender, n))))
        .collect();
    for thread in sending {
        thread.join().expect("it does not fail");
    }
    receiving.into_iter().map(|thread| thread.join().expect("it does not fail")).sum()
}
