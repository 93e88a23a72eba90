//! Futures and guards that are not used are pointed out.
#![deny(unused_must_use)]
use dormouse_sync::{Barrier, Condvar, Mutex, Notify, RwLock, Semaphore, WaitGroup};

fn main() {
    let (mutex, group) = (Mutex::new(1), WaitGroup::new());
    mutex.lock();
    mutex.lock_blocking();
    group.wait();
    group.guard();
    group.track(std::future::ready(()));
    let (notify, semaphore) = (Notify::new(), Semaphore::new(1));
    notify.notified();
    semaphore.acquire();
    semaphore.acquire_many(2);
    std::sync::Arc::new(semaphore).acquire_owned();
    let lock = RwLock::new(1);
    lock.read();
    lock.write();
    lock.read_blocking();
    lock.write_blocking();
    Condvar::new().wait(mutex.lock_blocking());
    Barrier::new(2).wait();
}
