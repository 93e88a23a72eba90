//! What ends a wait at a deadline.
//!
//! On Linux a `timerfd`, edge-triggered as all else: to the microsecond, without the slack that the system adds to a
//! sleeping thread's timeout. It stays set to an earlier deadline that nobody waits for any more: that costs a wait that
//! ends too early and is taken up again. Elsewhere it is the wait's own timeout, in whole milliseconds on some systems.
use mio::Registry;
use std::io;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct Clock {
    timer: std::os::fd::OwnedFd,
    set: Option<Instant>,
}

#[cfg(target_os = "linux")]
impl Clock {
    pub(super) fn new(registry: &Registry) -> io::Result<Clock> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use std::os::fd::AsRawFd;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let mut source = mio::unix::SourceFd(&timer.as_raw_fd());
        registry.register(&mut source, super::CLOCK, mio::Interest::READABLE)?;
        Ok(Clock { timer, set: None })
    }

    /// Lets the next wait end at `deadline`, which is `left` from now: the timeout to give to that wait.
    pub(super) fn set(&mut self, deadline: Option<Instant>, left: Option<Duration>) -> Option<Duration> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let (deadline, left) = (deadline?, left?);
        // One that has passed has gone off.
        if self.set.is_some_and(|set| set <= deadline && set > deadline - left) {
            return None;
        }
        let time = |left: Duration| Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let spec = Itimerspec { it_interval: time(Duration::ZERO), it_value: time(left) };
        if timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec).is_err() {
            // As where there is no such timer.
            self.set = None;
            return Some(left);
        }
        self.set = Some(deadline);
        None
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct Clock;

#[cfg(not(target_os = "linux"))]
impl Clock {
    pub(super) fn new(_: &Registry) -> io::Result<Clock> {
        Ok(Clock)
    }

    /// Lets the next wait end at `deadline`, which is `left` from now: the timeout to give to that wait.
    pub(super) fn set(&mut self, _: Option<Instant>, left: Option<Duration>) -> Option<Duration> {
        left
    }
}
