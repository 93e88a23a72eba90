//! Whether the monitor looks, and how it is called.
//!
//! | state | event | state after |
//! |---|---|---|
//! | absent | `call` | awake: the caller starts its thread |
//! | awake | `call` | awake: nothing to do |
//! | awake | the monitor found nothing to do for long | asleep; it looks once more, and only then sleeps |
//! | asleep | `call`, or a timer that nobody else watches | awake |
//! | awake | it finds that all sleep, and one of them watches for a timer | dozing, until soon after that timer |
//! | dozing | `call`, or that time has come | awake |
//! | dozing | `expects`, by a thread that wakes for a timer | awake, without being woken: it comes by itself in time |
//!
//! So a program that does nothing but what its timers tell it wakes the monitor once per timer, and its threads never
//! make a system call for that.
//!
//! Who has given the monitor something to do (a seat taken, a timer registered) calls after that, with a fence between;
//! the monitor says that it sleeps, and then looks whether there is something, with a fence between. So one of the two
//! sees the other.
//!
//! Checked by `models::attention_*` (loom), `tests/monitor.rs`.
use dormouse_wait::parker::Parker;
use dormouse_wait::prim::atomic::{AtomicU64, Ordering::*};
use dormouse_wait::prim::{Arc, Mutex};

const ABSENT: u64 = 0;
const ASLEEP: u64 = 1;
const AWAKE: u64 = 2;
/// From here on: it dozes until then, in nanoseconds since the runtime began.
const DOZING: u64 = 3;

/// How long after a timer it comes by itself, if it dozes: a tick of the monitor's, in nanoseconds.
const SOON: u64 = 1_000_000;

#[derive(Debug)]
pub(crate) struct Attention {
    state: AtomicU64,
    /// How often the monitor has looked.
    looks: std::sync::atomic::AtomicU64,
    parker: Mutex<Option<Arc<Parker>>>,
}

impl Attention {
    /// `wanted`: there is to be a monitor.
    pub(crate) fn new(wanted: bool) -> Attention {
        Attention {
            state: AtomicU64::new(if wanted { ABSENT } else { AWAKE }),
            looks: std::sync::atomic::AtomicU64::new(0),
            parker: Mutex::new(None),
        }
    }

    /// Must nobody be called?
    #[inline(always)]
    pub(crate) fn is_awake(&self) -> bool {
        self.state.load(Relaxed) == AWAKE
    }

    /// Wakes the monitor. True if its thread is to be started.
    #[must_use = "a monitor that is absent must be started"]
    pub(crate) fn call(&self) -> bool {
        // Ordering: AcqRel: one of several callers goes on.
        match self.state.swap(AWAKE, AcqRel) {
            ABSENT => return true,
            AWAKE => {}
            _ => self.wake(),
        }
        false
    }

    /// A thread wakes for the timer that is due at `due`, and is about to sit down: if the monitor dozes until soon after
    /// that, or less, it need not be called.
    pub(crate) fn expects(&self, due: u64) {
        let state = self.state.load(Relaxed);
        if state >= DOZING && state <= due.saturating_add(SOON) {
            // Ordering: AcqRel, as in `call`. A failure means that it was called, or has come.
            let _ = self.state.compare_exchange(state, AWAKE, AcqRel, Relaxed);
        }
    }

    /// How often the monitor has looked.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Relaxed)
    }

    /// The thread could not be started: who comes next tries again.
    pub(crate) fn start_failed(&self) {
        self.state.store(ABSENT, Relaxed);
    }

    /// Lets the monitor look whether the runtime has ended.
    pub(crate) fn wake(&self) {
        let parker = self.parker.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        if let Some(parker) = parker {
            parker.unpark();
        }
    }

    // --- for the monitor's thread -----------------------------------------------------------------------------------

    pub(crate) fn begin(&self, parker: &Arc<Parker>) {
        *self.parker.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Arc::clone(parker));
    }

    /// The monitor is about to sleep, or to doze until soon after `due`; until when. After a heavy fence it looks once
    /// more, and sleeps only if there is nothing.
    pub(crate) fn fall_asleep(&self, due: Option<u64>) -> Option<u64> {
        let until = due.map(|due| due.saturating_add(SOON).min(u64::MAX - 1));
        // Ordering: AcqRel, and exchanges here and in `awake`: so that what `expects` replaces is the latest.
        self.state.swap(until.unwrap_or(ASLEEP), AcqRel);
        until
    }

    pub(crate) fn awake(&self) {
        // Ordering: as above.
        self.state.swap(AWAKE, AcqRel);
    }

    pub(crate) fn looked(&self) {
        self.looks.fetch_add(1, Relaxed);
    }
}
