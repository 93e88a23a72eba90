//! The end of a runtime.
//!
//! | step | who |
//! |---|---|
//! | no more tasks are taken; every task is told to end and woken (T2) | the caller |
//! | futures are dropped, in their last poll | workers; where there are none yet, one is started |
//! | the last task ends: `ended`, all threads wake and leave | whoever ran that task |
//! | wait for `ended` as long as tasks still end within `limit`, then for the threads | the caller |
//! | threads still inside a poll or a job after `limit` are left to themselves, and the memory with them (S4) | the caller |
//!
//! Checked by `tests/shutdown.rs`.
use crate::panics;
use crate::sched::context;
use crate::sched::shared::Shared;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a drop waits for a poll in progress.
pub(super) const LIMIT: Duration = Duration::from_secs(1);

/// Begins the end: the runtime's threads do the rest.
pub(super) fn begin(shared: &Arc<Shared>) {
    shared.close();
    if shared.is_ended() {
        return shared.close_waits();
    }
    // Somebody must drop the futures: if no thread is there, one is started. It is one of the N in any case.
    let nobody = panics::lock(&shared.threads).workers.is_empty();
    if nobody && let Err(error) = shared.start_thread(false, true) {
        panics::say(format_args!(
            "dormouse: no thread could be started to drop the runtime's tasks, they stay: {error}"
        ));
    }
}

/// Begins the end and waits for it, for polls and jobs in progress at most `limit`.
pub(super) fn wait(shared: &Arc<Shared>, limit: Duration) {
    if context::is_worker_of(shared) {
        // All but the waiting.
        begin(shared);
        if std::thread::panicking() {
            return;
        }
        panic!(
            "dormouse: a runtime was dropped on one of its own workers, which cannot wait for itself: keep it outside \
             of its tasks, or end it with `shutdown_background`"
        );
    }
    begin(shared);
    if !all_ended(shared, limit) {
        panics::say(format_args!(
            "dormouse: the runtime was dropped while {} tasks or blocking jobs would not end within {limit:?}: \
             their threads are left to themselves",
            shared.live()
        ));
        return;
    }
    shared.close_waits();
    let workers = threads_gone(shared, limit);
    for worker in workers {
        // A worker catches what it runs; if a hook's or a thread-local's panic ended it, the panic hook has spoken.
        let _ = worker.join();
    }
}

/// Waits until all tasks have ended; false if for `limit` none has.
fn all_ended(shared: &Shared, limit: Duration) -> bool {
    let mut live = shared.live();
    let mut since = Instant::now();
    let mut threads = panics::lock(&shared.threads);
    while !shared.is_ended() {
        let left = limit.saturating_sub(since.elapsed());
        if left.is_zero() {
            drop(threads);
            let now = shared.live();
            if now >= live {
                return shared.is_ended();
            }
            (live, since) = (now, Instant::now());
            threads = panics::lock(&shared.threads);
            continue;
        }
        threads =
            shared.changed.wait_timeout(threads, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
    }
    true
}

/// Waits until all threads have left, for `limit` at most. The handles to join; none of a thread that is still there.
fn threads_gone(shared: &Shared, limit: Duration) -> Vec<std::thread::JoinHandle<()>> {
    let since = Instant::now();
    let mut threads = panics::lock(&shared.threads);
    loop {
        let left = limit.saturating_sub(since.elapsed());
        if threads.running == 0 || left.is_zero() {
            let gone = threads.running == 0;
            let workers = std::mem::take(&mut threads.workers);
            return workers.into_iter().filter(|worker| gone || worker.is_finished()).collect();
        }
        threads =
            shared.changed.wait_timeout(threads, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
    }
}
