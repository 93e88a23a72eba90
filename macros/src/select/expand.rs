//! The code of one `select!`.
//!
//! ```text
//! {
//!     enum __DormouseOut<A0, A1, ..> { A0(A0), A1(A1), .., Default, Else }
//!     match {
//!       let won;
//!       {
//!         1. preconditions, in order         let c0: bool = COND; ..
//!         2. operands, in order              a0: of a channel arm, f1: Pin<&mut impl Future>
//!         3. the first look (`look.rs`), which most selects end with
//!         4. claim, arms                     a0: Pin<&Arm> of a channel arm
//!         5. the engine, and the wait        poll_fn(|cx| select.poll(cx, &mut [cases])).await
//!         6. the engine goes, losing channel arms are discarded in order, the winner's output is taken
//!       }
//!       won
//!     } { __DormouseOut::A0(mut value) => { let PAT = value; match () { () => BODY } } .. }
//! }
//! ```
//! - The first look moves the operands on into the wait. Its locals end before, so that the future keeps nothing twice, and
//!   no output.
//! - The bodies stand outside the block of the arms: they run after the losers are gone, and may `break`, `?`, await
//!   and borrow what the operands borrowed.
//! - Each operand is an argument of a call in a `let` of its own: its temporaries are gone before the wait.
//! - Only pinned references, the engine and flags live across the await. A future's output lives in the poll that
//!   brought it, so it need not be `Send`.
//! - `won` is a variable outside the arms' block and not the block's value: the compiler leaks a block's value when the
//!   drop of one of its locals, a losing future, panics (rust-lang/rust#47949).
//! - A future's pattern is tried without taking the output apart, by a guard that notes the match and says no: the
//!   bindings of an arm with a guard move nothing unless the guard says yes.
//! - A body stands in a `match` of its own: at the end of our block, the compiler would call the braces of a body
//!   `{ EXPR }` unnecessary. Its temporaries die before the pattern's bindings, in edition 2021 too.
//!
//! Our names have the span `mixed_site`: locals that neither see nor shadow the user's. Only `__DormouseOut`, an item,
//! can be seen from the bodies.
use super::look::look;
use super::names::{channels, futures, local, number, numbered, poll_future, unreachable, variant};
use super::parse::{Arm, Operation, Select};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Pat;
use syn::spanned::Spanned;

pub(super) fn expand(select: &Select) -> TokenStream {
    let site = Span::mixed_site();
    if select.arms.is_empty() && select.default.is_none() && select.otherwise.is_none() {
        let (wait, unreachable) = (wait(select, None), unreachable());
        return quote_spanned!(site=> { #wait match outcome { _ => #unreachable } });
    }
    let output = declare_output(select);
    let conditions = numbered(select).filter_map(|(i, arm)| {
        let condition = arm.condition.as_ref()?;
        let name = local("c", i);
        Some(quote_spanned!(site=> let #name: bool = #condition;))
    });
    let operands = numbered(select).map(|(i, arm)| operand(&select.krate, i, arm));
    let decide = if select.arms.is_empty() {
        let (wait, settle) = (wait(select, None), settle(select));
        quote_spanned!(site=> #wait #settle)
    } else {
        let names = channels(select).map(|(i, _)| local("a", i));
        let looked = Ident::new("looked", site);
        let (look, wait, settle) = (look(select), wait(select, Some(&looked)), settle(select));
        quote_spanned! {site=>
            'wait: {
                let (looked, #(#names),*) = {
                    let looked = #look;
                    match looked {
                        ::core::result::Result::Ok(out) => {
                            won = out;
                            break 'wait;
                        }
                        ::core::result::Result::Err(operands) => operands,
                    }
                };
                #wait
                #settle
            }
        }
    };
    let bodies = bodies(select);
    quote_spanned! {site=> {
        #output
        match {
            let won;
            {
                #(#conditions)*
                #(#operands)*
                #decide
            }
            won
        } {
            #bodies
        }
    }}
}

/// Where the compiler shall point, with the hygiene of our names.
fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The enum that carries the winner's output out of the block where the arms live.
fn declare_output(select: &Select) -> TokenStream {
    let site = Span::mixed_site();
    let variants: Vec<_> = numbered(select).map(|(i, _)| variant(i)).collect();
    let default = select.default.as_ref().map(|_| quote_spanned!(site=> Default,));
    let otherwise = select.otherwise.as_ref().map(|_| quote_spanned!(site=> Else,));
    quote_spanned! {site=>
        #[allow(clippy::large_enum_variant)]
        enum __DormouseOut<#(#variants),*> { #(#variants(#variants),)* #default #otherwise }
    }
}

/// The statement that evaluates an arm's operands. A future is pinned at once.
fn operand(krate: &TokenStream, i: usize, arm: &Arm) -> TokenStream {
    let site = Span::mixed_site();
    let condition = match arm.condition {
        Some(_) => local("c", i).into_token_stream(),
        None => quote_spanned!(site=> true),
    };
    let lend = |channel: &syn::Expr| quote_spanned!(channel.span()=> &(#channel));
    let make = match &arm.operation {
        Operation::Future(future) => return future_operand(i, future, &condition),
        Operation::Recv { channel } => {
            let channel = lend(channel);
            quote_spanned!(site=> #krate::__private::recv_op(#channel, #condition))
        }
        Operation::Send { channel, value } => {
            let channel = lend(channel);
            quote_spanned!(site=> #krate::__private::send_op(#channel, #value, #condition))
        }
        Operation::SendFrom { channel, place } => {
            let channel = lend(channel);
            let place = quote_spanned!(place.span()=> &mut (#place));
            quote_spanned!(site=> #krate::__private::send_from_op(#channel, #place, #condition))
        }
    };
    let name = local("a", i);
    quote_spanned!(site=> let #name = #make;)
}

fn future_operand(i: usize, future: &syn::Expr, condition: &TokenStream) -> TokenStream {
    let (name, enabled) = (local("f", i), local("e", i));
    let make = quote_spanned!(at(future.span())=> ::core::future::IntoFuture::into_future(#future));
    quote_spanned! {Span::mixed_site()=>
        let #name = #make;
        let mut #name = ::core::pin::pin!(#name);
        let mut #enabled = #condition;
    }
}

/// Claim, arms, the engine, and the wait for its outcome. Defines `select`, `outcome` and the outputs of the futures.
/// `looked` is what the first look came to, if there was one.
fn wait(select: &Select, looked: Option<&Ident>) -> TokenStream {
    let site = Span::mixed_site();
    let krate = &select.krate;
    let looked = looked.map_or_else(
        || quote_spanned!(site=> #krate::__private::Looked::No),
        |looked| quote_spanned!(site=> #looked),
    );
    let arms = channels(select).map(|(i, _)| {
        let name = local("a", i);
        quote_spanned! {site=>
            let #name = ::core::pin::pin!(#name.arm());
            let #name = #name.into_ref();
        }
    });
    let (biased, has_else) = (select.biased, select.otherwise.is_some());
    let outputs: Vec<_> = futures(select).map(|(i, _)| local("o", i)).collect();
    let probes = futures(select).map(|(i, arm)| probe(krate, i, arm));
    let cases = numbered(select).map(|(i, arm)| match arm.operation {
        Operation::Future(_) => {
            let poll = local("p", i);
            quote_spanned!(site=> #krate::__private::Case::Future(&mut #poll))
        }
        _ => {
            let name = local("a", i);
            quote_spanned!(site=> #krate::__private::Case::Chan(#name))
        }
    });
    let new = quote_spanned! {site=>
        let claim = #krate::__private::Claim::new();
        let claim = ::core::pin::pin!(claim);
        let claim = claim.into_ref();
        #(#arms)*
        // Declared after the arms: it is dropped before them.
        let mut select = #krate::__private::Waiting::new(claim, #biased, #has_else, #looked);
    };
    if select.default.is_some() && outputs.is_empty() {
        return quote_spanned! {site=> #new let outcome = select.decide(&mut [#(#cases),*]); };
    }
    let poll = match select.default {
        Some(_) => quote_spanned!(site=> poll_default),
        None => quote_spanned!(site=> poll),
    };
    quote_spanned! {site=>
        #new
        let (outcome, #(#outputs,)*) = ::core::future::poll_fn(|cx| {
            #(let mut #outputs = ::core::option::Option::None;)*
            let polled = {
                #(#probes)*
                select.#poll(cx, &mut [#(#cases),*])
            };
            ::core::task::Poll::map(polled, |outcome| (outcome, #(#outputs,)*))
        }).await;
    }
}

/// The closure that polls a future arm once and keeps an output that the pattern takes.
fn probe(krate: &TokenStream, i: usize, arm: &Arm) -> TokenStream {
    let site = Span::mixed_site();
    let (name, output, enabled) = (local("p", i), local("o", i), local("e", i));
    let is = |poll: &str| {
        let poll = Ident::new(poll, site);
        quote_spanned!(site=> #krate::__private::FuturePoll::#poll)
    };
    let (pending, disabled, won) = (is("Pending"), is("Disabled"), is("Won"));
    let won = quote_spanned!(site=> #output = ::core::option::Option::Some(value); #won);
    let polled = poll_future(i, arm, &pending, &won, &disabled);
    quote_spanned! {site=>
        let mut #name = |cx: &mut ::core::task::Context<'_>| {
            if !#enabled {
                return #disabled;
            }
            #polled
        };
    }
}

/// What happens once the outcome is known. Sets `won` to the winner's output.
fn settle(select: &Select) -> TokenStream {
    let site = Span::mixed_site();
    let krate = &select.krate;
    let discards = channels(select).map(|(i, _)| {
        let (name, number) = (local("a", i), number(i));
        quote_spanned! {site=>
            if !::core::matches!(outcome, #krate::__private::Outcome::Arm(#number)) {
                #name.discard();
            }
        }
    });
    let takes = numbered(select).map(|(i, arm)| {
        let (variant, number) = (variant(i), number(i));
        if let Operation::Future(_) = arm.operation {
            let (output, unreachable) = (local("o", i), unreachable());
            quote_spanned! {site=>
                #krate::__private::Outcome::Arm(#number) => match #output {
                    ::core::option::Option::Some(value) => __DormouseOut::#variant(value),
                    ::core::option::Option::None => #unreachable,
                },
            }
        } else {
            let name = local("a", i);
            quote_spanned!(site=> #krate::__private::Outcome::Arm(#number) => __DormouseOut::#variant(#name.take()),)
        }
    });
    let default = select
        .default
        .as_ref()
        .map(|_| quote_spanned!(site=> #krate::__private::Outcome::Default => __DormouseOut::Default,));
    let otherwise = select
        .otherwise
        .as_ref()
        .map(|_| quote_spanned!(site=> #krate::__private::Outcome::Else => __DormouseOut::Else,));
    let unreachable = unreachable();
    quote_spanned! {site=>
        ::core::mem::drop(select);
        #(#discards)*
        won = match outcome {
            #(#takes)*
            #default
            #otherwise
            _ => #unreachable,
        };
    }
}

/// The arms of the last `match`: the winner's pattern, then its body.
fn bodies(select: &Select) -> TokenStream {
    let site = Span::mixed_site();
    let arms = numbered(select).map(|(i, arm)| {
        let variant = variant(i);
        let pattern = match &arm.pattern {
            pattern @ Pat::Or(_) => quote!((#pattern)),
            pattern => pattern.to_token_stream(),
        };
        let otherwise = matches!(arm.operation, Operation::Future(_)).then(|| {
            let unreachable = unreachable();
            quote_spanned!(site=> else { #unreachable })
        });
        // `let _` keeps the value: it lives in `value`, until the body is done.
        let body = &arm.body;
        quote_spanned! {site=> __DormouseOut::#variant(mut value) => {
            #[allow(unreachable_patterns, let_underscore)]
            let #pattern = value #otherwise;
            match () { () => #body }
        }}
    });
    let default = select.default.iter().map(|body| quote_spanned!(site=> __DormouseOut::Default => #body,));
    let otherwise = select.otherwise.iter().map(|body| quote_spanned!(site=> __DormouseOut::Else => #body,));
    quote_spanned!(site=> #(#arms)* #(#default)* #(#otherwise)*)
}
