//! Our `select!`.
use super::{NEVER, Selects, receives};
use crate::channels;
use crate::hosts::Host;
use dormouse_chan::{Receiver, Sender, select};
use std::future::Future;
use std::pin::Pin;

pub(crate) struct Dormouse;

macro_rules! recv {
    ($name:ident, $count:literal, $($receiver:ident)*) => {
        async fn $name(receivers: &mut [Receiver<u64>; $count]) -> Option<u64> {
            let [$($receiver),*] = &*receivers;
            select! { $(recv($receiver) -> value => value,)* }
        }
    };
}

impl Selects for Dormouse {
    type Channel = channels::Dormouse;

    receives!(recv);

    async fn recv_2_or_default([a, b]: &mut [Receiver<u64>; 2]) -> Option<u64> {
        select! {
            recv(&*a) -> value => value,
            recv(&*b) -> value => value,
            default => None,
        }
    }

    async fn recv_or_timeout<H: Host>(receiver: &mut Receiver<u64>) -> Option<u64> {
        select! {
            recv(&*receiver) -> value => value,
            _ = H::sleep(NEVER) => None,
        }
    }

    async fn send_2([a, b]: &mut [Sender<u64>; 2], value: u64) {
        let sent = select! {
            send(&*a, value) -> sent => sent,
            send(&*b, value) -> sent => sent,
        };
        assert!(sent.is_ok(), "closed");
    }

    async fn send_3_or_done([a, b, c]: &mut [Sender<u64>; 3], value: u64, done: &mut Receiver<u64>) -> bool {
        select! {
            send(&*a, value) -> sent => sent.is_ok(),
            send(&*b, value) -> sent => sent.is_ok(),
            send(&*c, value) -> sent => sent.is_ok(),
            recv(&*done) -> _ => false,
        }
    }

    async fn send_or_timer_or_done<T: Future<Output = ()> + Send>(
        sender: &mut Sender<u64>,
        value: u64,
        timer: Pin<&mut T>,
        done: &mut Receiver<u64>,
    ) -> bool {
        select! {
            send(&*sender, value) -> sent => sent.is_ok(),
            _ = timer => false,
            recv(&*done) -> _ => false,
        }
    }

    async fn recv_or_timer_or_done<T: Future<Output = ()> + Send>(
        receiver: &mut Receiver<u64>,
        timer: Pin<&mut T>,
        done: &mut Receiver<u64>,
    ) -> Option<u64> {
        select! {
            recv(&*receiver) -> value => value,
            _ = timer => None,
            recv(&*done) -> _ => None,
        }
    }
}
