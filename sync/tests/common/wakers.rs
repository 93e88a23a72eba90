//! Wakers that call back into the object, or panic.
use dormouse_testing::{Count, Event, hooked};
use std::mem::ManuallyDrop;
use std::task::Waker;

const CALLS: [Event; 3] = [Event::Clone, Event::Wake, Event::Drop];

pub(crate) type Make<'a> = &'a dyn Fn() -> ManuallyDrop<Waker>;

/// For each of a waker's functions, and each state up to `last` in which a wait is dropped: `test` has a new object, a
/// maker of wakers that do `act` to it in that function, the state, and the function. Those wakers themselves are never
/// dropped: what is dropped is what the object has cloned.
pub(crate) fn each_call<T: Clone + Send + Sync + 'static>(
    last: usize,
    make: impl Fn() -> T,
    act: fn(&T),
    test: impl Fn(&T, Make<'_>, usize, Event),
) {
    for call in CALLS {
        let calls = Count::shared();
        for drop_after in 0..=last {
            println!("{call:?} {drop_after}");
            let object = make();
            let waker = || {
                let (object, calls) = (object.clone(), calls.clone());
                ManuallyDrop::new(hooked(move |made| {
                    if made == call && !std::thread::panicking() {
                        calls.add();
                        act(&object);
                    }
                }))
            };
            test(&object, &waker, drop_after, call);
        }
        assert!(calls.get() > 0, "{call:?} was never tried");
    }
}

/// A waker whose wake panics.
pub(crate) fn bad() -> Waker {
    hooked(|call| assert_ne!(call, Event::Wake, "a bad waker"))
}
