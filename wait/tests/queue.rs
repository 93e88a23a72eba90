//! The queue whose waiters claim, against a plain one, under random operations.
use dormouse_testing::Count;
use dormouse_wait::Instant;
use dormouse_wait::list::{CLAIM_WITHIN, Entry, Node, Phase, Queue, Rest, Stand, Verdict};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

assert_impl_all!(Node<Entry<Cell<u8>>>: Send, Sync);
assert_impl_all!(Queue<Cell<u8>>: Send);
assert_not_impl_any!(Node<Entry<Rc<u8>>>: Send, Sync);
assert_not_impl_any!(Queue<Rc<u8>>: Send, Sync);

const NODES: usize = 10;
/// As many as are roused, and looked at, at once.
const ROUSED: usize = 4;

/// One that is queued, as the plain queue has it.
#[derive(Clone, Copy, Debug)]
struct Known {
    node: usize,
    stand: Stand,
    rest: Rest,
    /// It watches, and is counted.
    counted: bool,
    seen: Option<Instant>,
    /// It has a waker that wakes.
    waker: bool,
}

/// The queue, and what is known of it. One thread, which stands for the one that holds the lock; nodes leave before their
/// memory goes: that is what the unsafe blocks rest on.
struct World {
    queue: Queue<usize>,
    nodes: Vec<Pin<Box<Node<Entry<usize>>>>>,
    counts: Vec<(Arc<Count>, Waker)>,
    woken: [usize; NODES],
    known: Vec<Known>,
    now: Instant,
    /// Something was taken back since the queue was empty.
    wary: bool,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Push { node: usize, front: bool, rest: Rest },
    Again { node: usize, rest: Rest },
    Remove(usize),
    Grant { rouse: bool },
    Win { absent: bool },
    Look { after: bool },
}

fn rest() -> impl Strategy<Value = Rest> {
    prop_oneof![Just(Rest::Awake), Just(Rest::Asleep), Just(Rest::Watches)]
}

fn op() -> impl Strategy<Value = Op> {
    let node = 0..NODES;
    prop_oneof![
        4 => (node.clone(), any::<bool>(), rest())
            .prop_map(|(node, front, rest)| Op::Push { node, front, rest }),
        2 => (node.clone(), rest()).prop_map(|(node, rest)| Op::Again { node, rest }),
        2 => node.prop_map(Op::Remove),
        3 => any::<bool>().prop_map(|rouse| Op::Grant { rouse }),
        1 => any::<bool>().prop_map(|absent| Op::Win { absent }),
        3 => any::<bool>().prop_map(|after| Op::Look { after }),
    ]
}

impl World {
    fn new() -> Self {
        World {
            queue: Queue::new(),
            nodes: (0..NODES).map(|node| Box::pin(Node::new(Entry::new(node)))).collect(),
            counts: (0..NODES).map(|_| Count::new()).collect(),
            woken: [0; NODES],
            known: Vec::new(),
            now: Instant::now(),
            wary: false,
        }
    }

    fn waker(&self, node: usize) -> Waker {
        self.counts[node].1.clone()
    }

    fn at(&self, node: usize) -> Option<usize> {
        self.known.iter().position(|known| known.node == node)
    }

    fn first(&self, stand: Stand) -> Option<usize> {
        self.known.iter().position(|known| known.stand == stand)
    }

    /// A waker of `node` came out of the queue: it is the node's own, if it had one.
    fn wake(&mut self, at: usize, waker: Waker) {
        waker.wake();
        let known = &mut self.known[at];
        if std::mem::take(&mut known.waker) {
            self.woken[known.node] += 1;
        }
    }

    fn push(&mut self, node: usize, front: bool, rest: Rest) {
        let waker = self.waker(node);
        let place = match self.first(Stand::Waits) {
            Some(first) if front => first,
            _ => self.known.len(),
        };
        let pinned = self.nodes[node].as_ref();
        match front {
            // SAFETY: see above.
            true => unsafe { self.queue.push_front(pinned, waker, rest) },
            // SAFETY: see above.
            false => unsafe { self.queue.push_back(pinned, waker, rest) },
        }
        let known = Known {
            node,
            stand: Stand::Waits,
            rest,
            counted: rest == Rest::Watches,
            seen: None,
            waker: true,
        };
        self.known.insert(place, known);
    }

    fn remove(&mut self, node: usize) {
        // SAFETY: see above.
        let (stand, waker) = unsafe { self.queue.remove(self.nodes[node].as_ref()) };
        let at = self.at(node);
        assert_eq!(stand, at.map(|at| self.known[at].stand));
        assert_eq!(waker.is_some(), at.is_some());
        if let Some(at) = at {
            let known = self.known.remove(at);
            assert_eq!(waker.unwrap().will_wake(&self.counts[node].1), known.waker);
            assert_eq!(self.nodes[node].phase(), Phase::Idle);
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Push { node, front, rest } if self.at(node).is_none() => self.push(node, front, rest),
            Op::Push { .. } => (),
            Op::Again { node, rest } => {
                let Some(at) = self.at(node).filter(|at| self.known[*at].stand == Stand::Waits) else {
                    return;
                };
                let waker = self.waker(node);
                // SAFETY: see above.
                let old = unsafe { self.queue.rewake(self.nodes[node].as_ref(), waker, rest) };
                assert_eq!(old.will_wake(&self.counts[node].1), self.known[at].waker);
                self.known[at].rest = rest;
                if std::mem::replace(&mut self.known[at].counted, rest == Rest::Watches)
                    && rest == Rest::Asleep
                {
                    self.known.iter_mut().for_each(|known| known.counted = false);
                }
                self.known[at].waker = true;
            }
            Op::Remove(node) => self.remove(node),
            Op::Grant { rouse } => self.grant(rouse),
            Op::Win { absent } => {
                let at = self.first(if absent { Stand::Absent } else { Stand::Waits });
                let won = if absent { self.queue.win_absent() } else { self.queue.win() };
                assert_eq!(won.is_some(), at.is_some());
                let Some(waker) = won.and_then(|won| won.finish(Verdict::Closed)) else { return };
                let at = at.unwrap();
                self.wake(at, waker);
                let node = self.known.remove(at).node;
                assert_eq!(self.nodes[node].phase(), Phase::Closed);
                self.nodes[node].spend();
                self.nodes[node].reset();
            }
            Op::Look { after } => self.look(after),
        }
    }

    fn grant(&mut self, rouse: bool) {
        let at = self.first(Stand::Waits);
        assert_eq!(self.queue.with_first(|node| *node), at.map(|at| self.known[at].node));
        let waker = self.queue.grant();
        assert_eq!(waker.is_some(), at.is_some());
        let (Some(at), Some(waker)) = (at, waker) else { return };
        self.wake(at, waker);
        self.known[at].stand = Stand::Granted;
        (self.known[at].rest, self.known[at].counted) = (Rest::Awake, false);
        if !rouse {
            return;
        }
        let mut wakers = Vec::new();
        self.queue.rouse(false, |waker| {
            wakers.push(waker);
            true
        });
        // Q3: whoever of the next few is asleep, whether the queue has looked at them or not.
        let mut wakers = wakers.into_iter();
        for at in at + 1..self.known.len().min(at + 1 + ROUSED) {
            if self.known[at].rest == Rest::Asleep {
                self.known[at].rest = Rest::Awake;
                self.wake(at, wakers.next().expect("it was asleep, and is not roused"));
            }
        }
        assert!(wakers.next().is_none());
    }

    fn look(&mut self, after: bool) {
        let half = CLAIM_WITHIN / 2 + Duration::from_nanos(u64::from(after));
        self.now += half;
        let mut revoked = Vec::new();
        self.queue.look(self.now, |node| revoked.push(*node));
        let mut expected = Vec::new();
        for known in self.known.iter_mut().filter(|known| known.stand == Stand::Granted) {
            match known.seen {
                None => known.seen = Some(self.now),
                Some(seen) if self.now.duration_since(seen) >= CLAIM_WITHIN => {
                    known.stand = Stand::Absent;
                    self.wary = true;
                    expected.push(known.node);
                }
                Some(_) => break,
            }
        }
        assert_eq!(revoked, expected);
    }

    fn check(&self) {
        assert_eq!(self.queue.is_empty(), self.known.is_empty());
        assert_eq!(self.queue.none_waits(), self.first(Stand::Waits).is_none());
        assert_eq!(self.queue.unclaimed(), self.first(Stand::Granted).is_some());
        let watchers = self.known.iter().filter(|known| known.counted).count() as u32;
        assert_eq!(self.queue.watchers(), if self.wary { 0 } else { watchers });
        for (node, pinned) in self.nodes.iter().enumerate() {
            // SAFETY: see above.
            let stand = unsafe { self.queue.stand(pinned.as_ref()) };
            assert_eq!(stand, self.at(node).map(|at| self.known[at].stand));
            assert_eq!(self.counts[node].0.get(), self.woken[node], "node {node}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Whatever is done in whatever order: who is where, who is roused, whose waker is kept.
    #[test]
    fn random_operations(ops in proptest::collection::vec(op(), 0..60)) {
        let mut world = World::new();
        for op in ops {
            world.apply(op);
            world.wary &= !world.known.is_empty();
            world.check();
        }
        for node in 0..NODES {
            world.remove(node);
        }
        world.check();
        assert!(world.queue.is_empty());
    }
}

/// Another queue's hand-over: the first one of this one is looked at, too, and no others unless somebody may be asleep.
#[test]
fn the_first_one_is_roused_by_another_queue() {
    let mut world = World::new();
    world.push(0, false, Rest::Asleep);
    let mut roused = 0;
    world.queue.rouse(false, |_| panic!("it stands behind nobody here"));
    world.queue.rouse(true, |_| {
        roused += 1;
        true
    });
    assert_eq!(roused, 1);
    world.queue.rouse(true, |_| panic!("it is awake"));
    world.known[0].waker = false;
    world.remove(0);
}

/// With room for no more wakers, the rest are roused by the next call.
#[test]
fn roused_in_parts() {
    let mut world = World::new();
    (0..4).for_each(|node| world.push(node, false, Rest::Asleep));
    drop(world.queue.grant());
    for _ in 0..3 {
        let mut roused = 0;
        world.queue.rouse(false, |_| {
            roused += 1;
            false
        });
        assert_eq!(roused, 1);
    }
    (0..4).for_each(|node| world.known[node].waker = false);
    world.known[0].stand = Stand::Granted;
    (0..4).for_each(|node| world.remove(node));
}

/// However much is unclaimed, a look has an end: each part of it is seen once, and taken back once.
#[test]
fn looks_at_a_few_at_once() {
    const MANY: usize = 100;
    let mut queue = Queue::new();
    let nodes: Vec<_> = (0..MANY).map(|node| Box::pin(Node::new(Entry::new(node)))).collect();
    for node in &nodes {
        // SAFETY: see `World`.
        unsafe { queue.push_back(node.as_ref(), Waker::noop().clone(), Rest::Awake) };
        drop(queue.grant());
    }
    let (mut now, mut revoked, mut looks) = (Instant::now(), 0, 0);
    while queue.unclaimed() {
        let before = revoked;
        queue.look(now, |_| revoked += 1);
        assert!(revoked - before <= 32);
        now += CLAIM_WITHIN;
        looks += 1;
    }
    assert_eq!((revoked, looks), (MANY, 8));
    for node in &nodes {
        // SAFETY: see `World`.
        let (stand, _) = unsafe { queue.remove(node.as_ref()) };
        assert_eq!(stand, Some(Stand::Absent));
    }
}
