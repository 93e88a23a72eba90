//! Real channels and the tasks that use them, beside the model.
use crate::model::{Arm, Fut, Model, Op, Words};
use crate::select::{Arms, Out, Real, opened, run_select};
use crate::{Dropped, Gate, Val, dynamic};
use dormouse_chan::{Receiver, Sender, bounded, unbounded};
use dormouse_testing::Count;
use proptest::sample::Index;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a future holds on to; given back after it, one by one, so that the order of closing is known.
pub(crate) enum Handle {
    Tx(usize, Rc<Sender<Val>>),
    Rx(usize, Rc<Receiver<Val>>),
}

pub(crate) struct Task {
    pub(crate) future: Pin<Box<dyn Future<Output = Out>>>,
    pub(crate) handles: Vec<Handle>,
    pub(crate) gate: Option<Gate>,
    pub(crate) wakes: Arc<Count>,
}

/// The handles of one channel that the test has.
pub(crate) struct Ends {
    pub(crate) txs: Vec<Rc<Sender<Val>>>,
    pub(crate) rxs: Vec<Rc<Receiver<Val>>>,
    /// All there ever were, so that the living can be counted.
    pub(crate) all_txs: Vec<std::rc::Weak<Sender<Val>>>,
    pub(crate) all_rxs: Vec<std::rc::Weak<Receiver<Val>>>,
    pub(crate) abandoned: bool,
}

impl Ends {
    pub(crate) fn new((tx, rx): (Sender<Val>, Receiver<Val>)) -> Self {
        let (tx, rx) = (Rc::new(tx), Rc::new(rx));
        let (all_txs, all_rxs) = (vec![Rc::downgrade(&tx)], vec![Rc::downgrade(&rx)]);
        Ends { txs: vec![tx], rxs: vec![rx], all_txs, all_rxs, abandoned: false }
    }
    pub(crate) fn senders(&self) -> usize {
        self.all_txs.iter().filter(|tx| tx.strong_count() > 0).count()
    }
    pub(crate) fn receivers(&self) -> usize {
        self.all_rxs.iter().filter(|rx| rx.strong_count() > 0).count()
    }
}

pub(crate) struct World {
    pub(crate) ends: Vec<Ends>,
    pub(crate) tasks: BTreeMap<usize, Task>,
    pub(crate) model: Model,
    pub(crate) dropped: Dropped,
    pub(crate) next_value: u32,
    pub(crate) next_task: usize,
}

impl World {
    pub(crate) fn new(capacities: &[Option<usize>]) -> Self {
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

    pub(crate) fn value(&mut self) -> (u32, Val) {
        let number = self.next_value;
        self.next_value += 1;
        (number, Val(number, self.dropped.clone()))
    }

    pub(crate) fn add(
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

    pub(crate) fn pick(&self, index: &Index) -> Option<usize> {
        (!self.tasks.is_empty()).then(|| *index.get(&self.tasks.keys().copied().collect::<Vec<_>>()))
    }

    pub(crate) fn add_recv(&mut self, chan: usize) {
        let Some(rx) = self.ends[chan].rxs.last().cloned() else { return };
        let fut = Fut::new(vec![Arm { number: 0, chan, op: Op::Recv }], None, Words::default());
        let handles = vec![Handle::Rx(chan, rx.clone())];
        self.add(fut, handles, None, async move {
            Out { arm: 0, got: Real::Received(rx.recv().await), place: None }
        });
    }

    pub(crate) fn add_send(&mut self, chan: usize) {
        let Some(tx) = self.ends[chan].txs.last().cloned() else { return };
        let (number, value) = self.value();
        let fut = Fut::new(vec![Arm { number: 3, chan, op: Op::Send(number) }], None, Words::default());
        let handles = vec![Handle::Tx(chan, tx.clone())];
        self.add(fut, handles, None, async move {
            let sent = tx.send(value).await.map_err(|error| error.into_inner());
            Out { arm: 3, got: Real::Sent(sent), place: None }
        });
    }

    pub(crate) fn add_reserve(&mut self, chan: usize, gate: bool) {
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

    pub(crate) fn add_select(
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
}
