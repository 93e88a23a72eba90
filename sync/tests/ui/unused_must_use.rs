//! Futures and guards that are not used are pointed out.
#![deny(unused_must_use)]
use dormouse_sync::{Mutex, WaitGroup};

fn main() {
    let (mutex, group) = (Mutex::new(1), WaitGroup::new());
    mutex.lock();
    mutex.lock_blocking();
    group.wait();
    group.guard();
    group.track(std::future::ready(()));
}
