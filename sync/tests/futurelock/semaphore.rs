//! The semaphore: alarms and arrivals, order, each end of one that was passed over.
use crate::common::load::{Dice, tokio};
use crate::common::{Clock, acquiring, poll};
use crate::{Wait, drop_one, poll_one, poll_woken, served_alone};
use dormouse_sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use dormouse_testing::{Count, watch};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok};

/// The head is given its permit and nobody polls it: the one behind it has it after an alarm to see that, and one to take it.
#[test]
fn an_alarm_takes_it_back() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [mut gone, mut next] = acquiring(&semaphore, [1, 1]);
        semaphore.add_permits(1);
        assert!(gone.is_woken() && !next.is_woken());
        clock.pass(1000);
        assert_eq!(poll_woken(std::slice::from_mut(&mut next)), 1);
        clock.pass(999);
        assert!(!next.is_woken());
        clock.pass(1);
        assert!(next.is_woken());
        let permit = assert_ready_ok!(next.poll());
        assert_eq!(semaphore.available_permits(), 0);
        // It waits again, and the permit is its own.
        assert_pending!(gone.poll());
        drop(permit);
        assert!(gone.is_woken());
        drop(assert_ready_ok!(gone.poll()));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// Within its time it claims what it was given, though others have looked at it.
#[test]
fn claimed_in_time() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [mut slow, mut next] = acquiring(&semaphore, [1, 1]);
        semaphore.add_permits(1);
        clock.pass(1000);
        assert_pending!(next.poll());
        clock.pass(999);
        assert_pending!(next.poll());
        drop(assert_ready_ok!(slow.poll()));
        drop(assert_ready_ok!(next.poll()));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// Without a host there are no alarms: whoever comes sees it, and whoever comes 1 ms later takes it back.
#[test]
fn whoever_comes_takes_it_back() {
    let semaphore = Semaphore::new(0);
    let [gone] = acquiring(&semaphore, [1]);
    semaphore.add_permits(1);
    let [mut first] = acquiring(&semaphore, [1]);
    std::thread::sleep(Duration::from_millis(2));
    let [second] = acquiring(&semaphore, [1]);
    // In order.
    assert!(first.is_woken() && !second.is_woken());
    drop(assert_ready_ok!(first.poll()));
    assert!(second.is_woken());
    drop((gone, second));
    assert_eq!(semaphore.available_permits(), 1);
}

/// One task that keeps a future and waits for another one of the same semaphore: as it is polled, it gets it.
#[test]
fn a_kept_future_does_not_block_its_own_task() {
    let semaphore = Semaphore::new(0);
    let (_, waker) = Count::new();
    let (mut kept, mut second) = (Box::pin(semaphore.acquire()), Box::pin(semaphore.acquire()));
    assert!(poll(kept.as_mut(), &waker).is_pending());
    semaphore.add_permits(1);
    assert!(poll(second.as_mut(), &waker).is_pending());
    std::thread::sleep(Duration::from_millis(2));
    assert!(poll(second.as_mut(), &waker).is_ready());
}

/// Several in a row that nobody polls: those that were given something, and those that would be next.
#[test]
fn several_in_a_row() {
    for served in 1..=3 {
        Clock::with(|clock| {
            let semaphore = Semaphore::new(0);
            let gone = acquiring(&semaphore, [1, 1, 1]);
            let [mut next] = acquiring(&semaphore, [1]);
            semaphore.add_permits(served);
            for _ in 0..4 {
                clock.pass(1000);
                if next.is_woken() && next.poll().is_ready() {
                    return;
                }
            }
            panic!("{served} were served, and the one behind them waits; {}", gone[0].is_woken());
        });
    }
}

/// What was passed over is next when it is polled again: before those who came later, and those who were there.
#[test]
fn it_keeps_its_place() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [mut gone, mut next, mut last] = acquiring(&semaphore, [1, 1, 1]);
        semaphore.add_permits(1);
        for _ in 0..2 {
            clock.pass(1000);
            assert_pending!(last.poll());
        }
        let permit = assert_ready_ok!(next.poll());
        assert_pending!(gone.poll());
        drop(permit);
        assert_pending!(last.poll());
        assert!(gone.is_woken());
        // It may be passed over again.
        clock.pass(1000);
        drop(assert_ready_ok!(last.poll()));
        // And find what it waits for.
        assert_eq!(semaphore.available_permits(), 1);
        drop(assert_ready_ok!(gone.poll()));
    });
}

/// While all who wait are absent, others take what there is at once, and what is absent takes it when it is polled.
#[test]
fn the_absent_hold_up_nobody() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [gone, mut next] = acquiring(&semaphore, [1, 1]);
        semaphore.add_permits(1);
        clock.pass(1000);
        assert_pending!(next.poll());
        clock.pass(1000);
        drop(assert_ready_ok!(next.poll()));
        for _ in 0..3 {
            drop(semaphore.try_acquire().expect("nobody waits"));
        }
        drop(gone);
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// Dropped after it was passed over: it had nothing any more, and gives nothing back.
#[test]
fn dropped_after_it_was_passed_over() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [gone, mut next] = acquiring(&semaphore, [2, 1]);
        semaphore.add_permits(2);
        clock.pass(1000);
        assert_pending!(next.poll());
        clock.pass(1000);
        let permit = assert_ready_ok!(next.poll());
        assert_eq!(semaphore.available_permits(), 1);
        drop(gone);
        assert_eq!(semaphore.available_permits(), 1);
        drop(permit);
        assert_eq!(semaphore.available_permits(), 2);
    });
}

/// A large request is passed over with all that it was given; and those behind it are served with it, but not with the rest.
#[test]
fn large_requests() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [gone, mut large, mut small] = acquiring(&semaphore, [3, 4, 1]);
        semaphore.add_permits(3);
        assert!(gone.is_woken());
        for _ in 0..3 {
            clock.pass(1000);
            assert_pending!(large.poll());
            assert_pending!(small.poll());
        }
        assert_eq!(semaphore.available_permits(), 3, "it is the turn of the large one");
        semaphore.add_permits(1);
        assert_pending!(small.poll());
        drop(assert_ready_ok!(large.poll()));
        drop(assert_ready_ok!(small.poll()));
        drop(gone);
        assert_eq!(semaphore.available_permits(), 4);
    });
}

/// Closed meanwhile: what was passed over learns of it, and what was granted is good.
#[test]
fn closed_meanwhile() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [mut gone, mut next, mut last] = acquiring(&semaphore, [1, 1, 1]);
        semaphore.add_permits(1);
        for _ in 0..2 {
            clock.pass(1000);
            assert_pending!(last.poll());
        }
        assert!(next.is_woken());
        semaphore.close();
        assert_ready_err!(gone.poll());
        assert_ready_err!(last.poll());
        clock.pass(5000);
        drop(assert_ready_ok!(next.poll()));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// However long permits are held, three of those who wait are woken once, by their alarms; and by a hand-over then, which they are
/// to look at, those next behind it.
#[test]
fn nobody_is_woken_while_it_is_held() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(1);
        let held = semaphore.try_acquire().unwrap();
        let mut waits: Vec<_> = (0..20).map(|_| spawn(semaphore.acquire())).collect();
        for wait in &mut waits {
            assert_pending!(wait.poll());
        }
        let mut woken = 0;
        for _ in 0..100 {
            clock.pass(1000);
            woken += poll_woken(&mut waits);
        }
        // The first one stands behind nobody, and three watch for all the others.
        assert_eq!((woken, clock.rung()), (3, 3));
        drop(held);
        let first = waits.remove(0);
        assert!(first.is_woken());
        assert_eq!(poll_woken(&mut waits), 4, "those next behind it");
        clock.pass(1000);
        assert!(waits[0].is_woken());
        drop(assert_ready_ok!(waits[0].poll()));
        drop(first);
    });
}

/// The same if the first of those who are roused are never polled either.
#[test]
fn those_roused_may_be_gone_too() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let mut waits = Vec::from(acquiring(&semaphore, [1; 5]));
        clock.pass(1000);
        poll_woken(&mut waits);
        clock.pass(10_000);
        semaphore.add_permits(1);
        let last = &mut waits[4];
        for _ in 0..10 {
            if last.is_woken() && last.poll().is_ready() {
                return;
            }
            clock.pass(1000);
        }
        panic!("nobody wakes the last one");
    });
}

/// A queue that moves rouses nobody and lets no alarm ring.
#[test]
fn a_queue_that_moves_wakes_each_once() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let mut waits = Vec::from(acquiring(&semaphore, [1; 3]));
        for _ in 0..100 {
            semaphore.add_permits(1);
            assert!(waits[0].is_woken() && !waits[1].is_woken() && !waits[2].is_woken());
            assert_ready_ok!(waits.remove(0).poll()).forget();
            clock.pass(100);
            waits.extend(acquiring(&semaphore, [1]));
        }
    });
}

/// Waits that are kept and not polled, dropped, polled again, in any order: in the end all permits are there.
#[test]
fn nothing_is_lost() {
    let _watch = watch();
    const PERMITS: u32 = 4;
    type Given = Result<OwnedSemaphorePermit, AcquireError>;
    for seed in 1..200 {
        Clock::with(|clock| {
            let mut dice = Dice(seed * 0x9E37_79B9);
            let semaphore = Arc::new(Semaphore::fixed(PERMITS));
            let mut waits: Vec<Wait<_>> = Vec::new();
            let mut held: Vec<Given> = Vec::new();
            for _ in 0..300 {
                match dice.roll(10) {
                    0..3 => {
                        let count = dice.roll(u64::from(PERMITS) + 1) as u32;
                        waits.push(Box::pin(semaphore.clone().acquire_many_owned(count)));
                    }
                    3..7 => poll_one(&mut dice, &mut waits, &mut held),
                    7 => drop_one(&mut dice, &mut waits),
                    8 => drop(held.pop()),
                    _ => clock.pass(400),
                }
                let out: usize =
                    held.iter().map(|permit: &Given| permit.as_ref().unwrap().num_permits()).sum();
                assert!(out + semaphore.available_permits() <= PERMITS as usize);
            }
            drop(held);
            served_alone(clock, Box::pin(semaphore.clone().acquire_many_owned(PERMITS)));
            drop(waits);
            assert_eq!(semaphore.available_permits(), PERMITS as usize);
        });
    }
}

/// On tokio: a task that keeps what it was given in a future that it does not poll, and others that come again and again.
#[test]
fn others_come_again_on_tokio() {
    let _watch = watch();
    let semaphore = Arc::new(Semaphore::new(0));
    let mut gone = Box::pin(semaphore.acquire());
    assert!(poll(gone.as_mut(), Waker::noop()).is_pending());
    semaphore.add_permits(1);
    let host = tokio();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let semaphore = semaphore.clone();
            host.spawn(async move {
                let mut served = 0;
                // Whoever gives up lets others come, and look.
                while served < 100 {
                    let acquire = semaphore.clone().acquire_owned();
                    match ::tokio::time::timeout(Duration::from_millis(2), acquire).await {
                        Ok(permit) => drop(permit.unwrap()),
                        Err(_) => continue,
                    }
                    served += 1;
                }
            })
        })
        .collect();
    host.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert!(poll(gone.as_mut(), Waker::noop()).is_ready());
}
