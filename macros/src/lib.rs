//! The procedural macros of dormouse: the parser and code generator of `select!`, `#[main]` and `#[test]`.
//!
//! A program uses them through the facade `dormouse`, and `select!` also through `dormouse-chan`. This crate is
//! published because they need it; its interface follows theirs and may change with any release.
#![forbid(unsafe_code)]

mod entry;
mod select;

use entry::Kind;
use proc_macro::TokenStream;

/// Runs an `async fn main` on a runtime.
///
/// The runtime is built, the function's body is spawned on it as a task like any other, and main's thread works as one
/// of the workers until the body is done. Then the runtime shuts down: what still runs is cancelled and dropped.
///
/// The function takes no arguments, and returns what a `main` may return. Other functions may have the attribute too:
/// each call builds a runtime.
///
/// # Options
/// | option | what it says |
/// |---|---|
/// | `flavor = "multi_thread"` | tasks run on several threads: the default |
/// | `flavor = "current_thread"` | all tasks run on main's thread |
/// | `workers = N` | how many threads run tasks: an expression, 1 or more. Without it, the variable `DORMOUSE_WORKERS`, else what this process may use |
/// | `local` | the body need not be `Send`: it is polled by `block_on`, on main's thread |
/// | `crate = "PATH"` | where dormouse is, if not at `::dormouse` |
///
/// # Errors
/// If the runtime cannot be built (`DORMOUSE_WORKERS` is no number, say), the reason is printed on stderr and the
/// process ends with exit code 1.
///
/// # Panics
/// A panic of the body goes on in main.
///
/// # Examples
/// ```
/// # extern crate self as dormouse;
/// # pub use dormouse_macros::main;
/// # pub mod runtime { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mock/runtime.rs")); }
/// #[dormouse::main]
/// async fn main() -> Result<(), std::num::ParseIntError> {
///     let n: u8 = std::future::ready("42").await.parse()?;
///     println!("{n}");
///     Ok(())
/// }
/// ```
/// A body that holds something that is not `Send` across an `.await`:
/// ```
/// # extern crate self as dormouse;
/// # pub use dormouse_macros::main;
/// # pub mod runtime { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mock/runtime.rs")); }
/// #[dormouse::main(local, workers = 4)]
/// async fn main() {
///     let shared = std::rc::Rc::new(1);
///     std::future::ready(()).await;
///     println!("{shared}");
/// }
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::entry(Kind::Main, arguments.into(), item.into()).into()
}

/// Makes a test of an `async fn`, with a runtime of its own.
///
/// The options are those of [`main`](macro@main), with one difference: the default flavor is `"current_thread"`, unless
/// `workers` is said. `#[should_panic]`, `#[ignore]` and a `Result` as return type work as in any test.
///
/// Two more run the test under the simulator, `dormouse::sim`, on one thread and with virtual time:
///
/// | option | what it says |
/// |---|---|
/// | `sim` | the test runs under the simulator, once, with seed 0; the body need not be `Send` |
/// | `sim, seeds = N` | it runs N times, with the seeds from 0 on; N is an expression, 1 or more |
///
/// The variable `DORMOUSE_SEED` repeats the run of one seed, `DORMOUSE_SEEDS` sets the number of seeds.
///
/// # Panics
/// The test fails if the runtime cannot be built, if its body panics, or if the simulated run fails.
///
/// # Examples
/// ```
/// # extern crate self as dormouse;
/// # pub use dormouse_macros::test;
/// # pub mod runtime { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mock/runtime.rs")); }
/// #[dormouse::test]
/// async fn adds_up() {
///     assert_eq!(std::future::ready(1).await + 1, 2);
/// }
///
/// #[dormouse::test(workers = 2)]
/// async fn parses() -> Result<(), std::num::ParseIntError> {
///     assert_eq!("2".parse::<u8>()?, 2);
///     Ok(())
/// }
/// # fn main() {}
/// ```
/// ```
/// # extern crate self as dormouse;
/// # pub use dormouse_macros::test;
/// # pub mod sim { pub fn explore<F>(_seeds: u64, _body: impl FnMut() -> F) {} }
/// #[dormouse::test(sim, seeds = 500)]
/// async fn in_any_order() {
///     assert_eq!(std::future::ready(1).await + 1, 2);
/// }
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::entry(Kind::Test, arguments.into(), item.into()).into()
}

/// What `dormouse_chan::select!` expands to: the path of the chan crate in parentheses, then the user's arms.
#[doc(hidden)]
#[proc_macro]
pub fn select_internal(input: TokenStream) -> TokenStream {
    select::select(input.into()).unwrap_or_else(|error| error.into_compile_error()).into()
}
