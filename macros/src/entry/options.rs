//! What stands in the parentheses of `#[main(..)]` and `#[test(..)]`.
//!
//! ```text
//! options = [ option { "," option } [ "," ] ]
//! option  = "local" | "flavor" "=" ( "multi_thread" | "current_thread" as a string )
//!         | "workers" "=" EXPR | "crate" "=" ( PATH | PATH as a string )
//! ```
use super::Kind;
use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, ExprLit, Lit, LitStr, Path, Result, Token, UnOp};

const ALLOWED: &str =
    "`local`, `flavor = \"multi_thread\"` or `\"current_thread\"`, `workers = N`, `crate = \"PATH\"`";

/// Which runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavor {
    MultiThread,
    CurrentThread,
}

/// The options, checked.
pub(super) struct Options {
    /// Whether the body is polled on its own thread.
    pub(super) local: bool,
    pub(super) flavor: Flavor,
    /// How many workers, if that is said.
    pub(super) workers: Option<Expr>,
    /// The path of the facade, if that is said.
    pub(super) krate: Option<Path>,
}

/// The options as they are written.
#[derive(Default)]
struct Given {
    local: Option<()>,
    flavor: Option<Flavor>,
    workers: Option<Expr>,
    krate: Option<Path>,
}

pub(super) fn parse(kind: Kind, arguments: TokenStream) -> Result<Options> {
    let given = (|input: ParseStream<'_>| {
        let mut given = Given::default();
        while !input.is_empty() {
            parse_option(input, kind, &mut given)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(given)
    })
    .parse2(arguments)?;
    let flavor = match (given.flavor, &given.workers, kind) {
        (Some(Flavor::CurrentThread), Some(workers), _) => {
            return Err(Error::new_spanned(
                workers,
                "`current_thread` has one thread: leave out `workers`, or say `flavor = \"multi_thread\"`",
            ));
        }
        (Some(flavor), ..) => flavor,
        (None, None, Kind::Test) => Flavor::CurrentThread,
        (None, ..) => Flavor::MultiThread,
    };
    Ok(Options { local: given.local.is_some(), flavor, workers: given.workers, krate: given.krate })
}

fn parse_option(input: ParseStream<'_>, kind: Kind, given: &mut Given) -> Result<()> {
    let unknown = |span| Error::new(span, format!("`{}` knows {ALLOWED}", kind.name()));
    let name = input.call(Ident::parse_any).map_err(|error| unknown(error.span()))?;
    match name.to_string().as_str() {
        "local" if input.peek(Token![=]) => {
            Err(Error::new_spanned(name, "`local` takes no value: it is there or not"))
        }
        "local" => set(&mut given.local, &name, ()),
        "flavor" => {
            equals(input, &name)?;
            set(&mut given.flavor, &name, parse_flavor(input)?)
        }
        "workers" => {
            equals(input, &name)?;
            set(&mut given.workers, &name, parse_workers(input)?)
        }
        "crate" => {
            equals(input, &name)?;
            set(&mut given.krate, &name, parse_crate(input)?)
        }
        _ => Err(unknown(name.span())),
    }
}

fn set<T>(slot: &mut Option<T>, name: &Ident, value: T) -> Result<()> {
    match slot.replace(value) {
        Some(_) => Err(Error::new_spanned(name, format!("`{name}` is said twice"))),
        None => Ok(()),
    }
}

fn equals(input: ParseStream<'_>, name: &Ident) -> Result<()> {
    match input.parse::<Token![=]>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new_spanned(name, format!("`{name}` needs a value: `{name} = ..`"))),
    }
}

fn parse_flavor(input: ParseStream<'_>) -> Result<Flavor> {
    const SAYS: &str = "a flavor is \"multi_thread\" or \"current_thread\"";
    let text: LitStr = input.parse().map_err(|error| Error::new(error.span(), SAYS))?;
    match text.value().as_str() {
        "multi_thread" => Ok(Flavor::MultiThread),
        "current_thread" => Ok(Flavor::CurrentThread),
        _ => Err(Error::new_spanned(text, SAYS)),
    }
}

/// Any expression, evaluated when the runtime is built, which checks it. What is plainly no number of workers is told
/// at once.
fn parse_workers(input: ParseStream<'_>) -> Result<Expr> {
    let workers: Expr = input.parse()?;
    let wrong = match &workers {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_digits() == "0",
        Expr::Lit(_) => true,
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)),
        _ => false,
    };
    if wrong {
        return Err(Error::new_spanned(
            workers,
            "`workers` is a whole number from 1 on, or an expression for one",
        ));
    }
    Ok(workers)
}

fn parse_crate(input: ParseStream<'_>) -> Result<Path> {
    if !input.peek(LitStr) {
        return input.call(Path::parse_mod_style);
    }
    let text: LitStr = input.parse()?;
    text.parse_with(Path::parse_mod_style).map_err(|_| {
        Error::new_spanned(&text, "`crate` is the path of the dormouse crate, such as \"::dormouse\"")
    })
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
