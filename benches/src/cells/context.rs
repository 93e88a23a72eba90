//! Contexts. One operation is a context: made, cancelled with all others of its tree, dropped; none is waited for.
//!
//! The tree has a root, ten below it, and below each of those two levels of seventeen: 3,071 in all, as wide and as deep as
//! that of a server with a few layers.
use crate::cells::tools::measured;
use crate::hosts::{Dormouse, Host, Tokio};
use crate::measure::Sample;
use crate::registry::{Cell, Scale};

/// Children of the root.
const TOP: usize = 10;
/// Children of each of those, and of each of these.
const BELOW: usize = 17;
/// In a tree.
const CONTEXTS: u64 = (1 + TOP * (1 + BELOW * (1 + BELOW))) as u64;

pub(crate) fn cells() -> Vec<Cell> {
    vec![trees(Cell::new("sync/context/cancel-tree", "context", "ns"))]
}

/// What can be cancelled, with what is below it.
trait Tree: Clone + Send + 'static {
    const NAME: &'static str;
    const PEER: &'static str;

    fn root() -> Self;
    fn child(&self) -> Self;
    fn cancel(&self);
    fn is_cancelled(&self) -> bool;
}

#[derive(Clone)]
struct Ours(dormouse_sync::Context, dormouse_sync::Cancel);

impl Tree for Ours {
    const NAME: &'static str = "dormouse";
    const PEER: &'static str = "dormouse";

    fn root() -> Self {
        let (context, cancel) = dormouse_sync::Context::background().with_cancel();
        Ours(context, cancel)
    }

    fn child(&self) -> Self {
        let (context, cancel) = self.0.with_cancel();
        Ours(context, cancel)
    }

    fn cancel(&self) {
        self.1.cancel();
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_done()
    }
}

#[derive(Clone)]
struct Token(tokio_util::sync::CancellationToken);

impl Tree for Token {
    const NAME: &'static str = "tokio-util CancellationToken";
    const PEER: &'static str = "tokio";

    fn root() -> Self {
        Token(tokio_util::sync::CancellationToken::new())
    }

    fn child(&self) -> Self {
        Token(self.0.child_token())
    }

    fn cancel(&self) {
        self.0.cancel();
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

fn trees(cell: Cell) -> Cell {
    fn add<H: Host, T: Tree>(cell: Cell, host: H) -> Cell {
        cell.with(host.with(T::NAME), T::PEER, move |scale| cancels::<H, T>(host, scale))
    }
    let cell = add::<_, Ours>(cell, Dormouse::ALL);
    let cell = add::<_, Ours>(cell, Tokio::ALL);
    add::<_, Token>(cell, Tokio::ALL)
}

/// Trees are made, cancelled at the root, and dropped: how many contexts said that they were cancelled.
fn cancels<H: Host, T: Tree>(host: H, scale: Scale) -> Sample {
    fn tree<T: Tree>() -> Vec<T> {
        let mut tree = vec![T::root()];
        for _ in 0..TOP {
            let top = tree[0].child();
            for _ in 0..BELOW {
                let middle = top.child();
                tree.extend((0..BELOW).map(|_| middle.child()));
                tree.push(middle);
            }
            tree.push(top);
        }
        tree
    }
    async fn all<T: Tree>(trees: u64) -> u64 {
        // Above the memory of a tree: else it is a matter of luck whether glibc gives that back to the system after each one,
        // and page faults are most of what is measured (ours took 104 or 220 ns of CPU).
        let first = tree::<T>();
        let _kept = std::hint::black_box(vec![0_u8; 100 << 10]);
        drop(first);
        let mut cancelled = 0;
        for _ in 0..trees {
            let tree = tree::<T>();
            tree[0].cancel();
            cancelled += tree.iter().filter(|context| context.is_cancelled()).count() as u64;
        }
        cancelled
    }
    host.run(measured(scale.of(200), CONTEXTS, all::<T>))
}
