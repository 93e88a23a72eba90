//! A set of tasks, joined in the order in which they end.
//!
//! The handles are the owner's alone; what the tasks share with it is the list of those that have ended (`task/ended.rs`).
//!
//! Checked by `tests/join_set.rs`.
use super::cell::Out;
use super::ended::Ended;
use super::error::JoinError;
use super::id::Id;
use super::join::{AbortHandle, JoinHandle};
use super::spawn;
use dormouse_wait::Reason;
use dormouse_wait::frame::{self, Site};
use futures_core::FusedFuture;
use slab::Slab;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// A set of tasks, which gives their results in the order in which they end.
///
/// Dropping the set aborts all that are in it; [`detach_all`](JoinSet::detach_all) lets them go on.
/// [`join_next`](JoinSet::join_next) costs the same however many tasks are in the set, and a task that was joined leaves
/// nothing behind. All that a set takes is `&mut`: one task owns it. What it waits for is the end of *some* task, so a
/// panic of one is an item like any other; see [`Group`](super::Group) for tasks of which the first failure ends all.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task::JoinSet;
///
/// let mut set = JoinSet::new();
/// for n in 1..=10 {
///     set.spawn(async move { n * n });
/// }
/// let mut sum = 0;
/// while let Some(square) = set.join_next().await {
///     sum += square.unwrap();
/// }
/// assert_eq!(sum, 385);
/// # });
/// ```
#[must_use = "a set that is dropped aborts its tasks"]
pub struct JoinSet<T> {
    members: Slab<Member<T>>,
    ended: Arc<Ended>,
}

enum Member<T> {
    Live(JoinHandle<T>),
    /// It had ended when it was put in.
    Over(Id, Out<T>),
}

impl<T> JoinSet<T> {
    /// An empty set.
    pub fn new() -> JoinSet<T> {
        JoinSet { members: Slab::new(), ended: Ended::new() }
    }

    /// How many tasks are in the set: those that go on, and those that have ended and were not joined yet.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Is no task in the set?
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Puts in a task that was spawned elsewhere: with a name, or by a library.
    ///
    /// # Panics
    /// If the handle has given its task's result.
    ///
    /// ```
    /// # dormouse_executor::runtime::block_on(async {
    /// use dormouse_executor::task::{self, JoinSet};
    /// let mut set = JoinSet::new();
    /// set.insert(task::Builder::new().name("answer").spawn(async { 42 }));
    /// assert_eq!(set.join_next().await.unwrap().unwrap(), 42);
    /// # });
    /// ```
    #[track_caller]
    pub fn insert(&mut self, mut handle: JoinHandle<T>) -> AbortHandle {
        let abort = handle.abort_handle();
        let place = self.members.vacant_entry();
        let waker = self.ended.waker(place.key());
        match handle.poll_out(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                place.insert(Member::Live(handle));
            }
            Poll::Ready(out) => {
                place.insert(Member::Over(handle.id(), out));
                waker.wake();
            }
        }
        abort
    }

    /// The result of the member with this key, which has ended.
    fn take(&mut self, key: usize) -> (Id, Out<T>) {
        match self.members.remove(key) {
            Member::Over(id, out) => (id, out),
            Member::Live(mut handle) => match handle.poll_out(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(out) => (handle.id(), out),
                Poll::Pending => unreachable!("a task tells of its end when it has ended"),
            },
        }
    }

    /// The next one that ends, if any is left; unread, its panic meets the policy.
    fn poll_out(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<Option<(Id, Out<T>)>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        ready!(frame::poll_spend(cx));
        match self.ended.poll_next(cx) {
            Poll::Ready(key) => Poll::Ready(Some(self.take(key))),
            Poll::Pending => {
                frame::note(Reason::Join, Some(site));
                Poll::Pending
            }
        }
    }

    /// Waits for the task that ends next, and gives its result: the output, or an error if it panicked or was aborted.
    /// `None` if the set is empty.
    ///
    /// Tasks come in the order in which they end. (Two that end on two threads at once: in any order.)
    ///
    /// # Cancel safety
    /// Safe: dropped, it has taken nothing out of the set.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    #[track_caller]
    pub fn join_next(&mut self) -> JoinNext<'_, T> {
        JoinNext(self.join_next_with_id())
    }

    /// [`join_next`](JoinSet::join_next), with the task's id beside its output. (An error has it: [`JoinError::id`].)
    ///
    /// # Cancel safety
    /// As [`join_next`](JoinSet::join_next).
    #[track_caller]
    pub fn join_next_with_id(&mut self) -> JoinNextWithId<'_, T> {
        JoinNextWithId { set: Some(self), site: Location::caller() }
    }

    /// The result of a task that has ended, if there is one; [`join_next`](JoinSet::join_next) that does not wait.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.try_join_next_with_id().map(without_id)
    }

    /// [`try_join_next`](JoinSet::try_join_next), with the task's id beside its output.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        let key = self.ended.next()?;
        Some(read(self.take(key)))
    }

    /// [`join_next`](JoinSet::join_next) for who writes a future or a stream: the last waker is woken.
    #[track_caller]
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.poll_next(cx, Location::caller())
    }

    /// [`poll_join_next`](JoinSet::poll_join_next) for an await at `site`.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        site: Site,
    ) -> Poll<Option<Result<T, JoinError>>> {
        self.poll_out(cx, site).map(|next| next.map(read).map(without_id))
    }

    /// [`poll_join_next`](JoinSet::poll_join_next), with the task's id beside its output.
    #[track_caller]
    pub fn poll_join_next_with_id(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(Id, T), JoinError>>> {
        self.poll_out(cx, Location::caller()).map(|next| next.map(read))
    }

    /// Waits for all, and gives their outputs in the order in which they ended.
    ///
    /// # Cancel safety
    /// Dropping the future drops the set, which aborts the tasks that are left.
    ///
    /// # Panics
    /// If a task panicked, with its panic; or if one was aborted. The others are aborted then.
    ///
    /// ```
    /// # dormouse_executor::runtime::block_on(async {
    /// use dormouse_executor::task::JoinSet;
    /// let mut set: JoinSet<_> = (0..4).map(|n| async move { n }).collect();
    /// let mut all = set.join_all().await;
    /// all.sort();
    /// assert_eq!(all, [0, 1, 2, 3]);
    /// # });
    /// ```
    #[track_caller]
    pub fn join_all(mut self) -> impl Future<Output = Vec<T>> {
        let site = Location::caller();
        async move {
            let mut outputs = Vec::with_capacity(self.len());
            while let Some(next) = poll_fn(|cx| self.poll_out(cx, site)).await {
                match read(next) {
                    Ok((_, output)) => outputs.push(output),
                    Err(error) => match error.try_into_panic() {
                        Ok(payload) => resume_unwind(payload),
                        Err(error) => panic!("`JoinSet::join_all` of a task without an output: {error}"),
                    },
                }
            }
            outputs
        }
    }

    /// Aborts all tasks of the set; see [`JoinHandle::abort`]. They stay in it until they are joined.
    pub fn abort_all(&mut self) {
        for (_, member) in &self.members {
            if let Member::Live(handle) = member {
                handle.abort();
            }
        }
    }

    /// Takes all tasks out of the set and lets them go on by themselves.
    pub fn detach_all(&mut self) {
        // Those that go on tell the former list of their ends.
        self.ended = Ended::new();
        self.members.clear();
    }

    /// Aborts all tasks and waits until each has ended, and its future is dropped. Outputs of those that had ended are
    /// dropped, and a panic meets the runtime's [policy](super::OnPanic), as nobody joins that task.
    ///
    /// # Cancel safety
    /// Safe: dropped, it has aborted all, and what has not been waited for is in the set.
    #[track_caller]
    pub fn shutdown(&mut self) -> impl Future<Output = ()> {
        let site = Location::caller();
        async move {
            self.abort_all();
            while poll_fn(|cx| self.poll_out(cx, site)).await.is_some() {}
        }
    }

    /// Spawns tasks into the set, with a name.
    ///
    /// ```
    /// # dormouse_executor::runtime::block_on(async {
    /// use dormouse_executor::task::JoinSet;
    /// let mut set = JoinSet::new();
    /// set.build_task().name("adder").spawn(async { 1 + 1 });
    /// assert_eq!(set.join_next().await.unwrap().unwrap(), 2);
    /// # });
    /// ```
    pub fn build_task(&mut self) -> Builder<'_, T> {
        Builder { set: self, task: super::Builder::new() }
    }
}

impl<T: Send + 'static> JoinSet<T> {
    /// [Spawns](super::spawn) a task into the set. The handle aborts it.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
    {
        self.build_task().spawn(future)
    }

    /// Puts a [blocking job](super::spawn_blocking) into the set. One that has begun cannot be aborted.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, job: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
    {
        self.build_task().spawn_blocking(job)
    }
}

fn read<T>((id, out): (Id, Out<T>)) -> Result<(Id, T), JoinError> {
    match out.read() {
        Ok(output) => Ok((id, output)),
        Err(error) => Err(error.of(id)),
    }
}

fn without_id<T>(next: Result<(Id, T), JoinError>) -> Result<T, JoinError> {
    next.map(|(_, output)| output)
}

impl<T> Drop for JoinSet<T> {
    /// Aborts all tasks.
    fn drop(&mut self) {
        self.abort_all();
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> JoinSet<T> {
        JoinSet::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}

/// Spawns each future in the current runtime, as [`spawn_many`](super::spawn_many) does.
impl<T, F> Extend<F> for JoinSet<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        spawn::spawn_each_here("JoinSet::extend", futures, Location::caller(), |handle| {
            self.insert(handle);
        });
    }
}

/// Spawns each future in the current runtime, as [`spawn_many`](super::spawn_many) does.
impl<T, F> FromIterator<F> for JoinSet<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> JoinSet<T> {
        let mut set = JoinSet::new();
        set.extend(futures);
        set
    }
}

/// The future of [`JoinSet::join_next`].
#[must_use = "futures do nothing unless awaited"]
pub struct JoinNext<'a, T>(JoinNextWithId<'a, T>);

impl<T> Future for JoinNext<'_, T> {
    type Output = Option<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|next| next.map(without_id))
    }
}

impl<T> FusedFuture for JoinNext<'_, T> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<T> fmt::Debug for JoinNext<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinNext").field("set", &self.0.set).finish()
    }
}

/// The future of [`JoinSet::join_next_with_id`].
#[must_use = "futures do nothing unless awaited"]
pub struct JoinNextWithId<'a, T> {
    /// Until it was ready.
    set: Option<&'a mut JoinSet<T>>,
    site: Site,
}

impl<T> Future for JoinNextWithId<'_, T> {
    type Output = Option<Result<(Id, T), JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let site = self.site;
        let set =
            self.set.as_mut().expect("the future of `JoinSet::join_next` was polled after it was ready");
        let next = ready!(set.poll_out(cx, site));
        self.set = None;
        Poll::Ready(next.map(read))
    }
}

impl<T> FusedFuture for JoinNextWithId<'_, T> {
    fn is_terminated(&self) -> bool {
        self.set.is_none()
    }
}

impl<T> fmt::Debug for JoinNextWithId<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinNextWithId").field("set", &self.set).finish_non_exhaustive()
    }
}

/// Spawns tasks with a name into a set; from [`JoinSet::build_task`].
#[derive(Debug)]
#[must_use = "a builder spawns nothing by itself"]
pub struct Builder<'a, T> {
    set: &'a mut JoinSet<T>,
    task: super::Builder<'a>,
}

impl<'a, T: Send + 'static> Builder<'a, T> {
    /// The task's name.
    pub fn name(self, name: &'a str) -> Builder<'a, T> {
        Builder { task: self.task.name(name), ..self }
    }

    /// [Spawns](super::spawn) the task into the set.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
    {
        self.set.insert(self.task.spawn(future))
    }

    /// Puts a [blocking job](super::spawn_blocking) into the set.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(self, job: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
    {
        self.set.insert(self.task.spawn_blocking(job))
    }
}
