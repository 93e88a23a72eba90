//! A channel under test: what waits on it, and what a waker does to it.
use dormouse_chan::{Receiver, Sender, select};
use dormouse_testing::{Tally, Value};
use futures::stream::StreamExt;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio_test::assert_pending;
use tokio_test::task::spawn;

pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The objects that hold a waker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Object {
    Recv,
    Stream,
    SelectRecv,
    SelectRecvAndFuture,
    Send,
    SendFrom,
    SelectSend,
    SelectSendFromAndFuture,
    SelectBoth,
}

pub(crate) const OBJECTS: [Object; 9] = [
    Object::Recv,
    Object::Stream,
    Object::SelectRecv,
    Object::SelectRecvAndFuture,
    Object::Send,
    Object::SendFrom,
    Object::SelectSend,
    Object::SelectSendFromAndFuture,
    Object::SelectBoth,
];

/// A channel under test, and what became of its values.
pub(crate) struct World {
    tally: Tally,
    next: AtomicU32,
    /// Values that a send reported as sent, and values that a receive gave.
    sent: AtomicU32,
    received: AtomicU32,
    handles: Mutex<(Option<Sender<Value>>, Option<Receiver<Value>>)>,
}

impl World {
    pub(crate) fn new((tx, rx): (Sender<Value>, Receiver<Value>)) -> Arc<Self> {
        Arc::new(World {
            tally: Tally::new(),
            next: AtomicU32::new(0),
            sent: AtomicU32::new(0),
            received: AtomicU32::new(0),
            handles: Mutex::new((Some(tx), Some(rx))),
        })
    }

    fn value(&self) -> Value {
        self.tally.value(self.next.fetch_add(1, SeqCst))
    }

    /// Handles of our own: the lock of the world is not held while the channel is used.
    pub(crate) fn tx(&self) -> Option<Sender<Value>> {
        self.handles.lock().unwrap().0.clone()
    }

    fn rx(&self) -> Option<Receiver<Value>> {
        self.handles.lock().unwrap().1.clone()
    }

    pub(crate) fn try_send(&self) {
        if let Some(tx) = self.tx() {
            let sent = tx.try_send(self.value()).is_ok();
            self.sent.fetch_add(sent.into(), SeqCst);
        }
    }

    pub(crate) fn try_recv(&self) {
        if let Some(rx) = self.rx() {
            let received = rx.try_recv().is_ok();
            self.received.fetch_add(received.into(), SeqCst);
        }
    }

    pub(crate) fn act(&self, act: Act) {
        match act {
            Act::TrySend => self.try_send(),
            Act::TryRecv => self.try_recv(),
            Act::Look => {
                if let (Some(tx), Some(rx)) = (self.tx(), self.rx()) {
                    let _ = (tx.len(), rx.is_empty(), tx.is_full(), rx.is_closed(), tx.capacity());
                    let _ = format!("{tx:?} {rx:?} {:?}", rx.recv());
                }
            }
            Act::WaitAndLeave => {
                let cx = &mut Context::from_waker(Waker::noop());
                if let Some(rx) = self.rx()
                    && let Poll::Ready(Some(_)) = pin!(rx.recv()).poll(cx)
                {
                    self.received.fetch_add(1, SeqCst);
                }
                if let Some(tx) = self.tx()
                    && let Poll::Ready(Ok(())) = pin!(tx.send(self.value())).poll(cx)
                {
                    self.sent.fetch_add(1, SeqCst);
                }
            }
            Act::Select => {
                if let (Some(tx), Some(rx)) = (self.tx(), self.rx()) {
                    let mut place = Some(self.value());
                    select! {
                        recv(rx) -> value => { self.received.fetch_add(value.is_some().into(), SeqCst); }
                        send_from(tx, place) -> sent => { self.sent.fetch_add(sent.is_ok().into(), SeqCst); }
                        default => {}
                    }
                }
            }
            Act::Close => {
                if let Some(tx) = self.tx() {
                    tx.close();
                }
            }
            Act::DropSender => {
                let tx = self.handles.lock().unwrap().0.take();
                drop(tx);
            }
            Act::DropReceiver => {
                let rx = self.handles.lock().unwrap().1.take();
                drop(rx);
            }
            Act::Panic => panic!("a waker panics"),
        }
    }

    /// A task around `object`, with handles of its own.
    pub(crate) fn task(self: &Arc<Self>, object: Object) -> Task {
        let world = self.clone();
        let (tx, rx) = (self.tx(), self.rx());
        Box::pin(async move {
            let received = |value: Option<Value>| {
                world.received.fetch_add(value.is_some().into(), SeqCst);
            };
            let sent = |ok: bool| {
                world.sent.fetch_add(ok.into(), SeqCst);
            };
            let (Some(tx), Some(mut rx)) = (tx, rx) else { return };
            let mut place = None;
            match object {
                Object::Recv => drop_first(tx, rx.recv(), received).await,
                Object::Stream => drop_first(tx, rx.next(), received).await,
                Object::SelectRecv => {
                    drop(tx);
                    select! { recv(rx) -> value => received(value) }
                }
                Object::SelectRecvAndFuture => {
                    drop(tx);
                    select! { recv(rx) -> value => received(value), () = pending() => () }
                }
                Object::Send => drop_first(rx, tx.send(world.value()), |result| sent(result.is_ok())).await,
                Object::SendFrom => {
                    place = Some(world.value());
                    drop_first(rx, tx.send_from(&mut place), |result| sent(result.is_ok())).await;
                }
                Object::SelectSend => {
                    drop(rx);
                    select! { send(tx, world.value()) -> result => sent(result.is_ok()) }
                }
                Object::SelectSendFromAndFuture => {
                    drop(rx);
                    place = Some(world.value());
                    select! { send_from(tx, place) -> result => sent(result.is_ok()), () = pending() => () }
                }
                Object::SelectBoth => {
                    place = Some(world.value());
                    select! {
                        recv(rx) -> value => received(value),
                        send_from(tx, place) -> result => sent(result.is_ok()),
                    }
                }
            }
            drop(place);
        })
    }

    /// All is over: what was sent was received, or is in the channel and comes out of it now. A send that is dropped
    /// after its match has sent and cannot say so: there are at most `dropped` of them.
    pub(crate) fn settle(&self, dropped: u32) {
        let (tx, rx) = std::mem::take(&mut *self.handles.lock().unwrap());
        if let Some(rx) = rx {
            while rx.try_recv().is_ok() {
                self.received.fetch_add(1, SeqCst);
            }
            let (sent, received) = (self.sent.load(SeqCst), self.received.load(SeqCst));
            assert!((sent..=sent + dropped).contains(&received), "sent {sent}, received {received}");
            if let Some(tx) = &tx
                && !tx.is_closed()
            {
                check_usable(tx, &rx, || self.value());
            }
        }
        drop(tx);
        self.tally.check();
    }
}

/// Waits for `future` without the other half, so that its last handle may go meanwhile.
async fn drop_first<F: Future>(half: impl Sized, future: F, done: impl FnOnce(F::Output)) {
    drop(half);
    done(future.await);
}

/// Waits and matches in both directions, with nobody left over from before.
fn check_usable(tx: &Sender<Value>, rx: &Receiver<Value>, value: impl Fn() -> Value) {
    assert!(rx.try_recv().is_err());
    let mut receiver = spawn(rx.recv());
    assert_pending!(receiver.poll());
    tx.try_send(value()).unwrap();
    assert!(receiver.is_woken());
    assert!(matches!(receiver.poll(), Poll::Ready(Some(_))));
    for _ in 0..tx.capacity().unwrap_or(0) {
        tx.try_send(value()).unwrap();
    }
    if tx.capacity().is_some() {
        let mut sender = spawn(tx.send(value()));
        assert_pending!(sender.poll());
        assert!(rx.try_recv().is_ok());
        assert!(sender.is_woken());
        assert!(matches!(sender.poll(), Poll::Ready(Ok(()))));
        while rx.try_recv().is_ok() {}
        assert!(tx.is_empty());
    }
}

/// What a waker does when it is called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    TrySend,
    TryRecv,
    Look,
    WaitAndLeave,
    Select,
    Close,
    DropSender,
    DropReceiver,
    Panic,
}
