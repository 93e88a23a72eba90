//! What stands in the parentheses of `#[main(..)]` and `#[test(..)]`.
//!
//! ```text
//! options = [ option { "," option } [ "," ] ]
//! option  = "local" | "flavor" "=" ( "multi_thread" | "current_thread" as a string )
//!         | "workers" "=" EXPR | "crate" "=" ( PATH | PATH as a string )
//!         | "sim" | "seeds" "=" EXPR            (of a test)
//! ```
use super::Kind;
use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, ExprLit, Lit, LitStr, Path, Result, Token, UnOp, parse_quote};

fn allowed(kind: Kind) -> &'static str {
    match kind {
        Kind::Main => {
            "`local`, `flavor = \"multi_thread\"` or `\"current_thread\"`, `workers = N`, `crate = \"PATH\"`"
        }
        Kind::Test => {
            "`local`, `flavor = \"multi_thread\"` or `\"current_thread\"`, `workers = N`, `crate = \"PATH\"`, `sim`, \
             `seeds = N`"
        }
    }
}

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
    /// Whether a simulator runs it, and then under how many seeds.
    pub(super) sim: Option<Expr>,
}

/// The options as they are written.
#[derive(Default)]
struct Given {
    local: Option<()>,
    flavor: Option<Flavor>,
    workers: Option<Expr>,
    krate: Option<Path>,
    sim: Option<Ident>,
    seeds: Option<(Ident, Expr)>,
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
    let sim = simulated(&given)?;
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
    Ok(Options { local: given.local.is_some(), flavor, workers: given.workers, krate: given.krate, sim })
}

/// How many seeds a simulated test has.
fn simulated(given: &Given) -> Result<Option<Expr>> {
    let Some(sim) = &given.sim else {
        return match &given.seeds {
            Some((name, _)) => {
                Err(Error::new_spanned(name, "`seeds` are the simulator's: write `sim, seeds = N`"))
            }
            None => Ok(None),
        };
    };
    if given.local.is_some() || given.flavor.is_some() || given.workers.is_some() {
        return Err(Error::new_spanned(
            sim,
            "a simulated test runs on one thread, and need not be `Send`: leave out `local`, `flavor` and `workers`",
        ));
    }
    Ok(Some(given.seeds.as_ref().map_or_else(|| parse_quote!(1), |(_, seeds)| seeds.clone())))
}

fn parse_option(input: ParseStream<'_>, kind: Kind, given: &mut Given) -> Result<()> {
    let unknown = |span| Error::new(span, format!("`{}` knows {}", kind.name(), allowed(kind)));
    let name = input.call(Ident::parse_any).map_err(|error| unknown(error.span()))?;
    match name.to_string().as_str() {
        "local" if input.peek(Token![=]) => {
            Err(Error::new_spanned(name, "`local` takes no value: it is there or not"))
        }
        "local" => set(&mut given.local, &name, ()),
        "sim" if kind == Kind::Test && input.peek(Token![=]) => Err(Error::new_spanned(
            name,
            "`sim` takes no value: for more than one run, write `sim, seeds = N`",
        )),
        "sim" if kind == Kind::Test => set(&mut given.sim, &name, name.clone()),
        "seeds" if kind == Kind::Test => {
            equals(input, &name)?;
            set(&mut given.seeds, &name, (name.clone(), parse_number("seeds", input)?))
        }
        "flavor" => {
            equals(input, &name)?;
            set(&mut given.flavor, &name, parse_flavor(input)?)
        }
        "workers" => {
            equals(input, &name)?;
            set(&mut given.workers, &name, parse_number("workers", input)?)
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

/// Any expression, evaluated when the runtime is built, which checks it. What is plainly no number from 1 on is told at
/// once.
fn parse_number(what: &str, input: ParseStream<'_>) -> Result<Expr> {
    let number: Expr = input.parse()?;
    let wrong = match &number {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_digits() == "0",
        Expr::Lit(_) => true,
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)),
        _ => false,
    };
    if wrong {
        return Err(Error::new_spanned(
            number,
            format!("`{what}` is a whole number from 1 on, or an expression for one"),
        ));
    }
    Ok(number)
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
