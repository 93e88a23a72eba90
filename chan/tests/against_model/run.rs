//! Runs a history step by step, and compares with the model after each.
use crate::Val;
use crate::model::{Got, Outcome};
use crate::select::{Out, Real};
use crate::steps::Step;
use crate::world::{Handle, Task, World};
use dormouse_chan::{Receiver, Sender, TryRecvError, TrySendError};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

impl World {
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

    pub(crate) fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
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
    pub(crate) fn finish(mut self) -> Result<(), TestCaseError> {
        self.tasks.clear();
        self.ends.clear();
        let all: BTreeSet<_> = (1..self.next_value).collect();
        prop_assert_eq!(&*self.dropped.lock().unwrap(), &all, "each value is dropped in the end");
        Ok(())
    }
}
