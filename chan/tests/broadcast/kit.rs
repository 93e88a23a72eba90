//! Values that can be cloned, whose number alive is counted, and whose clone and drop call back.
use dormouse_chan::broadcast::{Overflow, Receiver};
use std::fmt;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

pub(crate) const POLICIES: [Overflow; 3] = [Overflow::Wait, Overflow::DropOldest, Overflow::Error];

type Hook = Box<dyn FnMut(u32) + Send>;

#[derive(Default)]
struct Inner {
    alive: AtomicIsize,
    clones: AtomicUsize,
    on_clone: Mutex<Option<Hook>>,
    on_drop: Mutex<Option<Hook>>,
}

/// Where the items of a test are counted.
#[derive(Clone, Default)]
pub(crate) struct Items(Arc<Inner>);

/// A value with a number.
pub(crate) struct Item {
    pub(crate) number: u32,
    items: Items,
}

impl Items {
    pub(crate) fn item(&self, number: u32) -> Item {
        self.0.alive.fetch_add(1, SeqCst);
        Item { number, items: self.clone() }
    }

    pub(crate) fn alive(&self) -> isize {
        self.0.alive.load(SeqCst)
    }

    pub(crate) fn clones(&self) -> usize {
        self.0.clones.load(SeqCst)
    }

    /// What the next clones do first; a hook does not meet itself, nor the clones that it makes.
    pub(crate) fn on_clone(&self, hook: impl FnMut(u32) + Send + 'static) {
        *self.0.on_clone.lock().unwrap() = Some(Box::new(hook));
    }

    /// What the next drops do, when the item is counted out.
    pub(crate) fn on_drop(&self, hook: impl FnMut(u32) + Send + 'static) {
        *self.0.on_drop.lock().unwrap() = Some(Box::new(hook));
    }

    /// No hooks any more.
    pub(crate) fn quiet(&self) {
        let hooks = [&self.0.on_clone, &self.0.on_drop]
            .map(|hook| hook.lock().unwrap_or_else(|p| p.into_inner()).take());
        drop(hooks);
    }
}

/// Runs the hook, if there is one and it is not on; it is not there meanwhile, and is back afterwards, also by a panic.
fn run(place: &Mutex<Option<Hook>>, number: u32) {
    struct Back<'a>(&'a Mutex<Option<Hook>>, Option<Hook>);
    impl Drop for Back<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = self.1.take();
        }
    }
    let hook = place.lock().unwrap().take();
    if let Some(hook) = hook {
        let mut back = Back(place, Some(hook));
        if let Some(hook) = &mut back.1 {
            hook(number);
        }
    }
}

impl Clone for Item {
    fn clone(&self) -> Self {
        self.items.0.clones.fetch_add(1, SeqCst);
        run(&self.items.0.on_clone, self.number);
        self.items.item(self.number)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.items.0.alive.fetch_sub(1, SeqCst);
        run(&self.items.0.on_drop, self.number);
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({})", self.number)
    }
}

/// The numbers of all that there is to receive.
pub(crate) fn drain(rx: &mut Receiver<Item>) -> Vec<u32> {
    std::iter::from_fn(|| rx.try_recv().ok()).map(|item| item.number).collect()
}

/// All that there is to receive.
pub(crate) fn all<T: Clone>(rx: &mut Receiver<T>) -> Vec<T> {
    std::iter::from_fn(|| rx.try_recv().ok()).collect()
}
