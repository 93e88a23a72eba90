//! What a channel is: its state under one lock, and every transition of it. [`Chan`](crate::chan::Chan) puts it behind the
//! lock, and everything else in this crate is a way to call these.
//!
//! State under the lock: a FIFO buffer, the waiting receivers, the waiting senders, values put back, and whether the
//! channel is closed.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | receivers wait | `put` | the longest-waiting one has the value (I4) | that receiver |
//! | room | `put` | one more buffered | - |
//! | no room | `put` | unchanged: the sender queues | - |
//! | values put back | `take` | the earliest handed-out of them is gone | - |
//! | buffered | `take` | the head is gone; the longest-waiting sender's value moved in behind (F13) | that sender |
//! | nothing buffered, senders with values wait | `take` | the longest-waiting one's value is gone (F12) | that sender |
//! | nothing | `take` | unchanged: the receiver queues | - |
//! | room | `reserve` | one place less for others | - |
//! | no room | `reserve` | unchanged: it queues among the senders, marked | - |
//! | a place is reserved | `put_reserved` | as `put`, into that place; if a receiver has the value, the place is free | that receiver; who has the place |
//! | a place is reserved | `unreserve` | free: the longest-waiting sender's value moved in, or it is reserved for who waits for a permit | that sender |
//! | open | `close` | closed; what is buffered stays, waiting senders keep their values | all waiters |
//! | any | a receive is dropped with its value (X1) | the next waiting receiver has it, else it is put back | that receiver |
//!
//! Invariants: I1 at least one list is empty, but for a select that stands in both, and who waits for a permit; I2 a receiver waits only on an empty
//! buffer and a sender only on a full one (asserted in debug builds after each transition, [`Core::check`]); I3 nobody
//! waits on a closed channel. A select that is HELD (see `dormouse_wait::claim`) is exempt: it is passed over, keeps its
//! place, and looks again.
//!
//! Locks: one, never two, except in `select`, which takes several in address order. No user code runs under it: values are moved,
//! never dropped or cloned; wakers come out and are woken, cloned and dropped after unlocking (I8).
//!
//! Rejected: a lock-free queue with event listeners (barging, and a rendezvous is impossible); a wake-up token instead
//! of the value (the woken receiver may be dropped, and then the token must be passed on: more states); dropping a
//! value that comes back (it was sent, and its sender was told so).
//!
//! Checked by `models::plain` (loom), `tests/against_model.rs`, `tests/stress.rs`, and rule by rule (GO.md's numbers; the
//! tests stand in `tests/go_rules/` where no other file is named):
//!
//! | rule | tests |
//! |---|---|
//! | F10 any type, any number of either side | `values::values_of_every_shape_pass`, `values::zero_sized_values_need_no_buffer`, `values::a_capacity_beyond_any_memory_is_refused_with_advice`, `handles::handles_are_counted` |
//! | F11 nil channel | `handles::never_is_never_ready`, `handles::never_cannot_be_closed`, `handles::never_is_never_chosen` |
//! | F12 rendezvous | `rendezvous::a_send_waits_until_a_receive_has_the_value`, `rendezvous::try_send_needs_a_waiting_receive`, `rendezvous::try_recv_needs_a_waiting_send` |
//! | F13 buffer | `buffered::a_receive_moves_the_longest_waiting_value_in`, `buffered::a_send_to_a_waiting_receive_bypasses_the_buffer` |
//! | F14 close | `closing::what_is_buffered_is_received_then_none_for_ever`, `closing::every_later_send_fails_with_its_value`, `closing::waiting_sends_get_their_values_back_and_deliver_nothing`, `closing::close_is_one_step_however_many_wait` |
//! | F15 range | `stream::it_gives_what_is_sent_and_ends_with_the_close`, `threads::an_iterator_may_be_left_and_taken_up_again` |
//! | F16 direction | `tests/compile_fail/send_on_receiver.rs`, `tests/compile_fail/select_direction.rs` |
//! | F17 each value to one receiver | `handles::values_are_shared_out_among_the_receivers`, `threads::many_threads_share_the_work` |
//! | F18 pipelines | `stress::order_is_kept_through_a_pipeline` |
//! | F19 len and capacity | `handles::lengths_and_capacities`, `rendezvous::nothing_is_ever_in_the_channel` |
//! | I1 | `rendezvous::a_select_that_waits_is_a_counterpart`, `one_arm::both_directions_of_one_channel_never_meet_themselves` (`tests/select/`) |
//! | I2 | `buffered::a_send_waits_only_if_the_buffer_is_full`, `buffered::a_receive_moves_the_longest_waiting_value_in` |
//! | I3 | `closing::waiting_receives_learn_of_it`, `closing::close_is_one_step_however_many_wait` |
//! | I4 first come, first served | `queueing::receives_are_served_in_the_order_in_which_they_came`, `queueing::sends_are_served_in_the_order_in_which_they_came`, `queueing::nobody_takes_what_a_waiting_receive_was_given`, `queueing::nobody_takes_the_room_of_a_waiting_send` |
//! | I5 each value once | `values::what_nobody_receives_is_dropped_once`, `stress::many_to_many_on_four_workers` |
//! | I6, I10 | see `select::engine` |
//! | I7 leaving is one step | `queueing::leaving_a_long_queue_is_one_step` |
//! | I8 no user code under the lock | `queueing::wakers_may_use_the_channel`, `closing::a_dropped_value_may_use_the_channel`, `reentrant::wakers_that_call_back` |
//! | I9 nothing is kept | `values::nothing_is_kept_of_a_value_that_was_received` |
//! | places set aside | `tests/family/permits.rs`, `models::permits`, `tests/against_model.rs`, the facade's `tests/simulation/permits.rs` |
use crate::buffer::Buffer;
use crate::hint;
use dormouse_wait::list::{List, Verdict};
use dormouse_wait::wakes::Wakes;
use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::task::Waker;

/// What passes to a waiting receiver: the value, and the number of its hand-over. Unwritten until then.
pub(crate) struct Handed<T> {
    pub(crate) value: MaybeUninit<T>,
    pub(crate) number: MaybeUninit<u64>,
}

impl<T> Handed<T> {
    #[inline(always)]
    pub(crate) const fn new(value: T, number: u64) -> Self {
        Handed { value: MaybeUninit::new(value), number: MaybeUninit::new(number) }
    }

    #[inline(always)]
    pub(crate) const fn nothing() -> Self {
        Handed { value: MaybeUninit::uninit(), number: MaybeUninit::uninit() }
    }
}

/// The state of a channel, under its lock.
pub(crate) struct Core<T> {
    buffer: Buffer<T>,
    pub(crate) receivers: List<Handed<T>>,
    pub(crate) senders: List<MaybeUninit<T>>,
    /// Those who wait for the close.
    pub(crate) closers: List<()>,
    /// Values whose receive was dropped, by the number of their hand-over. Rarely used, so a thin pointer.
    #[expect(
        clippy::box_collection,
        reason = "8 bytes in every channel instead of 32, for what few ever need"
    )]
    returned: Option<Box<VecDeque<(u64, T)>>>,
    /// The number of the last hand-over.
    handed: u64,
    state: State,
    /// Not open, or some values were put back: what the common path need not know apart.
    unusual: bool,
}

// SAFETY: a core owns values of T and lists of waiters, which are Send for T: Send.
unsafe impl<T: Send> Send for Core<T> {}

/// Whether values can pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    /// Go's nil channel: nothing ever passes, and it cannot be closed.
    Nil,
}

/// What [`Core::take`] found.
pub(crate) enum Take<T> {
    /// A value, and the sender to wake.
    Value(T, Option<Waker>),
    Empty,
    Closed,
    /// And never will be anything: no reason to queue.
    Nil,
}

/// What [`Core::put`] did.
pub(crate) enum Put {
    /// The value has moved; wake this receiver.
    Done(Option<Waker>),
    Full,
    Closed,
    /// Nobody will ever take it: no reason to queue.
    Nil,
}

/// What [`Core::reserve`] did.
pub(crate) enum Reserve {
    Done,
    Full,
    Closed,
    Nil,
}

/// Marks a waiting sender that waits for a permit, and has no value yet.
pub(crate) const RESERVES: u32 = u32::MAX;

impl<T> Core<T> {
    pub(crate) fn new(buffer: Buffer<T>, nil: bool) -> Self {
        Core {
            buffer,
            receivers: List::new(),
            senders: List::new(),
            closers: List::new(),
            returned: None,
            handed: 0,
            state: if nil { State::Nil } else { State::Open },
            unusual: nil,
        }
    }

    /// [`take`](Core::take) in its commonest case: a value is buffered, nobody waits, nothing unusual.
    #[inline(always)]
    pub(crate) fn take_buffered(&mut self) -> Option<T> {
        if self.unusual | !self.senders.is_empty() { None } else { self.buffer.pop() }
    }

    /// [`put`](Core::put) in its commonest case: there is room, nobody waits, nothing unusual. True if it moved.
    ///
    /// # Safety
    /// As for `put`.
    #[inline(always)]
    pub(crate) unsafe fn put_buffered(&mut self, value: *const T) -> bool {
        // SAFETY: as the caller promises.
        !(self.unusual | !self.receivers.is_empty()) && unsafe { self.buffer.push(value) }
    }

    /// Takes the next value, if there is one.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Take<T> {
        if self.unusual && self.returned.is_some() {
            return self.take_returned();
        }
        if let Some(value) = self.buffer.pop() {
            let waker = if self.senders.is_empty() { None } else { self.move_up() };
            return Take::Value(value, waker);
        }
        if self.unusual {
            match self.state {
                State::Open => {}
                State::Closed => return Take::Closed,
                State::Nil => return Take::Nil,
            }
        }
        // Senders wait beside an empty buffer if there is none, or if all places are reserved.
        if let Some(mut sender) = self.senders.win_without(RESERVES) {
            // SAFETY: a queued sender's payload is its value, which leaves it here, once.
            let value = sender.with_payload(|slot| unsafe { slot.assume_init_read() });
            return Take::Value(value, sender.finish(Verdict::Granted));
        }
        Take::Empty
    }

    #[cold]
    fn take_returned(&mut self) -> Take<T> {
        let Some((_, value)) = self.returned.as_mut().and_then(|returned| returned.pop_front()) else {
            unreachable!("an empty queue of returned values is not kept")
        };
        if self.returned.as_ref().is_some_and(|returned| returned.is_empty()) {
            self.returned = None;
        }
        self.unusual = self.state != State::Open || self.returned.is_some();
        Take::Value(value, None)
    }

    /// Moves the longest-waiting sender's value into the room that has just been made, or gives that room to who waits
    /// for a permit. Not if the channel is closed: senders that `close` has not told yet have failed all the same.
    #[inline(always)]
    fn move_up(&mut self) -> Option<Waker> {
        if self.unusual && self.is_closed() {
            return None;
        }
        let mut sender = self.senders.win()?;
        let buffer = &mut self.buffer;
        if sender.tag() == RESERVES {
            let reserved = buffer.reserve();
            debug_assert!(reserved, "there was room");
            return sender.finish(Verdict::Granted);
        }
        sender.with_payload(|slot| {
            // SAFETY: a queued sender's payload is its value, which leaves it here, once.
            let moved = unsafe { buffer.push(slot.as_ptr()) };
            debug_assert!(moved, "there was room");
        });
        sender.finish(Verdict::Granted)
    }

    /// Moves the value at `value` to a receiver or into the buffer.
    ///
    /// # Safety
    /// `value` can be read, and is not used as a value afterwards if the answer is `Done`.
    #[inline(always)]
    pub(crate) unsafe fn put(&mut self, value: *const T) -> Put {
        if self.unusual {
            match self.state {
                State::Open => {}
                State::Closed => return Put::Closed,
                State::Nil => return Put::Nil,
            }
        }
        let number = self.handed + 1;
        if let Some(mut receiver) = self.receivers.win() {
            self.handed = number;
            receiver.with_payload(|slot| {
                slot.number.write(number);
                // SAFETY: the caller lets the value be read; the slot of a waiting receiver is free.
                unsafe { slot.value.as_mut_ptr().copy_from_nonoverlapping(value, 1) };
            });
            return Put::Done(receiver.finish(Verdict::Granted));
        }
        // SAFETY: as the caller promises.
        if unsafe { self.buffer.push(value) } { Put::Done(None) } else { Put::Full }
    }

    /// The number of a hand-over that is about to be made.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.handed += 1;
        self.handed
    }

    /// A value comes back from a receive that was dropped (X1).
    pub(crate) fn put_back(&mut self, number: u64, value: T) -> Option<Waker> {
        if let Some(mut receiver) = self.receivers.win() {
            receiver.with_payload(|slot| *slot = Handed::new(value, number));
            return receiver.finish(Verdict::Granted);
        }
        let returned = self.returned.get_or_insert_default();
        let place = returned.partition_point(|(earlier, _)| *earlier < number);
        returned.insert(place, (number, value));
        self.unusual = true;
        None
    }

    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.state == State::Nil
    }

    /// Sets a place in the buffer aside, if there is one.
    pub(crate) fn reserve(&mut self) -> Reserve {
        match self.state {
            State::Open if self.buffer.reserve() => Reserve::Done,
            State::Open => Reserve::Full,
            State::Closed => Reserve::Closed,
            State::Nil => Reserve::Nil,
        }
    }

    /// Gives a place back that was set aside: the longest-waiting sender has it.
    pub(crate) fn unreserve(&mut self) -> Option<Waker> {
        if self.is_closed() {
            return None; // nothing enters any more, and the buffer may be gone
        }
        self.buffer.unreserve();
        self.move_up()
    }

    /// Moves the value at `value` to a receiver, or into the place that was set aside for it.
    ///
    /// # Safety
    /// As for [`put`](Core::put); a place was set aside.
    pub(crate) unsafe fn put_reserved(&mut self, value: *const T) -> (Put, Option<Waker>) {
        if self.is_closed() {
            return (Put::Closed, None);
        }
        self.buffer.unreserve();
        // SAFETY: as the caller promises.
        let put = unsafe { self.put(value) };
        // The place is free again if a receiver has the value.
        let next = if self.buffer.has_room() { self.move_up() } else { None };
        (put, next)
    }

    /// Closes. True the first time; `None` if nothing closes this channel.
    pub(crate) fn close(&mut self) -> Option<bool> {
        let first = match self.state {
            State::Nil => return None,
            state => state == State::Open,
        };
        self.state = State::Closed;
        self.unusual = true;
        Some(first)
    }

    /// Tells as many of those who wait of the close as one batch of wake-ups holds; to be called again until it is not full.
    pub(crate) fn tell(&mut self, wakes: &mut Wakes) {
        tell(&mut self.receivers, wakes);
        tell(&mut self.senders, wakes);
        tell(&mut self.closers, wakes);
    }

    /// All values that are in the channel, one after the other, to be dropped outside of the lock.
    pub(crate) fn take_rest(&mut self) -> impl FnMut() -> Option<T> + use<T> {
        let mut buffer = self.buffer.take_all();
        let mut returned = self.returned.take();
        self.unusual = self.state != State::Open;
        move || {
            let returned = returned.as_mut().and_then(|returned| returned.pop_front());
            returned.map(|(_, value)| value).or_else(|| buffer.pop())
        }
    }

    /// The values in the channel.
    pub(crate) fn len(&self) -> usize {
        self.returned.as_ref().map_or(0, |returned| returned.len()) + self.buffer.len()
    }

    /// `None` = unbounded.
    pub(crate) fn capacity(&self) -> Option<usize> {
        Some(self.buffer.capacity()).filter(|capacity| *capacity != usize::MAX)
    }

    /// Is there no room in the buffer?
    pub(crate) fn is_full(&self) -> bool {
        // Not `len`: what was put back takes no room. And what was set aside in a closed channel is nobody's any more.
        let limit = if self.is_closed() { self.buffer.capacity() } else { self.buffer.limit() };
        self.buffer.len() >= limit
    }

    /// Has the value that has just been buffered changed the hint?
    #[inline(always)]
    pub(crate) fn is_the_first_or_fills(&self) -> bool {
        self.buffer.len() == 1 || !self.buffer.has_room()
    }

    /// Has the buffered value that has just been taken changed the hint?
    #[inline(always)]
    pub(crate) fn is_empty_or_was_full(&self) -> bool {
        self.buffer.len() == 0 || self.buffer.len() + 1 >= self.buffer.limit()
    }

    /// What the [hint](crate::hint) is to say.
    #[inline(always)]
    pub(crate) fn hint(&self) -> u8 {
        if self.unusual {
            return self.unusual_hint();
        }
        let may_recv = (self.buffer.len() > 0) | !self.senders.is_empty();
        let may_send = self.buffer.has_room() | !self.receivers.is_empty();
        (u8::from(may_recv) * hint::RECV) | (u8::from(may_send) * hint::SEND)
    }

    #[cold]
    fn unusual_hint(&self) -> u8 {
        let finished = self.is_closed() && self.len() == 0;
        hint::SEND | if finished { hint::FINISHED } else { hint::RECV }
    }

    /// I2: nobody who could be served waits. (While `close` tells the waiters in batches, some still stand here.)
    pub(crate) fn check(&self) {
        if cfg!(debug_assertions) && self.state == State::Open {
            debug_assert!(
                self.buffer.len() == 0 || !self.receivers.any_winnable(),
                "I2: a receiver waits beside a value"
            );
            debug_assert!(
                !self.buffer.has_room() || !self.senders.any_winnable(),
                "I2: a sender waits beside room"
            );
        }
    }
}

/// Tells those who wait of the close, as many as can be woken in one batch.
fn tell<P>(waiters: &mut List<P>, wakes: &mut Wakes) {
    while !wakes.is_full()
        && let Some(waiter) = waiters.win()
    {
        waiter.finish(Verdict::Closed).into_iter().for_each(|waker| wakes.push(waker));
    }
}
