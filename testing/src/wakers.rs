//! Wakers that run a hook from their clone, wake and drop, which may call back into the object
//! that holds them, or panic.
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{RawWaker, RawWakerVTable, Waker};

/// What is done to a waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is cloned.
    Clone,
    /// It is woken, and gone.
    Wake,
    /// It is woken by reference.
    WakeByRef,
    /// It is dropped without being woken.
    Drop,
}

/// All of them.
pub const EVENTS: [Event; 4] = [Event::Clone, Event::Wake, Event::WakeByRef, Event::Drop];

type Hook = Arc<dyn Fn(Event) + Send + Sync>;

/// A waker that tells `hook` what is done to it and to its clones. A clone has an address of its own, as is allowed.
pub fn hooked(hook: impl Fn(Event) + Send + Sync + 'static) -> Waker {
    // SAFETY: the vtable's functions keep the contract of a waker: one box per waker, given up by wake and drop.
    unsafe { Waker::from_raw(raw(Arc::new(hook))) }
}

fn raw(hook: Hook) -> RawWaker {
    RawWaker::new(Box::into_raw(Box::new(hook)).cast_const().cast(), &VTABLE)
}

fn borrow<'a>(data: *const ()) -> &'a Hook {
    // SAFETY: the box is alive: the waker that owns it is borrowed.
    unsafe { &*data.cast::<Hook>() }
}

fn take(data: *const ()) -> Box<Hook> {
    // SAFETY: made by `raw`, and given up by the waker that calls this.
    unsafe { Box::from_raw(data.cast_mut().cast::<Hook>()) }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |data| {
        let hook = borrow(data);
        hook(Event::Clone);
        raw(hook.clone())
    },
    |data| take(data)(Event::Wake),
    |data| borrow(data)(Event::WakeByRef),
    |data| take(data)(Event::Drop),
);

type Call = Box<dyn FnMut(Event) + Send>;

/// A hook for [`hooked`] that may change what it holds, is not entered while it runs, and counts.
pub struct Calls {
    call: Mutex<Option<Call>>,
    /// The call is on: what it does may come back here, and then does nothing.
    busy: AtomicBool,
    alive: AtomicIsize,
    woken: AtomicUsize,
    hooked: AtomicUsize,
}

impl Calls {
    /// Calls `call` for each event.
    pub fn new(call: impl FnMut(Event) + Send + 'static) -> Arc<Self> {
        Arc::new(Calls {
            call: Mutex::new(Some(Box::new(call))),
            busy: AtomicBool::new(false),
            alive: AtomicIsize::new(0),
            woken: AtomicUsize::new(0),
            hooked: AtomicUsize::new(0),
        })
    }

    /// A waker of it.
    pub fn waker(self: &Arc<Self>) -> Waker {
        self.alive.fetch_add(1, SeqCst);
        let calls = self.clone();
        hooked(move |event| {
            if matches!(event, Event::Wake | Event::Drop) {
                calls.alive.fetch_sub(1, SeqCst);
            }
            if matches!(event, Event::Wake | Event::WakeByRef) {
                calls.woken.fetch_add(1, SeqCst);
            }
            calls.call(event);
            if event == Event::Clone {
                calls.alive.fetch_add(1, SeqCst);
            }
        })
    }

    /// Ends the calling back, and drops what the call holds.
    pub fn quiet(&self) {
        let call = self.call.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        drop(call);
    }

    /// How many of its wakers are alive.
    pub fn alive(&self) -> isize {
        self.alive.load(SeqCst)
    }

    /// How often its wakers were woken.
    pub fn woken(&self) -> usize {
        self.woken.load(SeqCst)
    }

    /// How often the call has run.
    pub fn hooked(&self) -> usize {
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
        let mut call = self.call.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(call) = call.as_mut() {
            self.hooked.fetch_add(1, SeqCst);
            call(event);
        }
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls")
            .field("alive", &self.alive())
            .field("woken", &self.woken())
            .finish_non_exhaustive()
    }
}
