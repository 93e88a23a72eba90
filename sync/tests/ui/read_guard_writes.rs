//! A read guard does not write, and what it gives is gone with it.
use dormouse_sync::{RwLock, RwLockReadGuard};

fn main() {
    let lock = RwLock::new(vec![1]);
    *lock.try_read().unwrap() = vec![];
    let first = {
        let guard = RwLockReadGuard::map(lock.try_read().unwrap(), |vec| &vec[0]);
        &*guard
    };
    assert_eq!(*first, 1);
}
