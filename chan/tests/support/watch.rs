//! A watchdog: a test that hangs ends its process with the test's name after a minute, instead of holding up the run.
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::Location;
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

struct Test {
    name: String,
    place: &'static Location<'static>,
    since: Instant,
}

static RUNNING: Mutex<BTreeMap<u64, Test>> = Mutex::new(BTreeMap::new());

/// Watches the calling test until it is dropped.
#[must_use = "the test is watched until this is dropped"]
pub(crate) struct Watch(u64);

#[track_caller]
pub(crate) fn watch() -> Watch {
    static WATCHER: Once = Once::new();
    WATCHER.call_once(|| drop(thread::spawn(look_on)));
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let mut running = RUNNING.lock().unwrap();
    let key = running.last_key_value().map_or(0, |(last, _)| last + 1);
    running.insert(key, Test { name, place: Location::caller(), since: Instant::now() });
    Watch(key)
}

impl Drop for Watch {
    fn drop(&mut self) {
        RUNNING.lock().unwrap().remove(&self.0);
    }
}

fn look_on() {
    loop {
        thread::sleep(Duration::from_secs(1));
        for test in RUNNING.lock().unwrap().values() {
            if test.since.elapsed() > LIMIT {
                // Not `eprintln!`: what a test prints is kept back, and would be lost in the abort.
                let text = format!("\n{} hangs, at {}: aborting\n", test.name, test.place);
                let _ = std::io::stderr().write_all(text.as_bytes());
                std::process::abort();
            }
        }
    }
}
