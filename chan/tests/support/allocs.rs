//! Counts what each thread allocates.
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static GLOBAL: Counting = Counting;

// SAFETY: all is left to the system's allocator; the counts are plain thread-local cells without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        BYTES.set(BYTES.get() + layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// What was allocated on this thread: how often, and how many bytes of it are kept.
#[derive(Debug, PartialEq)]
pub(crate) struct Allocated {
    pub(crate) times: usize,
    pub(crate) kept: isize,
}

pub(crate) const NOTHING: Allocated = Allocated { times: 0, kept: 0 };

/// What `f` allocates on this thread, and what it gives.
pub(crate) fn allocated<R>(f: impl FnOnce() -> R) -> (Allocated, R) {
    let (times, bytes) = (COUNT.get(), BYTES.get());
    let result = f();
    (Allocated { times: COUNT.get() - times, kept: BYTES.get() - bytes }, result)
}
