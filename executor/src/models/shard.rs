//! The registry: its end against a spawn, and against tasks that end on other threads than those that sweep.
use super::model;
use crate::task::meta::Meta;
use crate::task::origin::Origin;
use crate::task::registry::Shard;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread;
use std::ptr::NonNull;
use std::task::Waker;

/// The end of a shard against a spawn (G2): the shard is told empty once, by the closer or by the last task.
#[test]
fn shard_closes_while_a_task_is_spawned_and_ends() {
    model(3, || {
        let shard = Arc::new(Shard::new(crate::task::id::Ids::new()));
        let told = Arc::new(AtomicUsize::new(0));
        let spawner = thread::spawn({
            let (shard, told) = (shard.clone(), told.clone());
            move || {
                let meta = Meta::new(NonNull::dangling(), 0);
                let spawned = std::panic::Location::caller();
                let (_, entered) = shard.insert(0, Waker::noop().clone(), &meta, Origin::at(spawned));
                assert_eq!(entered, meta.place().is_some());
                if let Some((_, key)) = meta.place()
                    && shard.remove(key).last
                {
                    told.fetch_add(1, Relaxed);
                }
            }
        });
        if shard.close() {
            told.fetch_add(1, Relaxed);
        }
        spawner.join().expect("no panic");
        assert_eq!(told.load(Relaxed), 1);
    });
}

const TASKS: usize = 4;

/// Tasks of one shard; their memory outlives their entries, as it does that a waker keeps.
struct Tasks {
    shard: Shard,
    metas: [Meta; TASKS],
    told: AtomicUsize,
}

impl Tasks {
    fn new() -> Arc<Tasks> {
        Arc::new(Tasks {
            shard: Shard::new(crate::task::id::Ids::new()),
            metas: std::array::from_fn(|_| Meta::new(NonNull::dangling(), 0)),
            told: AtomicUsize::new(0),
        })
    }

    fn spawn(&self, number: usize) -> bool {
        let spawned = Origin::at(std::panic::Location::caller());
        self.shard.insert(0, Waker::noop().clone(), &self.metas[number], spawned).1
    }

    /// A task ends, on a thread that has another shard.
    fn end_elsewhere(&self, number: usize) {
        let meta = &self.metas[number];
        let (_, key) = meta.place().expect("it was entered");
        meta.set_ended();
        let last = self.shard.leave(key, meta).unwrap_or_else(|| self.shard.remove(key).last);
        self.tell(last);
    }

    fn close(&self) {
        self.tell(self.shard.close());
    }

    fn tell(&self, last: bool) {
        self.told.fetch_add(usize::from(last), Relaxed);
    }
}

/// Tasks that end elsewhere against spawns, which sweep, and the end of the shard: each is taken out once, and the shard is
/// told empty once (G2, G3).
#[test]
fn shard_is_swept_while_tasks_end_elsewhere() {
    model(3, || {
        let tasks = Tasks::new();
        assert!(tasks.spawn(0) && tasks.spawn(1) && tasks.spawn(2));
        let ends = thread::spawn({
            let tasks = tasks.clone();
            move || {
                tasks.end_elsewhere(0);
                tasks.end_elsewhere(1);
            }
        });
        // The fourth spawn looks at the stack.
        assert!(tasks.spawn(3));
        let (live, spawned) = tasks.shard.counts();
        assert!((2..=4).contains(&live) && spawned == 4);
        tasks.end_elsewhere(3);
        tasks.close();
        tasks.end_elsewhere(2);
        ends.join().expect("no panic");
        assert_eq!((tasks.told.load(Relaxed), tasks.shard.len()), (1, 0));
    });
}

/// A sweep by a thread that goes to sleep, against the end of the shard.
#[test]
fn shard_closes_while_it_is_swept() {
    model(3, || {
        let tasks = Tasks::new();
        assert!(tasks.spawn(0));
        let ends = thread::spawn({
            let tasks = tasks.clone();
            move || {
                tasks.end_elsewhere(0);
                tasks.tell(tasks.shard.is_to_be_swept() && tasks.shard.sweep());
            }
        });
        tasks.close();
        ends.join().expect("no panic");
        assert_eq!((tasks.told.load(Relaxed), tasks.shard.len()), (1, 0));
    });
}
