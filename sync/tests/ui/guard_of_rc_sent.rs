//! A guard of data that is not Send stays on its thread.
use dormouse_sync::Mutex;
use std::rc::Rc;

fn main() {
    let mutex = Mutex::new(Rc::new(1));
    let guard = mutex.try_lock().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
}
