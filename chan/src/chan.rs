//! A channel: its [state](crate::core) behind a lock, the [hint](crate::hint) beside it, and how many handles it has.
//!
//! What does not wait stands here; what does, in [`wait`](crate::wait). Each takes the lock, makes one transition, writes
//! the hint, unlocks, and then wakes.
use crate::buffer::{Buffer, drop_all};
use crate::core::{Core, Put, Reserve, Take};
use crate::error::{SendError, TryRecvError, TrySendError};
use crate::handles::Handles;
use crate::hint::Hint;
use dormouse_wait::lock::{Guard, Lock};
use dormouse_wait::wakes::{self, Wakes};
use std::mem::ManuallyDrop;

/// A channel.
pub(crate) struct Chan<T> {
    pub(crate) core: Lock<Core<T>, Hint>,
    /// Handles of each half; the last one to go closes.
    pub(crate) senders: Handles,
    pub(crate) receivers: Handles,
}

/// A channel's state, with its lock held.
pub(crate) type Locked<'a, T> = Guard<'a, Core<T>, Hint>;

impl<T> Chan<T> {
    pub(crate) fn new(buffer: Buffer<T>, nil: bool) -> Self {
        let core = Core::new(buffer, nil);
        let hint = Hint::new(core.hint());
        Chan { core: Lock::with_beside(core, hint), senders: Handles::one(), receivers: Handles::one() }
    }

    /// What can be said without the lock.
    #[inline(always)]
    pub(crate) fn hint(&self) -> &Hint {
        self.core.beside()
    }

    /// Might a receive be ready? False is certain.
    #[inline(always)]
    pub(crate) fn may_recv(&self) -> bool {
        self.hint().may_recv()
    }

    /// Might a send be ready? False is certain.
    #[inline(always)]
    pub(crate) fn may_send(&self) -> bool {
        self.hint().may_send()
    }

    /// What a handle's `Debug` shows.
    pub(crate) fn describe(&self, mut debug: std::fmt::DebugStruct<'_, '_>) -> std::fmt::Result {
        debug
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }

    /// Is there no buffer at all? (Go's nil channel is none either, but nobody ever gets to ask for its places.)
    pub(crate) fn is_rendezvous(&self) -> bool {
        let core = self.core.lock();
        core.capacity() == Some(0) && !core.is_nil()
    }

    /// `None` = unbounded.
    pub(crate) fn capacity(&self) -> Option<usize> {
        self.core.lock().capacity()
    }

    pub(crate) fn len(&self) -> usize {
        self.core.lock().len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.core.lock().is_full()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.core.lock().is_closed()
    }

    /// Receives without waiting.
    #[inline(always)]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        if !self.may_recv() {
            return Err(TryRecvError::Empty);
        }
        if self.hint().is_finished() {
            return Err(TryRecvError::Closed);
        }
        self.try_recv_locked()
    }

    /// Apart, so that a look at a channel that has nothing is a look and no call.
    #[inline(never)]
    fn try_recv_locked(&self) -> Result<T, TryRecvError> {
        let mut core = self.core.lock();
        let taken = core.take();
        self.publish(&core);
        drop(core);
        match taken {
            Take::Value(value, waker) => {
                wakes::wake(waker);
                Ok(value)
            }
            Take::Empty | Take::Nil => Err(TryRecvError::Empty),
            Take::Closed => Err(TryRecvError::Closed),
        }
    }

    /// Sends without waiting.
    #[inline(always)]
    pub(crate) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        if !self.may_send() {
            return Err(TrySendError::Full(value));
        }
        let value = ManuallyDrop::new(value);
        let mut core = self.core.lock();
        // SAFETY: the value is here, and forgotten if it moves.
        let put = unsafe { core.put(&*value) };
        self.publish(&core);
        drop(core);
        match put {
            Put::Done(waker) => {
                wakes::wake(waker);
                Ok(())
            }
            Put::Full | Put::Nil => Err(TrySendError::Full(ManuallyDrop::into_inner(value))),
            Put::Closed => Err(TrySendError::Closed(ManuallyDrop::into_inner(value))),
        }
    }

    /// Sets a place in the buffer aside, without waiting.
    pub(crate) fn try_reserve(&self) -> Reserve {
        let mut core = self.core.lock();
        let reserve = core.reserve();
        self.publish(&core);
        reserve
    }

    /// Gives a place back that was set aside.
    pub(crate) fn unreserve(&self) {
        let mut core = self.core.lock();
        let next = core.unreserve();
        self.publish(&core);
        drop(core);
        wakes::wake(next);
    }

    /// Sends into a place that was set aside.
    pub(crate) fn send_reserved(&self, value: T) -> Result<(), SendError<T>> {
        let value = ManuallyDrop::new(value);
        let mut core = self.core.lock();
        // SAFETY: the value is here, and forgotten if it moves; the caller has a place.
        let (put, next) = unsafe { core.put_reserved(&*value) };
        self.publish(&core);
        drop(core);
        match put {
            Put::Done(receiver) => {
                wakes::wake(receiver);
                wakes::wake(next);
                Ok(())
            }
            Put::Closed => Err(SendError(ManuallyDrop::into_inner(value))),
            Put::Full | Put::Nil => unreachable!("there was a place for it"),
        }
    }

    /// Receives up to `limit` values that are there now into `into`, without waiting: how many.
    pub(crate) fn take_many(&self, into: &mut Vec<T>, limit: usize) -> usize {
        // At capacity 0 nothing is ever there, but senders may wait.
        let wanted = limit.min(if self.is_rendezvous() { wakes::BATCH } else { self.len() });
        into.reserve(wanted);
        let mut taken = 0;
        let mut more = true;
        while more && taken < wanted {
            let mut wakes = Wakes::new();
            let mut core = self.core.lock();
            while more && taken < wanted && !wakes.is_full() {
                match core.take() {
                    Take::Value(value, sender) => {
                        into.push(value); // there is room: nothing is allocated under the lock
                        taken += 1;
                        sender.into_iter().for_each(|waker| wakes.push(waker));
                    }
                    Take::Empty | Take::Closed | Take::Nil => more = false,
                }
            }
            self.publish(&core);
            drop(core);
            wakes.fire();
        }
        taken
    }

    /// Closes the channel; true the first time. Waiting receivers learn that nothing comes, waiting senders keep
    /// their values.
    pub(crate) fn close(&self) -> bool {
        let mut first = None;
        loop {
            let mut wakes = Wakes::new();
            let mut core = self.core.lock();
            let Some(closed) = core.close() else { return false };
            first.get_or_insert(closed);
            self.publish(&core); // who is told of the close finds it
            core.tell(&mut wakes);
            drop(core);
            let more = wakes.is_full();
            wakes.fire();
            if !more {
                return first == Some(true);
            }
        }
    }

    /// The last sender is gone: closes.
    pub(crate) fn sealed(&self) {
        if !self.hint().is_finished() {
            self.close();
        }
    }

    /// The last receiver is gone: closes, and drops what nobody can receive any more.
    pub(crate) fn abandoned(&self) {
        self.sealed();
        if self.hint().is_finished() {
            return; // nobody is left who could put a value back
        }
        let mut core = self.core.lock();
        let rest = core.take_rest();
        self.publish(&core);
        drop(core);
        drop_all(rest);
    }

    /// [`publish`](Chan::publish) after [`put_buffered`](Core::put_buffered).
    #[inline(always)]
    pub(crate) fn publish_put(&self, core: &Core<T>) {
        if core.is_the_first_or_fills() {
            self.publish(core);
        }
    }

    /// [`publish`](Chan::publish) after [`take_buffered`](Core::take_buffered).
    #[inline(always)]
    pub(crate) fn publish_taken(&self, core: &Core<T>) {
        if core.is_empty_or_was_full() {
            self.publish(core);
        }
    }

    /// Writes the hint, if it has changed. Under the lock.
    #[inline(always)]
    pub(crate) fn publish(&self, core: &Core<T>) {
        core.check();
        self.hint().set(core.hint());
    }
}
