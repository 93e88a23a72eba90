//! The async channels that cells use, behind one trait, so that a cell is written once. One file each.
mod async_channel;
mod crossfire;
mod dormouse;
mod flume;
mod futures;
mod kanal;
mod shapes;
mod tokio;

pub(crate) use async_channel::AsyncChannel;
pub(crate) use crossfire::{CrossfireMpmc, CrossfireMpsc, CrossfireSpsc};
pub(crate) use dormouse::Dormouse;
pub(crate) use flume::Flume;
pub(crate) use futures::Futures;
pub(crate) use kanal::Kanal;
pub(crate) use tokio::Tokio;

use crate::hosts::Host;
use std::fmt;
use std::future::Future;

/// How many values a channel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capacity {
    /// 0 is a rendezvous.
    Bounded(usize),
    Unbounded,
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Capacity::Bounded(capacity) => capacity.fmt(f),
            Capacity::Unbounded => f.write_str("unbounded"),
        }
    }
}

/// How a cell uses a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) capacity: Capacity,
    pub(crate) senders: usize,
    pub(crate) receivers: usize,
}

impl Shape {
    /// One sender, one receiver.
    pub(crate) const fn pair(capacity: Capacity) -> Shape {
        Shape { capacity, senders: 1, receivers: 1 }
    }
}

/// Why a channel cannot be used so.
pub(crate) const NO_RENDEZVOUS: &str = "no channel of capacity 0";
/// Why a channel cannot be used so.
pub(crate) const ONE_RECEIVER: &str = "one receiver only";

/// An async channel.
pub(crate) trait Channel: 'static {
    /// "kanal", "crossfire mpsc".
    const NAME: &'static str;
    /// As `--peers` names it.
    const PEER: &'static str;

    type Sender<T: Send + Unpin + 'static>: Send + 'static;
    type Receiver<T: Send + Unpin + 'static>: Send + 'static;

    /// Can it be used so? If not, why.
    fn supports(_: Shape) -> Result<(), &'static str> {
        Ok(())
    }

    /// Is no value lost when a pending receive is dropped, as a select does with those that did not win? If not, why.
    fn keeps_values() -> Result<(), &'static str> {
        Ok(())
    }

    /// Has a pending send that is dropped, as a select does with those that did not win, not sent its value? If not, why.
    fn takes_back() -> Result<(), &'static str> {
        Ok(())
    }

    /// At capacity 0, is a value with a receiver when its send completes? If not, why not.
    fn meets() -> Result<(), &'static str> {
        Ok(())
    }

    /// A channel, all of its senders and receivers; the shape is one that it supports.
    fn make<T: Send + Unpin + 'static>(shape: Shape) -> (Vec<Self::Sender<T>>, Vec<Self::Receiver<T>>);

    /// A channel with one sender and one receiver.
    fn pair<T: Send + Unpin + 'static>(capacity: Capacity) -> (Self::Sender<T>, Self::Receiver<T>);

    /// Sends; the channel is open.
    fn send<T: Send + Unpin + 'static>(
        sender: &mut Self::Sender<T>,
        value: T,
    ) -> impl Future<Output = ()> + Send;

    /// Receives; `None` once the channel is closed and empty.
    fn recv<T: Send + Unpin + 'static>(
        receiver: &mut Self::Receiver<T>,
    ) -> impl Future<Output = Option<T>> + Send;

    /// Sends if it need not wait, and says whether it did.
    fn try_send<T: Send + Unpin + 'static>(sender: &mut Self::Sender<T>, value: T) -> bool;

    /// Receives if it need not wait.
    fn try_recv<T: Send + Unpin + 'static>(receiver: &mut Self::Receiver<T>) -> Option<T>;
}

/// What a channel on a host is called: "kanal on tokio", or "dormouse" for ours on ours.
pub(crate) fn on_host<H: Host, C: Channel>(host: H) -> String {
    host.with(C::NAME)
}

/// Does something with each channel, as a type: `for_channels!(shape, C => something::<C>())`. The order is that of the
/// tables. Who adds a channel adds it here.
macro_rules! for_channels {
    ($shape:expr, $C:ident => $do:expr) => {{
        for_channels!(@ $C => $do, Dormouse Kanal);
        $crate::channels::for_crossfire!($shape, $C => $do);
        for_channels!(@ $C => $do, Flume AsyncChannel Tokio Futures);
    }};
    (@ $C:ident => $do:expr, $($Channel:ident)*) => {
        $({
            type $C = $crate::channels::$Channel;
            $do;
        })*
    };
}
pub(crate) use for_channels;

/// The same for crossfire alone, in the flavour for the shape.
macro_rules! for_crossfire {
    ($shape:expr, $C:ident => $do:expr) => {
        match $shape {
            $crate::channels::Shape { senders: 1, receivers: 1, .. } => {
                type $C = $crate::channels::CrossfireSpsc;
                $do;
            }
            $crate::channels::Shape { receivers: 1, .. } => {
                type $C = $crate::channels::CrossfireMpsc;
                $do;
            }
            _ => {
                type $C = $crate::channels::CrossfireMpmc;
                $do;
            }
        }
    };
}
pub(crate) use for_crossfire;
