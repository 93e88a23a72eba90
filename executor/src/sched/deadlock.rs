//! "All tasks are asleep": tells once if a program can never go on.
//!
//! It cannot if for [`AFTER`] no thread ran or searched, no timer is set, no blocking job is there, no plain thread
//! waits in a blocking call or said that it holds a half of a channel, somebody is in `block_on`, and every live task
//! and every `block_on` waits for something of ours: whoever could send, unlock or be done is among those who wait.
//!
//! A wait of ours is the last one that the poll noted. So a task that waits for a channel and for something else at once,
//! with another library's `join` or `select`, may be taken for stuck: hence a report, and no panic.
use super::idle::NEVER;
use super::shared::Shared;
use crate::panics;
use dormouse_wait::Reason;
use dormouse_wait::outside;
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long nothing has happened.
pub(super) const AFTER: Duration = Duration::from_millis(100);

/// Tasks in a report.
const SHOWN: usize = 100;

/// Is this wait one that only another task can end?
fn is_ours(reason: Reason) -> bool {
    !reason.is_external() && !matches!(reason, Reason::Sleep | Reason::Yield | Reason::Blocking)
}

/// Can nothing go on, now?
fn is_stuck(shared: &Shared) -> bool {
    let quiet = shared.idle.is_quiet() && shared.due() == NEVER && !shared.has_work(true);
    let pinned = shared.pinned_busy.load(Relaxed) > 0;
    if !quiet || pinned || shared.pool.is_busy() || outside::any() || shared.is_closing() {
        return false;
    }
    let guests = shared.quiet.guests();
    let guests_stuck = guests.iter().all(|waits| waits.is_some_and(|waits| is_ours(waits.reason)));
    !guests.is_empty()
        && guests_stuck
        && shared.parts.iter().all(|part| part.tasks.all(|meta| is_ours(meta.waits.get().0)))
}

/// Tells on stderr of a deadlock, if this is one. Called by a thread that has slept for [`AFTER`] and is still counted
/// as asleep.
pub(super) fn look(shared: &Shared) {
    if !is_stuck(shared) {
        return;
    }
    let mut text = String::from("dormouse: all tasks are asleep - deadlock!\n");
    let dump = shared.dump(|_, _| false);
    for task in dump.tasks.iter().take(SHOWN) {
        let _ = writeln!(text, "  {}", dump.line(task));
    }
    if dump.tasks.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", dump.tasks.len() - SHOWN);
    }
    for line in dump.object_lines() {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str("  (`runtime::Builder::deadlock` turns this report off; a plain thread that holds a half of a channel says so with `into_foreign`)");
    // Whoever ran meanwhile has changed what was gathered.
    if is_stuck(shared) && shared.quiet.tell() {
        panics::say(format_args!("{text}"));
    }
}
