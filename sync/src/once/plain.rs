//! `Once`: something that is done once. A cell without a value.
use super::OnceCell;
use dormouse_wait::frame::Reason;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// Something that is done once, by the first one who comes; those who come meanwhile wait until it is done: Go's `sync.Once`.
///
/// If the future panics or is dropped half-way, it is not done, and exactly one of those who wait tries again, with its
/// own. (Go counts a panic as done.)
///
/// ```
/// use dormouse_sync::Once;
///
/// static WELCOME: Once = Once::new();
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// for _ in 0..3 {
///     WELCOME.call_once(|| async { println!("welcome") }).await; // prints once
/// }
/// assert!(WELCOME.is_completed());
/// # });
/// ```
#[derive(Default)]
pub struct Once {
    cell: OnceCell<()>,
}

impl Once {
    const_fn! {
        /// Nothing has been done.
        pub const fn new() -> Self {
            Once { cell: OnceCell::new() }
        }
    }

    /// Runs the future that `f` gives, unless one has finished; if one is running, waits for it. When this is ready, it is
    /// done.
    ///
    /// # Cancel safety
    /// Dropped while its future runs, it drops that, and one of those who wait runs its own instead. Dropped while it
    /// waits, it has no effect.
    ///
    /// # Panics
    /// As the future does.
    ///
    /// # Fairness
    /// As that of [`OnceCell`](OnceCell#fairness).
    #[track_caller]
    #[doc(alias = "do")]
    pub fn call_once<'a, F, Fut>(&'a self, f: F) -> impl Future<Output = ()> + use<'a, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = ()>,
    {
        let made = self.cell.make(Reason::OnceDo, Location::caller(), || async {
            f().await;
            Ok::<(), Infallible>(())
        });
        async move {
            let Ok(()) = made.await;
        }
    }

    /// [`call_once`](Once::call_once) for a plain thread: it runs `f`, or sleeps until somebody else has.
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `call_once(..).await` there. And as `f` does.
    #[track_caller]
    pub fn call_once_blocking(&self, f: impl FnOnce()) {
        self.cell.make_blocking("Once::call_once_blocking", "call_once(..).await", f);
    }

    /// Has it been done?
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.cell.is_set()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("completed", &self.is_completed()).finish()
    }
}
