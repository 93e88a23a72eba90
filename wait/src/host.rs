//! Clock and alarms, which a runtime or a simulator fills in.
//!
//! What waits with a deadline asks [`Instant::now`] and [`alarm()`], never the operating system. A runtime lends its
//! [`Host`] to the threads that it runs ([`with_host`]); a simulator's host has virtual time. Without a host the
//! clock is the operating system's, and alarms ring on one shared thread, started at the first alarm.
//!
//! Checked by `tests/host.rs`.
use crate::alarm::{self, Alarm, Bell};
use crate::wakes;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// A point in time of the host's clock: monotonic; virtual under a simulator.
///
/// It wraps [`std::time::Instant`] and converts from and to it; use [`Instant::now`] of this type, as `std`'s knows
/// no virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(std::time::Instant);

impl Instant {
    /// The present time of this thread's host.
    #[inline]
    pub fn now() -> Instant {
        with_current(|host| host.now()).unwrap_or_else(|| Instant(std::time::Instant::now()))
    }

    /// The time since this instant; zero if it lies in the future.
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(*self)
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from `earlier` to this instant; `None` if `earlier` is later.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_duration_since(earlier.0)
    }

    /// This instant plus `duration`; `None` if the clock cannot say that.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }

    /// This instant minus `duration`; `None` if the clock cannot say that.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(duration).map(Instant)
    }

    /// The same point as `std`'s type.
    pub const fn into_std(self) -> std::time::Instant {
        self.0
    }

    /// The same point as this type.
    pub const fn from_std(instant: std::time::Instant) -> Instant {
        Instant(instant)
    }
}

impl From<std::time::Instant> for Instant {
    fn from(instant: std::time::Instant) -> Instant {
        Instant(instant)
    }
}
impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> std::time::Instant {
        instant.0
    }
}
impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0 + duration)
    }
}
impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        self.0 += duration;
    }
}
impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0 - duration)
    }
}
impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        self.0 -= duration;
    }
}
impl Sub<Instant> for Instant {
    type Output = Duration;
    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

/// How long it takes at least until an alarm of [`soon`] rings.
pub const SOON: Duration = Duration::from_millis(1);

/// What a runtime lends to the code that it runs.
pub trait Host {
    /// The present time.
    fn now(&self) -> Instant;
    /// Wakes `waker` once, at `at` or soon after, unless the alarm is dropped before. Never before its time, but at the
    /// host's end.
    fn alarm(&self, at: Instant, waker: Waker) -> Alarm;
    /// Wakes `waker` once, [`SOON`] from now or half as much later, unless the alarm is dropped before. For waits that are
    /// mostly over by then: it should cost little to set one and take it back.
    fn soon(&self, waker: Waker) -> Alarm {
        self.alarm(self.now() + SOON, waker)
    }
}

thread_local!(static HOST: Cell<Option<NonNull<dyn Host>>> = const { Cell::new(None) });

/// Runs `f` with `host` as this thread's host; the former one is back afterwards, also after a panic.
pub fn with_host<R>(host: &dyn Host, f: impl FnOnce() -> R) -> R {
    struct Back(Option<NonNull<dyn Host>>);
    impl Drop for Back {
        fn drop(&mut self) {
            HOST.set(self.0);
        }
    }
    let host: NonNull<dyn Host + '_> = NonNull::from(host);
    // SAFETY: only the lifetime changes; `Back` takes the pointer away before the borrow ends.
    let host = unsafe { std::mem::transmute::<NonNull<dyn Host + '_>, NonNull<dyn Host + 'static>>(host) };
    let _back = Back(HOST.replace(Some(host)));
    f()
}

/// Has this thread a host? Without one an alarm costs a thread, which some waits can do without.
#[inline]
pub fn is_lent() -> bool {
    HOST.get().is_some()
}

#[inline]
fn with_current<R>(f: impl FnOnce(&dyn Host) -> R) -> Option<R> {
    let host = HOST.get()?;
    // SAFETY: `with_host` keeps the host borrowed while the pointer stands here.
    Some(f(unsafe { host.as_ref() }))
}

/// Wakes `waker` once, at `at` or soon after, or at the end of this thread's host, unless the alarm is dropped before.
pub fn alarm(at: Instant, waker: Waker) -> Alarm {
    let mut waker = Some(waker);
    let mut take = || waker.take().expect("the waker is taken once");
    match with_current(|host| host.alarm(at, take())) {
        Some(alarm) => alarm,
        None => alarm_apart(at, take()),
    }
}

/// Wakes `waker` once, [`SOON`] from now or half as much later, or at the end of this thread's host, unless the alarm is
/// dropped before. `None` without a host: an alarm would cost a thread there.
pub fn soon(waker: &Waker) -> Option<Alarm> {
    let alarm = with_current(|host| host.soon(waker.clone()))?;
    // As in `renew`.
    Some(if alarm.had_rung() { alarm_apart(Instant::now() + SOON, waker.clone()) } else { alarm })
}

/// As [`alarm()`], but never by a host: for an alarm that has to outlive one.
pub fn alarm_apart(at: Instant, waker: Waker) -> Alarm {
    Clockwork::get().set(at, waker)
}

/// Lets the alarm in `place` wake `waker`; sets one if there is none, or if it has rung too early, as its host has
/// ended. If this thread's host has ended, too, it rings at once: then it is set apart from that, else whoever waits
/// would go round and round until its time.
pub fn renew(place: &mut Option<Alarm>, at: Instant, waker: &Waker) {
    let set = |alarm: &Alarm| alarm.rewake(waker);
    if place.as_ref().is_some_and(set) {
        return;
    }
    let new = place.insert(alarm(at, waker.clone()));
    if !set(new) {
        *new = alarm_apart(at, waker.clone());
    }
}

/// The alarms of threads without a host: a sorted map, and a thread that sleeps until the first is due.
struct Clockwork {
    alarms: Mutex<Alarms>,
    earlier: Condvar,
}

/// By time, then by the order in which they were set.
type Key = (Instant, u64);

#[derive(Default)]
struct Alarms {
    set: u64,
    pending: BTreeMap<Key, Waker>,
}

impl Clockwork {
    fn get() -> &'static Clockwork {
        static CLOCKWORK: OnceLock<Clockwork> = OnceLock::new();
        static THREAD: OnceLock<()> = OnceLock::new();
        let clockwork =
            CLOCKWORK.get_or_init(|| Clockwork { alarms: Mutex::default(), earlier: Condvar::new() });
        THREAD.get_or_init(|| {
            std::thread::Builder::new()
                .name("dormouse-alarm".into())
                .spawn(|| clockwork.run())
                .expect("dormouse: no thread could be started for alarms outside of a runtime");
        });
        clockwork
    }

    fn alarms(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&'static self, at: Instant, waker: Waker) -> Alarm {
        let mut alarms = self.alarms();
        alarms.set += 1;
        let key = (at, alarms.set);
        alarms.pending.insert(key, waker);
        if alarms.pending.first_key_value().is_some_and(|(first, _)| *first == key) {
            self.earlier.notify_one();
        }
        Alarm::new(Arc::pin(Apart { clockwork: self, key }), alarm::Key::default())
    }

    fn run(&self) -> ! {
        let mut alarms = self.alarms();
        loop {
            let now = Instant(std::time::Instant::now());
            match alarms.pending.first_entry() {
                Some(first) if first.key().0 <= now => {
                    let waker = first.remove();
                    drop(alarms);
                    wakes::wake(Some(waker));
                    alarms = self.alarms();
                }
                Some(first) => {
                    let wait = first.key().0.saturating_duration_since(now);
                    let woken = self.earlier.wait_timeout(alarms, wait);
                    alarms = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => alarms = self.earlier.wait(alarms).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// An alarm of the shared thread.
struct Apart {
    clockwork: &'static Clockwork,
    key: Key,
}

impl Bell for Apart {
    fn rewake(self: Pin<&Self>, _: alarm::Key, waker: &Waker) -> bool {
        let waker = waker.clone();
        let (set, unused) = match self.clockwork.alarms().pending.get_mut(&self.key) {
            Some(own) => (true, std::mem::replace(own, waker)),
            None => (false, waker),
        };
        wakes::discard(Some(unused));
        set
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // The thread may wake up for nothing then.
        let waker = self.clockwork.alarms().pending.remove(&self.key);
        wakes::discard(waker);
    }
}
