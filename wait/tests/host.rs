//! Clock and alarms: of a host, and without one.
use dormouse_wait::Instant;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::host::{Host, SOON, alarm, alarm_apart, renew, soon, with_host};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;

struct Virtual {
    now: Cell<Instant>,
    alarms: RefCell<Vec<Instant>>,
}

impl Virtual {
    fn at(now: Instant) -> Virtual {
        Virtual { now: Cell::new(now), alarms: RefCell::default() }
    }
}

impl Host for Virtual {
    fn now(&self) -> Instant {
        self.now.get()
    }
    fn alarm(&self, at: Instant, waker: Waker) -> Alarm {
        self.alarms.borrow_mut().push(at);
        waker.wake();
        Alarm::rung()
    }
}

/// Calls its function when woken.
struct Call<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Call<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn calling(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Call(f)))
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_host_gives_the_time() {
    let start = Instant::now();
    let host = Virtual::at(start + HOUR);
    with_host(&host, || {
        assert_eq!(Instant::now(), start + HOUR);
        assert_eq!(start.elapsed(), HOUR);
        host.now.set(start + 2 * HOUR);
        assert_eq!(start.elapsed(), 2 * HOUR);
        assert_eq!((start + 3 * HOUR).elapsed(), Duration::ZERO);
        // Another thread is not this host's.
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(start.elapsed() < HOUR));
        });
    });
    assert!(start.elapsed() < HOUR);
}

#[test]
fn hosts_nest_and_survive_panics() {
    let start = Instant::now();
    let (outer, inner) = (Virtual::at(start + HOUR), Virtual::at(start + 2 * HOUR));
    with_host(&outer, || {
        with_host(&inner, || assert_eq!(start.elapsed(), 2 * HOUR));
        assert_eq!(start.elapsed(), HOUR);
        let panicked = catch_unwind(AssertUnwindSafe(|| with_host(&inner, || panic!("inside"))));
        assert!(panicked.is_err());
        assert_eq!(start.elapsed(), HOUR);
    });
    assert!(start.elapsed() < HOUR);
}

#[test]
fn a_host_takes_the_alarms() {
    let (rang, ring) = channel();
    let start = Instant::now();
    let host = Virtual::at(start);
    with_host(&host, || drop(alarm(start + HOUR, calling(move || rang.send(()).unwrap()))));
    assert_eq!(*host.alarms.borrow(), [start + HOUR]);
    ring.try_recv().expect("the host has woken it");
}

/// For what has to outlive the host: it is not asked.
#[test]
fn alarms_apart_pass_the_host_over() {
    let (rang, ring) = channel();
    let start = Instant::now();
    let host = Virtual::at(start + HOUR);
    let _alarm = with_host(&host, || alarm_apart(start, calling(move || rang.send(()).unwrap())));
    assert!(host.alarms.borrow().is_empty());
    ring.recv_timeout(LONG).expect("an alarm is lost");
}

/// A host need not have alarms of one length of its own; and one that has ended, as this one says, sets none.
#[test]
fn soon_without_more_is_an_alarm_of_the_host() {
    let (rang, ring) = channel();
    let waker = calling(move || rang.send(()).unwrap());
    assert!(soon(&waker).is_none(), "it would cost a thread");
    let start = Instant::now();
    let host = Virtual::at(start);
    let set = with_host(&host, || soon(&waker)).expect("there is a host");
    assert_eq!(*host.alarms.borrow(), [start + SOON]);
    ring.try_recv().expect("the host has woken it");
    // So it is apart from the host, and rings again.
    ring.recv_timeout(LONG).expect("an alarm is lost");
    assert!(!set.rewake(&waker));
}

const LONG: Duration = Duration::from_secs(60);

/// On the shared thread: never early, though one that is hours away was set before.
#[test]
fn alarms_without_a_host_are_never_early() {
    let (rang, ring) = channel();
    let _far = alarm(Instant::now() + 1000 * HOUR, Waker::noop().clone());
    for millis in [20, 1, 0] {
        let due = Instant::now() + Duration::from_millis(millis);
        let rang = rang.clone();
        let _alarm = alarm(due, calling(move || rang.send(Instant::now()).unwrap()));
        assert!(ring.recv_timeout(LONG).expect("an alarm is lost") >= due, "early");
    }
}

/// Alarms that are all due ring in the order of their times, then in that in which they were set; one whose waker
/// panics silences nobody.
#[test]
fn due_alarms_without_a_host_ring_in_order() {
    let ((rang, ring), (open, gate)) = (channel(), channel::<()>());
    let (entered, inside) = (rang.clone(), Mutex::new(gate));
    let start = Instant::now();
    // The thread stands in this waker until all others are set.
    let _first = alarm(
        start,
        calling(move || {
            entered.send(0).unwrap();
            inside.lock().unwrap().recv().unwrap();
        }),
    );
    assert_eq!(ring.recv_timeout(LONG), Ok(0));
    let set = |(number, micros)| {
        let rang = rang.clone();
        alarm(
            start - Duration::from_millis(1) + Duration::from_micros(micros),
            calling(move || {
                rang.send(number).unwrap();
                assert_ne!(number, 2, "a waker that panics");
            }),
        )
    };
    let _alarms = [(3, 30), (1, 10), (4, 40), (2, 20), (5, 40)].map(set);
    open.send(()).unwrap();
    for number in 1..=5 {
        assert_eq!(ring.recv_timeout(LONG), Ok(number));
    }
}

#[test]
fn an_alarm_that_is_dropped_wakes_nobody() {
    let waker = || Arc::new(Call(|| panic!("woken")));
    let (first, second) = (waker(), waker());
    // On the shared thread, and beside a host that cannot take it back.
    let mut left = None;
    let beside = Alarm::beside(first.clone().into(), |cell| left = Some(cell));
    let alarms = [alarm(Instant::now() + HOUR, first.clone().into()), beside];
    assert!(alarms.iter().all(|alarm| alarm.rewake(&second.clone().into())));
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 3));
    drop(alarms);
    assert_eq!(Arc::strong_count(&second), 1);
    left.expect("it was set").wake();
    assert!(!Alarm::rung().rewake(&second.clone().into()));
    assert_eq!(Arc::strong_count(&second), 1);
}

#[test]
fn instants() {
    let std = std::time::Instant::now();
    let instant = Instant::from_std(std);
    assert_eq!(
        (instant.into_std(), std::time::Instant::from(instant), Instant::from(std)),
        (std, std, instant)
    );
    let mut later = instant + HOUR;
    assert!(later > instant);
    assert_eq!((later - instant, instant - later), (HOUR, Duration::ZERO));
    assert_eq!(later.duration_since(instant), later.saturating_duration_since(instant));
    assert_eq!(
        (later.checked_duration_since(instant), instant.checked_duration_since(later)),
        (Some(HOUR), None)
    );
    later -= HOUR;
    assert_eq!(later, instant);
    later += HOUR;
    assert_eq!(
        (later - HOUR, instant.checked_add(HOUR), later.checked_sub(HOUR)),
        (instant, Some(later), Some(instant))
    );
    assert_eq!(instant.checked_add(Duration::MAX), None);
}

#[test]
fn an_alarm_that_rang_too_early_leaves_its_host() {
    let woken = Arc::new(Mutex::new(0));
    let count = woken.clone();
    let waker = calling(move || *count.lock().unwrap() += 1);
    let start = Instant::now();
    // As a runtime that has ended: it wakes at once.
    let host = Virtual::at(start);
    with_host(&host, || {
        let mut alarm = None;
        for _ in 0..3 {
            renew(&mut alarm, start + HOUR, &waker);
        }
    });
    assert_eq!(host.alarms.borrow().len(), 1);
    assert_eq!(*woken.lock().unwrap(), 1, "no turning round and round");
}
