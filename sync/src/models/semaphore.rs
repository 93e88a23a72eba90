//! The semaphore.
use super::*;
use crate::Semaphore;

fn semaphore(permits: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(permits))
}

fn on_thread(
    semaphore: &Arc<Semaphore>,
    act: impl FnOnce(&Arc<Semaphore>) + 'static,
) -> thread::JoinHandle<()> {
    let semaphore = semaphore.clone();
    thread::spawn(move || act(&semaphore))
}

fn acquire_and_bump(semaphore: &Arc<Semaphore>, count: u32, data: &Arc<Data>) -> thread::JoinHandle<()> {
    let data = data.clone();
    on_thread(semaphore, move |semaphore| {
        let permits = block_on(semaphore.acquire_many(count)).unwrap();
        bump(&data);
        let_go(permits);
    })
}

/// One permit is a lock: it excludes, hands the data on, and nobody is left behind.
#[test]
fn one_permit_excludes() {
    check(Some(3), STILL, || {
        let (semaphore, data) = (semaphore(1), Arc::new(UnsafeCell::new(0)));
        let others = [acquire_and_bump(&semaphore, 1, &data), acquire_and_bump(&semaphore, 1, &data)];
        step();
        if let Ok(permit) = semaphore.try_acquire() {
            bump(&data);
            let_go(permit);
        }
        for other in others {
            other.join().unwrap();
        }
        assert!(semaphore.is_idle() && semaphore.available_permits() == 1);
    });
}

/// One that asks for both permits against two that ask for one: everybody gets his, and both are back.
#[test]
fn large_and_small() {
    check(Some(3), STILL, || {
        let (semaphore, data) = (semaphore(2), Arc::new(UnsafeCell::new(0)));
        let large = acquire_and_bump(&semaphore, 2, &data);
        let small = on_thread(&semaphore, |semaphore| drop(block_on(semaphore.acquire()).unwrap()));
        let permit = block_on(semaphore.acquire()).unwrap();
        let_go(permit);
        large.join().unwrap();
        small.join().unwrap();
        assert!(semaphore.is_idle() && semaphore.available_permits() == 2);
    });
}

/// X4: one that asks for much is dropped at any moment, while a permit comes back; the one behind it is served.
#[test]
fn dropped_waiter_passes_on() {
    for count in [1, 2] {
        check(Some(3), STILL, move || {
            let semaphore = semaphore(1);
            let permit = semaphore.clone().try_acquire_owned().unwrap();
            let mut first = Box::pin(semaphore.clone().acquire_many_owned(count));
            assert!(poll(first.as_mut(), &Signal::new().1).is_pending());
            let dropper = thread::spawn(move || let_go(first));
            let releaser = thread::spawn(move || let_go(permit));
            drop(block_on(semaphore.acquire()).unwrap());
            dropper.join().unwrap();
            releaser.join().unwrap();
            assert!(semaphore.is_idle() && semaphore.available_permits() == 1);
        });
    }
}

/// A close against a wait and a release: the waiter ends either way, and no permit is lost.
#[test]
fn close_against_wait_and_release() {
    check(Some(3), STILL, || {
        let semaphore = semaphore(1);
        let permit = semaphore.clone().try_acquire_owned().unwrap();
        let waiter = on_thread(&semaphore, |semaphore| drop(block_on(semaphore.acquire())));
        let releaser = thread::spawn(move || let_go(permit));
        step();
        semaphore.close();
        waiter.join().unwrap();
        releaser.join().unwrap();
        assert!(semaphore.is_idle() && semaphore.available_permits() == 1);
        assert!(semaphore.try_acquire().is_err());
    });
}

/// Futurelock: one that was granted its permit comes back, or goes, at any moment while two others look at it, with a clock
/// that steps by 1 ms at each look: it is taken back, or claimed, or given back, once. All are served.
#[test]
fn taken_back_against_claim_and_drop() {
    for dropped in [false, true] {
        check(Some(2), STARVING, move || {
            let (semaphore, data) = (semaphore(0), Arc::new(UnsafeCell::new(0)));
            let mut first = Box::pin(semaphore.clone().acquire_owned());
            assert!(poll(first.as_mut(), &Signal::new().1).is_pending());
            semaphore.add_permits(1);
            let other = {
                let data = data.clone();
                come_or_go(first, dropped, move |_| bump(&data))
            };
            let looking = on_thread(&semaphore, |semaphore| look_twice(semaphore));
            let permit = block_on_looking(semaphore.acquire());
            bump(&data);
            let_go(permit);
            other.join().unwrap();
            looking.join().unwrap();
            assert!(semaphore.is_idle() && semaphore.available_permits() == 1);
        });
    }
}

/// Waits, looks again without cause, and gives up.
fn look_twice(semaphore: &Semaphore) {
    let mut wait = Box::pin(semaphore.acquire());
    for _ in 0..2 {
        if poll(wait.as_mut(), &Signal::new().1).is_ready() {
            return;
        }
    }
    let_go(wait);
}

/// Futurelock against a close: what was passed over learns of it, what was granted is good, and nothing is lost.
#[test]
fn taken_back_against_close() {
    check(Some(3), STARVING, || {
        let semaphore = semaphore(0);
        let mut first = Box::pin(semaphore.clone().acquire_owned());
        assert!(poll(first.as_mut(), &Signal::new().1).is_pending());
        semaphore.add_permits(1);
        let looking = on_thread(&semaphore, |semaphore| look_twice(semaphore));
        let other = thread::spawn(move || drop(block_on(first)));
        step();
        semaphore.close();
        looking.join().unwrap();
        other.join().unwrap();
        assert!(semaphore.is_idle() && semaphore.available_permits() == 1);
    });
}
