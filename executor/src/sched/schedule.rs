//! What async-task calls when a task becomes runnable. It has no size, so that a wake-up is one exchange.
use super::context;
use super::jobs;
use super::shared::Visit;
use crate::task::meta::{BLOCKING, Meta};
use async_task::{Runnable, ScheduleInfo};

/// Publishes `task`: to this thread's seat if it has one in the task's runtime, else by a visit.
#[inline(always)]
pub(crate) fn schedule(task: Runnable<Meta>, info: ScheduleInfo) {
    let meta = task.metadata();
    let (rt, blocking) = (meta.rt, meta.has(BLOCKING));
    if blocking {
        // SAFETY: we hold the runnable: the task is live and cannot end before it is published.
        let visit = unsafe { Visit::begin(rt) };
        return jobs::push(visit.shared(), task.into_raw());
    }
    let task = task.into_raw();
    context::with_seat(rt, |seat| match seat {
        Some(seat) if info.woken_while_running => seat.push_again(task),
        Some(seat) => seat.push_next(task),
        // SAFETY: we hold the runnable: the task is live and cannot end before it is published.
        None => unsafe { Visit::begin(rt) }.inject(task),
    });
}
