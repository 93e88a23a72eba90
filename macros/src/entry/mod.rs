//! `#[main]` and `#[test]`: an `async fn` becomes a function that builds a runtime and runs it there, or that runs it
//! under the simulator.
//!
//! `options` knows what stands in the attribute's parentheses, this file what may be below it and the code that comes
//! of it.
mod options;

use options::{Flavor, Options};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, ItemFn, Path, Result, ReturnType, parse_quote};

/// Which of the two attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Test,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Main => "#[dormouse::main]",
            Kind::Test => "#[dormouse::test]",
        }
    }
}

/// The function that the attribute makes, or an error as code.
pub(crate) fn entry(kind: Kind, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = match parse_function(kind, item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let made = options::parse(kind, arguments).and_then(|options| {
        check(kind, &function)?;
        Ok(expand(kind, &options, &function))
    });
    made.unwrap_or_else(|error| {
        let error = error.into_compile_error();
        // Without a main the compiler would complain of that too.
        let main = (function.sig.ident == "main").then(|| {
            quote!(
                fn main() {}
            )
        });
        quote!(#error #main)
    })
}

fn parse_function(kind: Kind, item: TokenStream) -> Result<ItemFn> {
    let name = kind.name();
    syn::parse2(item)
        .map_err(|error| Error::new(error.span(), format!("`{name}` stands before an `async fn`: {error}")))
}

/// Refuses functions that cannot be run this way.
fn check(kind: Kind, function: &ItemFn) -> Result<()> {
    let name = kind.name();
    let signature = &function.sig;
    let refuse = |tokens: &dyn ToTokens, says: &str| Err(Error::new_spanned(tokens.to_token_stream(), says));
    if signature.asyncness.is_none() {
        return refuse(
            &signature.fn_token,
            &format!("`{name}` needs an `async fn`: write `async` before `fn`"),
        );
    }
    if !signature.inputs.is_empty() {
        return refuse(&signature.inputs, &format!("a function under `{name}` takes no arguments"));
    }
    if !signature.generics.params.is_empty() {
        return refuse(&signature.generics, &format!("a function under `{name}` cannot be generic"));
    }
    if let Some(clause) = &signature.generics.where_clause {
        return refuse(clause, &format!("a function under `{name}` cannot have a `where` clause"));
    }
    if let Some(word) = &signature.unsafety {
        return refuse(word, &format!("a function under `{name}` cannot be `unsafe`"));
    }
    let is_test = |path: &Path| path.segments.last().is_some_and(|segment| segment.ident == "test");
    match function.attrs.iter().find(|attribute| is_test(attribute.path())) {
        Some(second) if kind == Kind::Test => {
            refuse(second, &format!("a second test attribute: `{name}` is one, and the test would run twice"))
        }
        _ => Ok(()),
    }
}

/// The function as a plain one around the function as it was written: so the compiler's messages on its body and its
/// return type are those of any `async fn`.
fn expand(kind: Kind, options: &Options, function: &ItemFn) -> TokenStream {
    let ItemFn { attrs, vis, sig, block } = function;
    let mut outer = sig.clone();
    outer.asyncness = None;
    let krate = options.krate.clone().unwrap_or_else(|| parse_quote!(::dormouse));
    let test = (kind == Kind::Test).then(|| quote!(#[::core::prelude::v1::test]));
    let site = Span::mixed_site();
    if let Some(seeds) = &options.sim {
        outer.output = ReturnType::Default;
        let name = &sig.ident;
        return quote_spanned! {site=>
            #(#attrs)*
            #test
            #vis #outer {
                #[allow(clippy::unused_async)]
                #sig #block
                #krate::sim::explore(#seeds, || #name());
            }
        };
    }
    let refused = match kind {
        Kind::Main => quote_spanned! {site=> {
            ::std::eprintln!("dormouse: {}", error);
            ::std::process::exit(1)
        }},
        Kind::Test => quote_spanned!(site=> ::core::panic!("dormouse: {}", error)),
    };
    let flavor = match options.flavor {
        Flavor::MultiThread => quote!(multi_thread),
        Flavor::CurrentThread => quote!(current_thread),
    };
    let workers = options.workers.as_ref().map(|workers| quote!(.worker_threads(#workers)));
    // A local body may be !Send: it is polled where it is. Any other is a task like all tasks.
    let run = if options.local { quote!(run_local_main) } else { quote!(run_main) };
    let name = &sig.ident;
    // The compiler points at the function's name if its future is not Send.
    let run = quote_spanned!(site.located_at(name.span())=> runtime.#run(#name()));
    quote_spanned! {site=>
        #(#attrs)*
        #test
        #vis #outer {
            #[allow(clippy::unused_async)]
            #sig #block
            let runtime = match #krate::runtime::Builder::#flavor()#workers.build() {
                ::core::result::Result::Ok(runtime) => runtime,
                ::core::result::Result::Err(error) => #refused,
            };
            #run
        }
    }
}

#[cfg(test)]
mod tests;
