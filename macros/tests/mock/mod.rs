//! A stand-in for dormouse-chan: the names that `select!` expands to, with an engine that tries the arms in order and
//! wakes nobody. It shows what the generated code does; what a select means is tested where the real engine is.
//!
//! The first look goes in order too; [`SLOW`] makes it find nothing, so that the engine decides.
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Mutex;

/// A channel without waiting: a queue.
pub(crate) struct Chan<T>(pub(crate) Mutex<VecDeque<T>>);

impl<T> Default for Chan<T> {
    fn default() -> Self {
        Chan(Mutex::default())
    }
}

impl<T> Chan<T> {
    pub(crate) fn with(values: impl IntoIterator<Item = T>) -> Self {
        Chan(Mutex::new(values.into_iter().collect()))
    }

    pub(crate) fn values(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.0.lock().unwrap().iter().cloned().collect()
    }
}

thread_local! {
    /// Where the last select says that it stands.
    pub(crate) static LINE: Cell<u32> = const { Cell::new(0) };
    /// Does the first look leave everything to the engine?
    pub(crate) static SLOW: Cell<bool> = const { Cell::new(false) };
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Notes an event of this test's thread.
pub(crate) fn log(event: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(event.into()));
}

/// All events since the last call.
pub(crate) fn take_log() -> String {
    LOG.take().join(" ")
}

/// Logs its name when it is dropped.
#[derive(Debug)]
pub(crate) struct Noisy(pub(crate) &'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        log(format!("drop({})", self.0));
    }
}

pub(crate) mod __private {
    use super::{Chan, log};
    use std::pin::Pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll};

    pub(crate) use dormouse_macros::select_internal;

    #[derive(Clone, Copy, PartialEq)]
    pub(crate) enum Looked {
        No,
        /// Are there futures that are pending?
        Nothing(bool),
    }

    pub(crate) struct Draw {
        left: u64,
        futures: bool,
    }

    impl Draw {
        pub(crate) fn new(_arms: u32, biased: bool) -> Self {
            log(if biased { "biased" } else { "random" });
            Draw { left: 0, futures: false }
        }

        pub(crate) fn with_default(arms: u32, biased: bool) -> Self {
            Draw::new(arms, biased)
        }

        pub(crate) fn first(&mut self) -> Option<u32> {
            None
        }

        pub(crate) fn hints(&mut self, hints: impl FnOnce() -> u64) {
            self.left = if super::SLOW.get() { 0 } else { hints() };
        }

        pub(crate) fn next(&mut self) -> Option<u32> {
            let arm = (self.left != 0).then(|| self.left.trailing_zeros());
            self.left &= self.left.wrapping_sub(1);
            arm
        }

        pub(crate) fn polls(&self) {}

        pub(crate) fn pending(&mut self) {
            self.futures = true;
        }

        pub(crate) fn cannot_tell(&mut self) {}

        pub(crate) fn complete(&self) -> bool {
            true
        }

        pub(crate) fn looked(&self) -> Looked {
            if super::SLOW.get() { Looked::No } else { Looked::Nothing(self.futures) }
        }
    }

    pub(crate) struct Claim(std::marker::PhantomPinned);

    impl Claim {
        pub(crate) fn new() -> Self {
            Claim(std::marker::PhantomPinned)
        }
    }

    pub(crate) struct Waiting<'a> {
        _claim: Pin<&'a Claim>,
        has_else: bool,
        looked: Looked,
    }

    pub(crate) enum Case<'a> {
        Chan(Pin<&'a dyn Tried>),
        Future(&'a mut dyn FnMut(&mut Context<'_>) -> FuturePoll),
    }

    pub(crate) enum FuturePoll {
        Pending,
        Won,
        Disabled,
    }

    #[derive(Debug, PartialEq)]
    pub(crate) enum Outcome {
        Arm(u32),
        Default,
        Else,
    }

    impl<'a> Waiting<'a> {
        #[track_caller]
        pub(crate) fn new(claim: Pin<&'a Claim>, _biased: bool, has_else: bool, looked: Looked) -> Self {
            super::LINE.set(std::panic::Location::caller().line());
            log("engine");
            Waiting { _claim: claim, has_else, looked }
        }

        fn scan(&mut self, mut cx: Option<&mut Context<'_>>, cases: &mut [Case<'_>]) -> Option<Outcome> {
            if let Looked::Nothing(futures) = std::mem::replace(&mut self.looked, Looked::No)
                && cx.is_some()
            {
                let on = |case: &Case<'_>| matches!(case, Case::Chan(arm) if arm.is_enabled());
                return (!futures && !cases.iter().any(on) && self.has_else).then_some(Outcome::Else);
            }
            let mut any = false;
            for (i, case) in (0..).zip(cases) {
                match case {
                    Case::Chan(arm) if !arm.is_enabled() => {}
                    Case::Chan(arm) if arm.commit() => return Some(Outcome::Arm(i)),
                    Case::Chan(_) => any = true,
                    Case::Future(poll) => match poll(cx.as_mut().expect("a future is polled in a poll")) {
                        FuturePoll::Won => return Some(Outcome::Arm(i)),
                        FuturePoll::Pending => any = true,
                        FuturePoll::Disabled => {}
                    },
                }
            }
            (!any && self.has_else).then_some(Outcome::Else)
        }

        pub(crate) fn poll(&mut self, cx: &mut Context<'_>, cases: &mut [Case<'_>]) -> Poll<Outcome> {
            self.scan(Some(cx), cases).map_or(Poll::Pending, Poll::Ready)
        }

        pub(crate) fn poll_default(&mut self, cx: &mut Context<'_>, cases: &mut [Case<'_>]) -> Poll<Outcome> {
            Poll::Ready(self.scan(Some(cx), cases).unwrap_or(Outcome::Default))
        }

        pub(crate) fn decide(&mut self, cases: &mut [Case<'_>]) -> Outcome {
            self.scan(None, cases).unwrap_or(Outcome::Default)
        }
    }

    impl Drop for Waiting<'_> {
        fn drop(&mut self) {
            log("end");
        }
    }

    pub(crate) trait Tried {
        fn is_enabled(&self) -> bool;
        fn commit(&self) -> bool;
    }

    pub(crate) trait ArmOps: Tried {
        type Outcome;
        fn outcome(&self) -> Self::Outcome;
    }

    /// What may stand for a channel: `&Chan`, `&&Chan`, `&Option<&Chan>`.
    pub(crate) trait Operand<'a, T> {
        fn chan(self) -> Option<&'a Chan<T>>;
    }

    impl<'a, T> Operand<'a, T> for &'a Chan<T> {
        fn chan(self) -> Option<&'a Chan<T>> {
            Some(self)
        }
    }

    impl<'a, T> Operand<'a, T> for &&'a Chan<T> {
        fn chan(self) -> Option<&'a Chan<T>> {
            Some(self)
        }
    }

    impl<'a, T> Operand<'a, T> for &Option<&'a Chan<T>> {
        fn chan(self) -> Option<&'a Chan<T>> {
            *self
        }
    }

    /// The operands of an arm, which here are the arm.
    pub(crate) struct Op<A>(A);

    impl<A: ArmOps> Op<A> {
        pub(crate) fn enabled(&self) -> bool {
            self.0.is_enabled()
        }

        pub(crate) fn may(&self) -> bool {
            self.0.is_enabled()
        }

        pub(crate) fn attempt(&mut self) -> Option<Got<A::Outcome>> {
            self.0.commit().then(|| Got(self.0.outcome()))
        }

        pub(crate) fn attempt_if(&mut self, still: impl FnOnce() -> bool) -> Option<Got<A::Outcome>> {
            if still() { self.attempt() } else { None }
        }

        pub(crate) fn untried(&self) -> Option<Got<A::Outcome>> {
            None
        }

        pub(crate) fn nothing(&self) -> bool {
            !super::SLOW.get()
        }

        pub(crate) fn nothing_while(&self, rest: impl FnOnce() -> bool) -> bool {
            self.nothing() && rest()
        }

        pub(crate) fn discard(self) {
            log("discard");
        }

        pub(crate) fn arm(self) -> A {
            self.0
        }
    }

    pub(crate) struct Got<O>(O);

    impl<O> Got<O> {
        pub(crate) fn finish(self) -> O {
            log("take");
            self.0
        }
    }

    pub(crate) struct RecvArm<'a, T>(Option<&'a Chan<T>>, Mutex<Option<T>>);

    pub(crate) fn recv_op<'a, T>(operand: impl Operand<'a, T>, enabled: bool) -> Op<RecvArm<'a, T>> {
        Op(RecvArm(operand.chan().filter(|_| enabled), Mutex::new(None)))
    }

    impl<T> RecvArm<'_, T> {
        pub(crate) fn take(self: Pin<&Self>) -> Option<T> {
            log("take");
            self.outcome()
        }

        pub(crate) fn discard(self: Pin<&Self>) {
            log("discard");
            assert!(self.1.lock().unwrap().is_none(), "the winner is discarded");
        }
    }

    impl<T> ArmOps for RecvArm<'_, T> {
        type Outcome = Option<T>;
        fn outcome(&self) -> Self::Outcome {
            self.1.lock().unwrap().take()
        }
    }

    impl<T> Tried for RecvArm<'_, T> {
        fn is_enabled(&self) -> bool {
            self.0.is_some()
        }

        fn commit(&self) -> bool {
            let value = self.0.and_then(|chan| chan.0.lock().unwrap().pop_front());
            *self.1.lock().unwrap() = value;
            self.1.lock().unwrap().is_some()
        }
    }

    pub(crate) struct SendArm<'a, T>(&'a Chan<T>, Mutex<Option<T>>, bool);

    pub(crate) fn send_op<'a, T>(
        operand: impl Operand<'a, T>,
        value: T,
        enabled: bool,
    ) -> Op<SendArm<'a, T>> {
        Op(SendArm(operand.chan().expect("a sender"), Mutex::new(Some(value)), enabled))
    }

    impl<T> SendArm<'_, T> {
        pub(crate) fn take(self: Pin<&Self>) -> Result<(), T> {
            log("take");
            self.outcome()
        }

        pub(crate) fn discard(self: Pin<&Self>) {
            log("discard");
            let value = self.1.lock().unwrap().take();
            assert!(value.is_some(), "the winner is discarded");
        }
    }

    impl<T> ArmOps for SendArm<'_, T> {
        type Outcome = Result<(), T>;
        fn outcome(&self) -> Self::Outcome {
            self.1.lock().unwrap().take().map_or(Ok(()), Err)
        }
    }

    impl<T> Tried for SendArm<'_, T> {
        fn is_enabled(&self) -> bool {
            self.2
        }

        fn commit(&self) -> bool {
            let value = self.1.lock().unwrap().take();
            self.0.0.lock().unwrap().extend(value);
            true
        }
    }

    pub(crate) struct SendFromArm<'a, T>(&'a Chan<T>, Mutex<&'a mut Option<T>>, bool);

    pub(crate) fn send_from_op<'a, T>(
        operand: impl Operand<'a, T>,
        place: &'a mut Option<T>,
        enabled: bool,
    ) -> Op<SendFromArm<'a, T>> {
        let enabled = enabled && place.is_some();
        Op(SendFromArm(operand.chan().expect("a sender"), Mutex::new(place), enabled))
    }

    impl<T> SendFromArm<'_, T> {
        pub(crate) fn take(self: Pin<&Self>) -> Result<(), T> {
            log("take");
            self.outcome()
        }

        pub(crate) fn discard(self: Pin<&Self>) {
            log("discard");
        }
    }

    impl<T> ArmOps for SendFromArm<'_, T> {
        type Outcome = Result<(), T>;
        fn outcome(&self) -> Self::Outcome {
            Ok(())
        }
    }

    impl<T> Tried for SendFromArm<'_, T> {
        fn is_enabled(&self) -> bool {
            self.2
        }

        fn commit(&self) -> bool {
            let value = self.1.lock().unwrap().take();
            self.0.0.lock().unwrap().extend(value);
            true
        }
    }
}
