//! The condition variable.
use super::*;
use crate::{Condvar, Mutex};

#[derive(Default)]
struct Shared {
    items: Mutex<usize>,
    more: Condvar,
}

impl Shared {
    async fn put(&self) {
        *self.items.lock().await += 1;
        self.more.notify_one();
    }

    async fn take(&self) {
        let mut items = self.more.wait_while(self.items.lock().await, |items| *items == 0).await;
        *items -= 1;
    }
}

/// As many are put as taken; another one waits, and gives up at any moment: it leaves its signal to those who take.
#[test]
fn who_gives_up_leaves_his_signal() {
    flow(|| {
        let shared = Arc::new(Shared::default());
        let mut tasks = Vec::new();
        for task in 0..4 {
            let shared = shared.clone();
            tasks.push(spawn(async move {
                match task {
                    0 | 1 => shared.take().await,
                    2 => {
                        let waits = async {
                            let guard = shared.items.lock().await;
                            // Without looking: it wants nothing, and hands on what it is told.
                            drop(shared.more.wait(guard).await);
                            shared.more.notify_one();
                        };
                        impatient(waits).await;
                    }
                    _ => {
                        shared.put().await;
                        shared.put().await;
                    }
                }
            }));
        }
        tasks.into_iter().for_each(join);
        assert_eq!(*shared.items.try_lock().expect("everybody has unlocked"), 0);
    });
}

/// `notify_all` reaches all who wait; nobody else is told.
#[test]
fn all_are_told() {
    flow(|| {
        let shared = Arc::new(Shared::default());
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let shared = shared.clone();
                spawn(async move {
                    drop(shared.more.wait_while(shared.items.lock().await, |items| *items == 0).await);
                })
            })
            .collect();
        block_on(async {
            *shared.items.lock().await = 1;
            shared.more.notify_all();
        });
        waiters.into_iter().for_each(join);
    });
}
