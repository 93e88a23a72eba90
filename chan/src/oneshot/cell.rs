//! The one allocation that both halves share: a state word, a place for the value, a place for a waker of each side.
//!
//! Invariants:
//! - O1 The value is the sender's to write until ENDED; it is there from ENDED | SENT on, and then the receiver's to take.
//! - O2 A side's waker is its own to write while its bit (RX_WAITS, TX_WAITS) is clear. Whoever sets ENDED or SHUT, and
//!   found the bit of a wait that this ends, takes the waker and wakes it; the side itself may then only compare it.
//! - O3 A side that has set its LEFT bit touches the cell no more; whoever finds the other one's set frees it.
//! - O4 ENDED or SHUT is set, once: the first of the two decides whether the cell is SENT.
//!
//! The state is a set of bits; `+` adds, `-` removes:
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | neither ENDED nor SHUT | send, the receiver does not wait | + SENT ENDED TX_LEFT | - |
//! | the same, RX_WAITS | send | + SENT ENDED, then + TX_LEFT | the receiver |
//! | as these two | the sender is dropped | the same without SENT | as these two |
//! | SHUT | send | + TX_LEFT, the value goes back | - |
//! | SHUT | the sender is dropped | + TX_LEFT | - |
//! | neither ENDED nor SHUT | the receiver is polled | + RX_WAITS | - |
//! | RX_WAITS | the receiver is polled with another waker | - RX_WAITS, then + RX_WAITS | - |
//! | ENDED, or SHUT | the receiver is polled | + RX_LEFT, the value comes out, if SENT | - |
//! | neither ENDED nor SHUT | `close` | + SHUT | the sender, if TX_WAITS; whoever polled the receiver, if RX_WAITS |
//! | ENDED, or SHUT | `close` | unchanged | - |
//! | any | the receiver is dropped | as `close`, then + RX_LEFT; a value that is there is dropped | as `close` |
//! | not SHUT | `closed` is polled | + TX_WAITS | - |
//! | TX_WAITS, not SHUT | `closed` is dropped, or the sender ends after it was forgotten | - TX_WAITS | - |
//!
//! One read-modify-write decides each of these: a value that is sent before it is waited for costs one in all, as its
//! receiver finds TX_LEFT and frees the cell without another.
//!
//! User code (wakers' clones and drops, the value's drop) runs between these steps, never while a side has taken something
//! that the other one needs: a clone that panics leaves the cell as it was; other panics end where they happen, or reach
//! the owner of the value after all is done.
//!
//! Rejected: a lock around the two wakers (two more read-modify-writes in the commonest case); waking by reference and
//! leaving the waker to whoever frees the cell (the waker then lives as long as the receiver); one waker place for both
//! sides (both may wait).
//!
//! Checked by `models::oneshot` (loom), which has a model for each pair of operations, and by `tests/oneshot.rs`:
//!
//! | rule | tests |
//! |---|---|
//! | O1 | `models::send_recv`, `models::send_dropped_receiver`, `values::each_is_dropped_once` |
//! | O2 | `models::polled_with_another_waker_*`, `models::closed_polled_with_another_waker`, `models::tokio_4226_close_then_receive_beside_a_send` |
//! | O3 | `models::dropped_both`, `models::faern_87_a_waiting_receiver_is_dropped_beside_a_send`, `memory::one_allocation_and_nothing_is_kept` |
//! | O4 | `models::close_send_*`, `closing::a_value_sent_before_is_received` |
use crate::wait::let_go;
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::atomic::{AtomicU8, Ordering::*};
use dormouse_wait::wakes;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::NonNull;
use std::task::{Context, Waker};

/// The value is in the cell, or was.
const SENT: u8 = 1;
/// The sender has sent or was dropped.
const ENDED: u8 = 2;
/// The sender touches the cell no more.
const TX_LEFT: u8 = 4;
/// The receiver's waker is in the cell; with ENDED or SHUT, who set that has taken it.
const RX_WAITS: u8 = 8;
/// The receiver has closed the channel or was dropped, before the sender ended.
const SHUT: u8 = 16;
/// The receiver touches the cell no more.
const RX_LEFT: u8 = 32;
/// The sender's waker is in the cell; with SHUT, the receiver has taken it.
const TX_WAITS: u8 = 64;

struct Cell<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
    /// The receiver's waker.
    rx: Place,
    /// The sender's waker.
    tx: Place,
    /// Shows in a model that the cell is freed, and once.
    #[cfg(dormouse_loom)]
    _freed: loom::alloc::Track<()>,
}

/// In a model: whoever frees the cell is alone with it.
#[cfg(dormouse_loom)]
impl<T> Drop for Cell<T> {
    fn drop(&mut self) {
        self.value.with_mut(|_| ());
        self.rx.0.with_mut(|_| ());
        self.tx.0.with_mut(|_| ());
    }
}

/// A place for one waker.
struct Place(UnsafeCell<MaybeUninit<Waker>>);

impl Place {
    fn new() -> Self {
        Place(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// # Safety
    /// By O2 the place is the caller's to write.
    unsafe fn write(&self, waker: Waker) {
        self.0.with_mut(|place| {
            // SAFETY: as the caller promises, nobody else touches it.
            unsafe { &mut *place }.write(waker);
        });
    }

    /// # Safety
    /// By O2 the waker is there and the caller's to take; it is taken once.
    unsafe fn take(&self) -> Waker {
        self.0.with(|place| {
            // SAFETY: as the caller promises, nobody writes it.
            let place = unsafe { &*place };
            // SAFETY: as the caller promises, it is there, and taken once.
            unsafe { place.assume_init_read() }
        })
    }

    /// # Safety
    /// The caller is the side that wrote the waker, and has not written another one since.
    unsafe fn will_wake(&self, waker: &Waker) -> bool {
        self.0.with(|place| {
            // SAFETY: only the caller's side writes here. That the other one reads the waker out meanwhile is no matter.
            let place = unsafe { &*place };
            // SAFETY: it was written. Only its two pointers are looked at, not what they point to.
            let known = unsafe { place.assume_init_ref() };
            known.will_wake(waker)
        })
    }
}

impl<T> Cell<T> {
    #[inline(always)]
    fn look(&self) -> u8 {
        // Ordering: Acquire pairs with the Release of whoever set the bits that are seen.
        self.state.load(Acquire)
    }

    #[inline(always)]
    fn step(&self, from: u8, to: u8) -> Result<u8, u8> {
        // Ordering: Release hands over what was written before (the value, a waker), Acquire gets what the other side
        // handed over with the bits that are seen; also on failure, as the bits seen then are acted on.
        self.state.compare_exchange(from, to, AcqRel, Acquire)
    }

    /// A side with this waker place and bit waits until one of `ends` is set; false if one is. `state` was seen just now.
    ///
    /// # Safety
    /// The caller is that side.
    #[inline]
    unsafe fn wait(&self, state: u8, place: &Place, bit: u8, ends: u8, cx: &Context<'_>) -> bool {
        if state & (bit | ends) == 0 {
            // User code, before anything changes.
            let waker = cx.waker().clone();
            // SAFETY: as the caller promises; the bit is clear.
            return unsafe { self.register(state, place, bit, ends, waker) };
        }
        // SAFETY: as the caller promises.
        state & ends == 0 && unsafe { self.wait_on(place, bit, ends, cx) }
    }

    /// [`wait`](Cell::wait) for a side that waits already.
    ///
    /// # Safety
    /// The caller is the side with this place and bit, and has set the bit.
    unsafe fn wait_on(&self, place: &Place, bit: u8, ends: u8, cx: &Context<'_>) -> bool {
        // SAFETY: this side wrote its waker there.
        if unsafe { place.will_wake(cx.waker()) } {
            return true;
        }
        let waker = cx.waker().clone();
        // SAFETY: as the caller promises.
        let former = unsafe { self.withdraw(place, bit, ends) };
        // SAFETY: as the caller promises; the bit is clear, or an end has come.
        let waits = unsafe { self.register(self.look(), place, bit, ends, waker) };
        let_go(former);
        waits
    }

    /// Leaves `waker` for the other side; false if there is an end, and the waker is dropped.
    ///
    /// # Safety
    /// The caller is the side with this place and bit; in `state`, seen just now, the bit is clear, or one of `ends` set.
    #[inline]
    unsafe fn register(&self, mut state: u8, place: &Place, bit: u8, ends: u8, waker: Waker) -> bool {
        if state & ends != 0 {
            let_go(Some(waker));
            return false;
        }
        // SAFETY: O2, the bit is clear.
        unsafe { place.write(waker) };
        while let Err(now) = self.step(state, state | bit) {
            if now & ends != 0 {
                // SAFETY: O2, whoever ended this found the bit clear. It was written above.
                let_go(Some(unsafe { place.take() }));
                return false;
            }
            state = now;
        }
        true
    }

    /// Takes back what `register` left, if the other side has not.
    ///
    /// # Safety
    /// The caller is the side with this place and bit.
    unsafe fn withdraw(&self, place: &Place, bit: u8, ends: u8) -> Option<Waker> {
        let mut state = self.look();
        while state & bit != 0 && state & ends == 0 {
            match self.step(state, state & !bit) {
                // SAFETY: O2, the bit was set, and is clear now without an end.
                Ok(_) => return Some(unsafe { place.take() }),
                Err(now) => state = now,
            }
        }
        None
    }
}

/// Takes the value out.
///
/// # Safety
/// O1: the value is there and the caller's, who takes it once.
#[inline(always)]
unsafe fn take_value<T>(cell: &Cell<T>) -> T {
    cell.value.with(|value| {
        // SAFETY: as the caller promises.
        let value = unsafe { &*value };
        // SAFETY: as the caller promises.
        unsafe { value.assume_init_read() }
    })
}

/// A side leaves: by its bit `mine` it says that it touches the cell no more; frees the cell if the other one has left.
///
/// # Safety
/// The caller is that side, and does not use `cell` again. `state` is one that it has seen.
#[inline(always)]
unsafe fn leave<T>(cell: NonNull<Cell<T>>, state: u8, mine: u8, theirs: u8) {
    // SAFETY: O3, this side has not left.
    let this = unsafe { cell.as_ref() };
    // Ordering: AcqRel pairs with the other side's: what the first to leave did comes before the free.
    if state & theirs != 0 || this.state.fetch_or(mine, AcqRel) & theirs != 0 {
        // SAFETY: O3, both have left. It was made by `Box`.
        drop(unsafe { Box::from_raw(cell.as_ptr()) });
    }
}

/// A cell for both sides.
#[inline(always)]
pub(super) fn pair<T>() -> (Tx<T>, Rx<T>) {
    let cell = Box::new(Cell {
        state: AtomicU8::new(0),
        value: UnsafeCell::new(MaybeUninit::uninit()),
        rx: Place::new(),
        tx: Place::new(),
        #[cfg(dormouse_loom)]
        _freed: loom::alloc::Track::new(()),
    });
    let cell = NonNull::from(Box::leak(cell));
    (Tx(cell), Rx(cell))
}

/// The sender's side. Its drop is the sender's.
pub(super) struct Tx<T>(NonNull<Cell<T>>);

// SAFETY: a side moves a T to the other one's thread; wakers are Send and Sync.
unsafe impl<T: Send> Send for Tx<T> {}
// SAFETY: by shared reference only the state can be seen.
unsafe impl<T: Send> Sync for Tx<T> {}

impl<T> Tx<T> {
    #[inline(always)]
    fn cell(&self) -> &Cell<T> {
        // SAFETY: O3, this side has not left.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn is_shut(&self) -> bool {
        self.cell().look() & SHUT != 0
    }

    /// Sends, or gives the value back.
    #[inline(always)]
    pub(super) fn send(self, value: T) -> Result<(), T> {
        let this = ManuallyDrop::new(self);
        this.cell().value.with_mut(|place| {
            // SAFETY: O1, the value is the sender's to write, who has not ended.
            unsafe { &mut *place }.write(value);
        });
        // The commonest case: the receiver is there, and does not wait.
        let state = this.cell().look();
        if state == 0 && this.cell().step(0, SENT | ENDED | TX_LEFT).is_ok() {
            Ok(())
        } else {
            this.send_slow(state)
        }
    }

    fn send_slow(&self, state: u8) -> Result<(), T> {
        // SAFETY: this is the sender, and `send` forgets it.
        let Err(state) = (unsafe { self.end(state, SENT) }) else { return Ok(()) };
        // SAFETY: O4, not sent: the value is still the sender's, who wrote it.
        let value = unsafe { take_value(self.cell()) };
        // SAFETY: this is the sender, and `send` forgets it.
        unsafe { leave(self.0, state, TX_LEFT, RX_LEFT) };
        Err(value)
    }

    /// Ends, and leaves; if the channel is shut, neither: the error is the state.
    ///
    /// # Safety
    /// The caller is the sender; unless it is an error, it does not use the cell again.
    unsafe fn end(&self, mut state: u8, sent: u8) -> Result<(), u8> {
        let cell = self.cell();
        loop {
            if state & SHUT != 0 {
                return Err(state);
            }
            if state & TX_WAITS != 0 {
                self.forget_waker();
                state = cell.look();
                continue;
            }
            let waits = state & RX_WAITS != 0;
            let left = if waits { 0 } else { TX_LEFT };
            match cell.step(state, state | ENDED | sent | left) {
                Ok(_) if waits => break,
                Ok(_) => return Ok(()),
                Err(now) => state = now,
            }
        }
        // SAFETY: O2, this ended the receiver's wait and found its bit set.
        let waker = unsafe { cell.rx.take() };
        // SAFETY: as the caller promises. Before waking, so that the receiver finds this side gone and goes fast.
        unsafe { leave(self.0, 0, TX_LEFT, RX_LEFT) };
        wakes::wake(Some(waker));
        Ok(())
    }

    /// Waits for the end of the receiver; true if it waits.
    pub(super) fn wait(&mut self, cx: &Context<'_>) -> bool {
        // SAFETY: this is the sender.
        unsafe { self.cell().wait(self.cell().look(), &self.cell().tx, TX_WAITS, SHUT, cx) }
    }

    /// Has the sender waited for it?
    pub(super) fn has_waited(&self) -> bool {
        self.cell().look() & TX_WAITS != 0
    }

    /// Ends a wait, if there is one.
    pub(super) fn forget_waker(&self) {
        // SAFETY: this is the sender.
        let_go(unsafe { self.cell().withdraw(&self.cell().tx, TX_WAITS, SHUT) });
    }
}

impl<T> Drop for Tx<T> {
    fn drop(&mut self) {
        // SAFETY: this is the sender, and is gone after this.
        if let Err(state) = unsafe { self.end(self.cell().look(), 0) } {
            // SAFETY: as above.
            unsafe { leave(self.0, state, TX_LEFT, RX_LEFT) };
        }
    }
}

/// The receiver's side. Its drop is the receiver's.
pub(super) struct Rx<T>(NonNull<Cell<T>>);

// SAFETY: a side takes a T from the other one's thread; wakers are Send and Sync.
unsafe impl<T: Send> Send for Rx<T> {}
// SAFETY: by shared reference only the state can be seen.
unsafe impl<T: Send> Sync for Rx<T> {}

/// What the receiver sees.
#[derive(Clone, Copy)]
pub(super) struct Seen(u8);

impl Seen {
    /// Will nothing more happen?
    #[inline(always)]
    pub(super) fn is_over(self) -> bool {
        self.0 & (ENDED | SHUT) != 0
    }

    /// Is there a value?
    pub(super) fn is_sent(self) -> bool {
        self.0 & SENT != 0
    }

    /// Has the receiver waited for it?
    #[inline(always)]
    pub(super) fn has_waited(self) -> bool {
        self.0 & RX_WAITS != 0
    }
}

impl<T> Rx<T> {
    #[inline(always)]
    fn cell(&self) -> &Cell<T> {
        // SAFETY: O3, this side has not left.
        unsafe { self.0.as_ref() }
    }

    #[inline(always)]
    pub(super) fn look(&self) -> Seen {
        Seen(self.cell().look())
    }

    /// Takes the value, if one was sent, and leaves. The channel is over.
    #[inline(always)]
    pub(super) fn take(self) -> Option<T> {
        let seen = self.look();
        debug_assert!(seen.is_over());
        let this = ManuallyDrop::new(self);
        // SAFETY: O1, it was sent, and taken by nobody: the receiver leaves below.
        let value = seen.is_sent().then(|| unsafe { take_value(this.cell()) });
        // SAFETY: this is the receiver, which is forgotten.
        unsafe { leave(this.0, seen.0, RX_LEFT, TX_LEFT) };
        value
    }

    /// Waits for the sender; true if it waits. `seen` was seen just now.
    #[inline(never)]
    pub(super) fn wait(&mut self, seen: Seen, cx: &Context<'_>) -> bool {
        // SAFETY: this is the receiver.
        unsafe { self.cell().wait(seen.0, &self.cell().rx, RX_WAITS, ENDED | SHUT, cx) }
    }

    /// Ends the channel from this side; `None` if it was over. Gives the receiver's waker and the sender's.
    fn shut(&self) -> Option<[Option<Waker>; 2]> {
        let cell = self.cell();
        let mut state = cell.look();
        loop {
            if Seen(state).is_over() {
                return None;
            }
            match cell.step(state, state | SHUT) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        // SAFETY: O2, this ended its own wait and found its bit set.
        let own = (state & RX_WAITS != 0).then(|| unsafe { cell.rx.take() });
        // SAFETY: O2, this ended the sender's wait and found its bit set.
        let theirs = (state & TX_WAITS != 0).then(|| unsafe { cell.tx.take() });
        Some([own, theirs])
    }

    /// Closes the channel; true if this was it.
    pub(super) fn close(&mut self) -> bool {
        let Some(wakers) = self.shut() else { return false };
        wakers.into_iter().for_each(wakes::wake);
        true
    }
}

impl<T> Drop for Rx<T> {
    fn drop(&mut self) {
        let wakers = self.shut();
        // The copy is the one that leaves.
        let value = Rx(self.0).take();
        if let Some([own, theirs]) = wakers {
            wakes::wake(theirs);
            let_go(own);
        }
        drop(value);
    }
}
