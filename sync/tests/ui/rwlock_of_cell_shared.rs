//! Readers share the data: it must be Sync.
use dormouse_sync::RwLock;
use std::cell::Cell;

fn main() {
    let lock = RwLock::new(Cell::new(1));
    std::thread::scope(|scope| {
        scope.spawn(|| lock.read_blocking().set(2));
    });
}
