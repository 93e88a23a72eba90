//! A borrowed guard does not outlive its mutex.
use dormouse_sync::Mutex;

fn main() {
    let guard = {
        let mutex = Mutex::new(1);
        mutex.try_lock().unwrap()
    };
    drop(guard);
}
