//! A task with a thread of its own, on which its future is made, polled and dropped.
//!
//! To the runtime it is a task like any other, registered and ended with the rest, but for its schedule function: that
//! puts the runnable, of which there is one at most, where the thread waits for it.
//!
//! | event | who | then |
//! |---|---|---|
//! | spawned | the caller | the runnable is put there, and the thread is started |
//! | no thread could be started | the caller | the task is cancelled: no future has been made |
//! | woken, aborted, the runtime ends | any thread | the runnable is put there; the thread polls |
//! | the task has ended | its thread | the thread ends |
//!
//! While the runnable is there or being run, the task is counted as [busy](Shared::pinned_busy): a report that all tasks
//! are asleep must not take it for one that waits.
//!
//! Checked by `tests/pinned.rs`.
use super::join::JoinHandle;
use super::meta::Meta;
use super::origin::Origin;
use super::polled;
use super::spawn;
use crate::panics;
use crate::sched::context::Entered;
use crate::sched::schedule::schedule;
use crate::sched::shared::Shared;
use crate::sched::threads::{self, Began};
use async_task::{Runnable, WithInfo};
use dormouse_wait::host;
use pin_project::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll};

/// Where the thread waits.
#[derive(Default)]
struct Inbox {
    task: Mutex<Option<Job>>,
    call: Condvar,
}

struct Job(Runnable<Meta>);

// SAFETY: the task's thread alone takes it out; the caller of `spawn`, if no thread was started, when there is no future
// yet.
unsafe impl Send for Job {}

impl Inbox {
    fn put(&self, task: Runnable<Meta>) {
        // SAFETY: we hold the runnable: the task is live, so its runtime is (S4).
        let shared = unsafe { task.metadata().rt.cast::<Shared>().as_ref() };
        shared.pinned_busy.fetch_add(1, Relaxed);
        *panics::lock(&self.task) = Some(Job(task));
        self.call.notify_one();
    }

    fn take(&self) -> Runnable<Meta> {
        let mut task = panics::lock(&self.task);
        loop {
            match task.take() {
                Some(Job(task)) => return task,
                None => task = self.call.wait(task).unwrap_or_else(|poisoned| poisoned.into_inner()),
            }
        }
    }
}

/// Spawns what `make` makes, on a thread of its own.
pub(crate) fn spawn_in<F, Fut>(
    shared: &Shared,
    number: usize,
    make: F,
    origin: Origin,
) -> JoinHandle<Fut::Output>
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output: Send> + 'static,
{
    let future = Pinned { make: Some(make), future: None };
    let meta = Meta::new(shared.pointer(), 0);
    if shared.config.simulated.is_some() {
        // SAFETY: a simulated run runs and drops all its tasks on one thread.
        let (task, handle) =
            unsafe { spawn::enter(shared, number, meta, future, origin, WithInfo(schedule)) };
        if let Some(task) = task {
            task.schedule();
        }
        return handle;
    }
    let inbox = Arc::<Inbox>::default();
    let put = {
        let inbox = Arc::clone(&inbox);
        move |task| inbox.put(task)
    };
    // SAFETY: the future is made in the first poll, and the runnable is used by the task's thread alone; or by this one,
    // without a future, if there is none.
    let (task, handle) = unsafe { spawn::enter(shared, number, meta, future, origin, put) };
    let Some(task) = task else { return handle };
    task.schedule();
    let (this, theirs) = (shared.strong(), Arc::clone(&inbox));
    if let Err(error) = threads::start(shared, false, move || work(&this, &theirs)) {
        panics::say(format_args!(
            "dormouse: a pinned task is cancelled, as no thread could be started for it: {error}"
        ));
        spawn::refuse(inbox.take());
        shared.pinned_busy.fetch_sub(1, Relaxed);
    }
    handle
}

/// What the task's thread does.
fn work(shared: &Arc<Shared>, inbox: &Inbox) {
    let _began = Began::new(shared);
    let _entered = Entered::new(Arc::clone(shared));
    host::with_host(&**shared, || {
        let mut task = inbox.take();
        // It keeps the task's memory.
        let waker = task.waker();
        let meta = std::ptr::NonNull::from(task.metadata());
        loop {
            polled::run(task);
            shared.pinned_busy.fetch_sub(1, Relaxed);
            // SAFETY: the waker keeps the task's memory.
            if unsafe { meta.as_ref() }.has_ended() {
                return drop(waker);
            }
            task = inbox.take();
        }
    });
}

/// A future that is made in its first poll.
#[pin_project]
struct Pinned<F, Fut> {
    make: Option<F>,
    #[pin]
    future: Option<Fut>,
}

impl<F: FnOnce() -> Fut, Fut: Future> Future for Pinned<F, Fut> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        let mut this = self.project();
        if let Some(make) = this.make.take() {
            this.future.set(Some(make()));
        }
        this.future.as_pin_mut().expect("it was made").poll(cx)
    }
}
