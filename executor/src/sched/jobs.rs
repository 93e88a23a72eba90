//! The threads of the blocking pool, and how a job comes to one.
use super::context::Entered;
use super::ring::Raw;
use super::shared::Shared;
use super::threads::Began;
use crate::panics;
use dormouse_wait::host;
use std::io;
use std::sync::Arc;

/// Queues a job, and sees that a thread takes it.
pub(super) fn push(shared: &Arc<Shared>, job: Raw) {
    if shared.pool.push(job)
        && let Err(error) = start(shared)
    {
        failed(shared, &error);
    }
}

fn start(shared: &Arc<Shared>) -> io::Result<()> {
    let this = Arc::clone(shared);
    super::threads::start(shared, false, move || work(&this))
}

#[cold]
fn failed(shared: &Shared, error: &io::Error) {
    for job in shared.pool.start_failed() {
        panics::say(format_args!(
            "dormouse: a blocking job is cancelled, as no thread could be started for it: {error}"
        ));
        let job = job.runnable();
        job.metadata().abort();
        job.run();
    }
}

/// What a thread of the pool does.
fn work(shared: &Arc<Shared>) {
    let _began = Began::new(shared);
    let _entered = Entered::new(Arc::clone(shared));
    host::with_host(&**shared, || {
        while let Some(job) = shared.pool.next(|| shared.is_ended()) {
            job.runnable().run();
        }
    });
}
