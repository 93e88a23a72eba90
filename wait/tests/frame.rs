//! The frame of a poll: budget, reasons, nesting.
use dormouse_testing::Count;
use dormouse_wait::frame::{
    BUDGET, Frame, REFUSALS, Reason, Waits, note, outside, poll_spend, polling, spend,
};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::task::Context;

#[test]
fn no_frame_no_limit() {
    assert!(!polling());
    for _ in 0..10 * BUDGET {
        assert!(spend());
    }
    note(Reason::Sleep, None); // goes nowhere
}

#[test]
fn the_budget_ends_and_each_refusal_wakes() {
    let (count, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    frame.enter(|| {
        assert!(polling());
        for _ in 0..BUDGET {
            assert!(poll_spend(&mut cx).is_ready());
        }
        assert_eq!(count.get(), 0);
        assert_eq!(waits.get(), (Reason::External, None));
        for refusal in 1..=3 {
            assert!(poll_spend(&mut cx).is_pending());
            assert_eq!(count.get(), refusal);
        }
        assert_eq!(waits.get(), (Reason::Yield, None));
    });
    assert!(!polling() && spend());
    Frame::new(&Waits::new()).enter(|| assert!(spend(), "each poll has its own budget"));
}

/// Whoever polls on in spite of Pending must not spin for ever.
#[test]
fn after_many_refusals_the_budget_is_lifted() {
    Frame::new(&Waits::new()).enter(|| {
        for _ in 0..BUDGET {
            assert!(spend());
        }
        for _ in 0..REFUSALS {
            assert!(!spend());
        }
        for _ in 0..10 * BUDGET {
            assert!(spend());
        }
    });
}

#[test]
fn the_last_reason_counts() {
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    let here = Location::caller();
    frame.enter(|| {
        note(Reason::ChanSend, None);
        note(Reason::Select, Some(here));
    });
    assert_eq!(waits.get(), (Reason::Select, Some(here)));
}

/// A `block_on` inside a poll has a frame of its own; afterwards the outer one goes on where it was.
#[test]
fn frames_nest() {
    let (outer_waits, inner_waits) = (Waits::new(), Waits::new());
    let (outer, inner) = (Frame::new(&outer_waits), Frame::new(&inner_waits));
    outer.enter(|| {
        assert!(spend());
        inner.enter(|| {
            for _ in 0..BUDGET {
                assert!(spend());
            }
            assert!(!spend());
            note(Reason::Sleep, None);
        });
        for _ in 1..BUDGET {
            assert!(spend());
        }
        assert!(!spend());
    });
    assert_eq!((outer_waits.get().0, inner_waits.get().0), (Reason::External, Reason::Sleep));
}

#[test]
fn a_panic_leaves_the_frame() {
    let waits = Waits::new();
    let outer = Frame::new(&waits);
    outer.enter(|| {
        let panicked =
            catch_unwind(AssertUnwindSafe(|| Frame::new(&Waits::new()).enter(|| panic!("in a poll"))));
        assert!(panicked.is_err() && polling());
        note(Reason::Join, None);
    });
    assert_eq!(waits.get().0, Reason::Join);
    assert!(!polling());
}

#[test]
fn outside_of_frames() {
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    frame.enter(|| {
        while spend() {}
        outside(|| {
            assert!(!polling() && spend());
            note(Reason::Sleep, None);
        });
        let panicked = catch_unwind(AssertUnwindSafe(|| outside(|| panic!("outside"))));
        assert!(panicked.is_err() && polling() && !spend());
    });
    assert_eq!(waits.get().0, Reason::External);
}

/// Frames belong to their thread.
#[test]
fn other_threads_have_none() {
    Frame::new(&Waits::new()).enter(|| {
        assert!(std::thread::scope(|scope| scope.spawn(|| !polling()).join().unwrap()));
    });
}

/// The number of each reason leads back to it, its words are Go's and its own, and other numbers are `External`.
#[test]
fn reasons() {
    let mut words = std::collections::HashSet::new();
    let mut number = 0;
    loop {
        let reason = Reason::from_u8(number);
        if reason == Reason::External && number > 0 {
            break;
        }
        assert_eq!((reason as u8, reason.to_string()), (number, reason.as_str().to_owned()));
        assert!(words.insert(reason.as_str()), "{reason} twice");
        number += 1;
    }
    assert_eq!(Reason::from_u8(u8::MAX), Reason::External);
    for go in
        ["chan receive", "chan send (nil chan)", "select", "select (no cases)", "sleep", "sync.Mutex.Lock"]
    {
        assert!(words.contains(go), "{go}");
    }
    assert_eq!(Reason::from_u8(Reason::Blocking as u8), Reason::Blocking);
}
