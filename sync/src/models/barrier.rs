//! The barrier.
use super::*;
use crate::Barrier;

fn on_thread<R: 'static>(
    barrier: &Arc<Barrier>,
    act: impl FnOnce(&Barrier) -> R + 'static,
) -> thread::JoinHandle<R> {
    let barrier = barrier.clone();
    thread::spawn(move || act(&barrier))
}

/// Two meet, twice: each time one of them leads, and each sees what the other did before.
#[test]
fn two_meet_twice() {
    check(Some(3), STILL, || {
        let barrier = Arc::new(Barrier::new(2));
        let shown = [Arc::new(UnsafeCell::new(0)), Arc::new(UnsafeCell::new(0))];
        let meet = |barrier: &Barrier, shown: &[Arc<Data>; 2], me: usize| {
            bump(&shown[me]);
            let first = block_on(barrier.wait()).is_leader();
            assert_eq!(read(&shown[1 - me]), 1);
            let second = block_on(barrier.wait()).is_leader();
            (first, second)
        };
        let there = shown.clone();
        let other = on_thread(&barrier, move |barrier| meet(barrier, &there, 1));
        let (here, there) = (meet(&barrier, &shown, 0), other.join().unwrap());
        assert!(here.0 != there.0 && here.1 != there.1);
        assert!(barrier.is_idle());
    });
}

/// One is dropped, come or not, while two others meet: they meet, whoever it was that came with it.
#[test]
fn dropped_waiter_has_not_come() {
    check(Some(3), STILL, || {
        let barrier = Arc::new(Barrier::new(2));
        let dropper = on_thread(&barrier, |barrier| {
            let mut wait = Box::pin(barrier.wait());
            let result = poll(wait.as_mut(), &Signal::new().1);
            let_go(wait);
            matches!(result, Poll::Ready(result) if result.is_leader())
        });
        let mut wait = Box::pin(barrier.wait());
        let (signal, waker) = Signal::new();
        let result = poll(wait.as_mut(), &waker);
        let met = result.is_ready();
        let led = dropper.join().unwrap();
        assert!(
            !(led && matches!(result, Poll::Ready(result) if result.is_leader())),
            "two leaders of one round"
        );
        if !met && !led {
            // Nobody has come but this one; another one completes the round.
            assert!(!signal.is_woken());
            assert!(block_on(barrier.wait()).is_leader());
        }
        if !met {
            assert!(signal.is_woken());
            assert!(poll(wait.as_mut(), &waker).is_ready());
        }
        assert!(barrier.is_idle());
    });
}
