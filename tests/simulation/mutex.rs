//! The mutex: one owner, whoever gives up or is aborted; nobody forgotten; handed over after 1 ms, to the nanosecond.
use crate::kit::{ALL, NO_ABORTS, Seen, below, give_up, join, join_all, one_in, pause, search, turns, us};
use dormouse::prelude::*;
use dormouse::sim;
use std::ops::DerefMut;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// A section under the lock: nobody else is in one. It ends before the lock is given up, also by an abort.
struct Section<G: DerefMut<Target = bool>>(G);

impl<G: DerefMut<Target = bool>> Section<G> {
    fn enter(mut guard: G) -> Section<G> {
        assert!(!std::mem::replace(&mut *guard, true), "two owners");
        Section(guard)
    }
}

impl<G: DerefMut<Target = bool>> Drop for Section<G> {
    fn drop(&mut self) {
        *self.0 = false;
    }
}

#[test]
fn one_owner_at_a_time() {
    search(ALL, async |seen: Seen<4>| {
        let mutex = Arc::new(Mutex::new(false));
        let task = |mutex: Arc<Mutex<bool>>, seen: Seen<4>| async move {
            for _ in 0..1 + below(4) {
                pause().await;
                match below(4) {
                    0 => {
                        let _section = Section::enter(mutex.lock().await);
                        pause().await;
                        seen.note(0);
                    }
                    1 => match give_up(mutex.lock()).await {
                        Some(guard) => {
                            let _section = Section::enter(guard);
                            pause().await;
                        }
                        None => seen.note(1),
                    },
                    2 => match give_up(mutex.clone().lock_owned()).await {
                        Some(guard) => {
                            let _section = Section::enter(guard);
                            pause().await;
                        }
                        None => seen.note(2),
                    },
                    _ => match mutex.try_lock() {
                        Some(guard) => drop(Section::enter(guard)),
                        None => seen.note(3),
                    },
                }
            }
        };
        let tasks = (0..2 + below(4)).map(|_| spawn(task(mutex.clone(), seen.clone()))).collect();
        join_all(tasks).await;
        assert!(mutex.try_lock().is_some(), "left locked");
    });
}

/// Owners that hold the lock until they are told to go on: at each quiet moment, one has it if anybody wants it.
#[test]
fn a_lock_that_is_wanted_is_held() {
    search(ALL, async |seen: Seen<2>| {
        let mutex = Arc::new(Mutex::new(false));
        let (go_on, told) = unbounded();
        let owners = Arc::new(AtomicUsize::new(0));
        let own = |mutex: Arc<Mutex<bool>>, told: Receiver<()>, owners: Arc<AtomicUsize>| async move {
            struct Leave(Arc<AtomicUsize>);
            impl Drop for Leave {
                fn drop(&mut self) {
                    self.0.fetch_sub(1, SeqCst);
                }
            }
            let guard = if one_in(2) {
                mutex.lock().await
            } else {
                loop {
                    if let Some(guard) = give_up(mutex.lock()).await {
                        break guard;
                    }
                }
            };
            let _section = Section::enter(guard);
            owners.fetch_add(1, SeqCst);
            let _leave = Leave(owners);
            told.recv().await.unwrap();
        };
        let mut tasks: Vec<JoinHandle<()>> = Vec::new();
        for _ in 0..4 {
            for _ in 0..1 + below(5) {
                match below(5) {
                    0..=1 => tasks.push(spawn(own(mutex.clone(), told.clone(), owners.clone()))),
                    2 => go_on.try_send(()).unwrap(),
                    3 => sim::rng().pick(&tasks).into_iter().for_each(JoinHandle::abort),
                    _ => turns(below(5)).await,
                }
            }
            sim::wait().await;
            tasks.retain(|task| !task.is_finished());
            assert_eq!(owners.load(SeqCst), tasks.len().min(1), "{} tasks want it", tasks.len());
            assert_eq!(mutex.is_locked(), !tasks.is_empty());
            assert!(go_on.is_empty() || tasks.is_empty(), "an owner was not told");
            seen.note(usize::from(tasks.len() > 1));
        }
        go_on.close();
        tasks.iter().for_each(JoinHandle::abort);
        join_all(tasks).await;
        assert!(mutex.try_lock().is_some(), "left locked");
    });
}

/// One task that takes the lock again as soon as it gives it up, and one that waits: at each unlock the waiter is woken
/// and comes too late, and at the first of these after 1 ms it is owed the lock, which the next unlock gives it.
#[test]
fn handed_over_after_a_millisecond() {
    search(NO_ABORTS, async |seen: Seen<2>| {
        let mutex = Arc::new(Mutex::new(()));
        let section = us(50 + below(1_500));
        let since = section * below(3) as u32 + us(1 + below(section.as_micros() as u64 - 1));
        let (base, busy) = (Instant::now(), mutex.clone());
        let held = mutex.clone().lock_owned().await;
        let hog = spawn(async move {
            // A hundred sections are more than it takes.
            for _ in 0..100 {
                let _guard = busy.lock().await;
                time::sleep(section).await;
            }
        });
        let waiter = spawn(async move {
            time::sleep(since).await;
            // Others who come and go change nothing.
            if one_in(2) {
                give_up(mutex.lock()).await;
            }
            let asked = base.elapsed();
            let _guard = mutex.lock().await;
            (asked, base.elapsed())
        });
        sim::wait().await;
        assert_eq!(base.elapsed(), Duration::ZERO);
        drop(held); // now the hog has it, from the start
        let (asked, got) = waiter.await.unwrap();
        if asked.as_nanos() % section.as_nanos() == 0 {
            // It came as the lock was given up: before or after that, as the seed has it.
            hog.abort();
            join(hog).await;
            return;
        }
        let due = (asked + Duration::from_millis(1)).as_nanos().div_ceil(section.as_nanos()) as u32;
        assert_eq!(got, section * (due + 1), "asked for at {asked:?}, in sections of {section:?}");
        seen.note(usize::from(due > 1));
        hog.abort();
        join(hog).await;
    });
}

/// Several who wait, some of whom give up or are aborted, some of these just as they are handed the lock, beside some who
/// take it again at once: nobody who has waited for a millisecond is overtaken more than a few times for each who came
/// before.
#[test]
fn nobody_starves() {
    search(NO_ABORTS, async |seen: Seen<3>| {
        let mutex = Arc::new(Mutex::new(0_u64));
        let section = us(100 + below(400));
        let hogs = (0..1 + below(2)).map(|_| {
            let mutex = mutex.clone();
            spawn(async move {
                for _ in 0..24 {
                    let mut guard = mutex.lock().await;
                    *guard += 1;
                    time::sleep(section).await;
                }
            })
        });
        let hogs: Vec<_> = hogs.collect();
        let waiters = 1 + below(3);
        // Each section takes half a millisecond at the most: the waiters before it, each with two sections of others,
        // and its own two.
        let most = Duration::from_millis(1) + us(500) * (2 + 4 * waiters as u32);
        let wait = |mutex: Arc<Mutex<u64>>, seen: Seen<3>| async move {
            time::sleep(us(below(500))).await;
            let limit = Duration::from_millis(if one_in(4) { 2 } else { 1_000 });
            let asked = Instant::now();
            let Ok(mut guard) = time::timeout(limit, mutex.lock()).await else {
                return seen.note(0);
            };
            *guard += 1;
            assert!(asked.elapsed() <= most, "it waited for {:?}, {waiters} wait", asked.elapsed());
            if asked.elapsed() > Duration::from_millis(1) {
                seen.note(1);
            }
        };
        let tasks: Vec<_> = (0..waiters).map(|_| spawn(wait(mutex.clone(), seen.clone()))).collect();
        for _ in 0..below(3) {
            // At the instant of an unlock.
            time::sleep(section * (1 + below(8)) as u32).await;
            sim::rng().pick(&tasks).into_iter().for_each(JoinHandle::abort);
        }
        if join_all(tasks).await.contains(&None) {
            seen.note(2);
        }
        join_all(hogs).await;
        assert!(mutex.try_lock().is_some(), "left locked");
    });
}
