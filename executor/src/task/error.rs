//! Why a task gave no result, and what happens to a panic that nobody joins.
use super::id::Id;
use super::origin::Origin;
use crate::panics::{self, Payload};
use std::any::Any;
use std::fmt;
use std::sync::Mutex;

/// What to do about the panic of a task that nobody joins: one spawned by [`go`](super::go), or whose handle was
/// dropped without being awaited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnPanic {
    /// Say on stderr which task it was, and where it was spawned. The others go on.
    #[default]
    Report,
    /// Say so, and end the process with exit code 2, as Go does.
    Abort,
}

/// Why a task gave no result: it [panicked](JoinError::is_panic), or it was [cancelled](JoinError::is_cancelled).
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// let error = task::spawn(async { panic!("no luck") }).await.unwrap_err();
/// assert!(error.is_panic());
/// assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"no luck"));
/// # });
/// ```
pub struct JoinError(Box<Inner>);

struct Inner {
    id: Id,
    cause: Cause,
}

enum Cause {
    Cancelled,
    Panic { payload: Mutex<Payload>, origin: Origin, on_panic: OnPanic },
}

impl JoinError {
    pub(crate) fn cancelled(id: Id) -> JoinError {
        JoinError(Box::new(Inner { id, cause: Cause::Cancelled }))
    }

    pub(crate) fn panicked(id: Id, payload: Payload, origin: Origin, on_panic: OnPanic) -> JoinError {
        let cause = Cause::Panic { payload: Mutex::new(payload), origin, on_panic };
        JoinError(Box::new(Inner { id, cause }))
    }

    /// Did the task panic?
    pub fn is_panic(&self) -> bool {
        matches!(self.0.cause, Cause::Panic { .. })
    }

    /// Was the task aborted, by a handle or by the end of its runtime?
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.cause, Cause::Cancelled)
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.0.id
    }

    /// The panic's payload, as for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    /// If the task was cancelled.
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        self.try_into_panic().expect("`JoinError::into_panic` of a task that did not panic: it was cancelled")
    }

    /// The panic's payload.
    ///
    /// # Errors
    /// The error itself, if the task was cancelled.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        match self.0.cause {
            Cause::Panic { payload, .. } => {
                Ok(payload.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
            }
            Cause::Cancelled => Err(self),
        }
    }

    /// The same error of the task with this id: a task that was never registered does not know its own.
    pub(crate) fn of(mut self, id: Id) -> JoinError {
        self.0.id = id;
        self
    }

    /// Nobody has read this error: the policy decides.
    pub(crate) fn unread(self) {
        let Inner { id, cause } = *self.0;
        let Cause::Panic { payload, origin, on_panic } = cause else { return };
        let payload = payload.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        panics::say_unjoined(format_args!(
            "task {id}{}, spawned at {}, panicked, and nobody joins it: {}",
            origin.quoted_name(),
            origin.spawned(),
            panics::message(&payload)
        ));
        if on_panic == OnPanic::Abort {
            std::process::exit(2);
        }
        panics::forget(payload);
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0.id;
        match &self.0.cause {
            Cause::Cancelled => write!(f, "task {id} was cancelled"),
            Cause::Panic { payload, origin, .. } => {
                let payload = panics::lock(payload);
                write!(f, "task {id}{} panicked: {}", origin.quoted_name(), panics::message(&payload))
            }
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.cause {
            Cause::Cancelled => write!(f, "JoinError::Cancelled({:?})", self.0.id),
            Cause::Panic { payload, .. } => {
                write!(f, "JoinError::Panic({:?}, {:?})", self.0.id, panics::message(&panics::lock(payload)))
            }
        }
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for std::io::Error {
    fn from(error: JoinError) -> std::io::Error {
        std::io::Error::other(error)
    }
}
