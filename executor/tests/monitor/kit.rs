//! A runtime, and what blocks its threads.
use dormouse_executor::runtime::{Builder, Runtime};
use std::sync::{Arc, Condvar, Mutex};

/// A gate that blocks threads.
#[derive(Clone, Default)]
pub(crate) struct Wall(Arc<(Mutex<(bool, usize)>, Condvar)>);

impl Wall {
    pub(crate) fn block(&self) {
        let mut state = self.0.0.lock().unwrap();
        state.1 += 1;
        drop(self.0.1.wait_while(state, |state| !state.0).unwrap());
    }

    pub(crate) fn blocked(&self) -> usize {
        self.0.0.lock().unwrap().1
    }

    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().0 = true;
        self.0.1.notify_all();
    }
}

pub(crate) fn runtime(workers: usize) -> Runtime {
    Builder::multi_thread().worker_threads(workers).build().unwrap()
}
