//! Task-local values: a value for the length of a future, or of a function.
//!
//! The value lives in the scope, that is, in its future; a thread-local pointer leads there while the future is polled
//! or dropped, or the function runs. So a scope costs two stores per poll, moves with its task between threads, and
//! scopes nest as calls do: the guard that sets the pointer puts the one before back, also when a panic unwinds.
//!
//! L1: while the pointer of a key is set, the value is borrowed by the frame that set it, further out on the same stack.
//!
//! Rejected: swapping the value into the thread and back at each poll (it moves the value twice, and who borrows it
//! cannot enter another scope of that key); a map per task (an allocation, and every task pays for it).
//!
//! Checked by `tests/local.rs`.
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll, ready};
use std::thread;

/// Declares task-local values: statics of the type [`LocalKey`](crate::task::LocalKey).
///
/// `dormouse::task::local! { [pub] static NAME: Type; ... }`, as many as you like, with attributes as any static. There is
/// no initial value: one is given for the length of a future, with [`LocalKey::scope`](crate::task::LocalKey::scope).
///
/// ```
/// # use dormouse_executor as dormouse;
/// dormouse::task::local! {
///     /// Whose request this is.
///     static USER: String;
/// }
///
/// async fn greet() -> String {
///     USER.with(|user| format!("hello, {user}"))
/// }
///
/// # dormouse::runtime::block_on(async {
/// let greeting = dormouse::task::spawn(USER.scope("Ann".into(), async {
///     dormouse::task::yield_now().await; // wherever it goes on
///     greet().await
/// }));
/// assert_eq!(greeting.await.unwrap(), "hello, Ann");
/// # });
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __task_local {
    () => {};
    ($(#[$attribute:meta])* $visible:vis static $name:ident: $type:ty; $($rest:tt)*) => {
        $crate::__task_local!($(#[$attribute])* $visible static $name: $type);
        $crate::__task_local!($($rest)*);
    };
    ($(#[$attribute:meta])* $visible:vis static $name:ident: $type:ty) => {
        $(#[$attribute])*
        $visible static $name: $crate::task::LocalKey<$type> = {
            ::std::thread_local! {
                static VALUE: $crate::task::local::Pointer<$type> = const { $crate::task::local::Pointer::null() };
            }
            $crate::task::LocalKey::new(&VALUE)
        };
    };
}

/// A task-local value: declared by [`local!`](crate::task::local!), given for the length of a [`scope`](LocalKey::scope).
///
/// Who reads it, by [`with`](LocalKey::with) or [`get`](LocalKey::get), sees the value of the innermost scope that is
/// being polled on this thread. A task that is spawned inside a scope is not part of it: give it a scope of its own.
/// (But a thread that runs a runtime's tasks within a scope, as `block_on` does in the function of
/// [`sync_scope`](LocalKey::sync_scope), is in that scope meanwhile.)
pub struct LocalKey<T: 'static> {
    value: &'static thread::LocalKey<Pointer<T>>,
}

/// Where the value of a key is, on this thread: for the macro.
#[doc(hidden)]
#[derive(Debug)]
pub struct Pointer<T>(Cell<*const T>);

impl<T> Pointer<T> {
    /// Nowhere.
    pub const fn null() -> Pointer<T> {
        Pointer(Cell::new(ptr::null()))
    }
}

impl<T: 'static> LocalKey<T> {
    /// For the macro.
    #[doc(hidden)]
    pub const fn new(value: &'static thread::LocalKey<Pointer<T>>) -> LocalKey<T> {
        LocalKey { value }
    }

    /// Runs `f` while this key has `value`, or none.
    fn enter<R>(&'static self, value: Option<&T>, f: impl FnOnce() -> R) -> R {
        struct Back<T: 'static>(&'static LocalKey<T>, *const T);
        impl<T> Drop for Back<T> {
            fn drop(&mut self) {
                self.0.replace(self.1);
            }
        }
        let _back = Back(self, self.replace(value.map_or(ptr::null(), ptr::from_ref)));
        f()
    }

    fn replace(&'static self, value: *const T) -> *const T {
        self.value.with(|pointer| pointer.0.replace(value))
    }

    /// A future that runs `future` with `value` in this key.
    ///
    /// The value is there whenever `future` is polled, and when it is dropped. It is dropped itself after `future`, with
    /// the scope: by then, the key has what it had outside.
    ///
    /// # Cancel safety
    /// As `future`'s.
    ///
    /// ```
    /// # use dormouse_executor as dormouse;
    /// dormouse::task::local!(static DEPTH: u32);
    /// # dormouse::runtime::block_on(async {
    /// DEPTH.scope(1, async {
    ///     DEPTH.scope(2, async { assert_eq!(DEPTH.get(), 2) }).await;
    ///     assert_eq!(DEPTH.get(), 1);
    /// }).await;
    /// assert!(DEPTH.try_get().is_err());
    /// # });
    /// ```
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> Scope<T, F> {
        Scope { key: self, value: Some(value), future: Some(future) }
    }

    /// Runs `f` with `value` in this key, and gives what it returns.
    ///
    /// # Panics
    /// If `f` does; the key has its former value then.
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        self.enter(Some(&value), f)
    }

    /// Calls `f` with the value.
    ///
    /// # Panics
    /// Outside of every scope of this key.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.current() {
            Some(value) => f(value),
            None => none(),
        }
    }

    /// Calls `f` with the value.
    ///
    /// # Errors
    /// Outside of every scope of this key; `f` is not called.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.current().map(f).ok_or(AccessError(()))
    }

    /// A clone of the value.
    ///
    /// # Panics
    /// Outside of every scope of this key.
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// A clone of the value.
    ///
    /// # Errors
    /// Outside of every scope of this key.
    pub fn try_get(&'static self) -> Result<T, AccessError>
    where
        T: Clone,
    {
        self.try_with(T::clone)
    }

    /// The value; the caller gives it to a function that returns before the caller does.
    fn current<'a>(&'static self) -> Option<&'a T> {
        let value = self.value.with(|pointer| pointer.0.get());
        // SAFETY: L1; the caller is further in on the stack than who set the pointer.
        unsafe { value.as_ref() }
    }
}

#[cold]
#[track_caller]
fn none() -> ! {
    panic!(
        "dormouse: a task-local value was read outside of every `scope` of its key; `try_with` tells instead"
    )
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// The future of [`LocalKey::scope`].
#[must_use = "futures do nothing unless awaited"]
#[pin_project(PinnedDrop)]
pub struct Scope<T: 'static, F> {
    key: &'static LocalKey<T>,
    /// Until it is taken. Dropped after the future.
    value: Option<T>,
    /// Until it is done.
    #[pin]
    future: Option<F>,
}

impl<T: 'static, F> Scope<T, F> {
    /// The value, taken out of the scope: after the future's end, or before, when it is to go on without. `None` if it was
    /// taken before.
    ///
    /// ```
    /// # use dormouse_executor as dormouse;
    /// # use std::{cell::Cell, pin::pin};
    /// dormouse::task::local!(static COUNT: Cell<u32>);
    /// # dormouse::runtime::block_on(async {
    /// let mut counted = pin!(COUNT.scope(Cell::new(0), async { COUNT.with(|count| count.set(count.get() + 1)) }));
    /// counted.as_mut().await;
    /// assert_eq!(counted.take_value(), Some(Cell::new(1)));
    /// # });
    /// ```
    pub fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.project().value.take()
    }
}

impl<T: 'static, F: Future> Future for Scope<T, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        this.key.enter(this.value.as_ref(), || {
            let future = this.future.as_mut().as_pin_mut();
            let output = ready!(
                future.expect("the future of `LocalKey::scope` was polled after it was ready").poll(cx)
            );
            this.future.set(None);
            Poll::Ready(output)
        })
    }
}

impl<T: 'static, F: Future> FusedFuture for Scope<T, F> {
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}

#[pinned_drop]
impl<T: 'static, F> PinnedDrop for Scope<T, F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.future.is_some() {
            this.key.enter(this.value.as_ref(), || this.future.set(None));
        }
    }
}

impl<T: 'static + fmt::Debug, F> fmt::Debug for Scope<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("value", &self.value).finish_non_exhaustive()
    }
}

/// A task-local value was read outside of every scope of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError(());

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task-local value is not set: there is no scope of its key here")
    }
}

impl std::error::Error for AccessError {}
