//! Shuttle models: flows of three and four tasks, which are too long to be tried in every interleaving (`models`, by loom).
//!
//! `RUSTFLAGS="--cfg dormouse_shuttle -C debug-assertions" cargo test -p dormouse-chan --lib --release` runs them, as
//! [`dormouse_testing::flow`] says.
//!
//! Two nets, as in the loom models: tasks that all wait are a deadlock, which shuttle reports; and each value has one fate:
//! sent = received + given back + dropped, counted by a [`Ledger`] and a [`Tally`]. All accesses are sequentially
//! consistent here: what the orderings are for, the loom models show.
mod broadcast;
mod dynamic;
mod mpmc;
mod oneshot;
mod permits;
mod pipeline;
mod ring;
mod threads;
mod token;
mod watch;

use crate::{Receiver, SendError, Sender, bounded, select};
use dormouse_testing::flow::{impatient, join, spawn};
use dormouse_testing::{Tally, Value};
use dormouse_wait::random;
use shuttle::future::{block_on, yield_now};
use shuttle::rand::{Rng, thread_rng};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Runs of a flow per scheduler.
const RUNS: usize = 5000;

/// Runs `body` under both schedulers.
fn flow(body: impl Fn() + Send + Sync + 'static) {
    dormouse_testing::flow::flow(RUNS, move || {
        // The choices of selects are part of the schedule.
        let seed = thread_rng().r#gen();
        random::with_seed(seed, &body);
    });
}

/// Lets others go first, some random number of times.
async fn pause() {
    for _ in 0..thread_rng().gen_range(0..8) {
        yield_now().await;
    }
}

/// How many values had which fate. (Not shuttle's atomics: counting shall add no switches.)
#[derive(Clone, Default)]
struct Ledger {
    tally: Tally,
    counts: Arc<[AtomicU32; 3]>,
}

impl Ledger {
    fn new() -> Self {
        Ledger::default()
    }

    fn value(&self, number: u32) -> Value {
        self.tally.value(number)
    }

    /// A send said Ok.
    fn sent(&self) {
        self.counts[0].fetch_add(1, SeqCst);
    }

    /// A receive gave this value.
    fn received(&self, value: Value) -> u32 {
        self.counts[1].fetch_add(1, SeqCst);
        value.number
    }

    /// A value was not sent, and is with its owner.
    fn kept(&self, value: Value) {
        self.counts[2].fetch_add(1, SeqCst);
        drop(value);
    }

    /// What a send came to.
    fn outcome(&self, sent: Result<(), SendError<Value>>) -> bool {
        match sent {
            Ok(()) => self.sent(),
            Err(SendError(value)) => {
                self.kept(value);
                return false;
            }
        }
        true
    }

    /// What became of a value that was sent from `place`, by a send that may have been given up.
    fn place(&self, place: Option<Value>) {
        match place {
            Some(value) => self.kept(value),
            None => self.sent(),
        }
    }

    /// When all tasks are done, with what they left in `channels` and cannot be received any more: what was made was sent or
    /// kept, and what was sent was received.
    fn settle(self, made: u32, channels: Vec<Receiver<Value>>) {
        for channel in channels {
            while let Ok(value) = channel.try_recv() {
                self.received(value);
            }
            assert!(channel.is_empty());
        }
        let [sent, received, kept] = self.counts.each_ref().map(|count| count.load(SeqCst));
        assert_eq!((sent + kept, received), (made, sent), "made = sent + kept, sent = received");
        self.tally.check();
    }
}
