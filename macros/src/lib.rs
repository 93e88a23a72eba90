//! The procedural macros of dormouse: the parser and code generator of `select!`, `#[main]` and `#[test]`.
//!
//! A program uses them through the facade `dormouse`, and `select!` also through `dormouse-chan`. This crate is
//! published because they need it; its interface follows theirs and may change with any release.
#![forbid(unsafe_code)]

mod select;

use proc_macro::TokenStream;

/// What `dormouse_chan::select!` expands to: the path of the chan crate in parentheses, then the user's arms.
#[doc(hidden)]
#[proc_macro]
pub fn select_internal(input: TokenStream) -> TokenStream {
    select::select(input.into()).unwrap_or_else(|error| error.into_compile_error()).into()
}
