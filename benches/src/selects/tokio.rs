//! `tokio::select!` over the futures of any channel: what those do who use one without a select of its own.
//!
//! It has no `default`; without waiting, one tries each channel in turn.
use super::{NEVER, Receiver, Selects, Sender, receives};
use crate::channels::Channel;
use crate::hosts::Host;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

pub(crate) struct TokioSelect<C>(PhantomData<C>);

macro_rules! recv {
    ($name:ident, $count:literal, $($receiver:ident)*) => {
        async fn $name(receivers: &mut [Receiver<Self>; $count]) -> Option<u64> {
            let [$($receiver),*] = receivers;
            tokio::select! { $(value = C::recv($receiver) => value,)* }
        }
    };
}

impl<C: Channel> Selects for TokioSelect<C> {
    type Channel = C;

    receives!(recv);

    async fn recv_2_or_default([a, b]: &mut [Receiver<Self>; 2]) -> Option<u64> {
        C::try_recv(a).or_else(|| C::try_recv(b))
    }

    async fn recv_or_timeout<H: Host>(receiver: &mut Receiver<Self>) -> Option<u64> {
        tokio::select! {
            value = C::recv(receiver) => value,
            () = H::sleep(NEVER) => None,
        }
    }

    async fn send_2([a, b]: &mut [Sender<Self>; 2], value: u64) {
        tokio::select! {
            () = C::send(a, value) => {}
            () = C::send(b, value) => {}
        }
    }

    async fn send_3_or_done(
        [a, b, c]: &mut [Sender<Self>; 3],
        value: u64,
        done: &mut Receiver<Self>,
    ) -> bool {
        tokio::select! {
            () = C::send(a, value) => true,
            () = C::send(b, value) => true,
            () = C::send(c, value) => true,
            _ = C::recv(done) => false,
        }
    }

    async fn send_or_timer_or_done<T: Future<Output = ()> + Send>(
        sender: &mut Sender<Self>,
        value: u64,
        timer: Pin<&mut T>,
        done: &mut Receiver<Self>,
    ) -> bool {
        tokio::select! {
            () = C::send(sender, value) => true,
            () = timer => false,
            _ = C::recv(done) => false,
        }
    }

    async fn recv_or_timer_or_done<T: Future<Output = ()> + Send>(
        receiver: &mut Receiver<Self>,
        timer: Pin<&mut T>,
        done: &mut Receiver<Self>,
    ) -> Option<u64> {
        tokio::select! {
            value = C::recv(receiver) => value,
            () = timer => None,
            _ = C::recv(done) => None,
        }
    }
}
