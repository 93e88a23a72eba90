//! Loom models of the lock, the list and the claim: `RUSTFLAGS="--cfg dormouse_loom" cargo test -p dormouse-wait --lib --release`.
//!
//! A waiting thread blocks on a condition variable of the model: a lost wake-up is a deadlock that loom reports. Each
//! rule of the claim also has a model that leaves it out and must fail, so that the models are known to look.
//!
//! Before each operation stands a [`step`].
use crate::claim::Claim;
use crate::host::Instant;
use crate::list::{CLAIM_WITHIN, Entry, List, Node, Phase, Queue, Removed, Rest, Stand, Verdict};
use crate::lock::{Lock, word::Raw};
use crate::prim::atomic::{AtomicBool, Ordering::*};
use crate::prim::{UnsafeCell, thread};
use crate::wakes::{Wakes, wake};
use dormouse_testing::model::{Signal, explore, step};
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Wake, Waker};

fn check(model: impl Fn() + Send + Sync + 'static) {
    explore(Some(3), Some(2), model);
}

/// The lock's own word, which stands in no other model: they use the model's mutex, so that who waits is blocked.
#[test]
fn lock_excludes() {
    struct Locked {
        word: Raw,
        data: UnsafeCell<i32>,
    }
    // SAFETY: the word excludes; loom fails the model if it does not.
    unsafe impl Sync for Locked {}

    fn bump(locked: &Locked) {
        locked.data.with_mut(|data| {
            // SAFETY: the lock is held; loom fails the model if it does not exclude.
            unsafe { *data += 1 }
        });
        step();
        // SAFETY: the lock is held.
        unsafe { locked.word.unlock() };
    }

    check(|| {
        let locked = Arc::new(Locked { word: Raw::new(), data: UnsafeCell::new(0) });
        let other = {
            let locked = locked.clone();
            thread::spawn(move || {
                locked.word.lock();
                bump(&locked);
            })
        };
        step();
        let tried = locked.word.try_lock();
        if tried {
            bump(&locked);
        }
        locked.word.lock();
        bump(&locked);
        other.join().unwrap();
        assert!(locked.word.try_lock(), "everybody has unlocked");
        locked.data.with(|data| {
            // SAFETY: the lock is held.
            assert_eq!(unsafe { *data }, 2 + i32::from(tried));
        });
    });
}

/// A place for numbers with those who wait for one.
#[derive(Default)]
struct Chan {
    waiters: List<Option<u32>>,
    buf: Option<u32>,
}

type Chans = Arc<[Lock<Chan>; 2]>;

fn chans() -> Chans {
    Arc::new([Lock::new(Chan::default()), Lock::new(Chan::default())])
}

/// Gives `value` to the longest waiter that can be won, else leaves it in the buffer.
fn send(chan: &Lock<Chan>, value: u32) {
    step();
    let mut chan = chan.lock();
    let waker = match chan.waiters.win() {
        Some(mut waiter) => {
            waiter.with_payload(|slot| *slot = Some(value));
            waiter.finish(Verdict::Granted)
        }
        None => {
            chan.buf = Some(value);
            None
        }
    };
    drop(chan);
    wake(waker);
}

fn spawn_send(chans: &Chans, at: usize, value: u32) -> thread::JoinHandle<()> {
    let chans = chans.clone();
    thread::spawn(move || send(&chans[at], value))
}

fn take(node: &Node<Option<u32>>) -> Option<u32> {
    assert_ne!(node.phase(), Phase::Queued);
    // SAFETY: not queued: the node is its owner's, who is calling.
    unsafe { node.with_payload(Option::take) }
}

fn push(chan: &Lock<Chan>, node: Pin<&Node<Option<u32>>>, waker: Waker) {
    // SAFETY: idle and pinned; each model sees it out of the list before its memory goes.
    unsafe { chan.lock().waiters.push_back(node, waker) };
}

fn remove(chan: &Lock<Chan>, node: Pin<&Node<Option<u32>>>) -> Removed {
    step();
    // SAFETY: it was in this list, if in any.
    unsafe { chan.lock().waiters.remove(node) }
}

/// W2: the payload is handed over by the phase, without the lock, and `finish` does not touch the node after that:
/// the owner queues it elsewhere at once, which writes its links.
#[test]
fn grant_hands_over_the_payload() {
    check(|| {
        let chans = chans();
        let (signal, waker) = Signal::new();
        let node = Box::pin(Node::new(None));
        push(&chans[0], node.as_ref(), waker.clone());
        let sender = spawn_send(&chans, 0, 7);
        step();
        if node.phase() != Phase::Granted {
            signal.wait();
        }
        assert_eq!(node.phase(), Phase::Granted);
        assert_eq!(take(&node), Some(7));
        node.reset();
        push(&chans[1], node.as_ref(), waker);
        assert!(matches!(remove(&chans[1], node.as_ref()), Removed::WasQueued(Some(_))));
        sender.join().unwrap();
    });
}

/// A waiter that goes away against two who serve: the value is in its node or in the buffer, and who waits behind
/// it gets the other.
#[test]
fn remove_against_win() {
    check(|| {
        let chans = chans();
        let ((_, a), (signal, b)) = (Signal::new(), Signal::new());
        let (gone, stays) = (Box::pin(Node::new(None)), Box::pin(Node::new(None)));
        push(&chans[0], gone.as_ref(), a);
        push(&chans[0], stays.as_ref(), b);
        let sender = spawn_send(&chans, 0, 7);
        match remove(&chans[0], gone.as_ref()) {
            Removed::WasQueued(waker) => {
                assert!(waker.is_some() && gone.phase() == Phase::Idle);
                signal.wait();
                assert_eq!(take(&stays), Some(7));
            }
            Removed::WasDone => {
                assert_eq!(take(&gone), Some(7));
                // X1: what was handed to it is passed on.
                send(&chans[0], 8);
                assert_eq!(take(&stays), Some(8));
            }
        }
        sender.join().unwrap();
        assert!(chans[0].lock().waiters.is_empty() && chans[0].lock().buf.is_none());
    });
}

/// A waiter polled from another task while it is served: one of the two is woken, and the right one if it was in time.
#[test]
fn rewake_against_win() {
    check(|| {
        let chans = chans();
        let ((first, a), (second, b)) = (Signal::new(), Signal::new());
        let node = Box::pin(Node::new(None));
        push(&chans[0], node.as_ref(), a.clone());
        let sender = spawn_send(&chans, 0, 7);
        step();
        // SAFETY: it was in this list.
        let unused = unsafe { chans[0].lock().waiters.rewake(node.as_ref(), b.clone()) };
        let in_time = unused.will_wake(&a);
        assert!(in_time || node.phase() == Phase::Granted);
        sender.join().unwrap();
        assert_eq!((first.is_woken(), second.is_woken()), (!in_time, in_time));
    });
}

/// W7: wakers that take the lock themselves are woken after it was released.
#[test]
fn wakes_fire_after_unlocking() {
    struct TakesLock(Arc<Lock<u32>>);
    impl Wake for TakesLock {
        fn wake(self: Arc<Self>) {
            *self.0.lock() += 1;
        }
    }
    check(|| {
        let woken = Arc::new(Lock::new(0));
        let list = Arc::new(Lock::new(List::<()>::new()));
        let nodes = [Box::pin(Node::new(())), Box::pin(Node::new(()))];
        for node in &nodes {
            let waker = Waker::from(Arc::new(TakesLock(woken.clone())));
            // SAFETY: idle and pinned, and finished below.
            unsafe { list.lock().push_back(node.as_ref(), waker) };
        }
        let closer = |list: &Lock<List<()>>, woken: &Lock<u32>| {
            let mut wakes = Wakes::new();
            let (mut list, counted) = (list.lock(), woken.lock());
            while let Some(waiter) = list.win() {
                wakes.push(waiter.finish(Verdict::Closed).unwrap());
            }
            drop((list, counted));
            wakes.fire();
        };
        let other = {
            let (list, woken) = (list.clone(), woken.clone());
            thread::spawn(move || closer(&list, &woken))
        };
        closer(&list, &woken);
        other.join().unwrap();
        assert_eq!(*woken.lock(), 2);
        assert!(nodes.iter().all(|node| node.phase() == Phase::Closed));
    });
}

/// A select that waits to receive from two channels and on a foreign future, queued in both and open.
struct Select {
    nodes: [Node<Option<u32>>; 2],
    claim: Claim,
    _pin: PhantomPinned,
}

/// Which rules a model of the select keeps.
#[derive(Clone, Copy)]
struct Rules {
    /// Take HELD before foreign futures are polled.
    hold: bool,
    /// Look at the channels again before reopening.
    look_again: bool,
    /// W3: lock the channel of an arm that is won and not yet granted.
    wait_for_winner: bool,
}

const ALL: Rules = Rules { hold: true, look_again: true, wait_for_winner: true };

#[derive(Debug, PartialEq)]
enum Out {
    Chan(u32),
    Foreign,
}

impl Select {
    fn queue(chans: &Chans, waker: Waker) -> Pin<Box<Select>> {
        let select = Box::pin(Select {
            nodes: [Node::new(None), Node::new(None)],
            claim: Claim::new(),
            _pin: PhantomPinned,
        });
        // SAFETY: nothing is queued yet.
        drop(unsafe { select.claim.set_waker(Some(waker)) });
        for arm in [0, 1] {
            select.as_ref().push_arm(chans, arm);
        }
        select.claim.open();
        select
    }

    fn push_arm(self: Pin<&Self>, chans: &Chans, arm: usize) {
        // SAFETY: idle, pinned with the claim, which has a waker; each model withdraws before the memory goes.
        unsafe { chans[arm].lock().waiters.push_arm(self.node(arm), self.claim(), arm as u32) };
    }

    fn node(self: Pin<&Self>, arm: usize) -> Pin<&Node<Option<u32>>> {
        // SAFETY: structural pinning: never moved out.
        unsafe { self.map_unchecked(|select| &select.nodes[arm]) }
    }

    fn claim(self: Pin<&Self>) -> Pin<&Claim> {
        // SAFETY: structural pinning: never moved out.
        unsafe { self.map_unchecked(|select| &select.claim) }
    }

    fn withdraw(self: Pin<&Self>, chans: &Chans) {
        for arm in [0, 1] {
            let _ = remove(&chans[arm], self.node(arm));
        }
    }

    /// What the winner of `arm` gave.
    fn won(self: Pin<&Self>, chans: &Chans, arm: u32, rules: Rules) -> Out {
        let arm = arm as usize;
        if rules.wait_for_winner && self.nodes[arm].phase() == Phase::Queued {
            drop(chans[arm].lock());
        }
        assert_eq!(self.nodes[arm].phase(), Phase::Granted, "the winner has not given its value yet");
        let value = take(&self.nodes[arm]).expect("granted with a value");
        self.withdraw(chans);
        Out::Chan(value)
    }

    /// A poll of the queued select.
    fn poll(self: Pin<&Self>, chans: &Chans, foreign: &AtomicBool, rules: Rules) -> Option<Out> {
        step();
        let claimed = if rules.hold { self.claim.hold().err() } else { self.claim.won() };
        if let Some(arm) = claimed {
            return Some(self.won(chans, arm, rules));
        }
        step();
        if foreign.swap(false, AcqRel) {
            // The foreign future gave its value, which cannot be put back.
            self.withdraw(chans);
            return Some(Out::Foreign);
        }
        if !rules.hold {
            return None;
        }
        step();
        let (mut a, mut b) = (chans[0].lock(), chans[1].lock());
        if rules.look_again
            && let Some(value) = a.buf.take().or_else(|| b.buf.take())
        {
            drop((a, b));
            self.withdraw(chans);
            return Some(Out::Chan(value));
        }
        self.claim.open();
        None
    }
}

/// A spurious poll of a select against two senders and the completion of a foreign future: each value is received or
/// still in its channel, and a select that rests with a value waiting was woken.
fn select(rules: Rules) {
    check(move || {
        let chans = chans();
        let foreign = Arc::new(AtomicBool::new(false));
        let (signal, waker) = Signal::new();
        let select = Select::queue(&chans, waker);
        let senders = [spawn_send(&chans, 0, 10), {
            let (chans, foreign) = (chans.clone(), foreign.clone());
            thread::spawn(move || {
                foreign.store(true, Release);
                send(&chans[1], 20);
            })
        }];
        let mut out = select.as_ref().poll(&chans, &foreign, rules);
        for sender in senders {
            sender.join().unwrap();
        }
        if out.is_none() {
            let waits = chans.iter().any(|chan| chan.lock().buf.is_some());
            assert!(!waits || signal.is_woken(), "a value waits and the select sleeps: a lost wake-up");
            out = select.as_ref().poll(&chans, &foreign, rules);
        }
        let mut values = Vec::new();
        match out.expect("a channel or the foreign future has completed it") {
            Out::Chan(value) => values.push(value),
            Out::Foreign => {}
        }
        for (chan, node) in chans.iter().zip(&select.nodes) {
            values.extend(chan.lock().buf.take());
            assert_eq!(take(node), None, "committed to a select that took something else");
        }
        values.sort_unstable();
        assert_eq!(values, [10, 20]);
    });
}

#[test]
fn claim_commits_one_arm() {
    select(ALL);
}

#[test]
#[should_panic(expected = "committed to a select that took something else")]
fn claim_without_hold_loses_values() {
    select(Rules { hold: false, ..ALL });
}

#[test]
#[should_panic(expected = "a lost wake-up")]
fn claim_without_second_look_loses_wake_ups() {
    select(Rules { look_again: false, ..ALL });
}

/// W3: a poll that finds the claim won while the winner has not yet stored the phase.
fn winner_between_cas_and_phase(rules: Rules) {
    check(move || {
        let chans = chans();
        let foreign = AtomicBool::new(false);
        let (signal, waker) = Signal::new();
        let select = Select::queue(&chans, waker);
        let sender = spawn_send(&chans, 0, 10);
        let out = select.as_ref().poll(&chans, &foreign, rules).unwrap_or_else(|| {
            signal.wait();
            select.as_ref().poll(&chans, &foreign, rules).expect("woken because it was won")
        });
        assert_eq!(out, Out::Chan(10));
        sender.join().unwrap();
    });
}

#[test]
fn claim_winner_between_cas_and_phase() {
    winner_between_cas_and_phase(ALL);
}

#[test]
#[should_panic(expected = "has not given its value yet")]
fn claim_read_before_its_phase() {
    winner_between_cas_and_phase(Rules { wait_for_winner: false, ..ALL });
}

/// W4, W9: a select is dropped against a sender, and its memory used for another at once. Nobody reaches the claim by
/// an arm that was taken out.
fn freed_after_unlink(unlink: bool) {
    check(move || {
        let chans = chans();
        let (_, waker) = Signal::new();
        let select = Select::queue(&chans, waker.clone());
        let sender = spawn_send(&chans, 0, 10);
        step();
        let won = select.claim.hold().err();
        if let Some(arm) = won {
            assert_eq!(select.as_ref().won(&chans, arm, ALL), Out::Chan(10));
        } else if unlink {
            select.as_ref().withdraw(&chans);
        } else {
            let _ = remove(&chans[1], select.as_ref().node(1));
        }
        if won.is_none() {
            // The memory's next life: a select on channel 1 alone.
            // SAFETY: held, and nothing is queued (if it was unlinked).
            drop(unsafe { select.claim.set_waker(Some(waker)) });
            select.as_ref().push_arm(&chans, 1);
            step();
            select.claim.open();
            sender.join().unwrap();
            assert_eq!(select.claim.won(), None, "won through an arm of its former life");
            send(&chans[1], 20);
            assert_eq!(select.claim.hold(), Err(1));
            assert_eq!(take(&select.nodes[1]), Some(20));
        } else {
            sender.join().unwrap();
        }
    });
}

#[test]
fn claim_freed_after_unlink() {
    freed_after_unlink(true);
}

#[test]
#[should_panic(expected = "won through an arm of its former life")]
fn claim_freed_while_linked() {
    freed_after_unlink(false);
}

/// A token, and those who wait for it in a queue whose waiters claim.
#[derive(Default)]
struct Token {
    queue: Queue<()>,
    free: bool,
}

type Waiting = Node<Entry<()>>;

/// Takes the owner's node out of the queue; had it been given the token?
fn claim(token: &Lock<Token>, node: Pin<&Waiting>) -> bool {
    step();
    if !node.is(Phase::Queued) {
        return false;
    }
    // SAFETY: it was in this queue, if in any.
    let (stand, _) = unsafe { token.lock().queue.remove(node) };
    stand == Some(Stand::Granted)
}

/// Gives the token to the first one that waits.
fn give(token: &Lock<Token>) {
    let mut token = token.lock();
    let waker = if token.free { token.queue.grant() } else { None };
    token.free &= waker.is_none();
    drop(token);
    wake(waker);
}

/// Futurelock: a waiter claims what it was given, at any moment while another looks and takes it back: one of them has it.
/// The first one's phase is read without the lock, and its memory is gone after that.
#[test]
fn queue_claim_against_look() {
    check(|| {
        let token = Arc::new(Lock::new(Token { queue: Queue::new(), free: true }));
        let first: Pin<Box<Waiting>> = Box::pin(Node::new(Entry::new(())));
        let second: Pin<Box<Waiting>> = Box::pin(Node::new(Entry::new(())));
        let (signal, waker) = Signal::new();
        // SAFETY: idle and pinned, and claimed before its memory goes.
        unsafe { token.lock().queue.push_back(first.as_ref(), Signal::new().1, Rest::Awake) };
        // SAFETY: as above.
        unsafe { token.lock().queue.push_back(second.as_ref(), waker, Rest::Awake) };
        give(&token);
        let owner = {
            let token = token.clone();
            thread::spawn(move || {
                if claim(&token, first.as_ref()) {
                    drop(first);
                    step();
                    token.lock().free = true;
                    give(&token);
                }
            })
        };
        let now = Instant::now();
        for at in [now, now + CLAIM_WITHIN] {
            step();
            let mut locked = token.lock();
            // SAFETY: it is in this queue.
            if unsafe { locked.queue.stand(second.as_ref()) } == Some(Stand::Granted) {
                break;
            }
            let mut free = false;
            locked.queue.look(at, |()| free = true);
            locked.free |= free;
            drop(locked);
            give(&token);
        }
        signal.wait();
        assert!(claim(&token, second.as_ref()), "it was woken, and has the token");
        owner.join().unwrap();
        assert!(!token.lock().free && token.lock().queue.is_empty());
    });
}
