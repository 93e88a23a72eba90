//! Random operations on real channels, step by step against a plain sequential model (`against_model/model.rs`):
//! outcomes, wake-ups, lengths, and where each value is, compared after every step. Where several arms of a select are
//! ready, any of them is right.

#[path = "against_model/dynamic.rs"]
mod dynamic;
#[path = "against_model/model.rs"]
mod model;
#[path = "against_model/run.rs"]
mod run;
#[path = "against_model/select.rs"]
mod select;
#[path = "against_model/steps.rs"]
mod steps;
#[path = "against_model/types.rs"]
mod types;
#[path = "against_model/world.rs"]
mod world;

use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use steps::step;
use world::World;

const CHANNELS: usize = 3;

/// A future that is ready when it is true.
type Gate = Arc<AtomicBool>;

type Dropped = Arc<Mutex<BTreeSet<u32>>>;

/// A value that tells when it is dropped. Number 0 fills the arms that are disabled.
struct Val(u32, Dropped);

impl Drop for Val {
    fn drop(&mut self) {
        if self.0 > 0 {
            assert!(self.1.lock().unwrap().insert(self.0), "value {} is dropped twice", self.0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn channels_and_selects_do_what_the_model_does(
        capacities in proptest::collection::vec(
            prop_oneof![3 => Just(Some(0)), 2 => Just(Some(1)), 1 => Just(Some(2)), 1 => Just(None)], CHANNELS),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let _watch = dormouse_testing::watch();
        let mut world = World::new(&capacities);
        for step in &steps {
            world.run(step)?;
        }
        world.finish()?;
    }
}
