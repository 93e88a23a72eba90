//! Wake-ups in batches: order, drop, panics (W7).
use dormouse_wait::wakes::{BATCH, Wakes, wake};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

/// Says its name when woken, and panics if it is told to.
struct Say {
    name: usize,
    heard: Arc<Mutex<Vec<usize>>>,
    panics: bool,
}

impl Wake for Say {
    fn wake(self: Arc<Self>) {
        self.heard.lock().unwrap().push(self.name);
        assert!(!self.panics, "waker {} panics", self.name);
    }
}

fn batch(names: std::ops::Range<usize>, panics: impl Fn(usize) -> bool) -> (Wakes, Arc<Mutex<Vec<usize>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut wakes = Wakes::new();
    for name in names {
        let say = Say { name, heard: heard.clone(), panics: panics(name) };
        wakes.push(Waker::from(Arc::new(say)));
    }
    (wakes, heard)
}

fn heard(heard: &Mutex<Vec<usize>>) -> Vec<usize> {
    heard.lock().unwrap().clone()
}

#[test]
fn fired_in_order_once() {
    let (mut wakes, said) = batch(0..BATCH, |_| false);
    assert!(wakes.is_full() && !wakes.is_empty());
    assert_eq!(heard(&said), []);
    wakes.fire();
    assert!(wakes.is_empty() && !wakes.is_full());
    assert_eq!(heard(&said), (0..BATCH).collect::<Vec<_>>());
    wakes.fire();
    drop(wakes);
    assert_eq!(heard(&said).len(), BATCH);
    assert_eq!(Arc::strong_count(&said), 1, "a waker is kept");
}

#[test]
fn a_fired_batch_can_be_filled_again() {
    let (mut wakes, said) = batch(0..3, |_| false);
    wakes.fire();
    wakes.push(Waker::from(Arc::new(Say { name: 9, heard: said.clone(), panics: false })));
    wakes.fire();
    assert_eq!(heard(&said), [0, 1, 2, 9]);
}

#[test]
#[should_panic]
fn a_full_batch_takes_no_more() {
    let (mut wakes, _said) = batch(0..BATCH, |_| false);
    wakes.push(Waker::noop().clone());
}

/// W7: all are woken, whoever panics, and the panics end there.
#[test]
fn a_panicking_waker_stops_nobody() {
    let (mut wakes, said) = batch(0..10, |name| name % 3 == 0);
    wakes.fire();
    assert_eq!(heard(&said), (0..10).collect::<Vec<_>>());
    assert_eq!(Arc::strong_count(&said), 1, "a waker is kept");
}

/// A batch that is dropped by a panic between unlocking and firing wakes its tasks, and does not abort.
#[test]
fn a_dropped_batch_is_fired() {
    let (wakes, said) = batch(0..4, |name| name == 1);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _wakes = wakes;
        std::panic::panic_any("the first one");
    }));
    assert_eq!(*panic.unwrap_err().downcast_ref::<&str>().unwrap(), "the first one");
    assert_eq!(heard(&said), [0, 1, 2, 3]);
}

/// Whoever panics with what panics when it is dropped.
#[test]
fn a_panicking_payload_stops_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the payload panics");
        }
    }
    struct Throw;
    impl Wake for Throw {
        fn wake(self: Arc<Self>) {
            std::panic::panic_any(Bomb);
        }
    }
    let (mut wakes, said) = batch(0..1, |_| false);
    wake(Some(Waker::from(Arc::new(Throw))));
    wake(None);
    wakes.push(Waker::from(Arc::new(Throw)));
    wakes.push(Waker::from(Arc::new(Say { name: 1, heard: said.clone(), panics: false })));
    wakes.fire();
    assert_eq!(heard(&said), [0, 1]);
}

#[test]
fn formats() {
    let (wakes, _said) = batch(0..2, |_| false);
    assert_eq!(format!("{wakes:?} {:?}", Wakes::default()), "Wakes { len: 2 } Wakes { len: 0 }");
}
