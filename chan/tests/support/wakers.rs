//! A waker that calls back: its clone, wake, wake_by_ref and drop run a hook, which may call into the object that
//! holds the waker, or panic.
#![allow(dead_code, reason = "each test binary uses what it needs")]
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{RawWaker, RawWakerVTable, Waker};

/// What is done to the waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Clone,
    Wake,
    WakeByRef,
    Drop,
}

pub(crate) const EVENTS: [Event; 4] = [Event::Clone, Event::Wake, Event::WakeByRef, Event::Drop];

type Hook = Box<dyn FnMut(Event) + Send>;

/// What all clones of one waker share.
pub(crate) struct Calls {
    hook: Mutex<Option<Hook>>,
    /// The hook is on: what it does may come back here, and then does nothing.
    busy: AtomicBool,
    /// Wakers alive.
    alive: AtomicIsize,
    woken: AtomicUsize,
    hooked: AtomicUsize,
}

/// Each waker has an allocation of its own, so that a clone has another address, as is allowed.
struct Handle(Arc<Calls>);

impl Calls {
    pub(crate) fn new(hook: impl FnMut(Event) + Send + 'static) -> Arc<Self> {
        Arc::new(Calls {
            hook: Mutex::new(Some(Box::new(hook))),
            busy: AtomicBool::new(false),
            alive: AtomicIsize::new(0),
            woken: AtomicUsize::new(0),
            hooked: AtomicUsize::new(0),
        })
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        self.alive.fetch_add(1, SeqCst);
        let handle = Box::into_raw(Box::new(Handle(self.clone())));
        // SAFETY: the vtable's functions keep the contract of a waker: one handle per waker, freed by wake and drop.
        unsafe { Waker::from_raw(RawWaker::new(handle.cast(), &VTABLE)) }
    }

    /// Ends the calling back, and drops what the hook holds.
    pub(crate) fn quiet(&self) {
        let hook = self.hook.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        drop(hook);
    }

    pub(crate) fn alive(&self) -> isize {
        self.alive.load(SeqCst)
    }

    pub(crate) fn woken(&self) -> usize {
        self.woken.load(SeqCst)
    }

    /// How often the hook has run.
    pub(crate) fn hooked(&self) -> usize {
        self.hooked.load(SeqCst)
    }

    fn call(&self, event: Event) {
        struct Idle<'a>(&'a AtomicBool);
        impl Drop for Idle<'_> {
            fn drop(&mut self) {
                self.0.store(false, SeqCst);
            }
        }
        if self.busy.swap(true, SeqCst) {
            return;
        }
        let _idle = Idle(&self.busy);
        let mut hook = self.hook.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(hook) = hook.as_mut() {
            self.hooked.fetch_add(1, SeqCst);
            hook(event);
        }
    }
}

fn borrow<'a>(data: *const ()) -> &'a Handle {
    // SAFETY: `data` is a live handle: the waker that holds it is borrowed.
    unsafe { &*data.cast::<Handle>() }
}

fn take(data: *const ()) -> Arc<Calls> {
    // SAFETY: made by `Calls::waker`, and given up by the waker that calls this.
    let handle = unsafe { Box::from_raw(data.cast::<Handle>().cast_mut()) };
    handle.0.alive.fetch_sub(1, SeqCst);
    handle.0
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |data| {
        let calls = &borrow(data).0;
        calls.call(Event::Clone);
        calls.alive.fetch_add(1, SeqCst);
        RawWaker::new(Box::into_raw(Box::new(Handle(calls.clone()))).cast_const().cast(), &VTABLE)
    },
    |data| {
        let calls = take(data);
        calls.woken.fetch_add(1, SeqCst);
        calls.call(Event::Wake);
    },
    |data| {
        let calls = &borrow(data).0;
        calls.woken.fetch_add(1, SeqCst);
        calls.call(Event::WakeByRef);
    },
    |data| take(data).call(Event::Drop),
);
