//! The names that the generated code has for arms and their parts, and what else its pieces share.
use super::parse::{Arm, Operation, Select};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote_spanned};

pub(super) fn numbered(select: &Select) -> impl Iterator<Item = (usize, &Arm)> {
    select.arms.iter().enumerate()
}

pub(super) fn futures(select: &Select) -> impl Iterator<Item = (usize, &Arm)> {
    numbered(select).filter(|(_, arm)| matches!(arm.operation, Operation::Future(_)))
}

pub(super) fn channels(select: &Select) -> impl Iterator<Item = (usize, &Arm)> {
    numbered(select).filter(|(_, arm)| !matches!(arm.operation, Operation::Future(_)))
}

/// A name of ours: `c` condition, `a` channel operand or arm, `f` future, `o` its output, `p` its poll, `e` still enabled.
pub(super) fn local(letter: &str, arm: usize) -> Ident {
    format_ident!("{letter}{arm}", span = Span::mixed_site())
}

/// The variant, and type parameter, of an arm.
pub(super) fn variant(arm: usize) -> Ident {
    format_ident!("A{arm}", span = Span::mixed_site())
}

/// The arm's number as the engine counts.
pub(super) fn number(arm: usize) -> Literal {
    Literal::u32_suffixed(u32::try_from(arm).expect("the parser bounds the number of arms"))
}

pub(super) fn unreachable() -> TokenStream {
    quote_spanned!(Span::mixed_site()=> ::core::unreachable!("select! was told of an arm that cannot have won"))
}

/// Polls a future arm once: `pending`, `won` with the output in `value` if the pattern takes it, or `disabled`, after
/// which it is not polled again.
pub(super) fn poll_future(
    i: usize,
    arm: &Arm,
    pending: &TokenStream,
    won: &TokenStream,
    disabled: &TokenStream,
) -> TokenStream {
    let (future, enabled) = (local("f", i), local("e", i));
    let pattern = &arm.pattern;
    let unreachable = unreachable();
    quote_spanned! {Span::mixed_site()=>
        match ::core::future::Future::poll(#future.as_mut(), cx) {
            ::core::task::Poll::Pending => #pending,
            ::core::task::Poll::Ready(mut value) => {
                let mut matches = false;
                // The user's pattern stands here a second time: what there is to say of it is said at the body.
                #[allow(unused, nonstandard_style, clippy::all, clippy::pedantic)]
                let value = match value {
                    #pattern if { matches = true; false } => #unreachable,
                    value => value,
                };
                if matches {
                    #won
                } else {
                    #enabled = false;
                    ::core::mem::drop(value);
                    #disabled
                }
            }
        }
    }
}
