//! The first look: straight code over the operands, before anything of a channel arm is pinned.
//!
//! ```text
//! let looked = {
//!     let mut a0 = a0; ..                                             // the operands of the channel arms
//!     let mut draw = Draw::new(3, false);
//!     let looked = 'look: {                                         // with futures: in the first poll of a poll_fn
//!         match draw.first() { as below }                           // if there are many arms
//!         draw.hints(|| a bit for each arm that may be ready);
//!         while let Some(arm) = draw.next() {
//!             match arm {
//!                 0 => if let Some(got) = a0.attempt() { break 'look Some(__DormouseOut::A0(got)) },
//!                 1 => match f1.as_mut().poll(cx) { .. },
//!             }
//!         }
//!         None
//!     };
//!     match looked {
//!         Some(got) => { a0.discard(); ..  Ok(what was got, finished) }
//!         None => Err((draw.looked(), a0, ..)),                     // moved on, to wait
//!     }
//! };
//! ```
//! - A loser's value is dropped before the winner's outcome leaves its guard: if that drop panics, what was received goes
//!   back. A winner's operands are empty, and their `discard` does nothing.
//! - The operands are moved in and out: what was borrowed here has ended before the wait, whose future does not keep it.
//! - `poll_fn(..).await` never waits: it is how code gets at the task's context.
//! - Biased, the second channel arm wins only if the first is not ready while the second's channel is locked. That a later
//!   one wins needs all locks: that is the engine's.
use super::names::{channels, local, number, numbered, poll_future, unreachable, variant};
use super::parse::{Operation, Select};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

/// With more arms than these, one is drawn before any hint is read: it is likely to be ready.
const FEW: usize = 4;

/// The look, as an expression: `Ok(__DormouseOut)`, or `Err((Looked, operands..))`.
pub(super) fn look(select: &Select) -> TokenStream {
    let site = Span::mixed_site();
    let krate = &select.krate;
    let names: Vec<Ident> = channels(select).map(|(i, _)| local("a", i)).collect();
    let new = Ident::new(if select.default.is_some() { "with_default" } else { "new" }, site);
    let (count, biased) = (number(select.arms.len()), select.biased);
    let mut looked = search(select);
    if names.len() < select.arms.len() {
        looked = quote_spanned! {site=>
            ::core::future::poll_fn(|cx| ::core::task::Poll::Ready(#looked)).await
        };
    }
    let finishes = numbered(select).map(|(i, arm)| {
        let variant = variant(i);
        let finished = match arm.operation {
            Operation::Future(_) => quote_spanned!(site=> got),
            _ => quote_spanned!(site=> got.finish()),
        };
        quote_spanned!(site=> __DormouseOut::#variant(got) => __DormouseOut::#variant(#finished),)
    });
    let (default, otherwise) = last_resorts(select);
    let not_ready = not_ready(select, &names);
    quote_spanned! {site=> {
        #(#[allow(unused_mut)] let mut #names = #names;)*
        let mut draw = #krate::__private::Draw::#new(#count, #biased);
        let looked = #looked;
        match looked {
            ::core::option::Option::Some(got) => {
                #(#names.discard();)*
                ::core::result::Result::Ok(match got { #(#finishes)* #default #otherwise })
            }
            #not_ready
            ::core::option::Option::None => ::core::result::Result::Err((draw.looked(), #(#names),*)),
        }
    }}
}

/// What finds an arm that is ready: a block that gives an `Option<__DormouseOut>`.
fn search(select: &Select) -> TokenStream {
    let site = Span::mixed_site();
    let tries: Vec<_> = tries(select);
    let unreachable = unreachable();
    let first = (tries.len() > FEW && !select.biased).then(|| {
        quote_spanned! {site=>
            if let ::core::option::Option::Some(arm) = draw.first() {
                match arm { #(#tries)* _ => #unreachable }
            }
        }
    });
    let hints = numbered(select).map(|(i, arm)| {
        let bit = number(i);
        let hint = match arm.operation {
            Operation::Future(_) => {
                let enabled = local("e", i);
                quote_spanned!(site=> #enabled)
            }
            _ => {
                let name = local("a", i);
                quote_spanned!(site=> #name.may())
            }
        };
        quote_spanned!(site=> (::core::primitive::u64::from(#hint) << #bit))
    });
    quote_spanned! {site=>
        'look: {
            #first
            draw.hints(|| #(#hints)|*);
            while let ::core::option::Option::Some(arm) = draw.next() {
                match arm { #(#tries)* _ => #unreachable }
            }
            ::core::option::Option::None
        }
    }
}

/// The arms of the `match` that try what was drawn.
fn tries(select: &Select) -> Vec<TokenStream> {
    let site = Span::mixed_site();
    let names: Vec<_> = channels(select).map(|(i, _)| local("a", i)).collect();
    let cannot_tell = quote_spanned! {site=> {
        draw.cannot_tell();
        break 'look ::core::option::Option::None;
    }};
    let try_one = |(i, arm): (usize, &super::parse::Arm)| {
        let (variant, this) = (variant(i), number(i));
        let won = |what: &str| {
            let what = Ident::new(what, site);
            quote_spanned!(site=> break 'look ::core::option::Option::Some(__DormouseOut::#variant(#what)))
        };
        if let Operation::Future(_) = arm.operation {
            let (enabled, pending) = (local("e", i), quote_spanned!(site=> draw.pending()));
            let polled = poll_future(i, arm, &pending, &won("value"), &TokenStream::new());
            return quote_spanned!(site=> #this => if #enabled { draw.polls(); #polled },);
        }
        let (name, won) = (local("a", i), won("got"));
        let first = &names[0];
        if !select.biased || name == *first {
            return quote_spanned! {site=>
                #this => if let ::core::option::Option::Some(got) = #name.attempt() {
                    #won;
                },
            };
        }
        if name != names[1] {
            return quote_spanned! {site=>
                #this => if let ::core::option::Option::Some(got) = #name.untried() {
                    #won;
                } else #cannot_tell,
            };
        }
        quote_spanned! {site=>
            #this => if let ::core::option::Option::Some(got) = #name.attempt_if(|| #first.nothing()) {
                #won;
            } else if !#first.nothing() #cannot_tell,
        }
    };
    numbered(select).map(try_one).collect()
}

/// With `default`: what is known at once to be not ready at one instant, or not enabled.
fn not_ready(select: &Select, names: &[Ident]) -> TokenStream {
    let site = Span::mixed_site();
    if select.default.is_none() {
        return TokenStream::new();
    }
    let end = |out: &str| {
        let out = Ident::new(out, site);
        quote_spanned! {site=> {
            #(#names.discard();)*
            ::core::result::Result::Ok(__DormouseOut::#out)
        }}
    };
    let otherwise = select.otherwise.as_ref().map(|_| {
        let enabled = numbered(select).map(|(i, arm)| match arm.operation {
            Operation::Future(_) => {
                let enabled = local("e", i);
                quote_spanned!(site=> #enabled)
            }
            _ => {
                let name = local("a", i);
                quote_spanned!(site=> #name.enabled())
            }
        });
        let end = end("Else");
        quote_spanned!(site=> ::core::option::Option::None if !(#(#enabled)||*) => #end)
    });
    let nothing = match names {
        [] => quote_spanned!(site=> true),
        [only] => quote_spanned!(site=> #only.nothing()),
        // One within the other: read in order, and again in the other order.
        [first @ .., last] => first.iter().rev().fold(
            quote_spanned!(site=> #last.nothing()),
            |rest, name| quote_spanned!(site=> #name.nothing_while(|| #rest)),
        ),
    };
    let end = end("Default");
    quote_spanned! {site=>
        #otherwise
        ::core::option::Option::None if draw.complete() && #nothing => #end
    }
}

/// The variants that no operand can have won.
fn last_resorts(select: &Select) -> (Option<TokenStream>, Option<TokenStream>) {
    let site = Span::mixed_site();
    let unreachable = unreachable();
    let arm = |name: &str| {
        let name = Ident::new(name, site);
        quote_spanned!(site=> __DormouseOut::#name => #unreachable,)
    };
    (select.default.as_ref().map(|_| arm("Default")), select.otherwise.as_ref().map(|_| arm("Else")))
}
