//! The registry: its end against a spawn.
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
