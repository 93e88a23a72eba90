//! Ten real kinds of async bug: the simulator finds each within a few seeds, repeats it from its seed, and passes the
//! repaired program. One file each in `gallery/`; the guide, `docs/simulation.md`, shows them.
//!
//! No run can hang: each ends after [`STEPS`] steps at the latest.
use dormouse::sim::{Builder, Failure, FailureKind, Strategy};

mod gallery {
    mod ab_ba_locks;
    mod add_inside_the_task;
    mod cancelled_transfer;
    mod check_then_act;
    mod double_delivery;
    mod forgotten_close;
    mod guide;
    mod lost_in_select;
    mod lost_update;
    mod notify_before_wait;
    mod starved_by_biased;
}

const GUIDE: &str = include_str!("../docs/simulation.md");

const STRATEGIES: [Strategy; 4] =
    [Strategy::Mixed, Strategy::Random, Strategy::Pct { changes: 2 }, Strategy::RoundRobin];

/// More than any of these programs needs, but for the one that does not end.
const STEPS: u64 = 2_000;

/// What is claimed of a bug.
struct Bug {
    /// The file that tells it.
    file: &'static str,
    /// A search finds it within so many seeds, wherever it starts.
    seeds: u64,
    kind: FailureKind,
    /// Parts of the report.
    says: &'static [&'static str],
}

fn builder() -> Builder {
    Builder::new().max_steps(STEPS)
}

impl Bug {
    /// The bug is found within the seeds claimed, as the guide's table says, and is repeated from its seed.
    #[track_caller]
    fn is_found(&self, buggy: impl AsyncFn()) -> Failure {
        let row = format!("/{}) | {} | `{:?}` |", self.file, self.seeds, self.kind);
        assert!(GUIDE.contains(&row), "the guide's table should have a row with {row:?}");
        self.is_found_by(&builder(), buggy)
    }

    /// The same, with a builder's faults.
    #[track_caller]
    fn is_found_by(&self, builder: &Builder, buggy: impl AsyncFn()) -> Failure {
        for start in (1..20).map(|n| n * 1_000) {
            self.search(&builder.clone().seed(start), start, &buggy);
        }
        let failure = self.search(builder, 0, &buggy);
        assert_eq!(failure.kind(), self.kind, "{failure}");
        let report = failure.to_string();
        for part in self.says {
            assert!(report.contains(part), "{part:?} is not in:\n{report}");
        }
        let again = builder.clone().seed(failure.seed()).try_run(buggy()).expect_err("it should fail again");
        assert_eq!((again.hash(), again.to_string()), (failure.hash(), report));
        failure
    }

    #[track_caller]
    fn search(&self, builder: &Builder, start: u64, buggy: impl AsyncFn()) -> Failure {
        let failure = builder.try_explore(self.seeds, buggy).expect_err("the bug should be found");
        // DORMOUSE_SEEDS may have widened the search.
        let needed = failure.seed().wrapping_sub(start).wrapping_add(1);
        assert!(needed <= self.seeds, "it took {needed} seeds from {start} on");
        failure
    }
}

/// The repaired program is right in a thousand orders of each strategy, and when tasks are polled for nothing.
#[track_caller]
fn is_right(repaired: impl AsyncFn()) {
    for strategy in STRATEGIES {
        builder().strategy(strategy).explore(1_000, &repaired);
    }
    builder().spurious_polls(0.2).explore(200, &repaired);
}
