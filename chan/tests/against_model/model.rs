//! The reference: channels and selects as Go's rules and X1-X3 say, in plain sequential code. A plain receive or send is
//! a select with one arm. Values are numbers.
pub(crate) use crate::types::{Arm, DEFAULT, ELSE, FUTURE, Fut, Got, Op, Outcome, Words};
use crate::types::{State, Won};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Debug, Default)]
struct Chan {
    /// `None` = unbounded.
    capacity: Option<usize>,
    buffer: VecDeque<u32>,
    /// Values put back, by the number of their hand-over.
    returned: BTreeMap<u64, u32>,
    handed: u64,
    closed: bool,
    /// Places set aside.
    reserved: usize,
    /// Who waits: the future and the number of its arm, longest-waiting first.
    receivers: VecDeque<(usize, usize)>,
    senders: VecDeque<(usize, usize)>,
}

impl Chan {
    fn has_room(&self) -> bool {
        self.capacity.is_none_or(|capacity| self.buffer.len() + self.reserved < capacity)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    chans: Vec<Chan>,
    pub(crate) futs: BTreeMap<usize, Fut>,
    /// The values that nobody has any more.
    pub(crate) dropped: BTreeSet<u32>,
}

impl Model {
    pub(crate) fn new(capacities: &[Option<usize>]) -> Self {
        let chans = capacities.iter().map(|&capacity| Chan { capacity, ..Chan::default() }).collect();
        Model { chans, ..Model::default() }
    }

    pub(crate) fn len(&self, chan: usize) -> usize {
        self.chans[chan].buffer.len() + self.chans[chan].returned.len()
    }

    pub(crate) fn is_full(&self, chan: usize) -> bool {
        let chan = &self.chans[chan];
        if chan.closed {
            return chan.capacity.is_some_and(|capacity| chan.buffer.len() >= capacity);
        }
        !chan.has_room()
    }

    pub(crate) fn is_closed(&self, chan: usize) -> bool {
        self.chans[chan].closed
    }

    fn recv_ready(&self, chan: usize) -> bool {
        self.len(chan) > 0 || self.sender_with_value(chan).is_some() || self.chans[chan].closed
    }

    fn send_ready(&self, chan: usize) -> bool {
        self.chans[chan].has_room() || !self.chans[chan].receivers.is_empty() || self.chans[chan].closed
    }

    /// The future is won through an arm: it leaves all queues, and is woken.
    fn win(&mut self, (fut, arm): (usize, usize), won: Won) {
        for chan in &mut self.chans {
            chan.receivers.retain(|waiter| waiter.0 != fut);
            chan.senders.retain(|waiter| waiter.0 != fut);
        }
        let fut = self.futs.get_mut(&fut).expect("who waits exists");
        assert_eq!(fut.state, State::Waiting);
        fut.state = State::Won(arm, won);
        fut.wakes += 1;
    }

    fn value_of(&self, (fut, arm): (usize, usize)) -> u32 {
        match self.futs[&fut].arm(arm).op {
            Op::Send(value) | Op::SendFrom(value) => value,
            Op::Recv | Op::Reserve(_) => unreachable!("this one waits with a value"),
        }
    }

    fn reserves(&self, (fut, arm): (usize, usize)) -> bool {
        matches!(self.futs[&fut].arm(arm).op, Op::Reserve(_))
    }

    fn sender_with_value(&self, chan: usize) -> Option<(usize, usize)> {
        self.chans[chan].senders.iter().copied().find(|&sender| !self.reserves(sender))
    }

    /// There may be room: who waits longest has it.
    fn move_up(&mut self, chan: usize) {
        let Some(&sender) = self.chans[chan].senders.front() else { return };
        if !self.chans[chan].has_room() {
            return;
        }
        if self.reserves(sender) {
            self.chans[chan].reserved += 1;
            self.win(sender, Won::Place);
        } else {
            let moved = self.value_of(sender);
            self.chans[chan].buffer.push_back(moved);
            self.win(sender, Won::Sent);
        }
    }

    /// The send of a permit: false if the channel is closed.
    fn put_reserved(&mut self, chan: usize, value: u32) -> bool {
        if !self.chans[chan].closed {
            self.chans[chan].reserved -= 1;
        }
        let sent = self.put(chan, value).expect("there is a place");
        self.move_up(chan);
        sent
    }

    fn unreserve(&mut self, chan: usize) {
        if !self.chans[chan].closed {
            self.chans[chan].reserved -= 1;
            self.move_up(chan);
        }
    }

    /// `None`: it would wait; `Some(None)`: closed and drained.
    pub(crate) fn take(&mut self, chan: usize) -> Option<Option<u32>> {
        if let Some((_, value)) = self.chans[chan].returned.pop_first() {
            return Some(Some(value));
        }
        if let Some(value) = self.chans[chan].buffer.pop_front() {
            self.move_up(chan);
            return Some(Some(value));
        }
        if let Some(sender) = self.sender_with_value(chan) {
            let value = self.value_of(sender);
            self.win(sender, Won::Sent);
            return Some(Some(value));
        }
        self.chans[chan].closed.then_some(None)
    }

    /// `None`: it would wait; `Some(false)`: closed.
    pub(crate) fn put(&mut self, chan: usize, value: u32) -> Option<bool> {
        if self.chans[chan].closed {
            return Some(false);
        }
        if let Some(&receiver) = self.chans[chan].receivers.front() {
            self.chans[chan].handed += 1;
            let number = self.chans[chan].handed;
            self.win(receiver, Won::Value(value, number));
            return Some(true);
        }
        if !self.chans[chan].has_room() {
            return None;
        }
        self.chans[chan].buffer.push_back(value);
        Some(true)
    }

    /// X1: to the next waiting receiver, else back to the front.
    fn put_back(&mut self, chan: usize, number: u64, value: u32) {
        if let Some(&receiver) = self.chans[chan].receivers.front() {
            self.win(receiver, Won::Value(value, number));
        } else {
            self.chans[chan].returned.insert(number, value);
        }
    }

    pub(crate) fn close(&mut self, chan: usize) -> bool {
        let first = !std::mem::replace(&mut self.chans[chan].closed, true);
        while let Some(&receiver) = self.chans[chan].receivers.front() {
            self.win(receiver, Won::Closed);
        }
        while let Some(&sender) = self.chans[chan].senders.front() {
            self.win(sender, Won::Closed);
        }
        first
    }

    /// The last receiver is gone.
    pub(crate) fn abandon(&mut self, chan: usize) {
        self.close(chan);
        let chan = &mut self.chans[chan];
        self.dropped.extend(chan.buffer.drain(..));
        self.dropped.extend(std::mem::take(&mut chan.returned).into_values());
    }

    /// The arms that a poll may end with; none: it waits.
    pub(crate) fn may_choose(&self, id: usize) -> Vec<usize> {
        let fut = &self.futs[&id];
        if let [Arm { number, chan, op: Op::Reserve(_) }] = fut.arms[..] {
            let has_place = match fut.state {
                State::New => !self.is_full(chan),
                State::Waiting => false,
                State::Won(_, won) => won == Won::Place,
                State::Holding => true,
            };
            let refused = match fut.state {
                State::New => self.is_closed(chan),
                State::Won(_, won) => won == Won::Closed,
                _ => false,
            };
            let ends = refused || has_place && fut.gate == Some(true);
            return if ends { vec![number] } else { Vec::new() };
        }
        if let State::Won(arm, _) = fut.state {
            return vec![arm];
        }
        if fut.words.otherwise && fut.arms.is_empty() && fut.gate.is_none() {
            return vec![ELSE];
        }
        let is_ready = |arm: &&Arm| match arm.op {
            Op::Recv => self.recv_ready(arm.chan),
            Op::Send(_) | Op::SendFrom(_) => self.send_ready(arm.chan),
            Op::Reserve(_) => unreachable!("a reservation has no other arms"),
        };
        let mut ready: Vec<_> = match fut.state {
            State::New => fut.arms.iter().filter(is_ready).map(|arm| arm.number).collect(),
            // It would have been won.
            _ => Vec::new(),
        };
        if fut.gate == Some(true) {
            ready.push(FUTURE);
        }
        if ready.is_empty() && fut.words.default {
            ready.push(DEFAULT);
        }
        if fut.words.biased {
            ready.truncate(1);
        }
        ready
    }

    /// The poll found nothing: it queues, if it has not.
    pub(crate) fn wait(&mut self, id: usize) {
        let Some(fut) = self.futs.get_mut(&id) else { return };
        if let [Arm { chan, op: Op::Reserve(_), .. }] = fut.arms[..] {
            let chan = &mut self.chans[chan];
            if fut.state == State::New && chan.has_room() {
                chan.reserved += 1;
                fut.state = State::Holding;
            }
            if matches!(fut.state, State::Won(_, Won::Place)) {
                fut.state = State::Holding;
            }
            if fut.state == State::Holding {
                return;
            }
        }
        if std::mem::replace(&mut fut.state, State::Waiting) == State::New {
            for arm in &fut.arms {
                let chan = &mut self.chans[arm.chan];
                let queue = if arm.op == Op::Recv { &mut chan.receivers } else { &mut chan.senders };
                queue.push_back((id, arm.number));
            }
        }
    }

    fn leave_queues(&mut self, id: usize) {
        for chan in &mut self.chans {
            chan.receivers.retain(|waiter| waiter.0 != id);
            chan.senders.retain(|waiter| waiter.0 != id);
        }
    }

    /// The poll ends with this arm, which it may choose. All values of the future but a sent one are gone then: the
    /// losing ones, and those that the test was given and dropped.
    pub(crate) fn finish(&mut self, id: usize, number: usize) -> Outcome {
        self.leave_queues(id);
        let fut = self.futs.remove(&id).expect("it is polled");
        let chosen = fut.arms.iter().find(|arm| arm.number == number);
        let got = match (chosen, &fut.state) {
            (None, _) => match number {
                FUTURE => Got::FutureReady,
                DEFAULT => Got::Default,
                _ => Got::Else,
            },
            (Some(_), &State::Won(_, Won::Value(value, _))) => Got::Received(Some(value)),
            (Some(_), State::Won(_, Won::Sent)) => Got::Sent(Ok(())),
            (Some(arm), State::Won(_, Won::Closed)) => match arm.op {
                Op::Recv => Got::Received(None),
                Op::Send(value) | Op::SendFrom(value) | Op::Reserve(value) => Got::Sent(Err(value)),
            },
            (Some(arm), _) => match arm.op {
                Op::Recv => Got::Received(self.take(arm.chan).expect("it is ready")),
                Op::Send(value) | Op::SendFrom(value) => {
                    let sent = self.put(arm.chan, value).expect("it is ready");
                    Got::Sent(if sent { Ok(()) } else { Err(value) })
                }
                Op::Reserve(value) if fut.state == State::New && self.is_closed(arm.chan) => {
                    Got::Sent(Err(value))
                }
                Op::Reserve(value) => {
                    self.chans[arm.chan].reserved += usize::from(fut.state == State::New);
                    let sent = self.put_reserved(arm.chan, value);
                    Got::Sent(if sent { Ok(()) } else { Err(value) })
                }
            },
        };
        if let Got::Received(Some(value)) = got {
            self.dropped.insert(value);
        }
        let mut place = None;
        for arm in &fut.arms {
            match arm.op {
                _ if arm.number == number && got == Got::Sent(Ok(())) => {}
                Op::Recv => {}
                Op::Send(value) | Op::Reserve(value) => drop(self.dropped.insert(value)),
                Op::SendFrom(value) => {
                    self.dropped.insert(value);
                    place = (arm.number != number).then_some(value);
                }
            }
        }
        Outcome { arm: number, got, place }
    }

    /// The future is dropped (X1-X3).
    pub(crate) fn drop_fut(&mut self, id: usize) {
        self.leave_queues(id);
        let fut = self.futs.remove(&id).expect("it is dropped once");
        let sent = match fut.state {
            State::Won(arm, Won::Sent) => Some(arm),
            _ => None,
        };
        for arm in &fut.arms {
            if let Op::Send(value) | Op::SendFrom(value) | Op::Reserve(value) = arm.op
                && sent != Some(arm.number)
            {
                self.dropped.insert(value);
            }
        }
        if let (State::Holding | State::Won(_, Won::Place), [arm]) = (&fut.state, &fut.arms[..]) {
            self.unreserve(arm.chan);
        }
        if let State::Won(arm, Won::Value(value, number)) = fut.state {
            self.put_back(fut.arm(arm).chan, number, value);
        }
    }
}
