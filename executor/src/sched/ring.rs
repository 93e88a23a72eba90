//! A slot's bounded run queue: its seat pushes and pops, anybody steals half.
//!
//! The scheme is that of Go's scheduler (`runqput`, `runqget`, `runqgrab`): two counters that only grow. Consumers,
//! the seat among them, read a task out first and then make it theirs by moving `head` with one compare-exchange; a
//! failed exchange throws away what was read. Only the seat moves `tail`.
//!
//! Invariants:
//! - R1 `tail - head <= CAPACITY`; the tasks at `head..tail` (modulo the capacity) are the queue's, each once.
//! - R2 `tail` is written by the seat's thread alone; `head` only by a successful compare-exchange.
//! - R3 a cell outside of `head..tail` holds garbage that nobody may use.
//!
//! | state | event | state after |
//! |---|---|---|
//! | not full | `push` | cell written, then `tail + 1` (Release) |
//! | full | `push` | unchanged; the task comes back, the seat calls `take_half` |
//! | not empty | `pop` | `head + 1` by compare-exchange |
//! | not empty | `steal_into` | `head + n`, n half of it rounded up; n - 1 tasks stand in the thief's ring, one is returned |
//!
//! Nobody is woken here: that is the business of [`idle`](super::idle).
//!
//! The cells are there from the first [`prepare`](Ring::prepare) on: a spare slot that nobody ever sat in has none.
//!
//! Rejected: `crossbeam-deque` (a Chase-Lev queue needs a fence per pop, and its LIFO/FIFO flavours steal one by one
//! or allocate); tokio's two-word head (it lets a thief copy after claiming, and costs the owner a wider exchange).
//!
//! Checked by `models::ring_*` (loom) and the unit tests below.
use dormouse_wait::prim::atomic::{AtomicPtr, AtomicU32, Ordering::*};
use std::ptr::{self, NonNull};

/// Tasks per ring. A model needs the wrap-around and the overflow to be near.
pub(crate) const CAPACITY: u32 = if cfg!(dormouse_loom) { 4 } else { 256 };

/// A runnable task as the queues carry it: `Runnable::into_raw`.
pub(crate) type Raw = NonNull<()>;

/// The queue.
#[derive(Debug)]
pub(crate) struct Ring {
    head: AtomicU32,
    tail: AtomicU32,
    /// Null before `prepare`. (Not loom's: a thief gets it with the `tail` that it acquires.)
    cells: std::sync::atomic::AtomicPtr<Cells>,
}

type Cells = [AtomicPtr<()>; CAPACITY as usize];

impl Ring {
    /// A ring without cells.
    pub(crate) fn new() -> Ring {
        Ring { head: AtomicU32::new(0), tail: AtomicU32::new(0), cells: Default::default() }
    }

    /// Makes the cells, unless they are there. To be called by the seat's thread before it pushes.
    pub(crate) fn prepare(&self) {
        if self.cells.load(Relaxed).is_null() {
            let cells: Box<Cells> = Box::new(std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())));
            self.cells.store(Box::into_raw(cells), Relaxed);
        }
    }

    #[inline(always)]
    fn cell(&self, index: u32) -> &AtomicPtr<()> {
        let cells = self.cells.load(Relaxed);
        debug_assert!(!cells.is_null(), "the seat has prepared the ring");
        // SAFETY: the seat's thread prepared the ring before its first push; who finds a task in it comes after that
        // (Release and Acquire of `tail`). They stay until the ring is dropped.
        let cells = unsafe { &*cells };
        &cells[(index % CAPACITY) as usize]
    }

    /// The number of tasks, as of some moment.
    #[inline(always)]
    pub(crate) fn len(&self) -> u32 {
        // Ordering: Acquire on both keeps the order of the loads, so that the difference is not negative.
        let head = self.head.load(Acquire);
        // Ordering: as above; pairs with the Release store of `push`.
        let tail = self.tail.load(Acquire);
        tail.wrapping_sub(head).min(CAPACITY)
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Queues `task` behind all others, or gives it back if the ring is full.
    ///
    /// # Safety
    /// The caller is the seat's thread (R2).
    #[inline(always)]
    pub(crate) unsafe fn push(&self, task: Raw) -> Result<(), Raw> {
        let tail = self.tail.load(Relaxed);
        // Ordering: Acquire pairs with the Release exchange of consumers: they have read the cell that is reused.
        let head = self.head.load(Acquire);
        if tail.wrapping_sub(head) >= CAPACITY {
            return Err(task);
        }
        self.cell(tail).store(task.as_ptr(), Relaxed);
        // Ordering: Release pairs with the Acquire load of `tail` in `steal_into` and `len`.
        self.tail.store(tail.wrapping_add(1), Release);
        Ok(())
    }

    /// Takes the task that waits longest.
    ///
    /// # Safety
    /// The caller is the seat's thread (R2).
    #[inline(always)]
    pub(crate) unsafe fn pop(&self) -> Option<Raw> {
        let tail = self.tail.load(Relaxed);
        let mut head = self.head.load(Relaxed);
        while head != tail {
            let task = self.cell(head).load(Relaxed);
            // Ordering: Release pairs with the Acquire load of `head` in `push`.
            match self.head.compare_exchange_weak(head, head.wrapping_add(1), Release, Relaxed) {
                Ok(_) => return NonNull::new(task),
                Err(now) => head = now,
            }
        }
        None
    }

    /// Takes the older half out of a full ring, for the injector. Fewer than half, or none, if thieves were faster.
    ///
    /// # Safety
    /// The caller is the seat's thread (R2).
    pub(crate) unsafe fn take_half(&self, mut give: impl FnMut(Raw)) {
        const HALF: u32 = CAPACITY / 2;
        let tail = self.tail.load(Relaxed);
        // Ordering: Relaxed; the exchange below confirms what was read.
        let head = self.head.load(Relaxed);
        if tail.wrapping_sub(head) < CAPACITY {
            return;
        }
        let mut taken = [std::ptr::null_mut(); HALF as usize];
        for (offset, task) in (0..).zip(&mut taken) {
            *task = self.cell(head.wrapping_add(offset)).load(Relaxed);
        }
        // Ordering: Release pairs with the Acquire load of `head` in `push`.
        if self.head.compare_exchange(head, head.wrapping_add(HALF), Release, Relaxed).is_ok() {
            taken.into_iter().filter_map(NonNull::new).for_each(&mut give);
        }
    }

    /// Moves half of this ring's tasks, rounded up, into `into`, but returns the oldest of them instead.
    ///
    /// # Safety
    /// The caller is the thread of `into`'s seat (R2), and `into` is another ring, with room for half a ring.
    pub(crate) unsafe fn steal_into(&self, into: &Ring) -> Option<Raw> {
        let to = into.tail.load(Relaxed);
        loop {
            // Ordering: Acquire keeps this load before that of `tail`.
            let head = self.head.load(Acquire);
            // Ordering: Acquire pairs with the Release store in `push`: the cells below `tail` are written.
            let tail = self.tail.load(Acquire);
            let len = tail.wrapping_sub(head);
            if len == 0 {
                return None;
            }
            if len > CAPACITY {
                // `head` moved between the two loads.
                dormouse_wait::prim::spin_loop();
                continue;
            }
            let take = len - len / 2;
            let first = self.cell(head).load(Relaxed);
            for offset in 1..take {
                let task = self.cell(head.wrapping_add(offset)).load(Relaxed);
                into.cell(to.wrapping_add(offset - 1)).store(task, Relaxed);
            }
            // Ordering: Release pairs with the Acquire load of `head` in `push`; the tasks' own contents came with `tail`.
            if self.head.compare_exchange(head, head.wrapping_add(take), Release, Relaxed).is_ok() {
                // Ordering: Release pairs with the Acquire load of `tail` by thieves of `into`.
                into.tail.store(to.wrapping_add(take - 1), Release);
                return NonNull::new(first);
            }
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let cells = *self.cells.get_mut();
        if !cells.is_null() {
            // SAFETY: `prepare` made it from a box, and nobody is here any more.
            drop(unsafe { Box::from_raw(cells) });
        }
    }
}

#[cfg(all(test, not(any(dormouse_loom, dormouse_shuttle))))]
mod tests {
    use super::*;

    fn ring() -> Ring {
        let ring = Ring::new();
        ring.prepare();
        ring
    }

    fn task(number: usize) -> Raw {
        NonNull::new(std::ptr::without_provenance_mut(number + 1)).expect("not null")
    }

    fn pop(ring: &Ring) -> Option<Raw> {
        // SAFETY: the tests use one thread.
        unsafe { ring.pop() }
    }

    fn push(ring: &Ring, number: usize) -> Result<(), Raw> {
        // SAFETY: the tests use one thread.
        unsafe { ring.push(task(number)) }
    }

    #[test]
    fn first_in_first_out_over_many_turns_of_the_ring() {
        let ring = ring();
        for number in 0..2_000 {
            push(&ring, number).unwrap();
            push(&ring, number + 10_000).unwrap();
            assert_eq!(ring.len(), 2);
            assert_eq!(pop(&ring), Some(task(number)));
            assert_eq!(pop(&ring), Some(task(number + 10_000)));
        }
        assert_eq!(pop(&ring), None);
    }

    #[test]
    fn counters_wrap() {
        let ring = ring();
        ring.head.store(u32::MAX - 3, Relaxed);
        ring.tail.store(u32::MAX - 3, Relaxed);
        for number in 0..CAPACITY as usize {
            push(&ring, number).unwrap();
        }
        assert_eq!(push(&ring, 999), Err(task(999)));
        for number in 0..CAPACITY as usize {
            assert_eq!(pop(&ring), Some(task(number)));
        }
        assert!(ring.is_empty());
    }

    #[test]
    fn a_full_ring_gives_up_its_older_half() {
        let ring = ring();
        for number in 0..CAPACITY as usize {
            push(&ring, number).unwrap();
        }
        let mut given = Vec::new();
        // SAFETY: the tests use one thread.
        unsafe { ring.take_half(|task| given.push(task)) };
        assert_eq!(given, (0..CAPACITY as usize / 2).map(task).collect::<Vec<_>>());
        assert_eq!(pop(&ring), Some(task(CAPACITY as usize / 2)));
    }

    #[test]
    fn a_thief_takes_half_rounded_up() {
        for len in 1..10 {
            let (ring, thief) = (ring(), ring());
            for number in 0..len {
                push(&ring, number).unwrap();
            }
            // SAFETY: the tests use one thread.
            let first = unsafe { ring.steal_into(&thief) };
            assert_eq!(first, Some(task(0)));
            assert_eq!(ring.len() as usize, len / 2);
            assert_eq!(thief.len() as usize, len - len / 2 - 1);
        }
    }
}
