//! The arms of a [`Select`](super::Select): boxed once, used in many rounds.
use crate::chan::Chan;
use crate::receiver::Receiver;
use crate::select::arms::{RecvArm, SendArm};
use crate::select::traits::{Arm, Arms, FuturePoll};
use crate::sender::Sender;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A channel arm, whose type of values is not known here.
pub(super) trait Stored: Arm {
    /// Ends what is left of a round, so that another one may begin.
    fn rearm(self: Pin<&mut Self>);
}

impl<T> Stored for RecvArm<'_, T> {
    fn rearm(self: Pin<&mut Self>) {
        self.as_ref().rearm();
    }
}

impl<T> Stored for SendArm<'_, T> {
    fn rearm(self: Pin<&mut Self>) {
        self.rearm();
    }
}

/// What an arm does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Recv,
    Send,
    Future,
}

/// One arm.
pub(super) struct Slot<'a> {
    work: Work<'a>,
    kind: Kind,
    /// Of the channel.
    address: usize,
    enabled: bool,
}

enum Work<'a> {
    Chan(Pin<Box<dyn Stored + Send + 'a>>),
    /// None when it is done.
    Future(Option<Pin<&'a mut (dyn Future<Output = ()> + Send + 'a)>>),
}

impl<'a> Slot<'a> {
    pub(super) fn chan(arm: impl Stored + Send + 'a, kind: Kind, address: usize) -> Self {
        Slot { work: Work::Chan(Box::pin(arm)), kind, address, enabled: true }
    }

    pub(super) fn future(future: Pin<&'a mut (dyn Future<Output = ()> + Send + 'a)>) -> Self {
        Slot { work: Work::Future(Some(future)), kind: Kind::Future, address: 0, enabled: true }
    }

    pub(super) fn enable(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    /// The receive on `receiver`'s channel that this is.
    pub(super) fn recv_arm<T>(&mut self, receiver: &Receiver<T>) -> Option<Pin<&mut RecvArm<'a, T>>> {
        // SAFETY: a receive on a channel of T is a `RecvArm<T>`, and the address is that of this channel.
        unsafe { self.get(Kind::Recv, address(&receiver.chan)) }
    }

    /// The send on `sender`'s channel that this is.
    pub(super) fn send_arm<T>(&mut self, sender: &Sender<T>) -> Option<Pin<&mut SendArm<'a, T>>> {
        // SAFETY: as above, of a send.
        unsafe { self.get(Kind::Send, address(&sender.chan)) }
    }

    /// The arm as what it was made as, if it is one of this kind on the channel at this address. (Two channels that live
    /// have two addresses, and an arm borrows its own: so the same address is the same channel, with the same values.)
    ///
    /// # Safety
    /// An arm of this kind on the channel that lives at this address is an `A`.
    unsafe fn get<A>(&mut self, kind: Kind, address: usize) -> Option<Pin<&mut A>> {
        match &mut self.work {
            Work::Chan(arm) if (self.kind, self.address) == (kind, address) => {
                let cast = |arm: &mut (dyn Stored + Send + 'a)| std::ptr::from_mut(arm).cast::<A>();
                // SAFETY: the arm stays where it is.
                let arm = cast(unsafe { arm.as_mut().get_unchecked_mut() });
                // SAFETY: it is an `A`, as the caller promises, borrowed for as long.
                let arm = unsafe { &mut *arm };
                // SAFETY: it was pinned before.
                Some(unsafe { Pin::new_unchecked(arm) })
            }
            _ => None,
        }
    }
}

/// The address by which a channel is known.
pub(super) fn address<T>(chan: &Chan<T>) -> usize {
    std::ptr::from_ref(chan).addr()
}

/// All arms, by index.
#[derive(Default)]
pub(super) struct Table<'a> {
    /// None: removed.
    slots: Vec<Option<Slot<'a>>>,
    removed: Vec<usize>,
    /// For the order of locks: as many numbers as there are slots.
    order: Vec<u32>,
}

impl<'a> Table<'a> {
    /// Takes an arm in, at an index that no other has.
    pub(super) fn add(&mut self, slot: Slot<'a>) -> usize {
        if let Some(index) = self.removed.pop() {
            self.slots[index] = Some(slot);
            return index;
        }
        let index = self.slots.len();
        assert!(u32::try_from(index).is_ok(), "chan::Select takes up to 2^32 arms");
        self.slots.push(Some(slot));
        self.order.push(0);
        self.removed.reserve(self.slots.len());
        index
    }

    /// Takes an arm out.
    pub(super) fn remove(&mut self, index: usize) -> Option<Slot<'a>> {
        let slot = self.slots.get_mut(index)?.take()?;
        self.removed.push(index);
        Some(slot)
    }

    pub(super) fn get(&mut self, index: usize) -> Option<&mut Slot<'a>> {
        self.slots.get_mut(index)?.as_mut()
    }

    /// How many arms there are.
    pub(super) fn count(&self) -> usize {
        self.slots.len() - self.removed.len()
    }

    /// Ends a round for all arms but that which has won.
    pub(super) fn rearm_all_but(&mut self, won: Option<usize>) {
        for (_, slot) in self.slots.iter_mut().enumerate().filter(|(i, _)| Some(*i) != won) {
            if let Some(Slot { work: Work::Chan(arm), .. }) = slot {
                arm.as_mut().rearm();
            }
        }
    }

    /// Ends a round for one arm.
    pub(super) fn rearm(&mut self, index: usize) {
        if let Some(Slot { work: Work::Chan(arm), .. }) = self.get(index) {
            arm.as_mut().rearm();
        }
    }
}

impl Arms for Table<'_> {
    fn len(&self) -> usize {
        self.slots.len()
    }

    fn chan(&self, arm: usize) -> Option<Pin<&dyn Arm>> {
        match &self.slots[arm] {
            Some(Slot { work: Work::Chan(arm), enabled: true, .. }) if arm.enabled() => Some(arm.as_ref()),
            _ => None,
        }
    }

    fn is_future(&self, arm: usize) -> bool {
        matches!(self.slots[arm], Some(Slot { work: Work::Future(Some(_)), enabled: true, .. }))
    }

    fn poll_future(&mut self, arm: usize, cx: &mut Context<'_>) -> FuturePoll {
        let Some(Slot { work: Work::Future(slot), .. }) = &mut self.slots[arm] else {
            return FuturePoll::Disabled;
        };
        match slot.as_mut().map(|future| future.as_mut().poll(cx)) {
            None => FuturePoll::Disabled,
            Some(Poll::Pending) => FuturePoll::Pending,
            Some(Poll::Ready(())) => {
                *slot = None;
                FuturePoll::Won
            }
        }
    }

    fn with_order<R>(&mut self, f: impl FnOnce(&mut Self, &mut [u32]) -> R) -> R {
        let mut order = std::mem::take(&mut self.order);
        let result = f(self, &mut order);
        self.order = order;
        result
    }
}
