//! The words of the model: operations, futures, outcomes.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Recv,
    Send(u32),
    SendFrom(u32),
    /// Sets a place aside, and sends into it once the future's gate is open. Alone in its future.
    Reserve(u32),
}

#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub(crate) number: usize,
    pub(crate) chan: usize,
    pub(crate) op: Op,
}

/// What a future came to.
#[derive(Debug, PartialEq)]
pub(crate) enum Got {
    Received(Option<u32>),
    Sent(Result<(), u32>),
    FutureReady,
    Default,
    Else,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) arm: usize,
    pub(crate) got: Got,
    /// What is in the place of a `send_from` arm afterwards.
    pub(crate) place: Option<u32>,
}

/// The numbers of the arms that are no channel's.
pub(crate) const FUTURE: usize = 6;
pub(crate) const DEFAULT: usize = 7;
pub(crate) const ELSE: usize = 8;

#[derive(Debug, PartialEq)]
pub(crate) enum State {
    New,
    Waiting,
    /// Won through this arm; what a receive was given, with the number of its hand-over.
    Won(usize, Won),
    /// Has a place, and waits for its gate.
    Holding,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Won {
    Value(u32, u64),
    Sent,
    /// A place is set aside for it.
    Place,
    Closed,
}

/// The words that stand in a select besides its arms.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words {
    pub(crate) biased: bool,
    pub(crate) default: bool,
    pub(crate) otherwise: bool,
}

#[derive(Debug)]
pub(crate) struct Fut {
    pub(crate) arms: Vec<Arm>,
    /// Is there a future among the arms, and is it ready?
    pub(crate) gate: Option<bool>,
    pub(crate) words: Words,
    pub(crate) state: State,
    pub(crate) wakes: usize,
}

impl Fut {
    pub(crate) fn new(arms: Vec<Arm>, gate: Option<bool>, words: Words) -> Self {
        Fut { arms, gate, words, state: State::New, wakes: 0 }
    }

    pub(crate) fn arm(&self, number: usize) -> &Arm {
        self.arms.iter().find(|arm| arm.number == number).expect("the arm exists")
    }
}
