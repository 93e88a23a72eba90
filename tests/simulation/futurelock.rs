//! Waits that are begun and not polled on: nobody is held up by them, and they come back, or go.
use crate::kit::{NO_ABORTS, Seen, below, join_all, one_in, pause, search, us};
use dormouse::prelude::*;
use dormouse::sync::{RwLock, Semaphore};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

/// As many at a time are kept and not polled as those next in line who are roused by a hand-over may be, less one.
const KEPT: usize = 3;

/// The waits of a program, of which a few are kept.
#[derive(Clone)]
struct Waits(Arc<AtomicUsize>, Seen<3>);

impl Waits {
    fn new(seen: Seen<3>) -> Waits {
        Waits(Arc::default(), seen)
    }

    /// Waits for what `wait` gives, holds it for some time, and drops it; sometimes it is begun, and kept without a poll
    /// for longer than all others need, while this task waits for the same thing once more. Then it is polled on, or dropped.
    async fn one<G>(&self, wait: impl Fn() -> Pin<Box<dyn Future<Output = G> + Send>>) {
        let Waits(kept, seen) = self;
        let one_more = |kept| (kept < KEPT).then_some(kept + 1);
        let mut begun = wait();
        let first = poll_fn(|cx| Poll::Ready(begun.as_mut().poll(cx))).await;
        let guard = match first {
            Poll::Ready(guard) => guard,
            Poll::Pending if one_in(2) && kept.fetch_update(SeqCst, SeqCst, one_more).is_ok() => {
                seen.note(0);
                if one_in(2) {
                    hold(wait().await).await;
                }
                time::sleep(us(below(20_000))).await;
                kept.fetch_sub(1, SeqCst);
                if one_in(3) {
                    seen.note(1);
                    return;
                }
                begun.await
            }
            Poll::Pending => {
                seen.note(2);
                begun.await
            }
        };
        hold(guard).await;
    }
}

/// Mostly for a short time.
async fn hold<G>(guard: G) {
    pause().await;
    if one_in(4) {
        time::sleep(us(below(3000))).await;
    }
    drop(guard);
}

/// The longest that a run may last: nobody who waits is held up for longer than a few ms by each who is not polled.
async fn in_time(tasks: Vec<JoinHandle<()>>) {
    let begun = Instant::now();
    join_all(tasks).await;
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[test]
fn mutex() {
    search(NO_ABORTS, async |seen: Seen<3>| {
        let (mutex, waits) = (Arc::new(Mutex::new(())), Waits::new(seen));
        let task = |mutex: Arc<Mutex<()>>, waits: Waits| async move {
            for _ in 0..3 {
                waits.one(|| Box::pin(mutex.clone().lock_owned())).await;
            }
        };
        in_time((0..2 + below(6)).map(|_| spawn(task(mutex.clone(), waits.clone()))).collect()).await;
        assert!(mutex.try_lock().is_some());
    });
}

#[test]
fn rwlock() {
    search(NO_ABORTS, async |seen: Seen<3>| {
        let (lock, waits) = (Arc::new(RwLock::new(())), Waits::new(seen));
        let task = |lock: Arc<RwLock<()>>, waits: Waits| async move {
            for _ in 0..3 {
                match one_in(2) {
                    true => waits.one(|| Box::pin(lock.clone().read_owned())).await,
                    false => waits.one(|| Box::pin(lock.clone().write_owned())).await,
                }
            }
        };
        in_time((0..2 + below(6)).map(|_| spawn(task(lock.clone(), waits.clone()))).collect()).await;
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn semaphore() {
    search(NO_ABORTS, async |seen: Seen<3>| {
        let (semaphore, waits) = (Arc::new(Semaphore::fixed(3)), Waits::new(seen));
        let task = |semaphore: Arc<Semaphore>, waits: Waits| async move {
            for _ in 0..3 {
                let count = 1 + below(3) as u32;
                waits.one(|| Box::pin(semaphore.clone().acquire_many_owned(count))).await;
            }
        };
        in_time((0..2 + below(6)).map(|_| spawn(task(semaphore.clone(), waits.clone()))).collect()).await;
        assert_eq!(semaphore.available_permits(), 3);
    });
}
