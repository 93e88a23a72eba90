//! The read-write lock.
use super::*;
use crate::{RwLock, RwLockWriteGuard};

type Twin = (usize, usize);

async fn write(lock: &RwLock<Twin>, patient: bool) -> usize {
    let guard = if patient { Some(lock.write().await) } else { impatient(lock.write()).await };
    let Some(mut guard) = guard else { return 0 };
    guard.0 += 1;
    yield_now().await;
    guard.1 += 1;
    if thread_rng().gen_bool(0.5) {
        let seen = *guard;
        assert_eq!(*RwLockWriteGuard::downgrade(guard), seen);
    }
    1
}

async fn read(lock: &RwLock<Twin>, patient: bool) {
    let guard = if patient { Some(lock.read().await) } else { impatient(lock.read()).await };
    let Some(guard) = guard else { return };
    assert_eq!(guard.0, guard.1, "a writer beside a reader");
    yield_now().await;
    assert_eq!(guard.0, guard.1, "a writer beside a reader");
}

/// Writers and readers, of whom some give up at any moment: they exclude one another, and everybody gets his turn.
#[test]
fn writers_readers_and_those_who_give_up() {
    flow(|| {
        let lock = Arc::new(RwLock::new((0, 0)));
        let writers: Vec<_> = [true, false, true]
            .into_iter()
            .map(|patient| {
                let lock = lock.clone();
                spawn(async move { write(&lock, patient).await + write(&lock, !patient).await })
            })
            .collect();
        let readers: Vec<_> = [true, false]
            .into_iter()
            .map(|patient| {
                let lock = lock.clone();
                spawn(async move {
                    read(&lock, patient).await;
                    read(&lock, !patient).await;
                })
            })
            .collect();
        let written = writers.into_iter().map(join).sum::<usize>();
        readers.into_iter().for_each(join);
        let total = *lock.try_write().expect("everybody has unlocked");
        assert_eq!(total, (written, written));
    });
}
