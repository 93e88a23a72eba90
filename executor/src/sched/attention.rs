//! Whether the monitor looks, and how it is called.
//!
//! | state | event | state after |
//! |---|---|---|
//! | absent | `call` | awake: the caller starts its thread |
//! | awake | `call` | awake: nothing to do |
//! | awake | the monitor found nothing to do for long | asleep; it looks once more, and only then sleeps |
//! | asleep | `call`, or a timer that nobody else watches | awake |
//!
//! Who has given the monitor something to do (a seat taken, a timer registered) calls after that, with a fence between;
//! the monitor says that it sleeps, and then looks whether there is something, with a fence between. So one of the two
//! sees the other.
//!
//! Checked by `models::attention_*` (loom), `tests/monitor.rs`.
use dormouse_wait::parker::Parker;
use dormouse_wait::prim::atomic::{AtomicU8, Ordering::*};
use dormouse_wait::prim::{Arc, Mutex};

const ABSENT: u8 = 0;
const ASLEEP: u8 = 1;
const AWAKE: u8 = 2;

#[derive(Debug)]
pub(crate) struct Attention {
    state: AtomicU8,
    parker: Mutex<Option<Arc<Parker>>>,
}

impl Attention {
    /// `wanted`: there is to be a monitor.
    pub(crate) fn new(wanted: bool) -> Attention {
        Attention { state: AtomicU8::new(if wanted { ABSENT } else { AWAKE }), parker: Mutex::new(None) }
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
            ASLEEP => self.wake(),
            _ => {}
        }
        false
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

    /// The monitor is about to sleep: after a heavy fence it looks once more, and sleeps only if there is nothing.
    pub(crate) fn fall_asleep(&self) {
        self.state.store(ASLEEP, Relaxed);
    }

    pub(crate) fn awake(&self) {
        self.state.store(AWAKE, Relaxed);
    }
}
