//! The waiter list against a plain queue, under random operations; and the cases one by one.
use dormouse_testing::Count;
use dormouse_wait::claim::Claim;
use dormouse_wait::list::{List, Node, Phase, Removed, Verdict};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

assert_impl_all!(Node<Cell<u8>>: Send, Sync);
assert_impl_all!(List<Cell<u8>>: Send);
assert_not_impl_any!(Node<Rc<u8>>: Send, Sync);
assert_not_impl_any!(Node<u8>: Unpin);
assert_not_impl_any!(List<Rc<u8>>: Send, Sync);

fn noop() -> Waker {
    Waker::noop().clone()
}

// The tests below are one thread, which stands for the one that holds the lock, and take each node out before its
// memory goes; that is what these helpers' unsafe blocks rest on.

fn push<P>(list: &mut List<P>, node: Pin<&Node<P>>, waker: Waker) {
    // SAFETY: see above.
    unsafe { list.push_back(node, waker) };
}

fn push_front<P>(list: &mut List<P>, node: Pin<&Node<P>>, waker: Waker) {
    // SAFETY: see above.
    unsafe { list.push_front(node, waker) };
}

fn push_arm<P>(list: &mut List<P>, node: Pin<&Node<P>>, claim: Pin<&Claim>, arm: u32) {
    // SAFETY: see above; the claims have wakers and outlive their nodes' linkage.
    unsafe { list.push_arm(node, claim, arm) };
}

fn remove<P>(list: &mut List<P>, node: Pin<&Node<P>>) -> Removed {
    // SAFETY: see above.
    unsafe { list.remove(node) }
}

fn rewake<P>(list: &mut List<P>, node: Pin<&Node<P>>, waker: Waker) -> Waker {
    // SAFETY: see above.
    unsafe { list.rewake(node, waker) }
}

fn payload<P: Copy>(node: &Node<P>) -> P {
    assert_ne!(node.phase(), Phase::Queued);
    // SAFETY: not queued, so it is its owner's.
    unsafe { node.with_payload(|payload| *payload) }
}

fn claim(waker: Waker) -> Pin<Box<Claim>> {
    let claim = Box::pin(Claim::new());
    // SAFETY: nothing is queued.
    assert!(unsafe { claim.set_waker(Some(waker)) }.is_none());
    claim
}

/// Serves the first one that can be won.
fn serve(list: &mut List<u32>, value: u32) -> Option<Waker> {
    let mut won = list.win()?;
    won.with_payload(|payload| *payload = value);
    won.finish(Verdict::Granted)
}

#[test]
fn first_in_first_out() {
    let mut list = List::new();
    let nodes: Vec<_> = (0..3).map(|_| Box::pin(Node::new(0))).collect();
    assert!(list.is_empty() && list.win().is_none() && list.with_front(|_| ()).is_none());
    for node in &nodes {
        push(&mut list, node.as_ref(), noop());
        assert_eq!(node.phase(), Phase::Queued);
    }
    for (value, node) in (1..).zip(&nodes) {
        assert!(!list.is_empty());
        assert!(serve(&mut list, value).is_some());
        assert_eq!((node.phase(), payload(node)), (Phase::Granted, value));
        node.spend();
        assert_eq!(node.phase(), Phase::Spent);
    }
    assert!(list.is_empty() && serve(&mut list, 9).is_none());
}

/// The waker goes with the node: to the one who serves, or back to the one who removes; none is kept or dropped twice.
#[test]
fn the_last_one_goes_first() {
    let mut list = List::new();
    let nodes = [const { Node::new(0) }; 3];
    let nodes = nodes.each_ref().map(|node| {
        // SAFETY: the array stays where it is, below.
        unsafe { Pin::new_unchecked(node) }
    });
    for node in nodes {
        push(&mut list, node, noop());
    }
    for node in nodes.iter().rev() {
        let mut won = list.win_last().expect("they wait");
        won.with_payload(|value| *value = 7);
        drop(won.finish(Verdict::Granted));
        assert_eq!((node.phase(), payload(node)), (Phase::Granted, 7));
    }
    assert!(list.win_last().is_none() && list.is_empty());
}

#[test]
fn wakers_change_hands_once() {
    let mut list = List::new();
    let ((first, a), (second, b)) = (Count::new(), Count::new());
    let node = pin!(Node::new(0));
    let node = node.into_ref();
    push(&mut list, node, a);
    let old = rewake(&mut list, node, b.clone());
    drop(old);
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 3));
    serve(&mut list, 1).unwrap().wake();
    assert_eq!((first.get(), second.get(), Arc::strong_count(&second)), (0, 1, 2));
    // It has left the list: the new waker comes back.
    assert!(rewake(&mut list, node, b.clone()).will_wake(&b));
    node.spend();
    node.reset();
    push(&mut list, node, b);
    // SAFETY: it is in this list.
    assert!(unsafe { list.will_wake(node, &second.clone().into()) });
    // SAFETY: it is in this list.
    assert!(!unsafe { list.will_wake(node, Waker::noop()) });
    assert!(matches!(remove(&mut list, node), Removed::WasQueued(Some(_))));
    assert_eq!(Arc::strong_count(&second), 1);
    assert!(matches!(remove(&mut list, node), Removed::WasDone));
    assert!(list.is_empty());
}

#[test]
fn closed_and_concluded() {
    let mut list = List::new();
    let node = pin!(Node::new(0));
    let node = node.into_ref();
    push(&mut list, node, noop());
    assert!(list.win().unwrap().finish(Verdict::Closed).is_some());
    assert_eq!(node.phase(), Phase::Closed);
    node.spend();
    node.reset();
    assert_eq!(node.phase(), Phase::Idle);
    node.conclude(Verdict::Granted);
    assert!(node.is(Phase::Granted) && !node.is(Phase::Idle));
    node.conclude(Verdict::Closed);
    assert_eq!(node.phase(), Phase::Closed);
}

/// Nodes of a held select are passed over and keep their places; one that is won through another arm too.
#[test]
fn win_passes_over_held_and_won_selects() {
    let (mut list, mut other) = (List::new(), List::new());
    let ((count, waker), (plain_count, plain_waker)) = (Count::new(), Count::new());
    let select = claim(waker);
    let (arm, twin, elsewhere, plain) =
        (Box::pin(Node::new(0)), Box::pin(Node::new(0)), Box::pin(Node::new(0)), Box::pin(Node::new(0)));
    push_arm(&mut list, arm.as_ref(), select.as_ref(), 3);
    push_arm(&mut list, twin.as_ref(), select.as_ref(), 4);
    push_arm(&mut other, elsewhere.as_ref(), select.as_ref(), 5);
    assert!(!list.any_winnable(), "a new claim is held");
    assert!(list.win().is_none() && !list.is_empty());
    push(&mut list, plain.as_ref(), plain_waker);
    assert!(list.any_winnable());
    serve(&mut list, 1).unwrap().wake();
    assert_eq!((plain.phase(), plain_count.get()), (Phase::Granted, 1));

    select.open();
    assert!(list.any_winnable() && select.won().is_none());
    serve(&mut list, 2).unwrap().wake();
    assert_eq!((payload(&arm), count.get(), select.won()), (2, 1, Some(3)));
    assert_eq!(select.hold(), Err(3));
    // Its other arms stand in the lists until their owner takes them out, and nobody can win them.
    assert!(!list.any_winnable() && list.win().is_none() && other.win().is_none());
    assert!(matches!(remove(&mut list, twin.as_ref()), Removed::WasQueued(None)));
    assert!(matches!(remove(&mut other, elsewhere.as_ref()), Removed::WasQueued(None)));
    assert!(list.is_empty() && other.is_empty());
}

#[test]
fn claim_states() {
    let claim = Claim::default();
    assert_eq!((claim.won(), claim.hold(), format!("{claim:?}")), (None, Ok(()), "Claim(HELD)".into()));
    claim.open();
    assert_eq!(format!("{claim:?}"), "Claim(OPEN)");
    assert_eq!((claim.hold(), claim.hold()), (Ok(()), Ok(())));
    let (count, waker) = Count::new();
    // SAFETY: nothing is queued.
    assert!(unsafe { claim.set_waker(Some(waker)) }.is_none());
    // SAFETY: as above.
    assert!(unsafe { claim.set_waker(None) }.is_some());
    assert_eq!(Arc::strong_count(&count), 1);
}

/// W5: a future that is forgotten while it waits leaves its node linked; it is alive for ever, and so may be served.
#[test]
fn forgotten_nodes() {
    let mut list = List::new();
    let node = Pin::static_ref(Box::leak(Box::new(Node::new(0))));
    push(&mut list, node, noop());
    let behind = Box::pin(Node::new(0));
    push(&mut list, behind.as_ref(), noop());
    assert!(serve(&mut list, 1).is_some() && serve(&mut list, 2).is_some());
    assert_eq!((payload(&node), payload(&behind)), (1, 2));
}

#[test]
fn formats() {
    let mut list = List::default();
    let node = pin!(Node::new(0));
    let node = node.into_ref();
    assert_eq!(format!("{list:?} {node:?}"), "List(empty) Node { phase: Idle, .. }");
    push(&mut list, node, noop());
    assert_eq!(format!("{list:?} {node:?}"), "List(waiters) Node { phase: Queued, .. }");
    let won = list.win().unwrap();
    assert_eq!(format!("{won:?}"), "Won { .. }");
    drop(won.finish(Verdict::Granted));
}

#[test]
#[cfg(target_pointer_width = "64")]
fn small() {
    assert_eq!(size_of::<List<u64>>(), 8);
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Push(usize),
    PushFront(usize),
    PushArm(usize, usize),
    Remove(usize),
    Rewake(usize),
    Win,
    Hold(usize),
    Open(usize),
}

const NODES: usize = 8;
const CLAIMS: usize = 2;

fn op() -> impl Strategy<Value = Op> {
    let node = 0..NODES;
    let claim = 0..CLAIMS;
    prop_oneof![
        3 => node.clone().prop_map(Op::Push),
        1 => node.clone().prop_map(Op::PushFront),
        3 => (node.clone(), claim.clone()).prop_map(|(node, claim)| Op::PushArm(node, claim)),
        2 => node.clone().prop_map(Op::Remove),
        1 => node.prop_map(Op::Rewake),
        3 => Just(Op::Win),
        1 => claim.clone().prop_map(Op::Hold),
        2 => claim.prop_map(Op::Open),
    ]
}

/// What stands in the plain queue: the node, and its claim if it is an arm.
type Entry = (usize, Option<usize>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open,
    Held,
    Won(u32),
}

/// The list and what it should be.
struct World {
    list: List<u32>,
    nodes: Vec<Pin<Box<Node<u32>>>>,
    wakers: Vec<(Arc<Count>, Waker)>,
    claims: Vec<Pin<Box<Claim>>>,
    queue: VecDeque<Entry>,
    states: [State; CLAIMS],
}

impl World {
    fn new() -> World {
        World {
            list: List::new(),
            nodes: (0..NODES).map(|_| Box::pin(Node::new(0))).collect(),
            wakers: (0..NODES).map(|_| Count::new()).collect(),
            claims: (0..CLAIMS).map(|_| claim(noop())).collect(),
            queue: VecDeque::new(),
            states: [State::Held; CLAIMS],
        }
    }

    fn queued(&self, node: usize) -> bool {
        self.queue.iter().any(|entry| entry.0 == node)
    }

    fn idle(&self, node: usize) -> bool {
        if self.queued(node) {
            return false;
        }
        self.nodes[node].reset();
        true
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Push(node) if self.idle(node) => {
                push(&mut self.list, self.nodes[node].as_ref(), self.wakers[node].1.clone());
                self.queue.push_back((node, None));
            }
            Op::PushFront(node) if self.idle(node) => {
                push_front(&mut self.list, self.nodes[node].as_ref(), self.wakers[node].1.clone());
                self.queue.push_front((node, None));
            }
            // A select queues its arms before it has been won.
            Op::PushArm(node, claim) if !matches!(self.states[claim], State::Won(_)) && self.idle(node) => {
                push_arm(&mut self.list, self.nodes[node].as_ref(), self.claims[claim].as_ref(), node as u32);
                self.queue.push_back((node, Some(claim)));
            }
            Op::Remove(node) => self.remove(node),
            Op::Rewake(node) => {
                let (_, other) = Count::new();
                let unused = rewake(&mut self.list, self.nodes[node].as_ref(), other.clone());
                let task = self.queue.iter().any(|entry| *entry == (node, None));
                assert_eq!(unused.will_wake(&other), !task);
                // Back again, so that the right one is woken.
                rewake(&mut self.list, self.nodes[node].as_ref(), unused);
            }
            Op::Win => self.win(),
            Op::Hold(claim) => {
                let held = self.claims[claim].hold();
                match self.states[claim] {
                    State::Won(arm) => assert_eq!(held, Err(arm)),
                    _ => self.states[claim] = State::Held,
                }
            }
            Op::Open(claim) if self.states[claim] == State::Held => {
                self.claims[claim].open();
                self.states[claim] = State::Open;
            }
            _ => {}
        }
    }

    fn remove(&mut self, node: usize) {
        let removed = remove(&mut self.list, self.nodes[node].as_ref());
        match self.queue.iter().position(|entry| entry.0 == node) {
            Some(place) => {
                let (_, claim) = self.queue.remove(place).unwrap();
                let Removed::WasQueued(waker) = removed else { panic!("node {node} was queued") };
                assert_eq!(waker.is_some(), claim.is_none());
                assert_eq!(self.nodes[node].phase(), Phase::Idle);
            }
            None => assert!(matches!(removed, Removed::WasDone)),
        }
    }

    fn win(&mut self) {
        let open = |claim: usize| self.states[claim] == State::Open;
        let place = self.queue.iter().position(|entry| entry.1.is_none_or(open));
        assert_eq!(self.list.any_winnable(), place.is_some());
        let Some(won) = self.list.win() else {
            assert_eq!(place, None);
            return;
        };
        let waker = won.finish(Verdict::Granted).expect("W6");
        let (node, claim) = self.queue.remove(place.expect("nobody can be won")).unwrap();
        assert_eq!(self.nodes[node].phase(), Phase::Granted);
        match claim {
            None => {
                let before = self.wakers[node].0.get();
                waker.wake();
                assert_eq!(self.wakers[node].0.get(), before + 1);
            }
            Some(claim) => {
                self.states[claim] = State::Won(node as u32);
                assert_eq!(self.claims[claim].won(), Some(node as u32));
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.list.is_empty(), self.queue.is_empty());
        for (n, node) in self.nodes.iter().enumerate() {
            assert_eq!(node.is(Phase::Queued), self.queued(n));
            let kept = usize::from(self.queue.contains(&(n, None)));
            assert_eq!(Arc::strong_count(&self.wakers[n].0), 2 + kept, "wakers of node {n}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Whatever is done in whatever order, the list is the plain queue: its order, who can be won, whose waker is kept.
    #[test]
    fn random_operations(ops in proptest::collection::vec(op(), 0..80)) {
        let mut world = World::new();
        for op in ops {
            world.apply(op);
            world.check();
        }
        for node in 0..NODES {
            world.remove(node);
        }
        world.check();
        assert!(world.list.is_empty());
    }
}
