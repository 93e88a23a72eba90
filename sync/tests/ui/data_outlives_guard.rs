//! What a guard gives is gone with it.
use dormouse_sync::{Mutex, MutexGuard};

fn main() {
    let mutex = Mutex::new(vec![1]);
    let first = {
        let mut guard = MutexGuard::map(mutex.try_lock().unwrap(), |vec| &mut vec[0]);
        &mut *guard
    };
    *first = 2;
}
