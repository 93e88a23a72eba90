//! While the condition variable has the guard, nobody else has it.
use dormouse_sync::{Condvar, Mutex};

fn main() {
    let (mutex, condvar) = (Mutex::new(1), Condvar::new());
    let guard = mutex.try_lock().unwrap();
    let _wait = condvar.wait(guard);
    assert_eq!(*guard, 1);
}
