//! The ways to select among channel operations, behind one trait, so that a cell is written once. One file each.
//!
//! Each is written as its documentation says; all of them choose at random among what is ready.
mod dormouse;
mod futures;
mod tokio;

pub(crate) use dormouse::Dormouse;
pub(crate) use futures::Futures;
pub(crate) use tokio::TokioSelect;

use crate::channels::Channel;
use crate::hosts::Host;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A timeout that does not happen while measuring.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// What is sent.
pub(crate) type Sender<S> = <<S as Selects>::Channel as Channel>::Sender<u64>;
/// What is received from.
pub(crate) type Receiver<S> = <<S as Selects>::Channel as Channel>::Receiver<u64>;

/// A way to select, for one kind of channel.
pub(crate) trait Selects: 'static {
    type Channel: Channel;

    /// Receives from one of two.
    fn recv_2(receivers: &mut [Receiver<Self>; 2]) -> impl Future<Output = Option<u64>> + Send;

    /// Receives from one of three.
    fn recv_3(receivers: &mut [Receiver<Self>; 3]) -> impl Future<Output = Option<u64>> + Send;

    /// Receives from one of eight.
    fn recv_8(receivers: &mut [Receiver<Self>; 8]) -> impl Future<Output = Option<u64>> + Send;

    /// Receives from one of 64.
    fn recv_64(receivers: &mut [Receiver<Self>; 64]) -> impl Future<Output = Option<u64>> + Send;

    /// Receives from one of two, if it need not wait.
    fn recv_2_or_default(receivers: &mut [Receiver<Self>; 2]) -> impl Future<Output = Option<u64>> + Send;

    /// Receives, with a new timeout of an hour.
    fn recv_or_timeout<H: Host>(receiver: &mut Receiver<Self>) -> impl Future<Output = Option<u64>> + Send;

    /// Sends to one of two.
    fn send_2(senders: &mut [Sender<Self>; 2], value: u64) -> impl Future<Output = ()> + Send;

    /// Sends to one of three, and says so; or stops because `done` is closed.
    fn send_3_or_done(
        senders: &mut [Sender<Self>; 3],
        value: u64,
        done: &mut Receiver<Self>,
    ) -> impl Future<Output = bool> + Send;

    /// Sends, and says so; or stops because of the timer or `done`.
    fn send_or_timer_or_done<T: Future<Output = ()> + Send>(
        sender: &mut Sender<Self>,
        value: u64,
        timer: Pin<&mut T>,
        done: &mut Receiver<Self>,
    ) -> impl Future<Output = bool> + Send;

    /// Receives; or stops because of the timer or `done`.
    fn recv_or_timer_or_done<T: Future<Output = ()> + Send>(
        receiver: &mut Receiver<Self>,
        timer: Pin<&mut T>,
        done: &mut Receiver<Self>,
    ) -> impl Future<Output = Option<u64>> + Send;
}

/// The receives, each by a macro that takes its name, how many receivers it selects of, and a name for each.
macro_rules! receives {
    ($recv:ident) => {
        $recv!(recv_2, 2, a b);
        $recv!(recv_3, 3, a b c);
        $recv!(recv_8, 8, a b c d e f g h);
        $recv!(recv_64, 64,
            a0 a1 a2 a3 a4 a5 a6 a7 b0 b1 b2 b3 b4 b5 b6 b7
            c0 c1 c2 c3 c4 c5 c6 c7 d0 d1 d2 d3 d4 d5 d6 d7
            e0 e1 e2 e3 e4 e5 e6 e7 f0 f1 f2 f3 f4 f5 f6 f7
            g0 g1 g2 g3 g4 g5 g6 g7 h0 h1 h2 h3 h4 h5 h6 h7
        );
    };
}
use receives;
