//! `Context`: a deadline, a cancel and values that are passed down. The tree and the cancel are in `tree`, the list of
//! values in `values`, the waits in `futures`.
mod futures;
mod tree;
mod values;

pub use self::futures::{Done, Run};

use self::tree::{Call, Node, run};
use self::values::Values;
use dormouse_wait::blocking::wait_for;
use dormouse_wait::host::Instant;
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// Why a context was cancelled, in the words of whoever did it.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a context is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContextError {
    /// It was cancelled, or one above it was.
    Cancelled,
    /// Its deadline has passed, or that of one above it.
    DeadlineExceeded,
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ContextError::Cancelled => "context canceled",
            ContextError::DeadlineExceeded => "context deadline exceeded",
        })
    }
}

impl Error for ContextError {}

/// What a piece of work is told from above: that it is cancelled, when it must be done, and values: Go's
/// `context.Context`.
///
/// Contexts form a tree. [`with_cancel`](Context::with_cancel) and its sisters make a child; a cancel reaches the
/// whole subtree at one instant: when [`Cancel::cancel`] returns, every context below says that it is done. A clone is
/// the same context. It is passed on by hand, as in Go: a task that is spawned knows only the context that it is given.
///
/// A context that is dropped, with its clones, handles, children and waits, leaves its parent, so a long-lived parent
/// may have any number of children over time. As nobody holds it then, nobody is told when the parent is cancelled
/// later, and [functions](Context::after_func) that were registered with it are dropped. Chains may be long: neither
/// cancel nor drop goes deeper into the stack for them.
///
/// A deadline needs a clock that rings. In a dormouse runtime it is the runtime's, in a simulated run the virtual one;
/// under another executor it is a thread that all such deadlines of the process share, started with the first of them.
/// It never rings early.
///
/// ```
/// use dormouse_sync::{Context, ContextError};
/// use std::future::pending;
/// use std::time::Duration;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let (server, shutdown) = Context::background().with_cancel();
/// let (request, _cancel) = server.with_timeout(Duration::from_secs(30));
///
/// let work = tokio::spawn(request.run(pending::<()>())); // or: let work = go(...)
/// shutdown.cancel();
/// assert_eq!(request.err(), Some(ContextError::Cancelled));
/// assert_eq!(work.await.unwrap(), Err(ContextError::Cancelled));
/// # });
/// ```
#[derive(Clone, Default)]
pub struct Context {
    /// What can be cancelled; `None` if nothing can.
    node: Option<Arc<Node>>,
    values: Option<Arc<Values>>,
}

impl Context {
    /// The context at the root: never cancelled, without deadline and values. It costs nothing.
    #[doc(alias = "todo")]
    pub const fn background() -> Context {
        Context { node: None, values: None }
    }

    fn child(&self, deadline: Option<Instant>) -> (Context, Cancel) {
        let node = Node::new(self.node.clone(), deadline);
        (Context { node: Some(node.clone()), values: self.values.clone() }, Cancel { node })
    }

    /// A child that can be cancelled by itself.
    ///
    /// ```
    /// use dormouse_sync::{Context, ContextError};
    ///
    /// let (parent, cancel) = Context::background().with_cancel();
    /// let (child, _cancel) = parent.with_cancel();
    /// cancel.cancel_because("out of paper");
    /// assert_eq!(child.err(), Some(ContextError::Cancelled));
    /// assert_eq!(child.cause().unwrap().to_string(), "out of paper");
    /// ```
    #[doc(alias = "with_cancel_cause")]
    pub fn with_cancel(&self) -> (Context, Cancel) {
        self.child(None)
    }

    /// A child that is done at `at`, if it is not before. If an ancestor's deadline is earlier, that one counts.
    ///
    /// A deadline that has passed makes a child that is done from the beginning.
    pub fn with_deadline(&self, at: Instant) -> (Context, Cancel) {
        let (context, cancel) = self.child(Some(at));
        if context.deadline().is_some_and(|at| at <= Instant::now()) {
            cancel.node.cancel(ContextError::DeadlineExceeded, None);
        }
        (context, cancel)
    }

    /// A child that is done after `limit`: [`with_deadline`](Context::with_deadline) from now on. A limit that the
    /// clock cannot say (`Duration::MAX`) is none.
    pub fn with_timeout(&self, limit: Duration) -> (Context, Cancel) {
        match Instant::now().checked_add(limit) {
            Some(at) => self.with_deadline(at),
            None => self.child(None),
        }
    }

    /// The same context with one more value, found by its type; it hides an older one of that type. Cancels go on as before.
    ///
    /// Wrap what others may put in as well into a type of your own, as a key in Go has one.
    ///
    /// ```
    /// use dormouse_sync::Context;
    ///
    /// struct User(&'static str);
    ///
    /// let context = Context::background().with_value(User("Dolores"));
    /// assert_eq!(context.value::<User>().unwrap().0, "Dolores");
    /// assert!(context.value::<u32>().is_none());
    /// ```
    #[must_use = "it is a new context: the old one has no more values than before"]
    pub fn with_value<T: Any + Send + Sync>(&self, value: T) -> Context {
        Context { node: self.node.clone(), values: Some(Values::new(value, self.values.clone())) }
    }

    /// The value of this type that was put in last. Looks at one value after the other.
    pub fn value<T: Any>(&self) -> Option<&T> {
        self.values.as_deref()?.find()
    }

    /// A context with the same values that no cancel and no deadline reaches: for what must be finished in any case.
    #[must_use = "it is a new context: the old one can be cancelled as before"]
    pub fn without_cancel(&self) -> Context {
        Context { node: None, values: self.values.clone() }
    }

    /// Why it is done; `None` if it is not. Once it says why, [`done`](Context::done) is ready, here and everywhere below.
    #[inline]
    pub fn err(&self) -> Option<ContextError> {
        self.node.as_deref()?.err()
    }

    /// Is it done? [`err`](Context::err) says why.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.err().is_some()
    }

    /// Why it is done, in the words of [`Cancel::cancel_because`] if they were used, here or above; else as
    /// [`err`](Context::err). `None` if it is not done. The first cancel counts.
    pub fn cause(&self) -> Option<Cause> {
        let node = self.node.as_deref()?;
        let error = node.err()?;
        Some(node.cause().unwrap_or_else(|| Arc::new(error)))
    }

    /// When it will be done at the latest, by its own deadline or the earlier one of an ancestor.
    pub fn deadline(&self) -> Option<Instant> {
        self.node.as_deref()?.deadline()
    }

    /// Waits until it is done, and says why. Never ready if it cannot be cancelled.
    ///
    /// # Cancel safety
    /// A dropped future has no effect.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    ///
    /// # Fairness
    /// All who wait are woken together, those of one context in the order in which they came.
    ///
    /// ```
    /// use dormouse_sync::{Context, ContextError};
    /// use std::time::Duration;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (context, _cancel) = Context::background().with_timeout(Duration::from_millis(1));
    /// assert_eq!(context.done().await, ContextError::DeadlineExceeded);
    /// # });
    /// ```
    #[track_caller]
    pub fn done(&self) -> Done<'_> {
        Done::new(self, Location::caller())
    }

    /// [`done`](Context::done) for a plain thread, which sleeps until then.
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `done().await` there.
    #[track_caller]
    pub fn done_blocking(&self) -> ContextError {
        wait_for("Context::done_blocking", "done().await", self.done())
    }

    /// Runs `future` until it finishes or the context is done: then it is dropped where it stands, and the result says why.
    /// If the context is done already, `future` is not polled at all.
    ///
    /// # Cancel safety
    /// Dropping it drops `future`.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    ///
    /// ```
    /// use dormouse_sync::{Context, ContextError};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (context, cancel) = Context::background().with_cancel();
    /// assert_eq!(context.run(async { 7 }).await, Ok(7));
    /// cancel.cancel();
    /// assert_eq!(context.run(async { 7 }).await, Err(ContextError::Cancelled));
    /// # });
    /// ```
    #[track_caller]
    pub fn run<F: Future>(&self, future: F) -> Run<F> {
        Run::new(self.clone(), future, Location::caller())
    }

    /// Calls `f` once when the context is done; at once if it is. Dropping the handle does not stop that.
    ///
    /// `f` runs on the thread that cancels (or that rings the deadline's alarm), inside [`Cancel::cancel`], after all
    /// waits have been woken: it should be short, and spawn what is not. In Go it has a goroutine of its own. A panic
    /// of `f` is reported by the panic hook and goes no further. If the context goes away without being cancelled,
    /// `f` is dropped, and so it is at once if the context can never be cancelled.
    ///
    /// ```
    /// use dormouse_sync::Context;
    ///
    /// let (context, cancel) = Context::background().with_cancel();
    /// context.after_func(|| println!("cleaning up"));
    /// let stopped = context.after_func(|| unreachable!());
    /// assert!(stopped.stop());
    /// cancel.cancel(); // prints
    /// ```
    pub fn after_func<F: FnOnce() + Send + 'static>(&self, f: F) -> AfterFunc {
        let Some(node) = &self.node else { return AfterFunc { at: None } };
        match node.add_call(Box::new(f)) {
            Ok(number) => AfterFunc { at: Some((node.clone(), number)) },
            Err(call) => {
                run(call);
                AfterFunc { at: Some((node.clone(), 0)) }
            }
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("err", &self.err())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

/// Cancels a [`Context`] and all below it: Go's `CancelFunc` and `CancelCauseFunc`. A clone is the same handle.
///
/// Dropping it cancels nothing: the context lives on for as long as others hold it. [`guard`](Cancel::guard) makes a
/// handle whose drop cancels, as Go's `defer cancel()`.
#[derive(Clone)]
#[doc(alias = "CancelFunc")]
#[must_use = "without it, the context is cancelled from above or by its deadline only"]
pub struct Cancel {
    node: Arc<Node>,
}

impl Cancel {
    /// Cancels the context and all below it. When it returns, each of them says that it is done, all who wait for that have
    /// been woken, and their functions were called. Does nothing if the context is done; another thread may be about
    /// to wake and to call then.
    ///
    /// The contexts are marked under one lock of the whole tree: a cancel of very many keeps whoever makes or drops a
    /// context of that tree waiting meanwhile.
    pub fn cancel(&self) {
        self.node.cancel(ContextError::Cancelled, None);
    }

    /// [`cancel`](Cancel::cancel) for a reason, which [`Context::cause`] tells: an error, or a text.
    pub fn cancel_because(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) {
        self.node.cancel(ContextError::Cancelled, Some(cause.into().into()));
    }

    /// A guard that cancels when it is dropped, also by a panic or an early return.
    ///
    /// ```
    /// # use dormouse_sync::Context;
    /// let (context, cancel) = Context::background().with_cancel();
    /// {
    ///     let _guard = cancel.guard(); // defer cancel()
    ///     assert!(!context.is_done());
    /// }
    /// assert!(context.is_done());
    /// ```
    pub fn guard(self) -> CancelGuard {
        CancelGuard { cancel: Some(self) }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("err", &self.node.err()).finish_non_exhaustive()
    }
}

/// Cancels a [`Context`] when it is dropped. From [`Cancel::guard`].
#[derive(Debug)]
#[must_use = "the context is cancelled as soon as the guard is dropped"]
#[clippy::has_significant_drop]
pub struct CancelGuard {
    /// There until it is disarmed.
    cancel: Option<Cancel>,
}

impl CancelGuard {
    /// The handle again; nothing is cancelled.
    pub fn disarm(mut self) -> Cancel {
        self.cancel.take().expect("only this takes it")
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(cancel) = &self.cancel {
            cancel.cancel();
        }
    }
}

/// A function that [`Context::after_func`] registered. It keeps the context alive; dropping it changes nothing else.
pub struct AfterFunc {
    /// `None` if the context can never be done.
    at: Option<(Arc<Node>, u64)>,
}

impl AfterFunc {
    /// Takes the function back and drops it: true. False if it was called, or is about to be.
    pub fn stop(self) -> bool {
        let Some((node, number)) = &self.at else { return true };
        let call: Option<Call> = node.take_call(*number);
        call.is_some()
    }
}

impl fmt::Debug for AfterFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterFunc").finish_non_exhaustive()
    }
}
