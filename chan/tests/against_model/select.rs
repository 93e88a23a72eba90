//! The select of the histories, by `select!`.
use crate::model::{DEFAULT, ELSE, FUTURE, Words};
use crate::{Gate, Val};
use dormouse_chan::{Receiver, Sender, select};
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;

pub(crate) struct Out {
    pub(crate) arm: usize,
    pub(crate) got: Real,
    pub(crate) place: Option<Val>,
}

pub(crate) enum Real {
    Received(Option<Val>),
    Sent(Result<(), Val>),
    FutureReady,
    Default,
    Else,
}

pub(crate) type SendSlot = (Option<Rc<Sender<Val>>>, Val);

pub(crate) struct Arms {
    pub(crate) recvs: [Option<Rc<Receiver<Val>>>; 3],
    pub(crate) sends: [SendSlot; 2],
    pub(crate) send_from: SendSlot,
    pub(crate) gate: Option<Gate>,
}

/// One select with the given words added to it.
macro_rules! select_with {
    ($arms:ident; [$($biased:tt)*] $($default:tt)*) => {{
        let Arms { recvs: [r0, r1, r2], sends: [(s0, v0), (s1, v1)], send_from: (s2, v2), gate } = $arms;
        let mut place = s2.is_some().then_some(v2);
        let (arm, got) = select! {
            $($biased)*
            recv(r0.as_deref()) -> v => (0, Real::Received(v)),
            recv(r1.as_deref()) -> v => (1, Real::Received(v)),
            recv(r2.as_deref()) -> v => (2, Real::Received(v)),
            send(s0.as_deref(), v0) -> sent => (3, Real::Sent(sent.map_err(|error| error.into_inner()))),
            send(s1.as_deref(), v1) -> sent => (4, Real::Sent(sent.map_err(|error| error.into_inner()))),
            send_from(s2.as_deref(), place) -> sent => (5, Real::Sent(sent.map_err(|error| error.into_inner()))),
            () = opened(&gate), if gate.is_some() => (FUTURE, Real::FutureReady),
            $($default)*
        };
        Out { arm, got, place }
    }};
}

pub(crate) async fn opened(gate: &Option<Gate>) {
    std::future::poll_fn(|_| match gate {
        Some(gate) if gate.load(SeqCst) => Poll::Ready(()),
        _ => Poll::Pending,
    })
    .await;
}

pub(crate) async fn run_select(arms: Arms, Words { biased, default, otherwise }: Words) -> Out {
    match (biased, default, otherwise) {
        (false, false, false) => select_with!(arms; []),
        (true, false, false) => select_with!(arms; [biased;]),
        (false, true, false) => select_with!(arms; [] default => (DEFAULT, Real::Default)),
        (true, true, false) => select_with!(arms; [biased;] default => (DEFAULT, Real::Default)),
        (false, false, true) => select_with!(arms; [] else => (ELSE, Real::Else)),
        (true, false, true) => select_with!(arms; [biased;] else => (ELSE, Real::Else)),
        (false, true, true) => {
            select_with!(arms; [] default => (DEFAULT, Real::Default), else => (ELSE, Real::Else))
        }
        (true, true, true) => {
            select_with!(arms; [biased;] default => (DEFAULT, Real::Default), else => (ELSE, Real::Else))
        }
    }
}
