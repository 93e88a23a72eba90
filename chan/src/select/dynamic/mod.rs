//! The dynamic select: arms made at run time, of any number, used in many rounds. Go's `reflect.Select`.
//!
//! The arms are those of `select!`, boxed, and so is the claim: nothing moves when the `Select` does. A round is one poll
//! after another of the [`engine`](super::engine), from the first to the one that ends it, or to the drop of its future.
//!
//! | state | event | state after |
//! |---|---|---|
//! | idle | `wait` is polled: an arm is ready | won |
//! | idle | `wait` is polled: none | waiting, as the engine says: queued, claim OPEN |
//! | waiting | `wait` is polled: an arm has won | won |
//! | waiting | the future is dropped | idle: all arms withdrawn; what the winner was given goes back (X1, X3) |
//! | waiting | the future was forgotten; anything is done with the `Select`, or it is dropped | idle, as above, first |
//! | won | the outcome is taken | idle |
//! | won | [`Selected`] is dropped | idle: what was received goes back; a send that found its channel closed keeps its value |
//!
//! Invariants: nothing is queued and the claim is HELD while idle or won; the arms go before the claim (W4).
//!
//! Rejected: handles with the type of the values instead of indices (thousands of arms want to stand in a `Vec` beside
//! their receivers); the outcome as a boxed value (allocates each round); an `Option` that the caller lends to each send
//! arm (it would be borrowed for as long as the `Select`).
//!
//! Checked by `tests/select/dynamic.rs`, `tests/against_model.rs`, `models::select_dynamic_*` (loom).
mod arms;

use super::arms::{RecvArm, SendArm};
use super::engine::{Decision, Look, State};
use super::order::{Looked, Many};
use crate::error::SendError;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::wait::{RecvWait, SendWait};
use arms::{Kind, Slot, Table, address};
use dormouse_wait::claim::Claim;
use dormouse_wait::frame::Site;
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Waits for one of any number of operations that are put together at run time: the dynamic form of
/// [`select!`](crate::select!), Go's `reflect.Select`.
///
/// Arms are added by [`recv`](Select::recv), [`send`](Select::send) and [`future`](Select::future), which give an index.
/// [`wait`](Select::wait) commits exactly one of them, and says which by a [`Selected`]; its outcome is taken with the
/// receiver or the sender of that arm. The arms stay, for the next round.
///
/// Arms may be of different types, and the same channel may stand in several, in both directions. After the last arm was
/// added, nothing is allocated, however many rounds there are. A round looks at all arms: its cost grows with their number.
///
/// # What is promised
/// As in `select!`: exactly one arm happens, whoever races; among those that are ready each is chosen with the same
/// probability, in each round anew, or, made by [`new_biased`](Select::new_biased), the first by its index.
///
/// # For those who know crossbeam's `Select`
/// `select` is [`wait`](Select::wait), `try_select` is [`try_wait`](Select::try_wait). The operation is committed when
/// they return: a value to be sent is given beforehand, as a rendezvous has no time between being chosen and being
/// done, and a [`Selected`] may be dropped. There is no `ready`, which would name an arm that is not ready any more when
/// it is tried.
///
/// ```
/// use dormouse_chan::{Select, bounded};
/// # tokio_test::block_on(async {
/// let (channels, receivers): (Vec<_>, Vec<_>) = (0..1000).map(|_| bounded::<u32>(1)).unzip();
/// let (quit, quits) = bounded::<&str>(1);
/// channels[700].send(7).await.unwrap();
///
/// let mut select = Select::new();
/// for receiver in &receivers {
///     select.recv(receiver); // 0, 1, 2, ..
/// }
/// let stop = select.recv(&quits);
///
/// let mut sum = 0;
/// let name = loop {
///     let selected = select.wait().await;
///     match selected.index() {
///         i if i == stop => break selected.recv(&quits),
///         i => sum += selected.recv(&receivers[i]).unwrap(),
///     }
///     quit.try_send("enough").unwrap();
/// };
/// assert_eq!((sum, name), (7, Some("enough")));
/// # });
/// ```
#[doc(alias = "reflect.Select")]
pub struct Select<'a> {
    /// Before the claim, so that they go first (W4).
    arms: Table<'a>,
    claim: Pin<Box<Claim>>,
    pool: Many,
    /// Of the round that is under way, or fresh.
    state: State,
    biased: bool,
    /// A round is under way: arms may be queued.
    waiting: bool,
}

impl<'a> Select<'a> {
    /// A select without arms, that chooses at random among those that are ready.
    pub fn new() -> Self {
        Select::with_order(false)
    }

    /// A select without arms, that chooses the one with the lowest index among those that are ready.
    pub fn new_biased() -> Self {
        Select::with_order(true)
    }

    fn with_order(biased: bool) -> Self {
        Select {
            arms: Table::default(),
            claim: Box::pin(Claim::new()),
            pool: Many::default(),
            state: State::new(biased, Looked::No, Location::caller()),
            biased,
            waiting: false,
        }
    }

    /// Adds a receive; gives the arm's index. It is ready with a value, or with `None` when the channel is closed and
    /// drained, in every round: [remove](Select::remove) or [disable](Select::enable) it then.
    ///
    /// ```
    /// use dormouse_chan::{Select, bounded};
    /// let (tx, rx) = bounded(1);
    /// let mut select = Select::new();
    /// let index = select.recv(&rx);
    /// assert!(select.try_wait().is_none());
    /// tx.try_send('a').unwrap();
    /// let selected = select.try_wait().unwrap();
    /// assert_eq!((selected.index(), selected.recv(&rx)), (index, Some('a')));
    /// ```
    pub fn recv<T: Send>(&mut self, receiver: &'a Receiver<T>) -> usize {
        let arm = RecvArm::new(Some(RecvWait::new(receiver.chan())));
        self.add(Slot::chan(arm, Kind::Recv, address(&receiver.chan)))
    }

    /// Adds a send of `value`; gives the arm's index. It is ready when the value was sent, or when the channel is closed.
    ///
    /// After it has won the arm is disabled, until it gets [another value](Select::replace). While it loses it keeps its
    /// value for the next round.
    ///
    /// ```
    /// use dormouse_chan::{Select, bounded};
    /// let (tx, rx) = bounded(1);
    /// let mut select = Select::new();
    /// let index = select.send(&tx, "one");
    /// assert!(select.try_wait().unwrap().send(&tx).is_ok());
    /// assert!(select.try_wait().is_none(), "it has no value");
    /// select.replace(index, &tx, Some("two"));
    /// assert!(select.try_wait().is_none(), "the channel is full");
    /// assert_eq!(select.replace(index, &tx, None), Some("two"), "not sent");
    /// assert_eq!(rx.try_recv(), Ok("one"));
    /// ```
    pub fn send<T: Send>(&mut self, sender: &'a Sender<T>, value: T) -> usize {
        let arm = SendArm::new(Some(SendWait::new(&sender.chan, value)));
        self.add(Slot::chan(arm, Kind::Send, address(&sender.chan)))
    }

    /// Adds a future, which the caller has pinned and keeps; gives the arm's index. It is polled in each round until it is
    /// ready, and then never again. What it brings is where it puts it.
    ///
    /// ```
    /// use dormouse_chan::{Select, bounded};
    /// use std::pin::pin;
    /// use std::sync::OnceLock;
    /// # tokio_test::block_on(async {
    /// let (_tx, rx) = bounded::<u8>(0);
    /// let answer = OnceLock::new();
    /// let mut asks = pin!(async { answer.set(async { 42 }.await).unwrap() });
    ///
    /// let mut select = Select::new();
    /// select.recv(&rx);
    /// let asked = select.future(asks.as_mut());
    /// assert_eq!(select.wait().await.index(), asked);
    /// assert_eq!(answer.get(), Some(&42));
    /// # });
    /// ```
    pub fn future<F: Future<Output = ()> + Send>(&mut self, future: Pin<&'a mut F>) -> usize {
        self.add(Slot::future(future))
    }

    fn add(&mut self, slot: Slot<'a>) -> usize {
        self.settle();
        let index = self.arms.add(slot);
        self.pool.reserve(index + 1);
        index
    }

    /// Removes an arm; a value that it has and that was not sent is dropped. An arm that is added later may get its index.
    ///
    /// # Panics
    /// If there is no arm with this index.
    #[track_caller]
    pub fn remove(&mut self, index: usize) {
        self.settle();
        assert!(self.arms.remove(index).is_some(), "{}", no_arm(index));
    }

    /// Enables an arm, as it is when it is added, or disables it: then it is never chosen. Go's idiom of a nil channel.
    ///
    /// # Panics
    /// If there is no arm with this index.
    #[track_caller]
    pub fn enable(&mut self, index: usize, enabled: bool) {
        self.settle();
        match self.arms.get(index) {
            Some(slot) => slot.enable(enabled),
            None => panic!("{}", no_arm(index)),
        }
    }

    /// Gives a send arm another value, or none, which disables it. The value that it had and that was not sent comes back.
    ///
    /// # Panics
    /// If this index is not that of a send on this channel.
    #[track_caller]
    pub fn replace<T: Send>(&mut self, index: usize, sender: &'a Sender<T>, value: Option<T>) -> Option<T> {
        self.settle();
        match self.arms.get(index).and_then(|slot| slot.send_arm(sender)) {
            Some(arm) => arm.replace(&sender.chan, value),
            None => panic!("chan::Select: arm {index} is not a send on this channel"),
        }
    }

    /// The number of arms, the disabled ones too.
    pub fn len(&self) -> usize {
        self.arms.count()
    }

    /// Are there no arms?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until an arm is ready, and commits it. Without an enabled arm, for ever.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: a value that had been handed to it goes to the next waiting receiver or back to the front
    /// of its channel; a send either took place or did not, and if not, the arm has its value still.
    ///
    /// # Fairness
    /// As of `select!`: it stands in each channel's queue, as any waiter.
    #[track_caller]
    pub fn wait(&mut self) -> SelectFuture<'_, 'a> {
        SelectFuture { select: Some(self), site: Location::caller() }
    }

    /// Commits an arm that is ready, if there is one; `None` only if at one instant no channel arm was: all channels are
    /// then looked at under all their locks. Futures are not polled.
    ///
    /// ```
    /// use dormouse_chan::{Select, bounded};
    /// let (tx, rx) = bounded::<u8>(1);
    /// let mut select = Select::new_biased();
    /// select.send(&tx, 1);
    /// select.recv(&rx);
    /// assert_eq!(select.try_wait().unwrap().index(), 0);
    /// assert_eq!(select.try_wait().unwrap().recv(&rx), Some(1));
    /// assert!(select.try_wait().is_none());
    /// ```
    pub fn try_wait(&mut self) -> Option<Selected<'_, 'a>> {
        self.settle();
        let (arms, pool) = (&mut self.arms, &mut self.pool);
        let look =
            if self.biased { Look::Waiting { futures: false } } else { self.state.look(arms, pool, None) };
        let index = match look {
            Look::Ready(index) => index,
            Look::Waiting { .. } => match self.state.decide(arms, pool) {
                Decision::Won(index) => index,
                Decision::NotReady | Decision::NoneEnabled => return None,
            },
        };
        Some(Selected { select: self, index })
    }

    fn poll(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<usize> {
        if !self.waiting {
            self.waiting = true;
            self.state = State::new(self.biased, Looked::No, site);
        }
        let claim = self.claim.as_ref();
        let won = ready!(self.state.poll(claim, &mut self.arms, &mut self.pool, cx, false));
        self.end_round(won);
        Poll::Ready(won.expect("it waits for ever if no arm is enabled"))
    }

    /// Ends a round that was left.
    #[inline]
    fn settle(&mut self) {
        if self.waiting {
            self.end_round(None);
        }
    }

    /// Ends the round: all arms are as before it, but that which has won.
    fn end_round(&mut self, won: Option<usize>) {
        self.waiting = false;
        if self.state.leave(self.claim.as_ref()) {
            self.arms.rearm_all_but(won);
            // Won still, it could not be opened in the next round but under all locks.
            // SAFETY: no arm is queued, and who won one has let go of it: its phase was seen.
            unsafe { self.claim.reset() };
        }
    }
}

fn no_arm(index: usize) -> String {
    format!("chan::Select: there is no arm {index}")
}

impl Default for Select<'_> {
    fn default() -> Self {
        Select::new()
    }
}

impl Drop for Select<'_> {
    fn drop(&mut self) {
        self.settle();
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select")
            .field("arms", &self.len())
            .field("biased", &self.biased)
            .finish_non_exhaustive()
    }
}

/// The future of [`Select::wait`].
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct SelectFuture<'s, 'a> {
    /// None when it is done.
    select: Option<&'s mut Select<'a>>,
    site: Site,
}

impl<'s, 'a> Future for SelectFuture<'s, 'a> {
    type Output = Selected<'s, 'a>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Selected<'s, 'a>> {
        let this = self.get_mut();
        let select = this.select.as_mut().expect("a finished chan::Select::wait was polled again");
        let index = ready!(select.poll(cx, this.site));
        match this.select.take() {
            Some(select) => Poll::Ready(Selected { select, index }),
            None => unreachable!("it was there"),
        }
    }
}

impl FusedFuture for SelectFuture<'_, '_> {
    fn is_terminated(&self) -> bool {
        self.select.is_none()
    }
}

impl Drop for SelectFuture<'_, '_> {
    fn drop(&mut self) {
        if let Some(select) = &mut self.select {
            select.settle();
        }
    }
}

impl fmt::Debug for SelectFuture<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectFuture").field("select", &self.select).finish_non_exhaustive()
    }
}

/// The arm of a [`Select`] that has won. The operation has taken place.
///
/// Dropped before its outcome is taken, it puts a received value back to the front of its channel (or hands it to the next
/// waiting receiver), and leaves the value of a send that found its channel closed in its arm.
#[must_use = "what was received goes back when this is dropped: take it by `recv`"]
pub struct Selected<'s, 'a> {
    select: &'s mut Select<'a>,
    index: usize,
}

impl<'a> Selected<'_, 'a> {
    /// The index of the arm.
    pub fn index(&self) -> usize {
        self.index
    }

    /// What was received; `None` if the channel is closed and drained.
    ///
    /// # Panics
    /// If the arm is not a receive on this receiver's channel.
    #[track_caller]
    pub fn recv<T: 'a>(self, receiver: &Receiver<T>) -> Option<T> {
        match self.select.arms.get(self.index).and_then(|slot| slot.recv_arm(receiver)) {
            Some(arm) => arm.as_ref().take(),
            None => panic!("chan::Select: arm {} is not a receive on this channel", self.index),
        }
    }

    /// What the send came to.
    ///
    /// # Errors
    /// [`SendError`] with the value, if the channel is closed.
    ///
    /// # Panics
    /// If the arm is not a send on this sender's channel.
    #[track_caller]
    pub fn send<T: 'a>(self, sender: &Sender<T>) -> Result<(), SendError<T>> {
        match self.select.arms.get(self.index).and_then(|slot| slot.send_arm(sender)) {
            Some(arm) => arm.as_ref().take(),
            None => panic!("chan::Select: arm {} is not a send on this channel", self.index),
        }
    }
}

impl Drop for Selected<'_, '_> {
    fn drop(&mut self) {
        self.select.arms.rearm(self.index);
    }
}

impl fmt::Debug for Selected<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selected").field("index", &self.index).finish_non_exhaustive()
    }
}
