//! The queue: a list of blocks that the sending half writes and the receiving half reads, without a lock.
//!
//! Each half has one word that it alone counts in, and that the other half marks:
//!
//! | word | counts | bit `WAITS` | bit `CLOSED` |
//! |---|---|---|---|
//! | `sent` | values written | the receiver waits | nothing more is sent |
//! | `received` | values read (only if there is a bound) | the sender waits | - |
//!
//! | event | step | who wakes |
//! |---|---|---|
//! | a value is sent | written to its place, then `sent + 1` | the receiver, if the word had `WAITS` |
//! | the same with `CLOSED` in the word | `sent - 1`, the value comes back | - |
//! | a value is received | read from its place, then `received + 1` | the sender, if the word had `WAITS` |
//! | nothing is there | waker stored, then `WAITS` set in `sent`; looks once more | - |
//! | no room | waker stored, then `WAITS` set in `received`; looks once more | - |
//! | closed by either half | `CLOSED` set in `sent`, `WAITS` cleared in `received` | both |
//!
//! Invariants:
//! - Q1 every step on a word is a read-modify-write: who counts sees a mark that came before, and who marks sees a count
//!   that came before. So no wake-up is lost, and no fence is needed.
//! - Q2 a place is written before `sent` counts it (Release) and read after (Acquire); it is written again only when its
//!   block has come back to the sender (Q4).
//! - Q3 after the receiver has closed, it goes by the count that the word had then: what a send that came too late
//!   counts up, and down again, is never seen.
//! - Q4 the sender links a block before it counts the first value in it; the receiver gives a block back when it has
//!   left it.
//!
//! Memory follows the contents: a drained block goes back to the sender by `spare`, if that is empty or the channel has a
//! bound, and is freed otherwise.
//!
//! Source: the counters and cached copies are those of Lamport's queue ("Specifying Concurrent Program Modules", 1983), the
//! marks in them are ours.
//!
//! Checked by `models::spsc` (loom), `tests/spsc/`.
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::atomic::{AtomicPtr, AtomicUsize, Ordering::*};
use dormouse_wait::prim::{Arc, UnsafeCell};
use dormouse_wait::wakes;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::task::Waker;

use crate::wait::let_go;

/// Values per block.
const PLACES: usize = if cfg!(dormouse_loom) { 2 } else { 32 };

const CLOSED: usize = 1;
const WAITS: usize = 2;
/// One value, in a word.
const ONE: usize = 4;

struct Block<T> {
    next: UnsafeCell<*mut Block<T>>,
    places: [UnsafeCell<MaybeUninit<T>>; PLACES],
}

impl<T> Block<T> {
    fn new() -> NonNull<Block<T>> {
        let places = std::array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit()));
        let block = Box::new(Block { next: UnsafeCell::new(ptr::null_mut()), places });
        NonNull::from(Box::leak(block))
    }

    fn next(&self) -> *mut Block<T> {
        // SAFETY: read by whoever the block's `next` is handed to (Q4), after it was written.
        self.next.with(|next| unsafe { *next })
    }

    fn link(&self, to: *mut Block<T>) {
        // SAFETY: written by whoever has the block to itself, or by the sender behind all readers (Q4).
        self.next.with_mut(|next| unsafe { *next = to });
    }
}

/// Moves the value out of a place.
///
/// # Safety
/// There is one, and nobody else touches it.
#[inline(always)]
unsafe fn read<T>(place: &UnsafeCell<MaybeUninit<T>>) -> T {
    place.with(|place| {
        // SAFETY: nobody writes it now.
        let place = unsafe { &*place };
        // SAFETY: there is a value.
        unsafe { place.assume_init_read() }
    })
}

/// Frees a chain of blocks.
///
/// # Safety
/// Nobody uses them any more; their values are gone.
unsafe fn free<T>(mut block: *mut Block<T>) {
    while !block.is_null() {
        // SAFETY: made by `Block::new`, and not used again.
        let owned = unsafe { Box::from_raw(block) };
        block = owned.next();
    }
}

/// What the two halves share.
pub(super) struct Shared<T> {
    sent: Padded<AtomicUsize>,
    received: Padded<AtomicUsize>,
    /// Drained blocks on their way back to the sender, a chain.
    spare: AtomicPtr<Block<T>>,
    /// The first block still linked, written by the receiver when it goes.
    rest: AtomicPtr<Block<T>>,
    receiver: Slot,
    sender: Slot,
    /// `usize::MAX` = unbounded.
    capacity: usize,
}

// SAFETY: values of T pass from the one half to the other, each seen by one at a time (Q2).
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

/// Keeps what two threads write in cache lines of their own (two lines: the prefetcher takes pairs).
#[repr(align(128))]
struct Padded<T>(T);

/// The waker of a half that waits.
struct Slot(Lock<Option<Waker>>);

impl Slot {
    fn new() -> Slot {
        Slot(Lock::new(None))
    }

    /// Stores `waker`, unless one is there that wakes the same task.
    #[cold]
    fn store(&self, waker: &Waker) {
        if self.0.lock().as_ref().is_some_and(|stored| stored.will_wake(waker)) {
            return;
        }
        // A waker's clone and drop are user code: not under the lock.
        let waker = waker.clone();
        let old = self.0.lock().replace(waker);
        let_go(old);
    }

    fn take(&self) -> Option<Waker> {
        self.0.lock().take()
    }
}

/// Clears the mark of a half that waits in `word`, and wakes it, if it was set.
#[cold]
fn wake(word: &AtomicUsize, slot: &Slot) {
    // Ordering: AcqRel, as all steps on a word (Q1).
    if word.fetch_and(!WAITS, AcqRel) & WAITS != 0 {
        wakes::wake(slot.take());
    }
}

impl<T> Shared<T> {
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn is_closed(&self) -> bool {
        // Ordering: Acquire pairs with the Release half of `close`.
        self.sent.0.load(Acquire) & CLOSED != 0
    }

    /// Values in the channel, at about this moment.
    pub(super) fn len(&self) -> usize {
        // `received` first: what is sent and received between the two looks counts as one more, never as less than none.
        // Ordering: Acquire keeps the two looks in this order.
        let received = self.received.0.load(Acquire) & !(CLOSED | WAITS);
        let sent = self.sent.0.load(Relaxed) & !(CLOSED | WAITS);
        (sent.wrapping_sub(received) / ONE).min(self.capacity)
    }

    /// Closes; the word before.
    pub(super) fn close(&self) -> usize {
        // Ordering: AcqRel, as all steps on a word (Q1).
        let before = self.sent.0.fetch_or(CLOSED, AcqRel);
        if before & CLOSED == 0 {
            wake(&self.sent.0, &self.receiver);
            // The sender marks this word before it looks whether the channel is closed: one of both sees the other.
            wake(&self.received.0, &self.sender);
        }
        before
    }
}

impl<T> Drop for Shared<T> {
    /// The halves are gone: the receiver has dropped what was left.
    fn drop(&mut self) {
        for chain in [self.spare.load(Relaxed), self.rest.load(Relaxed)] {
            // SAFETY: nobody is left who could use them; `Tail` and `Head` gave them up.
            unsafe { free(chain) };
        }
    }
}

/// A channel's two ends.
pub(super) fn channel<T>(capacity: usize) -> (Tail<T>, Head<T>) {
    let block = Block::new();
    let shared = Arc::new(Shared {
        sent: Padded(AtomicUsize::new(0)),
        received: Padded(AtomicUsize::new(0)),
        spare: AtomicPtr::new(ptr::null_mut()),
        rest: AtomicPtr::new(ptr::null_mut()),
        receiver: Slot::new(),
        sender: Slot::new(),
        capacity,
    });
    let room = capacity.saturating_mul(ONE);
    let tail =
        Tail { shared: shared.clone(), block, place: 0, spare: ptr::null_mut(), sent: 0, received: 0, room };
    (tail, Head { shared, block, place: 0, received: 0, sent: 0, closed: false })
}

/// The sender's end.
pub(super) struct Tail<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// Where the next value goes.
    block: NonNull<Block<T>>,
    place: usize,
    /// Drained blocks, a chain.
    spare: *mut Block<T>,
    /// Values sent, in units of `ONE`.
    sent: usize,
    /// Values received, as last seen, in units of `ONE`.
    received: usize,
    /// Values that may be there at once, in units of `ONE`; none once the sender has closed.
    room: usize,
}

// SAFETY: an end owns its place in the queue alone; it moves with it.
unsafe impl<T: Send> Send for Tail<T> {}
// SAFETY: by shared reference it gives only what `Shared` does.
unsafe impl<T: Send> Sync for Tail<T> {}

/// What became of a value.
pub(super) enum Push<T> {
    Done,
    Full(T),
    Closed(T),
}

impl<T> Tail<T> {
    /// Sends `value`, if there is room.
    #[inline(always)]
    pub(super) fn push(&mut self, value: T) -> Push<T> {
        if self.is_full() && !self.has_room_now() {
            return if self.shared.is_closed() { Push::Closed(value) } else { Push::Full(value) };
        }
        if self.place == PLACES {
            self.advance();
        }
        // SAFETY: the sender's block is alive.
        let place = unsafe { &self.block.as_ref().places[self.place] };
        // SAFETY: nobody reads this place before it is counted (Q2).
        place.with_mut(|place| unsafe { (*place).write(value) });
        // Ordering: AcqRel, as all steps on a word (Q1); Release lets the receiver see the value (Q2).
        let before = self.shared.sent.0.fetch_add(ONE, AcqRel);
        if before & CLOSED != 0 {
            return Push::Closed(self.take_back());
        }
        self.place += 1;
        self.sent = self.sent.wrapping_add(ONE);
        if before & WAITS != 0 {
            wake(&self.shared.sent.0, &self.shared.receiver);
        }
        Push::Done
    }

    /// No room, by what was last seen?
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.sent.wrapping_sub(self.received) >= self.room
    }

    fn has_room_now(&mut self) -> bool {
        // Ordering: Acquire pairs with the Release of `received`: a receive comes before the send that it made room for (Go's
        // memory model).
        self.received = self.shared.received.0.load(Acquire) & !WAITS;
        !self.is_full()
    }

    /// The value that was counted too late.
    #[cold]
    fn take_back(&mut self) -> T {
        // Ordering: Relaxed; nobody goes by the count of a closed channel (Q3).
        self.shared.sent.0.fetch_sub(ONE, Relaxed);
        // SAFETY: the sender's block is alive.
        let place = unsafe { &self.block.as_ref().places[self.place] };
        // SAFETY: just written, and never to be read by the receiver (Q3).
        unsafe { read(place) }
    }

    /// The sender's block is full: takes another one.
    #[cold]
    fn advance(&mut self) {
        if self.spare.is_null() {
            // Ordering: Acquire pairs with the Release of `Head::give_back`.
            self.spare = self.shared.spare.swap(ptr::null_mut(), Acquire);
        }
        let next = match NonNull::new(self.spare) {
            Some(block) => {
                // SAFETY: a spare block is alive and ours alone.
                self.spare = unsafe { block.as_ref() }.next();
                // SAFETY: as above.
                unsafe { block.as_ref() }.link(ptr::null_mut());
                block
            }
            None => Block::new(),
        };
        // SAFETY: the sender's block is alive: the receiver leaves it only for the next one, which is counted later (Q4).
        unsafe { self.block.as_ref() }.link(next.as_ptr());
        self.block = next;
        self.place = 0;
    }

    /// Stores the waker of a sender for which there is no room. False if there is now, or the channel is closed.
    #[cold]
    pub(super) fn wait(&mut self, waker: &Waker) -> bool {
        self.shared.sender.store(waker);
        // Ordering: AcqRel, as all steps on a word (Q1).
        self.received = self.shared.received.0.fetch_or(WAITS, AcqRel) & !WAITS;
        if self.is_full() && !self.shared.is_closed() {
            return true;
        }
        self.leave();
        false
    }

    /// Closes: what was sent can still be received. True the first time.
    pub(super) fn close(&mut self) -> bool {
        // A send that only found out when it has counted would show the receiver a value too many.
        self.room = 0;
        self.shared.close() & CLOSED == 0
    }

    /// After a wait that has ended: whoever made room has cleared the mark, unless this end found it by itself.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.shared.received.0.load(Relaxed) & WAITS != 0 {
            self.leave();
        }
    }

    /// The sender waits no more.
    #[cold]
    pub(super) fn leave(&mut self) {
        // Ordering: AcqRel, as all steps on a word (Q1).
        self.shared.received.0.fetch_and(!WAITS, AcqRel);
        let_go(self.shared.sender.take());
    }
}

impl<T> Drop for Tail<T> {
    fn drop(&mut self) {
        self.shared.close();
        // SAFETY: spare blocks are the sender's alone, and hold no values.
        unsafe { free(self.spare) };
    }
}

/// The receiver's end.
pub(super) struct Head<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// Where the next value comes from.
    block: NonNull<Block<T>>,
    place: usize,
    /// Values received, in units of `ONE`.
    received: usize,
    /// Values sent, as last seen, in units of `ONE`.
    sent: usize,
    /// Closed, and `sent` is all that ever will be.
    closed: bool,
}

// SAFETY: an end owns its place in the queue alone; it moves with it.
unsafe impl<T: Send> Send for Head<T> {}
// SAFETY: by shared reference it gives only what `Shared` does.
unsafe impl<T: Send> Sync for Head<T> {}

/// What [`Head::pop`] found.
pub(super) enum Pop<T> {
    Value(T),
    Empty,
    Closed,
}

impl<T> Head<T> {
    /// Receives a value, if there is one.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Pop<T> {
        if self.received == self.sent && !self.look() {
            return if self.closed { Pop::Closed } else { Pop::Empty };
        }
        if self.place == PLACES {
            self.advance();
        }
        // SAFETY: the receiver's block is alive.
        let place = unsafe { &self.block.as_ref().places[self.place] };
        // SAFETY: the place is counted in `sent`, seen with Acquire (Q2); it is read once.
        let value = unsafe { read(place) };
        self.place += 1;
        self.received = self.received.wrapping_add(ONE);
        if self.shared.capacity == usize::MAX {
            // Ordering: Release pairs with the Acquire in `len`, which alone reads it: without a bound nobody waits.
            self.shared.received.0.store(self.received, Release);
        } else if self.shared.received.0.fetch_add(ONE, AcqRel) & WAITS != 0 {
            // Ordering: AcqRel, as all steps on a word (Q1); Release for the send that this makes room for.
            wake(&self.shared.received.0, &self.shared.sender);
        }
        Pop::Value(value)
    }

    /// Looks how many values were sent. True if there are more than were received.
    #[inline(always)]
    fn look(&mut self) -> bool {
        if self.closed {
            return false;
        }
        // Ordering: Acquire pairs with the Release of `sent`: the values are there (Q2).
        let word = self.shared.sent.0.load(Acquire);
        self.learn(word)
    }

    #[inline(always)]
    fn learn(&mut self, word: usize) -> bool {
        self.sent = word & !(CLOSED | WAITS);
        self.closed = word & CLOSED != 0;
        self.sent != self.received
    }

    /// The receiver's block is drained: goes on to the next one.
    #[cold]
    fn advance(&mut self) {
        // SAFETY: the receiver's block is alive.
        let next = unsafe { self.block.as_ref() }.next();
        let drained = std::mem::replace(&mut self.block, NonNull::new(next).expect("a value is behind (Q4)"));
        self.place = 0;
        self.give_back(drained);
    }

    fn give_back(&self, drained: NonNull<Block<T>>) {
        let spare = &self.shared.spare;
        let first = spare.load(Relaxed);
        if !first.is_null() && self.shared.capacity == usize::MAX {
            // SAFETY: the receiver has left it, the sender long before.
            unsafe { drained.as_ref() }.link(ptr::null_mut());
            // SAFETY: as above; its values were read.
            return unsafe { free(drained.as_ptr()) };
        }
        // SAFETY: as above.
        unsafe { drained.as_ref() }.link(first);
        // Ordering: Release pairs with the Acquire of `Tail::advance`: the places were read, the link is written.
        if spare.compare_exchange(first, drained.as_ptr(), Release, Relaxed).is_err() {
            // The sender has just taken them all.
            // SAFETY: as above.
            unsafe { drained.as_ref() }.link(ptr::null_mut());
            // Ordering: Release, as above. The receiver alone puts something there.
            spare.store(drained.as_ptr(), Release);
        }
    }

    /// Stores the waker of a receiver that finds nothing. False if there is something now, or the channel is closed.
    #[cold]
    pub(super) fn wait(&mut self, waker: &Waker) -> bool {
        self.shared.receiver.store(waker);
        // Ordering: AcqRel, as all steps on a word (Q1).
        let word = self.shared.sent.0.fetch_or(WAITS, AcqRel);
        if !self.learn(word) && !self.closed {
            return true;
        }
        self.leave();
        false
    }

    /// After a wait that has ended: whoever sent has cleared the mark, unless this end found the value by itself.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.shared.sent.0.load(Relaxed) & WAITS != 0 {
            self.leave();
        }
    }

    /// The receiver waits no more.
    #[cold]
    pub(super) fn leave(&mut self) {
        // Ordering: AcqRel, as all steps on a word (Q1).
        self.shared.sent.0.fetch_and(!WAITS, AcqRel);
        let_go(self.shared.receiver.take());
    }

    /// Closes: what was sent before can still be received. True the first time.
    pub(super) fn close(&mut self) -> bool {
        if self.closed {
            return false;
        }
        let word = self.shared.close();
        // By the word before: a send that comes now fails (Q3).
        self.learn(word);
        self.closed = true;
        word & CLOSED == 0
    }
}

impl<T> Drop for Head<T> {
    /// Drops what nobody will receive.
    fn drop(&mut self) {
        self.close();
        let_go(self.shared.receiver.take());
        struct Rest<'h, T>(&'h mut Head<T>);
        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                // Ordering: Release pairs with the end of the `Arc`, after which `Shared` is dropped.
                self.0.shared.rest.store(self.0.block.as_ptr(), Release);
            }
        }
        // Also if a value's drop panics.
        let rest = Rest(self);
        crate::buffer::drop_all(|| match rest.0.pop() {
            Pop::Value(value) => Some(value),
            Pop::Empty | Pop::Closed => None,
        });
    }
}
