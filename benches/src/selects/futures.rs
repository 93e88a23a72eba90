//! `futures::select!` over `futures::channel::mpsc`.
//!
//! What is selected of a send is `poll_ready`, and the winner sends by `start_send`: a `send` that is dropped may have sent its
//! value. The channel then takes one value more than its buffer holds.
use super::{NEVER, Receiver, Selects, Sender, receives};
use crate::channels::{self, Channel};
use crate::hosts::Host;
use futures::FutureExt;
use std::future::Future;
use std::pin::{Pin, pin};

pub(crate) struct Futures;

macro_rules! recv {
    ($name:ident, $count:literal, $($receiver:ident)*) => {
        async fn $name(receivers: &mut [Receiver<Self>; $count]) -> Option<u64> {
            let [$($receiver),*] = receivers;
            $(let mut $receiver = pin!(channels::Futures::recv($receiver).fuse());)*
            futures::select! { $(value = $receiver => value,)* }
        }
    };
}

impl Selects for Futures {
    type Channel = channels::Futures;

    receives!(recv);

    async fn recv_2_or_default([a, b]: &mut [Receiver<Self>; 2]) -> Option<u64> {
        let mut a = pin!(channels::Futures::recv(a).fuse());
        let mut b = pin!(channels::Futures::recv(b).fuse());
        futures::select! {
            value = a => value,
            value = b => value,
            default => None,
        }
    }

    async fn recv_or_timeout<H: Host>(receiver: &mut Receiver<Self>) -> Option<u64> {
        let mut received = pin!(channels::Futures::recv(receiver).fuse());
        let mut timeout = pin!(H::sleep(NEVER).fuse());
        futures::select! {
            value = received => value,
            () = timeout => None,
        }
    }

    async fn send_2([a, b]: &mut [Sender<Self>; 2], value: u64) {
        let first = {
            let mut a = pin!(a.ready().fuse());
            let mut b = pin!(b.ready().fuse());
            futures::select! {
                () = a => true,
                () = b => false,
            }
        };
        if first { a.put(value) } else { b.put(value) }
    }

    async fn send_3_or_done(
        [a, b, c]: &mut [Sender<Self>; 3],
        value: u64,
        done: &mut Receiver<Self>,
    ) -> bool {
        let winner = {
            let mut a = pin!(a.ready().fuse());
            let mut b = pin!(b.ready().fuse());
            let mut c = pin!(c.ready().fuse());
            let mut done = pin!(channels::Futures::recv(done).fuse());
            futures::select! {
                () = a => 0,
                () = b => 1,
                () = c => 2,
                _ = done => return false,
            }
        };
        [a, b, c][winner].put(value);
        true
    }

    async fn send_or_timer_or_done<T: Future<Output = ()> + Send>(
        sender: &mut Sender<Self>,
        value: u64,
        timer: Pin<&mut T>,
        done: &mut Receiver<Self>,
    ) -> bool {
        {
            let mut ready = pin!(sender.ready().fuse());
            let mut timer = timer.fuse();
            let mut done = pin!(channels::Futures::recv(done).fuse());
            futures::select! {
                () = ready => {}
                () = timer => return false,
                _ = done => return false,
            }
        }
        sender.put(value);
        true
    }

    async fn recv_or_timer_or_done<T: Future<Output = ()> + Send>(
        receiver: &mut Receiver<Self>,
        timer: Pin<&mut T>,
        done: &mut Receiver<Self>,
    ) -> Option<u64> {
        let mut received = pin!(channels::Futures::recv(receiver).fuse());
        let mut timer = timer.fuse();
        let mut done = pin!(channels::Futures::recv(done).fuse());
        futures::select! {
            value = received => value,
            () = timer => None,
            _ = done => None,
        }
    }
}
