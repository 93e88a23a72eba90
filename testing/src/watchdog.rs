//! A watchdog: a test that hangs ends its process with the test's name after a minute, or `DORMOUSE_TEST_LIMIT` seconds,
//! instead of holding up the run. So do the programs that it has started.
use crate::process::kill_children;
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::Location;
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test may run that says nothing else.
fn limit() -> Duration {
    let seconds =
        std::env::var("DORMOUSE_TEST_LIMIT").map_or(60, |text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds)
}

struct Test {
    name: String,
    place: &'static Location<'static>,
    since: Instant,
    limit: Duration,
}

static RUNNING: Mutex<BTreeMap<u64, Test>> = Mutex::new(BTreeMap::new());

/// Watches the calling test until it is dropped.
#[derive(Debug)]
#[must_use = "the test is watched until this is dropped"]
pub struct Watch(u64);

/// Watches the calling test, which is named by its thread, until the result is dropped: `let _watch = watch();`.
#[track_caller]
pub fn watch() -> Watch {
    watch_for(Duration::ZERO)
}

/// As [`watch`], for a test that may take longer: it has `least` where the limit of all is shorter.
#[track_caller]
pub fn watch_for(least: Duration) -> Watch {
    static WATCHER: Once = Once::new();
    WATCHER.call_once(|| drop(thread::spawn(look_on)));
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let test = Test { name, place: Location::caller(), since: Instant::now(), limit: limit().max(least) };
    let mut running = RUNNING.lock().unwrap();
    let key = running.last_key_value().map_or(0, |(last, _)| last + 1);
    running.insert(key, test);
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
            if test.since.elapsed() > test.limit {
                // Not `eprintln!`: what a test prints is kept back, and would be lost in the abort.
                let text = format!("\n{} hangs, at {}: aborting\n", test.name, test.place);
                let _ = std::io::stderr().write_all(text.as_bytes());
                kill_children();
                std::process::abort();
            }
        }
    }
}
