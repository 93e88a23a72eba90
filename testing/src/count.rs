//! A counter, of wakes or of what else a test counts.
use crate::{OnDrop, on_drop};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Wake, Waker};

/// A counter: of the wakes of its wakers, the drops of its [guards](Count::on_drop), and the calls of [`add`](Count::add).
#[derive(Debug, Default)]
pub struct Count(AtomicUsize);

impl Count {
    /// The count and its waker.
    pub fn new() -> (Arc<Count>, Waker) {
        let count = Count::shared();
        (count.clone(), Waker::from(count))
    }

    /// The count alone.
    pub fn shared() -> Arc<Count> {
        Arc::new(Count::default())
    }

    /// What it has counted.
    pub fn get(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Counts one more.
    pub fn add(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    /// A guard whose drop is counted.
    pub fn on_drop(self: &Arc<Self>) -> OnDrop<impl FnOnce() + Send + use<>> {
        let count = self.clone();
        on_drop(move || count.add())
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.add();
    }
}
