//! The bucket: exact arithmetic on one axis.
//!
//! The axis counts *units*: time goes on by `events` units per nanosecond, and a token costs `period` units. `used` is how
//! far along the axis tokens have been taken. So there are `now - used` units in the bucket, at most those of `burst` tokens;
//! if `used` is ahead of now, the tokens between were taken in advance, and whoever took them acts when now
//! arrives there. All of that is integers: nothing is rounded but the instant at which somebody may act (up, to the
//! nanosecond), and what a change of the limit carries over.
use dormouse_wait::host::Instant;
use std::fmt;
use std::time::Duration;

/// A rate: so many events per period.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    events: u64,
    /// In nanoseconds; 0 is without limit.
    period: u64,
}

impl Limit {
    /// No limit: everything is admitted, whatever the burst.
    pub const INF: Limit = Limit { events: 1, period: 0 };
    /// No events, but for those of the burst.
    pub const ZERO: Limit = Limit { events: 0, period: 1 };

    /// `events` per `period`; [`Limit::INF`] if the period is zero.
    ///
    /// ```
    /// use dormouse_sync::Limit;
    /// use std::time::Duration;
    ///
    /// assert_eq!(Limit::per(120, Duration::from_secs(60)), Limit::per_second(2));
    /// assert_eq!(Limit::every(Duration::from_millis(500)), Limit::per_second(2));
    /// ```
    pub const fn per(events: u64, period: Duration) -> Limit {
        const MOST: u64 = i64::MAX as u64;
        let period = period.as_nanos();
        let period = if period > MOST as u128 { MOST } else { period as u64 };
        let events = if events > MOST { MOST } else { events };
        match (events, period) {
            (_, 0) => Limit::INF,
            (0, _) => Limit::ZERO,
            _ => {
                let common = greatest_common_divisor(events, period);
                Limit { events: events / common, period: period / common }
            }
        }
    }

    /// `events` per second.
    pub const fn per_second(events: u64) -> Limit {
        Limit::per(events, Duration::from_secs(1))
    }

    /// One event per `interval`; [`Limit::INF`] if that is zero.
    pub const fn every(interval: Duration) -> Limit {
        Limit::per(1, interval)
    }

    const fn is_inf(self) -> bool {
        self.period == 0
    }

    /// What `tokens` cost.
    const fn cost(self, tokens: u32) -> i128 {
        tokens as i128 * self.period as i128
    }

    /// How far the axis goes on in this time.
    fn units(self, time: Duration) -> i128 {
        i128::try_from(time.as_nanos()).unwrap_or(i128::MAX).saturating_mul(self.events.into())
    }
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Limit::INF => f.write_str("Limit::INF"),
            Limit::ZERO => f.write_str("Limit::ZERO"),
            Limit { events, period } => write!(f, "{events} per {:?}", Duration::from_nanos(period)),
        }
    }
}

/// Tokens that were taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    units: i128,
    /// Where on the axis its owner may act.
    position: i128,
    /// The same in time; `None`: never.
    act_at: Option<Instant>,
    /// The bucket's `last` before.
    former: (i128, Option<Instant>),
    limit: Limit,
    /// The limit's number.
    epoch: u64,
}

impl Taken {
    pub(super) fn act_at(&self) -> Option<Instant> {
        self.act_at
    }
}

pub(super) struct Bucket {
    limit: Limit,
    burst: u32,
    /// Where the axis begins; `None` until the first use.
    origin: Option<Instant>,
    used: i128,
    /// Where the last one that took tokens may act, as [`Taken`] has it.
    last: (i128, Option<Instant>),
    /// How often the limit was changed: the axis is another one each time.
    epoch: u64,
}

impl Bucket {
    /// A full one.
    pub(super) const fn new(limit: Limit, burst: u32) -> Self {
        Bucket { limit, burst, origin: None, used: -limit.cost(burst), last: (0, None), epoch: 0 }
    }

    pub(super) fn limit(&self) -> Limit {
        self.limit
    }

    pub(super) fn burst(&self) -> u32 {
        self.burst
    }

    /// Now on the axis; tokens beyond the burst have flowed over.
    fn advance(&mut self, now: Instant) -> i128 {
        let origin = *self.origin.get_or_insert(now);
        let now = self.limit.units(now.saturating_duration_since(origin));
        self.used = self.used.max(now.saturating_sub(self.limit.cost(self.burst)));
        now
    }

    /// The first nanosecond at which now has arrived at `position`.
    fn instant(&self, position: i128) -> Option<Instant> {
        let events = i128::from(self.limit.events);
        if events == 0 {
            return self.origin.filter(|_| position <= 0);
        }
        let nanos = position / events + i128::from(position % events > 0);
        self.origin?.checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))
    }

    pub(super) fn tokens(&mut self, now: Instant) -> f64 {
        if self.limit.is_inf() {
            return self.burst.into();
        }
        let now = self.advance(now);
        now.saturating_sub(self.used) as f64 / self.limit.period as f64
    }

    /// Takes `n` tokens, in advance too unless it is to be `at_once`. `None` if that cannot be.
    pub(super) fn take(&mut self, now: Instant, n: u32, at_once: bool) -> Option<Taken> {
        let (limit, epoch, former) = (self.limit, self.epoch, self.last);
        if limit.is_inf() {
            return Some(Taken { units: 0, position: 0, act_at: Some(now), former, limit, epoch });
        }
        if n > self.burst {
            return None;
        }
        let units = limit.cost(n);
        let now = self.advance(now);
        let used = self.used.saturating_add(units);
        // Not before those who came earlier, also if one between them has given its tokens back.
        let position = used.max(now).max(self.last.0);
        if at_once && position > now {
            return None;
        }
        self.used = used;
        let act_at = self.instant(position);
        self.last = (position, act_at);
        Some(Taken { units, position, act_at, former, limit, epoch })
    }

    /// Puts tokens back whose time has not come, but for as many as were taken after them.
    pub(super) fn give_back(&mut self, now: Instant, taken: &Taken) {
        if self.limit.is_inf() || taken.units == 0 || taken.act_at.is_some_and(|at| at < now) {
            return;
        }
        let now = self.advance(now);
        let same_axis = taken.epoch == self.epoch;
        let later = if same_axis {
            self.last.0 - taken.position
        } else {
            // Between two axes, time is what they have in common.
            let (Some(last), Some(at)) = (self.last.1, taken.act_at) else { return };
            taken.limit.units(last.saturating_duration_since(at))
        };
        let left = taken.units.saturating_sub(later);
        if left <= 0 {
            return;
        }
        let left = if same_axis { left } else { self.carry_over(left, taken.limit) };
        let is_last = same_axis && later == 0 && self.used == taken.position;
        self.used = (self.used - left).max(now.saturating_sub(self.limit.cost(self.burst)));
        if is_last {
            // Nobody waits for that time any more, nor does who comes now.
            self.last = taken.former;
        }
    }

    /// Units of another limit as those of this one, rounded down.
    fn carry_over(&self, units: i128, of: Limit) -> i128 {
        let (from, to) = (i128::from(of.period), i128::from(self.limit.period));
        // The rest is less than a token's: the product does not overflow.
        units.div_euclid(from).saturating_mul(to).saturating_add(units.rem_euclid(from) * to / from)
    }

    pub(super) fn set_limit(&mut self, now: Instant, limit: Limit) {
        let old = self.limit;
        let have = self.advance(now).saturating_sub(self.used);
        self.limit = limit;
        // One without limit was full.
        let have = if old.is_inf() { limit.cost(self.burst) } else { self.carry_over(have, old) };
        self.origin = Some(now);
        self.used = -have;
        let ahead = self.last.1.map_or(Duration::ZERO, |last| last.saturating_duration_since(now));
        self.last.0 = limit.units(ahead);
        self.epoch += 1;
    }

    pub(super) fn set_burst(&mut self, now: Instant, burst: u32) {
        // With the old one first: what has flowed over is gone.
        self.advance(now);
        self.burst = burst;
    }
}
