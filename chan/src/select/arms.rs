//! The channel arms of a select: waits that the engine can try, queue and withdraw.
use super::seam;
use super::traits::Arm;
use crate::chan::Chan;
use crate::error::SendError;
use crate::wait::{RecvWait, SendWait};
use dormouse_wait::claim::Claim;
use dormouse_wait::list::Phase;
use std::pin::Pin;
use std::task::Waker;

/// A `recv` arm; no wait if it is disabled.
pub struct RecvArm<'a, T> {
    wait: Option<RecvWait<'a, T>>,
}

/// A `send` arm; no wait if it is disabled.
pub struct SendArm<'a, T> {
    wait: Option<SendWait<'a, T>>,
}

/// A `send_from` arm; no wait if it is disabled.
pub struct SendFromArm<'a, 'o, T> {
    wait: Option<SendWait<'a, T>>,
    /// Where the value came from, and goes back to when the arm is dropped.
    from: &'o mut Option<T>,
}

// SAFETY: by shared reference only `wait` is reached, which is Sync for T: Send; `from` is used by `drop` alone.
unsafe impl<T: Send> Sync for SendFromArm<'_, '_, T> {}

const DISABLED: &str = "a disabled arm of select! was chosen";

impl<'a, T> RecvArm<'a, T> {
    #[inline(always)]
    pub(crate) fn new(wait: Option<RecvWait<'a, T>>) -> Self {
        RecvArm { wait }
    }

    /// What the winning arm received.
    #[inline(always)]
    pub fn take(self: Pin<&Self>) -> Option<T> {
        self.wait().outcome().expect("the winning arm is done")
    }

    /// Withdraws a losing arm.
    #[inline(always)]
    pub fn discard(self: Pin<&Self>) {
        if self.wait.is_some() {
            self.wait().withdraw();
        }
    }

    /// Makes it fresh again, whatever it came to; a value that was not taken goes back.
    pub(crate) fn rearm(self: Pin<&Self>) {
        self.discard();
        let wait = self.wait();
        if wait.phase() == Phase::Closed {
            wait.outcome();
        }
        wait.reset();
    }
}

impl<'a, T> SendArm<'a, T> {
    #[inline(always)]
    pub(crate) fn new(wait: Option<SendWait<'a, T>>) -> Self {
        SendArm { wait }
    }

    /// What the winning arm's send came to.
    #[inline(always)]
    pub fn take(self: Pin<&Self>) -> Result<(), SendError<T>> {
        self.wait().outcome().expect("the winning arm is done")
    }

    /// Withdraws a losing arm and drops its value.
    #[inline(always)]
    pub fn discard(self: Pin<&Self>) {
        if self.wait.is_some() {
            drop(self.wait().withdraw());
        }
    }

    /// Makes it fresh again, whatever it came to: disabled if its value was sent, else with that value.
    pub(crate) fn rearm(self: Pin<&mut Self>) {
        if self.wait.is_some() && self.as_ref().wait().phase() != Phase::Idle {
            let chan = self.chan();
            let value = self.as_ref().wait().withdraw();
            self.set_wait(value.map(|value| SendWait::new(chan, value)));
        }
    }

    /// Gives it another value, or none; the one that it had comes back. It is not queued.
    pub(crate) fn replace(self: Pin<&mut Self>, chan: &'a Chan<T>, value: Option<T>) -> Option<T> {
        let old = if self.wait.is_some() { self.as_ref().wait().withdraw() } else { None };
        self.set_wait(value.map(|value| SendWait::new(chan, value)));
        old
    }

    fn set_wait(self: Pin<&mut Self>, wait: Option<SendWait<'a, T>>) {
        // SAFETY: the wait is pinned with the arm; it is replaced, which drops it where it is.
        unsafe { self.map_unchecked_mut(|arm| &mut arm.wait) }.set(wait);
    }
}

impl<'a, 'o, T> SendFromArm<'a, 'o, T> {
    #[inline(always)]
    pub(crate) fn new(wait: Option<SendWait<'a, T>>, from: &'o mut Option<T>) -> Self {
        SendFromArm { wait, from }
    }

    /// What the winning arm's send came to.
    #[inline(always)]
    pub fn take(self: Pin<&Self>) -> Result<(), SendError<T>> {
        self.wait().outcome().expect("the winning arm is done")
    }

    /// A losing arm is withdrawn, and its value put back, when it is dropped.
    #[inline(always)]
    pub fn discard(self: Pin<&Self>) {}
}

impl<T> Drop for SendFromArm<'_, '_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(wait) = &self.wait {
            // SAFETY: it was pinned if it was ever queued, and does not move any more.
            let wait = unsafe { Pin::new_unchecked(wait) };
            if let Some(value) = wait.withdraw() {
                *self.from = Some(value);
            }
        }
    }
}

/// Implements [`Arm`] for a struct around `wait: Option<Wait>`.
macro_rules! arm {
    ($Arm:ident [$($life:lifetime),*], $Wait:ident, $may:ident) => {
        impl<'a, $($life,)* T> $Arm<'a, $($life,)* T> {
            /// The wait of an enabled arm.
            #[inline(always)]
            fn wait<'s>(self: Pin<&'s Self>) -> Pin<&'s $Wait<'a, T>> {
                // SAFETY: the wait is pinned with the arm.
                unsafe { self.map_unchecked(|arm| arm.wait.as_ref().expect(DISABLED)) }
            }

            fn chan(&self) -> &'a Chan<T> {
                self.wait.as_ref().expect(DISABLED).chan()
            }
        }

        // SAFETY: each method is the wait's, which unlinks itself when dropped.
        unsafe impl<$($life,)* T> Arm for $Arm<'_, $($life,)* T> {
            #[inline(always)]
            fn enabled(&self) -> bool {
                self.wait.is_some()
            }

            fn may(&self) -> bool {
                seam();
                self.chan().$may()
            }

            fn address(&self) -> usize {
                std::ptr::from_ref(self.chan()).addr()
            }

            fn attempt(self: Pin<&Self>) -> bool {
                self.wait().attempt()
            }

            fn lock(&self) {
                self.chan().core.raw_lock();
            }

            unsafe fn unlock(&self) {
                // SAFETY: as the caller promises.
                unsafe { self.chan().core.raw_unlock() }
            }

            unsafe fn attempt_locked(self: Pin<&Self>, wake: &mut Option<Waker>) -> bool {
                // SAFETY: as the caller promises.
                unsafe { self.wait().attempt_locked(|waker| *wake = waker) }
            }

            fn queued(&self) -> bool {
                self.wait.as_ref().is_some_and(|wait| wait.phase() == Phase::Queued)
            }

            unsafe fn enqueue(self: Pin<&Self>, claim: Pin<&Claim>, arm: u32) {
                // SAFETY: as the caller promises.
                unsafe { self.wait().enqueue(claim, arm) }
            }

            unsafe fn enqueue_unless_ready(self: Pin<&Self>, claim: Pin<&Claim>, arm: u32) -> bool {
                self.lock();
                let idle = !self.may();
                if idle {
                    // SAFETY: locked above; the rest as the caller promises.
                    unsafe { self.enqueue(claim, arm) };
                }
                // SAFETY: locked above.
                unsafe { self.unlock() };
                idle
            }
        }

        impl<$($life,)* T> std::fmt::Debug for $Arm<'_, $($life,)* T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let phase = self.wait.as_ref().map(|wait| wait.phase());
                f.debug_struct(stringify!($Arm)).field("phase", &phase).finish()
            }
        }
    };
}
arm!(RecvArm[], RecvWait, may_recv);
arm!(SendArm[], SendWait, may_send);
arm!(SendFromArm['o], SendWait, may_send);
