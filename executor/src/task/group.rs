//! A group of tasks that succeed or fail together: Go's errgroup.
//!
//! A [`JoinSet`] of members whose futures are wrapped: one that ends otherwise than with `Ok` aborts the others, from
//! its own last poll, wherever the group's owner is at that time. For that the members share the abort handles of those
//! that are live; a member strikes its own off when its future is dropped.
//!
//! | state | event | state after |
//! |---|---|---|
//! | all is well | a member's `Ok` | all is well |
//! | all is well | a member's `Err`, panic or abort | failed; whoever it was on aborts all others |
//! | failed | `go` | failed; the future is dropped |
//! | failed | a member's `Err` | failed; the first error stays |
//! | any | `wait` is ready | all is well: the group is empty |
//!
//! With a context nobody is aborted, and nothing that is given to `go` is dropped: whoever is the first to fail cancels the
//! context instead; and so do the end of a `wait`, and the group's own.
//!
//! The lock is a leaf: handles and errors are dropped, tasks aborted and the context cancelled after it.
//!
//! Checked by `tests/group.rs`.
use super::error::JoinError;
use super::join::AbortHandle;
use super::join_set::JoinSet;
use super::origin::Origin;
use super::spawn;
use crate::panics;
use dormouse_sync::Cancel;
use dormouse_wait::frame::Site;
use dormouse_wait::lock::Lock;
use futures_core::FusedFuture;
use pin_project::pin_project;
use slab::Slab;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Tasks that succeed or fail together: Go's `errgroup.Group`.
///
/// A member is a future that gives a `Result<(), E>`. [`wait`](Group::wait) waits until all have ended. The first that
/// fails, with an `Err` or a panic, cancels the rest: they are [aborted](super::JoinHandle::abort), so each future is
/// dropped at its next poll; and what is given to [`go`](Group::go) from then on is dropped at once.
///
/// `wait` gives the first error. If a member panicked, `wait` panics with that, whatever errors there were: a panic is not
/// lost. (In Go it ends the program.)
///
/// Dropping the group aborts all that is in it.
///
/// An aborted member is dropped where it stands. Members that are to see the failure themselves, because they await
/// something at their end, belong into a group [with a context](Group::with_context).
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task::Group;
/// use dormouse_executor::time::{Duration, sleep};
///
/// let mut group = Group::new().limit(4); // at most four at a time
/// for n in 0..100 {
///     group.go(async move {
///         sleep(Duration::from_millis(1)).await;
///         if n == 13 { Err("no luck") } else { Ok(()) }
///     }).await;
/// }
/// assert_eq!(group.wait().await, Err("no luck"));
/// # });
/// ```
#[doc(alias = "errgroup")]
#[must_use = "a group that is dropped aborts its members"]
pub struct Group<E> {
    set: JoinSet<()>,
    members: Arc<Members<E>>,
    limit: usize,
    /// What members that were joined came to, but for their errors.
    panicked: Option<JoinError>,
    cancelled: Option<JoinError>,
}

/// What the members share.
struct Members<E> {
    state: Lock<State<E>>,
    told: Option<Told<E>>,
}

/// The context of members that are told of a failure, and not aborted.
struct Told<E> {
    cancel: Cancel,
    /// What the context's cause is to say.
    cause: fn(&E) -> String,
}

struct State<E> {
    /// The live ones; `None` for one that is just being spawned.
    live: Slab<Option<AbortHandle>>,
    failed: bool,
    error: Option<E>,
}

impl<E> State<E> {
    fn new() -> State<E> {
        State { live: Slab::new(), failed: false, error: None }
    }
}

fn abort(live: Slab<Option<AbortHandle>>) {
    live.into_iter().filter_map(|(_, abort)| abort).for_each(|abort| abort.abort());
}

impl<E> Group<E> {
    /// An empty group without a limit.
    pub fn new() -> Group<E> {
        Group::telling(None)
    }

    /// An empty group without a limit, and a context for its members, a child of `parent`: Go's `errgroup.WithContext`.
    ///
    /// A failure cancels the context and aborts nobody: the others watch the context and end as they like, and
    /// [`wait`](Group::wait) waits for them. What is given to [`go`](Group::go) after a failure runs as ever. The first error
    /// is the context's [cause](dormouse_sync::Context::cause), in its own words. The context is cancelled when `wait` is
    /// ready, too, whatever came of it, so it serves one round; and when the group is dropped, which aborts the members.
    ///
    /// A cancel from above is no failure, and ends no member that does not watch for it.
    ///
    /// ```
    /// # dormouse_executor::runtime::block_on(async {
    /// use dormouse_executor::task::Group;
    /// use dormouse_sync::Context;
    ///
    /// let (mut group, context) = Group::with_context(&Context::background());
    /// for n in 0..3 {
    ///     let context = context.clone();
    ///     group.go(async move {
    ///         if n == 1 {
    ///             return Err("out of paper");
    ///         }
    ///         context.done().await;
    ///         // ... and what is to be awaited at the end
    ///         Ok(())
    ///     }).await;
    /// }
    /// assert_eq!(group.wait().await, Err("out of paper"));
    /// assert_eq!(context.cause().unwrap().to_string(), "out of paper");
    /// # });
    /// ```
    #[doc(alias = "errgroup.WithContext")]
    pub fn with_context(parent: &dormouse_sync::Context) -> (Group<E>, dormouse_sync::Context)
    where
        E: fmt::Display,
    {
        let (context, cancel) = parent.with_cancel();
        (Group::telling(Some(Told { cancel, cause: E::to_string })), context)
    }

    fn telling(told: Option<Told<E>>) -> Group<E> {
        let members = Arc::new(Members { state: Lock::new(State::new()), told });
        Group { set: JoinSet::new(), members, limit: usize::MAX, panicked: None, cancelled: None }
    }

    /// Lets at most `n` members run at a time: Go's `SetLimit`. Without it there is no limit.
    ///
    /// # Panics
    /// If `n` is 0: nothing could ever be started.
    #[track_caller]
    pub fn limit(mut self, n: usize) -> Group<E> {
        assert!(n > 0, "a limit of 0 lets no member start");
        self.limit = n;
        self
    }

    /// How many members have not been seen to end: those that run, and some that have ended just now.
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Is there no member?
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Has a member failed, so that the rest is cancelled?
    pub fn has_failed(&self) -> bool {
        self.members.state.lock().failed
    }

    /// Is a future that is given now dropped?
    fn is_over(&self) -> bool {
        self.members.told.is_none() && self.has_failed()
    }

    /// Cancels the context, if there is one.
    fn end_context(&self) {
        if let Some(told) = &self.members.told {
            told.cancel.cancel();
        }
    }

    /// Notes what came of a member that was joined.
    fn note(&mut self, member: Result<(), JoinError>) {
        match member {
            Ok(()) => {}
            Err(error) if error.is_cancelled() => self.cancelled = Some(error),
            Err(error) => match self.panicked {
                // One goes on in `wait`.
                Some(_) => error.unread(),
                None => self.panicked = Some(error),
            },
        }
    }

    /// Strikes off those that have ended.
    fn sweep(&mut self) {
        while let Some(member) = self.set.try_join_next() {
            self.note(member);
        }
    }

    /// The group's outcome, once it is empty; it is as new then.
    fn outcome(&mut self) -> Result<(), E> {
        let state = mem::replace(&mut *self.members.state.lock(), State::new());
        self.end_context();
        let cancelled = self.cancelled.take();
        if let Some(panicked) = self.panicked.take() {
            panics::discard(state.error);
            resume_unwind(panicked.into_panic());
        }
        match (state.error, cancelled) {
            (Some(error), _) => Err(error),
            (None, None) => Ok(()),
            (None, Some(error)) => panic!("a member of a `task::Group` did not end by itself: {error}"),
        }
    }

    /// Waits until all members have ended: their futures are dropped then. Gives the first error, if there was one.
    ///
    /// The group is empty afterwards, and can be used again.
    ///
    /// # Cancel safety
    /// Safe: a dropped wait has no effect on the members, and no result is lost.
    ///
    /// # Panics
    /// With the panic of a member, if one panicked. If a member was cancelled by something else than a failure of
    /// another one: by the end of its runtime. If the future is polled after it was ready.
    #[track_caller]
    pub fn wait(&mut self) -> Wait<'_, E> {
        Wait { group: Some(self), site: Location::caller() }
    }
}

impl<E: Send + 'static> Group<E> {
    /// Runs `future` as a member, once there are fewer than the [limit](Group::limit): Go's `Go`. It does nothing until it
    /// is awaited; without a limit it is ready at once.
    ///
    /// After a failure it is ready at once too, and `future` is dropped.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it has not started `future`, and drops it.
    ///
    /// # Panics
    /// Outside of a runtime; or if the future is polled after it was ready.
    #[track_caller]
    pub fn go<F>(&mut self, future: F) -> Go<'_, E, F>
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        Go { group: self, future: Some(future), site: Location::caller() }
    }

    /// Runs `future` as a member, unless that would be more than the [limit](Group::limit): Go's `TryGo`.
    ///
    /// # Errors
    /// The future, if there are as many members as there may be. (After a failure there is no such error: the future is
    /// dropped.)
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn try_go<F>(&mut self, future: F) -> Result<(), F>
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        self.sweep();
        if self.set.len() >= self.limit && !self.is_over() {
            return Err(future);
        }
        self.start(future, Location::caller());
        Ok(())
    }

    fn start<F>(&mut self, future: F, spawned: Site)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let aborts = self.members.told.is_none();
        let mut state = self.members.state.lock();
        if state.failed && aborts {
            drop(state);
            return;
        }
        let key = state.live.insert(None);
        drop(state);
        // Not begun it is struck off as well: if there is no runtime, or it is closing.
        let place = Place { members: Arc::clone(&self.members), key, done: false };
        let origin = Origin::at(spawned);
        let handle = spawn::spawn_here("Group::go", Member { future, place }, origin, 0);
        let abort = self.set.insert(handle);
        // Keys are given here alone: it is this member's, if it is still there.
        let mut state = self.members.state.lock();
        let unused = match state.live.get_mut(key) {
            Some(live) => live.replace(abort),
            None => Some(abort),
        };
        let failed = state.failed && aborts;
        drop(state);
        // It may have ended; or another one has failed meanwhile, and could not abort this one.
        if let Some(abort) = unused.filter(|_| failed) {
            abort.abort();
        }
    }
}

impl<E> Drop for Group<E> {
    /// Aborts all members. (The set does.) A panic that was seen and not waited for meets the policy.
    fn drop(&mut self) {
        self.end_context();
        if let Some(panicked) = self.panicked.take() {
            panicked.unread();
        }
    }
}

impl<E> Default for Group<E> {
    fn default() -> Group<E> {
        Group::new()
    }
}

impl<E> fmt::Debug for Group<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("len", &self.len()).field("failed", &self.has_failed()).finish()
    }
}

/// A member's place among the live ones: dropped, it is struck off, and unless it is done that is a failure.
struct Place<E> {
    members: Arc<Members<E>>,
    key: usize,
    done: bool,
}

impl<E> Place<E> {
    fn fail(&mut self, error: Option<E>) {
        let told = self.members.told.as_ref();
        // User code, which may panic: then the panic is the failure.
        let cause = told.zip(error.as_ref()).map(|(told, error)| (told.cause)(error));
        self.done = true;
        let mut state = self.members.state.lock();
        let before = mem::replace(&mut state.failed, true);
        let unused = if before { error } else { mem::replace(&mut state.error, error) };
        let others = if told.is_some() { Slab::new() } else { mem::take(&mut state.live) };
        drop(state);
        abort(others);
        if let Some(told) = told.filter(|_| !before) {
            match cause {
                Some(cause) => told.cancel.cancel_because(cause),
                None => told.cancel.cancel(),
            }
        }
        panics::discard(unused);
    }
}

impl<E> Drop for Place<E> {
    fn drop(&mut self) {
        if !self.done {
            self.fail(None);
        }
        let own = self.members.state.lock().live.try_remove(self.key);
        drop(own);
    }
}

/// A member's future.
#[pin_project]
struct Member<E, F> {
    // Before the place: the member is live until its destructor has run.
    #[pin]
    future: F,
    place: Place<E>,
}

impl<E, F: Future<Output = Result<(), E>>> Future for Member<E, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        match ready!(this.future.poll(cx)) {
            Ok(()) => this.place.done = true,
            Err(error) => this.place.fail(Some(error)),
        }
        Poll::Ready(())
    }
}

/// The future of [`Group::go`].
#[must_use = "the member is not started unless this is awaited"]
pub struct Go<'a, E, F> {
    group: &'a mut Group<E>,
    /// Until it is started.
    future: Option<F>,
    site: Site,
}

// The member's future is not polled here.
impl<E, F> Unpin for Go<'_, E, F> {}

impl<E, F> Future for Go<'_, E, F>
where
    E: Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let group = &mut *this.group;
        assert!(this.future.is_some(), "the future of `Group::go` was polled after it was ready");
        group.sweep();
        while group.set.len() >= group.limit && !group.is_over() {
            if let Some(member) = ready!(group.set.poll_next(cx, this.site)) {
                group.note(member);
            }
        }
        if let Some(future) = this.future.take() {
            group.start(future, this.site);
        }
        Poll::Ready(())
    }
}

impl<E, F> FusedFuture for Go<'_, E, F>
where
    E: Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}

impl<E, F> fmt::Debug for Go<'_, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Go").field("group", &self.group).finish_non_exhaustive()
    }
}

/// The future of [`Group::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<'a, E> {
    /// Until it was ready.
    group: Option<&'a mut Group<E>>,
    site: Site,
}

impl<E> Future for Wait<'_, E> {
    type Output = Result<(), E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        let site = self.site;
        let group = self.group.as_mut().expect("the future of `Group::wait` was polled after it was ready");
        while let Some(member) = ready!(group.set.poll_next(cx, site)) {
            group.note(member);
        }
        let group = self.group.take().expect("it was there");
        Poll::Ready(group.outcome())
    }
}

impl<E> FusedFuture for Wait<'_, E> {
    fn is_terminated(&self) -> bool {
        self.group.is_none()
    }
}

impl<E> fmt::Debug for Wait<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("group", &self.group).finish_non_exhaustive()
    }
}
