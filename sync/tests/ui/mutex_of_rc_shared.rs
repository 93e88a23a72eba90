//! A mutex does not make its data Send.
use dormouse_sync::Mutex;
use std::rc::Rc;

fn main() {
    let mutex = Mutex::new(Rc::new(1));
    std::thread::scope(|scope| {
        scope.spawn(|| drop(mutex.lock_blocking()));
    });
}
