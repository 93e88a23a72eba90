//! Go's concurrency for async Rust: tasks, channels, `select!`, and the runtime that runs them.
//!
//! This page is a walk for those who know Go. Each program is whole: put it into `src/main.rs`.
//!
//! # The `go` statement
//!
//! ```
//! use dormouse::prelude::*;
//!
//! async fn say_hello() {
//!     println!("Hello from a goroutine!");
//! }
//!
//! #[dormouse::main]
//! async fn main() {
//!     go(say_hello()); // starts it, and goes on
//!     println!("Hello from main!");
//!     time::sleep(Duration::from_millis(10)).await; // give it time to run
//! }
//! ```
//!
//! [`go`] is Go's statement; [`spawn`] is the same with a handle: `spawn(f).await` gives what the task returned, or
//! says that it panicked. A task is a future in one small allocation, so a million of them are nothing special.
//! As in Go, the program ends when `main` returns; unlike in Go, the destructors of the other tasks run first.
//!
//! # Channels
//!
//! `make(chan T)` is [`chan::bounded`]`(0)`, a rendezvous: a send completes when a receiver has the value.
//! `make(chan T, n)` is `bounded(n)`. The two directions are two types, and both can be cloned.
//!
//! ```
//! use dormouse::prelude::*;
//!
//! #[dormouse::main]
//! async fn main() {
//!     let (ch, messages) = chan::bounded(0);
//!     go(async move {
//!         ch.send("ping").await.unwrap(); // ch <- "ping"
//!     });
//!     let message = messages.recv().await; // <-messages
//!     assert_eq!(message, Some("ping"));
//! }
//! ```
//!
//! # `close` and `range`
//!
//! `recv` gives an `Option`: Go's `v, ok := <-ch`. A channel closes when its last sender is dropped, or by `close()`;
//! what is buffered can still be received.
//!
//! ```
//! use dormouse::prelude::*;
//!
//! #[dormouse::main]
//! async fn main() {
//!     let (jobs, todo) = chan::bounded(5);
//!     let (done, results) = chan::bounded(5);
//!     for worker in 1..=3 {
//!         let (todo, done) = (todo.clone(), done.clone());
//!         go(async move {
//!             while let Some(job) = todo.recv().await { // for job := range jobs
//!                 println!("worker {worker}: job {job}");
//!                 done.send(job * 2).await.unwrap();
//!             }
//!         });
//!     }
//!     drop(done); // only the workers hold it now
//!     for job in 1..=5 {
//!         jobs.send(job).await.unwrap();
//!     }
//!     jobs.close();
//!     let mut sum = 0;
//!     while let Some(result) = results.recv().await {
//!         sum += result;
//!     }
//!     assert_eq!(sum, 30);
//! }
//! ```
//!
//! # `select`
//!
//! ```
//! use dormouse::prelude::*;
//!
//! #[dormouse::main]
//! async fn main() {
//!     let (quit, quitting) = chan::bounded::<()>(0);
//!     let (numbers, squares) = chan::bounded(0);
//!     let reader = squares.clone();
//!     go(async move {
//!         for _ in 0..3 {
//!             println!("{:?}", reader.recv().await);
//!         }
//!         quit.close();
//!     });
//!     let mut n = 0;
//!     loop {
//!         select! {
//!             send(numbers, n * n) -> sent => { sent.unwrap(); n += 1 },
//!             recv(quitting) -> _ => break,
//!             _ = time::sleep(Duration::from_secs(5)) => panic!("nobody reads"),
//!         }
//!     }
//!     assert_eq!(n, 3);
//! }
//! ```
//!
//! (`squares` stays here, so that the channel does not close when the reader ends: a send on a closed channel is ready,
//! with an error.) Exactly one arm happens, chosen at random among those that are ready. Besides channel operations, an arm can be any
//! future. Every future of this crate may be dropped at any moment: no value and no wake-up is lost. See [`select!`].
//!
//! # `sync`
//!
//! ```
//! use dormouse::prelude::*;
//! use std::sync::Arc;
//!
//! #[dormouse::main]
//! async fn main() {
//!     let wg = WaitGroup::new();
//!     let count = Arc::new(Mutex::new(0));
//!     for _ in 0..10 {
//!         let count = count.clone();
//!         go(wg.track(async move { // wg.Go(func() { ... })
//!             *count.lock().await += 1;
//!         }));
//!     }
//!     wg.wait().await;
//!     assert_eq!(*count.lock().await, 10);
//! }
//! ```
//!
//! # Groups of tasks
//!
//! ```
//! use dormouse::prelude::*;
//!
//! task::local!(static NUMBER: u32); // a value per task
//!
//! async fn check() -> Result<(), String> {
//!     time::sleep(Duration::from_millis(1)).await;
//!     let number = NUMBER.get();
//!     if number == 3 { Err(format!("{number} is no good")) } else { Ok(()) }
//! }
//!
//! #[dormouse::main]
//! async fn main() {
//!     let mut group = task::Group::new().limit(2); // errgroup: the first error ends all
//!     for number in 0..10 {
//!         group.go(NUMBER.scope(number, check())).await;
//!     }
//!     assert_eq!(group.wait().await, Err("3 is no good".into()));
//! }
//! ```
//!
//! [`task::JoinSet`] gives the results of tasks as they end.
//!
//! # What differs from Go
//!
//! - **Tasks are not pre-empted.** A task gives its thread up at an `.await` that has to wait. Work that computes or
//!   blocks for long belongs into [`task::spawn_blocking`] or [`task::block_in_place`]. Elsewhere it does not stall the
//!   other tasks either, but they wait a moment for it: see [`runtime::Builder::blocked_after`].
//! - **Futures are lazy**: `ch.send(v)` without `.await` does nothing, and the compiler says so.
//! - **A closed channel does not panic**: a send returns the value in its error. Dropping the last receiver closes too,
//!   so that a sender cannot wait for ever for somebody who is gone.
//! - **A panic of a task** does not end the program: it reaches whoever awaits its handle; for a task that nobody
//!   awaits it is reported on stderr, or, with [`runtime::OnPanic::Abort`], ends the program as Go does.
//! - **A nil channel** is [`chan::never`], or an arm of `select!` whose operand is `None`.
//!
//! # The crates
//!
//! Channels and locks know no executor: `dormouse-chan` and `dormouse-sync` serve on tokio as well. This crate puts them
//! together with the runtime, `dormouse-executor`, and its sockets, `dormouse-net`.
//!
//! With the feature `http`, `net::http::serve` runs hyper, tower and axum services. The guide in the repository has a chapter on
//! services, `docs/service.md`: from the listening socket to a clean shutdown.

pub use dormouse_chan::select;
pub use dormouse_executor::task::{go, spawn};
pub use dormouse_executor::{runtime, sim, task, time};
pub use dormouse_macros::{main, test};

/// Channels: [`bounded`](chan::bounded), [`unbounded`](chan::unbounded), [`never`](chan::never), and `select!`.
pub mod chan {
    #[doc(inline)]
    pub use dormouse_chan::*;
}

/// What channels are not for: [`WaitGroup`](sync::WaitGroup), [`Mutex`](sync::Mutex), [`Semaphore`](sync::Semaphore) and
/// their like.
pub mod sync {
    #[doc(inline)]
    pub use dormouse_sync::*;
}

/// Files and directories: [`File`](fs::File), [`read`](fs::read), [`read_dir`](fs::read_dir) and the rest of `std::fs`'s names.
pub mod fs {
    #[doc(inline)]
    pub use dormouse_net::fs::*;
}

/// Reading and writing bytes: [`stdin`](io::stdin), [`stdout`](io::stdout), [`copy`](io::copy), [`duplex`](io::duplex), and
/// the traits and adapters of `futures::io`.
pub mod io {
    #[doc(inline)]
    pub use dormouse_net::io::*;
}

/// Sockets: [`TcpListener`](net::TcpListener), [`TcpStream`](net::TcpStream) and the rest of them.
/// With the feature `http`, `net::http` serves HTTP.
pub mod net {
    #[doc(inline)]
    pub use dormouse_net::*;
}

/// Programs as child processes: [`Command`](process::Command).
#[cfg(unix)]
pub mod process {
    #[doc(inline)]
    pub use dormouse_net::process::*;
}

/// Signals of the system: [`ctrl_c`](signal::ctrl_c), [`shutdown`](signal::shutdown), and any other as a stream.
#[cfg(unix)]
pub mod signal {
    #[doc(inline)]
    pub use dormouse_net::signal::*;
}

/// What most programs use: `use dormouse::prelude::*;`.
///
/// ```
/// use dormouse::prelude::*;
///
/// dormouse::runtime::block_on(async {
///     let (tx, rx) = chan::bounded(1);
///     let task = spawn(async move { rx.recv().await });
///     tx.send(time::Instant::now()).await.unwrap();
///     assert!(task.await.unwrap().is_some());
/// });
/// ```
pub mod prelude {
    pub use crate::chan::{self, Receiver, Sender, bounded, unbounded};
    pub use crate::sync::{self, Context, Mutex, WaitGroup};
    pub use crate::task::{self, JoinHandle, go, spawn};
    pub use crate::time::{self, Duration, Instant};
    pub use crate::{runtime, select, sim};
}

/// README's programs compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The guide's programs compile and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/channels.md")]
struct Channels;

/// The guide's programs compile and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/blocking.md")]
struct Blocking;

/// The guide's programs compile and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/sync.md")]
struct Sync;

/// The guide's programs compile and run.
#[cfg(all(doctest, feature = "http"))]
#[doc = include_str!("../docs/service.md")]
struct Service;
