//! Random operations, polls and drops, against a plain model: the same answers, the same lengths, the same wake-ups.
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::{Lagged, Overflow, Receiver, SendError, SendFuture, Sender, TryRecvError};
use dormouse_testing::{Count, watch};
use futures::Stream;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

#[derive(Clone, Debug)]
enum Op {
    TrySend,
    /// A send that stays, polled once.
    Send,
    PollSend(usize),
    DropSend(usize),
    TryRecv(usize),
    /// A poll of the stream, which keeps its place.
    PollStream(usize),
    /// A poll of a receive that is then dropped, and gives the place up.
    RecvOnce(usize),
    Subscribe,
    CloneReceiver(usize),
    DropReceiver(usize),
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    let at = 0..6usize;
    prop_oneof![
        6 => Just(Op::TrySend),
        4 => Just(Op::Send),
        3 => at.clone().prop_map(Op::PollSend),
        1 => at.clone().prop_map(Op::DropSend),
        8 => at.clone().prop_map(Op::TryRecv),
        6 => at.clone().prop_map(Op::PollStream),
        3 => at.clone().prop_map(Op::RecvOnce),
        1 => Just(Op::Subscribe),
        1 => at.clone().prop_map(Op::CloneReceiver),
        1 => at.prop_map(Op::DropReceiver),
    ]
}

/// The end of a list of operations: sometimes a close and what is seen of it.
fn ops() -> impl Strategy<Value = Vec<Op>> {
    let close = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(op(), 0..20).prop_map(|mut rest| {
            rest.insert(0, Op::Close);
            rest
        })
    ];
    (prop::collection::vec(op(), 0..120), close).prop_map(|(ops, close)| [ops, close].concat())
}

/// A receiver in the model: by place in the list of all that was ever sent.
#[derive(Clone, Default)]
struct Reader {
    next: usize,
    waits: bool,
    wakes: usize,
}

struct Writer {
    value: u32,
    state: State,
    wakes: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Waits,
    Sent,
    NoReceivers,
    Closed,
}

struct Model {
    capacity: usize,
    overflow: Overflow,
    sent: Vec<u32>,
    /// Everything before this is gone.
    dropped: usize,
    readers: Vec<Reader>,
    writers: VecDeque<Writer>,
    closed: bool,
}

impl Model {
    fn head(&self) -> usize {
        let slowest = self.readers.iter().map(|reader| reader.next).min().unwrap_or(self.sent.len());
        slowest.max(self.dropped)
    }

    fn len(&self) -> usize {
        self.sent.len() - self.head()
    }

    fn append(&mut self, value: u32) {
        if self.len() == self.capacity {
            self.dropped = self.head() + 1;
        }
        self.sent.push(value);
        self.wake_readers();
    }

    fn wake_readers(&mut self) {
        for reader in self.readers.iter_mut().filter(|reader| reader.waits) {
            reader.waits = false;
            reader.wakes += 1;
        }
    }

    fn refusal(&self) -> Option<fn(u32) -> SendError<u32>> {
        match () {
            () if self.closed => Some(SendError::Closed),
            () if self.readers.is_empty() => Some(SendError::NoReceivers),
            () if self.len() == self.capacity && self.overflow != Overflow::DropOldest => {
                Some(SendError::Full)
            }
            () => None,
        }
    }

    fn try_send(&mut self, value: u32) -> Result<(), SendError<u32>> {
        match self.refusal() {
            Some(why) => Err(why(value)),
            None => {
                self.append(value);
                Ok(())
            }
        }
    }

    /// After room was made, or receivers or the channel went.
    fn serve(&mut self) {
        while let Some(at) = self.writers.iter().position(|writer| writer.state == State::Waits) {
            let value = self.writers[at].value;
            let state = match self.refusal().map(|why| why(0)) {
                Some(SendError::Full(_)) => return,
                Some(SendError::NoReceivers(_)) => State::NoReceivers,
                Some(SendError::Closed(_)) => State::Closed,
                None => {
                    self.append(value);
                    State::Sent
                }
            };
            self.writers[at].state = state;
            self.writers[at].wakes += 1;
        }
    }

    fn try_recv(&mut self, at: usize) -> Result<u32, TryRecvError> {
        let head = self.head();
        let (closed, end) = (self.closed, self.sent.len());
        let reader = &mut self.readers[at];
        if reader.next == end {
            return Err(if closed { TryRecvError::Closed } else { TryRecvError::Empty });
        }
        if reader.next < head {
            let missed = head - reader.next;
            reader.next = head;
            return Err(TryRecvError::Lagged(missed as u64));
        }
        reader.next += 1;
        let value = self.sent[reader.next - 1];
        self.serve();
        Ok(value)
    }
}

struct Live {
    rx: Receiver<u32>,
    woken: Arc<Count>,
    waker: Waker,
}

impl Live {
    fn new(rx: Receiver<u32>) -> Self {
        let (woken, waker) = Count::new();
        Live { rx, woken, waker }
    }
}

type Sending<'a> = (Pin<Box<SendFuture<'a, u32>>>, Arc<Count>, Waker);

struct Real<'a> {
    tx: &'a Sender<u32>,
    receivers: Vec<Live>,
    sends: VecDeque<Sending<'a>>,
}

fn check_same(model: &Model, real: &Real<'_>) {
    assert_eq!((real.tx.len(), real.tx.is_full()), (model.len(), model.len() == model.capacity));
    assert_eq!((real.tx.receiver_count(), real.tx.is_closed()), (model.readers.len(), model.closed));
    for (live, reader) in real.receivers.iter().zip(&model.readers) {
        assert_eq!(live.rx.len(), model.sent.len() - reader.next.max(model.head()));
        assert_eq!(live.woken.get(), reader.wakes, "wake-ups of a receiver");
    }
    for (send, writer) in real.sends.iter().zip(&model.writers) {
        assert_eq!(send.1.get(), writer.wakes, "wake-ups of a sender");
    }
}

fn step(op: &Op, number: u32, model: &mut Model, real: &mut Real<'_>) {
    match *op {
        Op::TrySend => assert_eq!(real.tx.try_send(number), model.try_send(number)),
        Op::Send => {
            let (woken, waker) = Count::new();
            let mut send = Box::pin(real.tx.send(number));
            match (send.as_mut().poll(&mut Context::from_waker(&waker)), model.try_send(number)) {
                (Poll::Pending, Err(SendError::Full(_))) => {
                    assert_eq!(model.overflow, Overflow::Wait);
                    real.sends.push_back((send, woken, waker));
                    model.writers.push_back(Writer { value: number, state: State::Waits, wakes: 0 });
                }
                (Poll::Ready(sent), expected) => {
                    assert!(model.overflow != Overflow::Wait || !matches!(sent, Err(SendError::Full(_))));
                    assert_eq!(sent, expected);
                }
                (Poll::Pending, expected) => panic!("waits instead of {expected:?}"),
            }
        }
        Op::PollSend(at) if at < real.sends.len() => {
            let (send, _, waker) = &mut real.sends[at];
            let writer = &model.writers[at];
            let expected = match writer.state {
                State::Waits => Poll::Pending,
                State::Sent => Poll::Ready(Ok(())),
                State::NoReceivers => Poll::Ready(Err(SendError::NoReceivers(writer.value))),
                State::Closed => Poll::Ready(Err(SendError::Closed(writer.value))),
            };
            assert_eq!(send.as_mut().poll(&mut Context::from_waker(waker)), expected);
            if expected.is_ready() {
                real.sends.remove(at);
                model.writers.remove(at);
            }
        }
        Op::DropSend(at) if at < real.sends.len() => {
            real.sends.remove(at);
            model.writers.remove(at);
        }
        Op::TryRecv(at) if at < real.receivers.len() => {
            assert_eq!(real.receivers[at].rx.try_recv(), model.try_recv(at));
        }
        Op::PollStream(at) if at < real.receivers.len() => {
            let Live { rx, waker, .. } = &mut real.receivers[at];
            let item = Pin::new(rx).poll_next(&mut Context::from_waker(waker));
            let expected = match model.try_recv(at) {
                Ok(value) => Poll::Ready(Some(Ok(value))),
                Err(TryRecvError::Lagged(missed)) => Poll::Ready(Some(Err(Lagged(missed)))),
                Err(TryRecvError::Closed) => Poll::Ready(None),
                Err(TryRecvError::Empty) => {
                    model.readers[at].waits = true;
                    Poll::Pending
                }
            };
            assert_eq!(item, expected);
        }
        Op::RecvOnce(at) if at < real.receivers.len() => {
            let Live { rx, waker, .. } = &mut real.receivers[at];
            let poll = Pin::new(&mut rx.recv()).poll(&mut Context::from_waker(waker));
            match (poll, model.try_recv(at)) {
                (Poll::Pending, Err(TryRecvError::Empty)) => model.readers[at].waits = false,
                (Poll::Ready(got), expected) => assert_eq!(got.map_err(TryRecvError::from), expected),
                (Poll::Pending, expected) => panic!("waits instead of {expected:?}"),
            }
        }
        Op::Subscribe if real.receivers.len() < 6 => {
            real.receivers.push(Live::new(real.tx.subscribe()));
            model.readers.push(Reader { next: model.sent.len(), ..Reader::default() });
        }
        Op::CloneReceiver(at) if at < real.receivers.len() && real.receivers.len() < 6 => {
            real.receivers.push(Live::new(real.receivers[at].rx.clone()));
            model.readers.push(Reader { next: model.readers[at].next, ..Reader::default() });
        }
        Op::DropReceiver(at) if at < real.receivers.len() => {
            real.receivers.remove(at);
            model.readers.remove(at);
            model.serve();
        }
        Op::Close => {
            assert_eq!(real.tx.close(), !std::mem::replace(&mut model.closed, true));
            model.wake_readers();
            model.serve();
        }
        _ => {}
    }
}

fn run(capacity: usize, overflow: Overflow, ops: &[Op]) {
    let (tx, rx) = broadcast(capacity, overflow);
    let mut model = Model {
        capacity,
        overflow,
        sent: Vec::new(),
        dropped: 0,
        readers: vec![Reader::default()],
        writers: VecDeque::new(),
        closed: false,
    };
    let mut real = Real { tx: &tx, receivers: vec![Live::new(rx)], sends: VecDeque::new() };
    for (number, op) in ops.iter().enumerate() {
        step(op, number as u32, &mut model, &mut real);
        check_same(&model, &real);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_operations(capacity in 1..6usize, policy in 0..3usize, ops in ops()) {
        let _watch = watch();
        run(capacity, crate::kit::POLICIES[policy], &ops);
    }
}
