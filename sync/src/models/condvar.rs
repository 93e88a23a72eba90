//! The condition variable.
use super::*;
use crate::{Condvar, Mutex};

#[derive(Clone)]
struct Shared(Arc<(Mutex<Data>, Condvar)>);

impl Shared {
    fn new() -> Self {
        Shared(Arc::new((Mutex::new(UnsafeCell::new(0)), Condvar::new())))
    }

    fn on_thread(&self, act: impl FnOnce(&Shared) + 'static) -> thread::JoinHandle<()> {
        let shared = self.clone();
        thread::spawn(move || act(&shared))
    }

    /// Takes one of what is there, if need be after waiting.
    fn take(&self) {
        let (mutex, condvar) = &*self.0;
        let mut guard = block_on(mutex.lock());
        while read(&guard) == 0 {
            guard = block_on(condvar.wait(guard));
        }
        guard.with_mut(|data| {
            // SAFETY: the guard holds the lock.
            unsafe { *data -= 1 }
        });
        let_go(guard);
    }

    /// Puts one there.
    fn put(&self) {
        let guard = block_on(self.0.0.lock());
        bump(&guard);
        let_go(guard);
        self.notify_one();
    }

    fn notify_one(&self) {
        step();
        self.0.1.notify_one();
    }

    fn check(&self) {
        assert!(self.0.1.is_idle() && self.0.0.is_idle());
    }
}

/// C1, C2: one that waits, one that changes the data and signals after unlocking.
#[test]
fn no_lost_signal() {
    check(Some(3), STILL, || {
        let shared = Shared::new();
        let other = shared.on_thread(Shared::take);
        shared.put();
        other.join().unwrap();
        shared.check();
    });
}

/// Two take, two put.
#[test]
fn two_and_two() {
    check(Some(2), STILL, || {
        let shared = Shared::new();
        let others = [shared.on_thread(Shared::take), shared.on_thread(Shared::take)];
        shared.put();
        shared.put();
        for other in others {
            other.join().unwrap();
        }
        shared.check();
    });
}

/// One signal for all.
#[test]
fn all_are_signalled() {
    check(Some(2), STILL, || {
        let shared = Shared::new();
        let wait = |shared: &Shared| {
            let (mutex, condvar) = &*shared.0;
            let mut guard = block_on(mutex.lock());
            while read(&guard) == 0 {
                guard = block_on(condvar.wait(guard));
            }
        };
        let others = [shared.on_thread(wait), shared.on_thread(wait)];
        let guard = block_on(shared.0.0.lock());
        bump(&guard);
        let_go(guard);
        step();
        shared.0.1.notify_all();
        for other in others {
            other.join().unwrap();
        }
        shared.check();
    });
}

/// X5: a waiter is dropped against the signal, before it or after; the one behind it has it then.
#[test]
fn dropped_waiter_forwards() {
    check(Some(3), STILL, || {
        let shared = Shared::new();
        let (mutex, condvar) = &*shared.0;
        let (_, waker) = Signal::new();
        let (gone, stays) = (shared.clone(), shared.clone());
        // Queued for certain, the first one before the second one.
        let [first, second] = [gone, stays].map(|shared| {
            let mut wait = Box::pin(async move {
                let (mutex, condvar) = &*shared.0;
                drop(condvar.wait(mutex.lock().await).await);
            });
            assert!(poll(wait.as_mut(), &waker).is_pending());
            wait
        });
        let dropper = thread::spawn(move || {
            let mut first = first;
            let done = poll(first.as_mut(), &Signal::new().1).is_ready();
            let_go(first);
            done
        });
        let notifier = shared.on_thread(Shared::notify_one);
        let done = dropper.join().unwrap();
        notifier.join().unwrap();
        if done {
            shared.notify_one();
        }
        block_on(second);
        assert!(condvar.is_idle() && mutex.is_idle());
    });
}
