//! A shared guard shares its data, which must be Sync.
use dormouse_sync::Mutex;
use std::cell::Cell;

fn main() {
    let mutex = Mutex::new(Cell::new(1));
    let guard = mutex.try_lock().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| guard.set(2));
    });
}
