//! The queue for tasks that come from outside of every slot, and for what overflows a slot's ring.
//!
//! Many push, many pop, first in first out. A model build replaces `concurrent-queue`, which loom cannot see into, by
//! loom's mutex: the models check the protocols around the queue, not the queue.
use super::ring::Raw;

/// A task on its way through the queue.
struct Item(Raw);

// SAFETY: a runnable task may be run by any thread: `spawn` demands Send futures.
unsafe impl Send for Item {}

/// The queue.
pub(crate) struct Injector(queue::Queue<Item>);

impl Injector {
    pub(crate) fn new() -> Injector {
        Injector(queue::Queue::new())
    }

    #[inline]
    pub(crate) fn push(&self, task: Raw) {
        self.0.push(Item(task));
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<Raw> {
        self.0.pop().map(|Item(task)| task)
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Injector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Injector").field("len", &self.len()).finish()
    }
}

#[cfg(not(dormouse_loom))]
mod queue {
    use concurrent_queue::ConcurrentQueue;

    pub(super) struct Queue<T>(ConcurrentQueue<T>);

    impl<T> Queue<T> {
        pub(super) fn new() -> Self {
            Queue(ConcurrentQueue::unbounded())
        }
        #[inline]
        pub(super) fn push(&self, item: T) {
            if self.0.push(item).is_err() {
                unreachable!("an unbounded queue that is never closed takes everything");
            }
        }
        #[inline]
        pub(super) fn pop(&self) -> Option<T> {
            self.0.pop().ok()
        }
        #[inline]
        pub(super) fn len(&self) -> usize {
            self.0.len()
        }
        #[inline]
        pub(super) fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
    }
}

#[cfg(dormouse_loom)]
mod queue {
    use dormouse_wait::prim::Mutex;
    use std::collections::VecDeque;

    pub(super) struct Queue<T>(Mutex<VecDeque<T>>);

    impl<T> Queue<T> {
        pub(super) fn new() -> Self {
            Queue(Mutex::new(VecDeque::new()))
        }
        pub(super) fn push(&self, item: T) {
            self.0.lock().expect("not poisoned").push_back(item);
        }
        pub(super) fn pop(&self) -> Option<T> {
            self.0.lock().expect("not poisoned").pop_front()
        }
        pub(super) fn len(&self) -> usize {
            self.0.lock().expect("not poisoned").len()
        }
        pub(super) fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }
}
