//! Blocking within a poll, with a word before: the seat goes to another thread meanwhile.
//!
//! Checked by `tests/block_in_place.rs`.
use super::context;
use super::seat::Seat;
use dormouse_wait::Reason;
use dormouse_wait::frame;

/// Comes back to the seat, also by a panic.
struct Back<'s, 'rt>(&'s Seat<'rt>);

impl Drop for Back<'_, '_> {
    fn drop(&mut self) {
        self.0.come_back();
    }
}

/// Runs `job` without this thread's seat, if it has one and is inside a poll.
pub(crate) fn block_in_place<R>(job: impl FnOnce() -> R) -> R {
    // A last wait that the poll noted before is no reason to take its task for stuck.
    frame::note(Reason::External, None);
    let mut job = Some(job);
    let mut run = |outside: bool| {
        job.take().map(|job| if outside { frame::outside(job) } else { job() }).expect("a job runs once")
    };
    let result = context::with_any_seat(|seat| {
        if seat.shared.config.simulated.is_some() {
            // One thread runs everything: a call that blocks it panics there, as everywhere in a simulated run.
            return run(false);
        }
        let _back = seat.leave_in_poll().then(|| Back(seat));
        run(true)
    });
    result.unwrap_or_else(|| run(true))
}
