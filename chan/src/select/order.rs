//! Which arm is looked at next: in order, or each of those that are left with the same probability.
//!
//! A uniform choice among the ready arms needs no permutation of all: whoever draws uniformly among the arms that may
//! be ready (their hints say so) and strikes out those that are not, chooses uniformly among those that are. Nor does a
//! first draw among all arms before any hint is read change that: it hits each ready arm with the same probability.
//!
//! Rejected: a random start and then in order, which favours the arm behind a gap; the same with an odd stride, which
//! favours fewer but some.
//!
//! Checked by `tests/select/choice.rs` (chi square).
use dormouse_wait::frame::{self, Reason};
use dormouse_wait::random;

/// The largest number of arms of a `select!`.
pub(crate) const MAX_ARMS: usize = 64;

/// Arms to be drawn one by one, each once.
pub(crate) trait Pool {
    /// Leaves no arm in it.
    fn clear(&mut self);
    /// Adds an arm; ascending, each once.
    fn add(&mut self, arm: usize);
    /// Takes one out: the first, or any with the same probability.
    fn draw(&mut self, biased: bool) -> Option<usize>;
}

/// Up to [`MAX_ARMS`] arms, a bit each.
#[derive(Debug, Default)]
pub(crate) struct Mask(u64);

impl Pool for Mask {
    #[inline(always)]
    fn clear(&mut self) {
        self.0 = 0;
    }

    #[inline(always)]
    fn add(&mut self, arm: usize) {
        self.0 |= 1 << arm;
    }

    #[inline(always)]
    fn draw(&mut self, biased: bool) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let mut tail = self.0;
        if !biased && tail & (tail - 1) != 0 {
            for _ in 0..random::below(tail.count_ones()) {
                tail &= tail - 1; // drops the lowest bit
            }
        }
        let arm = tail.trailing_zeros();
        self.0 &= !(1 << arm);
        Some(arm as usize)
    }
}

/// Any number of arms. It allocates for as many as there are, and keeps that.
#[derive(Debug, Default)]
pub(crate) struct Many {
    arms: Vec<u32>,
    /// How many of them were drawn in order.
    drawn: usize,
}

impl Many {
    /// Makes room for `arms` arms.
    pub(crate) fn reserve(&mut self, arms: usize) {
        self.clear();
        self.arms.reserve(arms);
    }
}

impl Pool for Many {
    fn clear(&mut self) {
        self.arms.clear();
        self.drawn = 0;
    }

    fn add(&mut self, arm: usize) {
        self.arms.push(arm as u32);
    }

    fn draw(&mut self, biased: bool) -> Option<usize> {
        if biased {
            self.drawn += 1;
            return Some(*self.arms.get(self.drawn - 1)? as usize);
        }
        let left = self.arms.len();
        (left > 0).then(|| self.arms.swap_remove(random::below(left as u32) as usize) as usize)
    }
}

/// What the look came to that `select!` takes before anything waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// There was none.
    No,
    /// No arm was ready.
    Nothing {
        /// A future among the arms was polled and is pending.
        futures: bool,
        /// One of them waits for nothing of ours.
        foreign: bool,
    },
    /// An arm may be ready, but whether all before it are not takes another look, a `biased` one.
    Undecided,
    /// The poll's budget is used up.
    Refused,
}

/// The order of the first look of a `select!`, which is expanded into the user's code: no channel arm is made, pinned or
/// locked for it that is not tried.
#[derive(Debug)]
pub struct Draw {
    /// The arms that may be ready and were not drawn yet, once the hints are known.
    left: Mask,
    /// The arm that was drawn before, as a bit.
    first: u64,
    arms: u32,
    biased: bool,
    refused: bool,
    undecided: bool,
    futures: bool,
    foreign: bool,
}

impl Draw {
    /// For a select without `default`, which takes one operation from the poll's budget.
    #[inline(always)]
    pub fn new(arms: u32, biased: bool) -> Self {
        Draw { refused: !frame::spend(), ..Draw::with_default(arms, biased) }
    }

    /// For a select with `default`: it does not wait, and so cannot give way.
    #[inline(always)]
    pub fn with_default(arms: u32, biased: bool) -> Self {
        Draw {
            left: Mask(0),
            first: 0,
            arms,
            biased,
            refused: false,
            undecided: false,
            futures: false,
            foreign: false,
        }
    }

    /// An arm to try before any hint is read.
    #[inline(always)]
    pub fn first(&mut self) -> Option<u32> {
        if self.refused {
            return None;
        }
        let arm = random::below(self.arms);
        self.first = 1 << arm;
        Some(arm)
    }

    /// Reads the hints: a bit for each arm that may be ready.
    #[inline(always)]
    pub fn hints(&mut self, hints: impl FnOnce() -> u64) {
        if !self.refused {
            self.left = Mask(hints() & !self.first);
        }
    }

    /// The arm to try next.
    #[inline(always)]
    #[allow(clippy::should_implement_trait, reason = "it is not for iterating")]
    pub fn next(&mut self) -> Option<u32> {
        self.left.draw(self.biased).map(|arm| arm as u32)
    }

    /// A future is about to be polled.
    #[inline(always)]
    pub fn polls(&self) {
        frame::note(Reason::External, None);
    }

    /// It is pending.
    #[inline(always)]
    pub fn pending(&mut self) {
        self.futures = true;
        self.foreign |= frame::noted().is_external();
    }

    /// Ends the look.
    #[inline(always)]
    pub fn cannot_tell(&mut self) {
        self.undecided = true;
    }

    /// Were all arms looked at?
    #[inline(always)]
    pub fn complete(&self) -> bool {
        !self.undecided
    }

    /// What it came to.
    #[inline(always)]
    pub fn looked(&self) -> Looked {
        match (self.refused, self.undecided) {
            (true, _) => Looked::Refused,
            (_, true) => Looked::Undecided,
            _ => Looked::Nothing { futures: self.futures, foreign: self.foreign },
        }
    }
}
