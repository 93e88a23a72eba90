//! `select!`: from the user's tokens to the code that waits.
//!
//! `parse` knows the grammar and its error messages, `expand` and `look` the generated code. None knows how a select waits:
//! that is in dormouse-chan, behind the names of its `__private` module.
mod expand;
mod look;
mod names;
mod parse;

use proc_macro2::TokenStream;

pub(crate) fn select(input: TokenStream) -> syn::Result<TokenStream> {
    Ok(expand::expand(&syn::parse2::<parse::Select>(input)?))
}
