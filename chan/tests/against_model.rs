//! Random operations on real channels, step by step against a plain sequential model (`against_model/model.rs`):
//! outcomes, wake-ups, lengths, and where each value is, compared after every step. Where several arms of a select are
//! ready, any of them is right.

#[path = "against_model/dynamic.rs"]
mod dynamic;
#[path = "against_model/model.rs"]
mod model;

use dormouse_chan::{Receiver, Sender, TryRecvError, TrySendError, bounded, select, unbounded};
use dormouse_testing::Count;
use model::{Arm, DEFAULT, ELSE, FUTURE, Fut, Got, Model, Op, Outcome, Words};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

const CHANNELS: usize = 3;

/// A future that is ready when it is true.
type Gate = Arc<AtomicBool>;

type Dropped = Arc<Mutex<BTreeSet<u32>>>;

/// A value that tells when it is dropped. Number 0 fills the arms that are disabled.
struct Val(u32, Dropped);

impl Drop for Val {
    fn drop(&mut self) {
        if self.0 > 0 {
            assert!(self.1.lock().unwrap().insert(self.0), "value {} is dropped twice", self.0);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Recv(usize),
    Send(usize),
    /// Sets a place aside, and sends into it when the gate is open.
    Reserve {
        chan: usize,
        gate: bool,
    },
    /// Channels for three `recv`, two `send` and one `send_from` arm.
    Select {
        recvs: [Option<usize>; 3],
        sends: [Option<usize>; 3],
        gate: Option<bool>,
        words: Words,
        /// By `chan::Select`. (Its `try_wait` polls no future.)
        dynamic: bool,
    },
    Poll(Index),
    Drop(Index),
    OpenGate(Index),
    TrySend(usize),
    TryRecv(usize),
    Close {
        chan: usize,
        by_receiver: bool,
    },
    CloneHandle {
        chan: usize,
        receiver: bool,
    },
    DropHandle {
        chan: usize,
        receiver: bool,
    },
}

fn words() -> impl Strategy<Value = Words> {
    let of = proptest::bool::weighted;
    (of(0.2), of(0.15), of(0.3)).prop_map(|(biased, default, otherwise)| Words { biased, default, otherwise })
}

fn step() -> impl Strategy<Value = Step> {
    let chan = 0..CHANNELS;
    let maybe = || proptest::option::weighted(0.4, 0..CHANNELS);
    let select = (
        [maybe(), maybe(), maybe()],
        [maybe(), maybe(), maybe()],
        proptest::option::weighted(0.3, proptest::bool::weighted(0.2)),
        words(),
        proptest::bool::weighted(0.3),
    );
    prop_oneof![
        4 => chan.clone().prop_map(Step::Recv),
        4 => chan.clone().prop_map(Step::Send),
        4 => (chan.clone(), proptest::bool::weighted(0.3)).prop_map(|(chan, gate)| Step::Reserve { chan, gate }),
        8 => select.prop_map(|(recvs, sends, gate, words, dynamic)| Step::Select {
            recvs, sends, gate, words, dynamic: dynamic && !(words.default && gate.is_some()),
        }),
        24 => any::<Index>().prop_map(Step::Poll),
        6 => any::<Index>().prop_map(Step::Drop),
        2 => any::<Index>().prop_map(Step::OpenGate),
        5 => chan.clone().prop_map(Step::TrySend),
        5 => chan.clone().prop_map(Step::TryRecv),
        1 => (chan.clone(), any::<bool>()).prop_map(|(chan, by_receiver)| Step::Close { chan, by_receiver }),
        1 => (chan.clone(), any::<bool>()).prop_map(|(chan, receiver)| Step::CloneHandle { chan, receiver }),
        2 => (chan, any::<bool>()).prop_map(|(chan, receiver)| Step::DropHandle { chan, receiver }),
    ]
}

struct Out {
    arm: usize,
    got: Real,
    place: Option<Val>,
}

enum Real {
    Received(Option<Val>),
    Sent(Result<(), Val>),
    FutureReady,
    Default,
    Else,
}

type SendSlot = (Option<Rc<Sender<Val>>>, Val);

struct Arms {
    recvs: [Option<Rc<Receiver<Val>>>; 3],
    sends: [SendSlot; 2],
    send_from: SendSlot,
    gate: Option<Gate>,
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

async fn opened(gate: &Option<Gate>) {
    std::future::poll_fn(|_| match gate {
        Some(gate) if gate.load(SeqCst) => Poll::Ready(()),
        _ => Poll::Pending,
    })
    .await;
}

async fn run_select(arms: Arms, Words { biased, default, otherwise }: Words) -> Out {
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

/// What a future holds on to; given back after it, one by one, so that the order of closing is known.
enum Handle {
    Tx(usize, Rc<Sender<Val>>),
    Rx(usize, Rc<Receiver<Val>>),
}

struct Task {
    future: Pin<Box<dyn Future<Output = Out>>>,
    handles: Vec<Handle>,
    gate: Option<Gate>,
    wakes: Arc<Count>,
}

/// The handles of one channel that the test has.
struct Ends {
    txs: Vec<Rc<Sender<Val>>>,
    rxs: Vec<Rc<Receiver<Val>>>,
    /// All there ever were, so that the living can be counted.
    all_txs: Vec<std::rc::Weak<Sender<Val>>>,
    all_rxs: Vec<std::rc::Weak<Receiver<Val>>>,
    abandoned: bool,
}

impl Ends {
    fn new((tx, rx): (Sender<Val>, Receiver<Val>)) -> Self {
        let (tx, rx) = (Rc::new(tx), Rc::new(rx));
        let (all_txs, all_rxs) = (vec![Rc::downgrade(&tx)], vec![Rc::downgrade(&rx)]);
        Ends { txs: vec![tx], rxs: vec![rx], all_txs, all_rxs, abandoned: false }
    }
    fn senders(&self) -> usize {
        self.all_txs.iter().filter(|tx| tx.strong_count() > 0).count()
    }
    fn receivers(&self) -> usize {
        self.all_rxs.iter().filter(|rx| rx.strong_count() > 0).count()
    }
}

struct World {
    ends: Vec<Ends>,
    tasks: BTreeMap<usize, Task>,
    model: Model,
    dropped: Dropped,
    next_value: u32,
    next_task: usize,
}

impl World {
    fn new(capacities: &[Option<usize>]) -> Self {
        let make = |capacity: &Option<usize>| Ends::new(capacity.map_or_else(unbounded, bounded));
        World {
            ends: capacities.iter().map(make).collect(),
            tasks: BTreeMap::new(),
            model: Model::new(capacities),
            dropped: Dropped::default(),
            next_value: 1,
            next_task: 0,
        }
    }

    fn value(&mut self) -> (u32, Val) {
        let number = self.next_value;
        self.next_value += 1;
        (number, Val(number, self.dropped.clone()))
    }

    fn add(
        &mut self,
        fut: Fut,
        handles: Vec<Handle>,
        gate: Option<Gate>,
        future: impl Future<Output = Out> + 'static,
    ) {
        self.model.futs.insert(self.next_task, fut);
        let task = Task { future: Box::pin(future), handles, gate, wakes: Arc::default() };
        self.tasks.insert(self.next_task, task);
        self.next_task += 1;
    }

    fn pick(&self, index: &Index) -> Option<usize> {
        (!self.tasks.is_empty()).then(|| *index.get(&self.tasks.keys().copied().collect::<Vec<_>>()))
    }

    fn add_recv(&mut self, chan: usize) {
        let Some(rx) = self.ends[chan].rxs.last().cloned() else { return };
        let fut = Fut::new(vec![Arm { number: 0, chan, op: Op::Recv }], None, Words::default());
        let handles = vec![Handle::Rx(chan, rx.clone())];
        self.add(fut, handles, None, async move {
            Out { arm: 0, got: Real::Received(rx.recv().await), place: None }
        });
    }

    fn add_send(&mut self, chan: usize) {
        let Some(tx) = self.ends[chan].txs.last().cloned() else { return };
        let (number, value) = self.value();
        let fut = Fut::new(vec![Arm { number: 3, chan, op: Op::Send(number) }], None, Words::default());
        let handles = vec![Handle::Tx(chan, tx.clone())];
        self.add(fut, handles, None, async move {
            let sent = tx.send(value).await.map_err(|error| error.into_inner());
            Out { arm: 3, got: Real::Sent(sent), place: None }
        });
    }

    fn add_reserve(&mut self, chan: usize, gate: bool) {
        let Some(tx) = self.ends[chan].txs.last().cloned() else { return };
        if tx.capacity() == Some(0) {
            return; // there is nothing to set aside
        }
        let (number, value) = self.value();
        let arm = Arm { number: 3, chan, op: Op::Reserve(number) };
        let handles = vec![Handle::Tx(chan, tx.clone())];
        let open = Gate::new(AtomicBool::new(gate));
        self.add(
            Fut::new(vec![arm], Some(gate), Words::default()),
            handles,
            Some(open.clone()),
            async move {
                let sent = match tx.reserve().await {
                    Err(_) => Err(value),
                    Ok(permit) => {
                        opened(&Some(open)).await;
                        permit.send(value).map_err(|error| error.into_inner())
                    }
                };
                Out { arm: 3, got: Real::Sent(sent), place: None }
            },
        );
    }

    fn add_select(
        &mut self,
        recvs: [Option<usize>; 3],
        sends: [Option<usize>; 3],
        gate: Option<bool>,
        words: Words,
        dynamic: bool,
    ) {
        let (mut arms, mut handles) = (Vec::new(), Vec::new());
        let recvs = std::array::from_fn(|i| {
            let chan = recvs[i]?;
            let rx = self.ends[chan].rxs.last()?.clone();
            handles.push(Handle::Rx(chan, rx.clone()));
            arms.push(Arm { number: i, chan, op: Op::Recv });
            Some(rx)
        });
        let mut send = |i: usize| {
            let found = sends[i].and_then(|chan| Some((chan, self.ends[chan].txs.last()?.clone())));
            let Some((chan, tx)) = found else { return (None, Val(0, self.dropped.clone())) };
            let (number, value) = self.value();
            handles.push(Handle::Tx(chan, tx.clone()));
            arms.push(Arm {
                number: 3 + i,
                chan,
                op: if i == 2 { Op::SendFrom(number) } else { Op::Send(number) },
            });
            (Some(tx), value)
        };
        let sends = [send(0), send(1)];
        let send_from = send(2);
        let real_gate = gate.map(|open| Gate::new(AtomicBool::new(open)));
        let real_arms = Arms { recvs, sends, send_from, gate: real_gate.clone() };
        let fut = Fut::new(arms, gate, words);
        if dynamic {
            self.add(fut, handles, real_gate, dynamic::run_select(real_arms, words));
        } else {
            self.add(fut, handles, real_gate, run_select(real_arms, words));
        }
    }

    fn poll(&mut self, id: usize) -> Result<(), TestCaseError> {
        let allowed = self.model.may_choose(id);
        let task = self.tasks.get_mut(&id).expect("picked");
        let waker = Waker::from(task.wakes.clone());
        match task.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                prop_assert!(allowed.is_empty(), "task {id} waits, but may end with {allowed:?}");
                self.model.wait(id);
            }
            Poll::Ready(Out { arm, got, place }) => {
                prop_assert!(allowed.contains(&arm), "task {id} ends with {arm}, not one of {allowed:?}");
                let number = |value: &Val| value.0;
                let real = Outcome {
                    arm,
                    got: match &got {
                        Real::Received(value) => Got::Received(value.as_ref().map(number)),
                        Real::Sent(sent) => Got::Sent(sent.as_ref().copied().map_err(number)),
                        Real::FutureReady => Got::FutureReady,
                        Real::Default => Got::Default,
                        Real::Else => Got::Else,
                    },
                    place: place.as_ref().map(number),
                };
                prop_assert_eq!(real, self.model.finish(id, arm), "task {}", id);
                drop((got, place));
                self.end(id);
            }
        }
        Ok(())
    }

    /// Drops a task, and then what it held on to.
    fn end(&mut self, id: usize) {
        let Task { future, handles, .. } = self.tasks.remove(&id).expect("picked");
        drop(future);
        for handle in handles {
            self.give_up(handle);
        }
    }

    fn give_up(&mut self, handle: Handle) {
        match handle {
            Handle::Tx(chan, tx) => {
                drop(tx);
                if self.ends[chan].senders() == 0 {
                    self.model.close(chan);
                }
            }
            Handle::Rx(chan, rx) => {
                drop(rx);
                if self.ends[chan].receivers() == 0
                    && !std::mem::replace(&mut self.ends[chan].abandoned, true)
                {
                    self.model.abandon(chan);
                }
            }
        }
    }

    fn try_send(&mut self, chan: usize) -> Result<(), TestCaseError> {
        let Some(tx) = self.ends[chan].txs.last().cloned() else { return Ok(()) };
        let (number, value) = self.value();
        let real = match tx.try_send(value) {
            Ok(()) => Some(true),
            Err(TrySendError::Full(back)) => (back.0 == number).then_some(None).expect("the same value"),
            Err(TrySendError::Closed(back)) => {
                (back.0 == number).then_some(Some(false)).expect("the same value")
            }
        };
        let expected = self.model.put(chan, number);
        prop_assert_eq!(real, expected, "try_send {} on {}", number, chan);
        if expected != Some(true) {
            self.model.dropped.insert(number);
        }
        Ok(())
    }

    fn try_recv(&mut self, chan: usize) -> Result<(), TestCaseError> {
        let Some(rx) = self.ends[chan].rxs.last() else { return Ok(()) };
        let real = match rx.try_recv() {
            Ok(value) => Some(Some(value.0)),
            Err(TryRecvError::Closed) => Some(None),
            Err(TryRecvError::Empty) => None,
        };
        let expected = self.model.take(chan);
        prop_assert_eq!(real, expected, "try_recv on {}", chan);
        self.model.dropped.extend(expected.flatten());
        Ok(())
    }

    fn close(&mut self, chan: usize, by_receiver: bool) -> Result<(), TestCaseError> {
        let ends = &self.ends[chan];
        let first = match (by_receiver, ends.txs.last(), ends.rxs.last()) {
            (false, Some(tx), _) => tx.close(),
            (true, _, Some(rx)) => rx.close(),
            _ => return Ok(()),
        };
        prop_assert_eq!(first, self.model.close(chan), "close of {}", chan);
        Ok(())
    }

    fn clone_handle(&mut self, chan: usize, receiver: bool) {
        let ends = &mut self.ends[chan];
        if receiver && let Some(rx) = ends.rxs.last() {
            let rx = Rc::new(Receiver::clone(rx));
            ends.all_rxs.push(Rc::downgrade(&rx));
            ends.rxs.push(rx);
        } else if !receiver && let Some(tx) = ends.txs.last() {
            let tx = Rc::new(Sender::clone(tx));
            ends.all_txs.push(Rc::downgrade(&tx));
            ends.txs.push(tx);
        }
    }

    fn drop_handle(&mut self, chan: usize, receiver: bool) {
        let ends = &mut self.ends[chan];
        let handle = if receiver {
            ends.rxs.pop().map(|rx| Handle::Rx(chan, rx))
        } else {
            ends.txs.pop().map(|tx| Handle::Tx(chan, tx))
        };
        if let Some(handle) = handle {
            self.give_up(handle);
        }
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            &Step::Recv(chan) => self.add_recv(chan),
            &Step::Send(chan) => self.add_send(chan),
            &Step::Reserve { chan, gate } => self.add_reserve(chan, gate),
            &Step::Select { recvs, sends, gate, words, dynamic } => {
                self.add_select(recvs, sends, gate, words, dynamic);
            }
            Step::Poll(index) => {
                if let Some(id) = self.pick(index) {
                    self.poll(id)?;
                }
            }
            Step::Drop(index) => {
                if let Some(id) = self.pick(index) {
                    self.model.drop_fut(id);
                    self.end(id);
                }
            }
            Step::OpenGate(index) => {
                if let Some(id) = self.pick(index)
                    && let Some(gate) = &self.tasks[&id].gate
                {
                    gate.store(true, SeqCst);
                    self.model.futs.get_mut(&id).expect("picked").gate = Some(true);
                }
            }
            &Step::TrySend(chan) => self.try_send(chan)?,
            &Step::TryRecv(chan) => self.try_recv(chan)?,
            &Step::Close { chan, by_receiver } => self.close(chan, by_receiver)?,
            &Step::CloneHandle { chan, receiver } => self.clone_handle(chan, receiver),
            &Step::DropHandle { chan, receiver } => self.drop_handle(chan, receiver),
        }
        self.compare()
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(&*self.dropped.lock().unwrap(), &self.model.dropped, "values that are gone");
        for (id, task) in &self.tasks {
            let expected = self.model.futs[id].wakes;
            prop_assert_eq!(task.wakes.get(), expected, "wake-ups of task {}", id);
        }
        for (chan, ends) in self.ends.iter().enumerate() {
            let expected =
                (self.model.len(chan), self.model.is_closed(chan), ends.senders(), ends.receivers());
            if let Some(tx) = ends.txs.last() {
                let real = (tx.len(), tx.is_closed(), tx.sender_count(), tx.receiver_count());
                prop_assert_eq!(real, expected, "channel {}", chan);
                prop_assert_eq!(tx.is_full(), self.model.is_full(chan), "channel {} is full", chan);
            }
            if let Some(rx) = ends.rxs.last() {
                let real = (rx.len(), rx.is_closed(), rx.sender_count(), rx.receiver_count());
                prop_assert_eq!(real, expected, "channel {}", chan);
            }
        }
        Ok(())
    }

    /// Drops everything: each value must be gone, once.
    fn finish(mut self) -> Result<(), TestCaseError> {
        self.tasks.clear();
        self.ends.clear();
        let all: BTreeSet<_> = (1..self.next_value).collect();
        prop_assert_eq!(&*self.dropped.lock().unwrap(), &all, "each value is dropped in the end");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn channels_and_selects_do_what_the_model_does(
        capacities in proptest::collection::vec(
            prop_oneof![3 => Just(Some(0)), 2 => Just(Some(1)), 1 => Just(Some(2)), 1 => Just(None)], CHANNELS),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let _watch = dormouse_testing::watch();
        let mut world = World::new(&capacities);
        for step in &steps {
            world.run(step)?;
        }
        world.finish()?;
    }
}
