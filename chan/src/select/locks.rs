//! The locks of all channels of a select at once: in address order, each once (I10).
//!
//! Under them no user code runs: wakers are cloned and futures polled before, wake-ups are fired after.
use super::order::Pool;
use super::traits::{Arm, Arms};
use dormouse_wait::wakes;
use std::pin::Pin;
use std::task::Waker;

/// All channels of the enabled arms, locked; unlocks when dropped.
pub(super) struct Locks<'s, A: Arms + ?Sized> {
    arms: &'s A,
    /// An arm of each channel, by the address of the channel.
    order: &'s [u32],
}

impl<'s, A: Arms + ?Sized> Locks<'s, A> {
    /// Locks. `order` has room for all arms.
    fn take(arms: &'s A, order: &'s mut [u32]) -> Self {
        let mut count = 0;
        for (i, _) in enabled(arms) {
            order[count] = i as u32;
            count += 1;
        }
        let order = &mut order[..count];
        order.sort_unstable_by_key(|&i| address(arms, i));
        let mut distinct = 0;
        for place in 0..count {
            if distinct == 0 || address(arms, order[distinct - 1]) != address(arms, order[place]) {
                order[distinct] = order[place];
                distinct += 1;
            }
        }
        let locks = Locks { arms, order: &order[..distinct] };
        locks.each(|arm| arm.lock());
        locks
    }

    fn each(&self, act: impl Fn(Pin<&dyn Arm>)) {
        for &i in self.order {
            if let Some(arm) = self.arms.chan(i as usize) {
                act(arm);
            }
        }
    }
}

impl<A: Arms + ?Sized> Drop for Locks<'_, A> {
    fn drop(&mut self) {
        self.each(|arm| {
            // SAFETY: taken in `take`.
            unsafe { arm.unlock() }
        });
    }
}

/// The enabled channel arms.
pub(super) fn enabled<A: Arms + ?Sized>(arms: &A) -> impl Iterator<Item = (usize, Pin<&dyn Arm>)> {
    (0..arms.len()).filter_map(|i| Some((i, arms.chan(i)?)))
}

fn address<A: Arms + ?Sized>(arms: &A, i: u32) -> usize {
    arms.chan(i as usize).map_or(0, |arm| arm.address())
}

/// At one instant: commits one of the first `among` arms that are ready, the first or any; else does `if_none`, under
/// the locks. The select's claim is not open.
pub(super) fn decide<A: Arms + ?Sized>(
    arms: &mut A,
    pool: &mut impl Pool,
    biased: bool,
    among: usize,
    if_none: impl FnOnce(&A),
) -> Option<usize> {
    let mut wake: Option<Waker> = None;
    let won = arms.with_order(|arms, order| {
        let locks = Locks::take(arms, order);
        let may = enabled(arms).take_while(|(i, _)| *i < among).filter(|(_, arm)| arm.may());
        // SAFETY: locked; the claim is not open.
        let mut attempt = |arm: Pin<&dyn Arm>| unsafe { arm.attempt_locked(&mut wake) };
        let won = if biased {
            may.into_iter().find(|(_, arm)| attempt(*arm)).map(|(i, _)| i)
        } else {
            pool.clear();
            may.for_each(|(i, _)| pool.add(i));
            std::iter::from_fn(|| pool.draw(false)).find(|&i| arms.chan(i).is_some_and(&mut attempt))
        };
        if won.is_some() {
            return won;
        }
        if_none(arms);
        drop(locks);
        None
    });
    wakes::wake(wake);
    won
}
