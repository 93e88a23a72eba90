//! One who waits for a mutex: the part that its futures share.
use super::raw::{End, Place, RawMutex, STARVING_AFTER, Turn};
use crate::calm::discard;
use crate::watch::Watch;
use dormouse_wait::Instant;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Entry, Node, Phase, Stand};
use pin_project::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};

/// One who waits for a [`RawMutex`]: the part that the lock futures share. Their `Drop` calls [`Waiter::cancel`].
#[pin_project]
#[derive(Debug)]
pub(crate) struct Waiter {
    #[pin]
    node: Node<Entry<Turn>>,
    site: Site,
    watch: Watch,
}

impl Waiter {
    #[inline]
    pub(crate) fn new(site: Site) -> Self {
        let turn = Turn { since: None, starving: false };
        Waiter { node: Node::new(Entry::new(turn)), site, watch: Watch::new() }
    }

    /// Has the lock been given out?
    pub(crate) fn is_done(&self) -> bool {
        self.node.phase() == Phase::Spent
    }

    /// The source line of the wait.
    #[inline(always)]
    pub(super) fn site(&self) -> Site {
        self.site
    }

    /// Ready: the caller owns `raw`, the same one at every call.
    #[inline]
    pub(crate) fn poll(self: Pin<&mut Self>, raw: &RawMutex, cx: &mut Context<'_>) -> Poll<()> {
        if self.node.phase() == Phase::Idle {
            // Later polls do not pay again: one lock, one operation.
            std::task::ready!(frame::poll_spend(cx));
            if raw.try_lock() {
                self.node.spend();
                return Poll::Ready(());
            }
        }
        self.poll_contended(raw, cx)
    }

    #[cold]
    fn poll_contended(mut self: Pin<&mut Self>, raw: &RawMutex, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let this = self.as_mut().project();
            let node = this.node.into_ref();
            let end = match node.phase() {
                Phase::Idle => self.as_mut().queue(raw, cx, None),
                Phase::Queued if raw.claim(node) => Some(End::Owner),
                Phase::Queued => {
                    let waker = cx.waker().clone();
                    let alarm = this.watch.before(&waker);
                    let found = raw.again(node, waker, alarm);
                    this.watch.follow(found, cx.waker(), None, |now| raw.look(node, now))
                }
                Phase::Granted if raw.take_as_woken() => Some(End::Owner),
                Phase::Granted => {
                    // SAFETY: granted, the node is its owner's.
                    let since = unsafe { node.with_payload(|entry| entry.payload().since) };
                    self.as_mut().queue(raw, cx, since)
                }
                _ => panic!("the future of Mutex::lock was polled after it had finished"),
            };
            match end {
                None => {
                    frame::note_on(Reason::MutexLock, Some(self.site), raw);
                    return Poll::Pending;
                }
                Some(End::Owner) => {
                    let this = self.project();
                    this.watch.end();
                    this.node.spend();
                    return Poll::Ready(());
                }
                Some(End::Woken) => (),
            }
        }
    }

    /// Queues, unless the lock becomes free: a new one (`since` is `None`) behind all, one that was woken and lost
    /// before all.
    fn queue(
        self: Pin<&mut Self>,
        raw: &RawMutex,
        cx: &mut Context<'_>,
        since: Option<Instant>,
    ) -> Option<End> {
        let this = self.project();
        let node = this.node.into_ref();
        // User code may panic: before anything has changed.
        let waker = cx.waker().clone();
        let alarm = this.watch.before(&waker);
        if since.is_some() {
            node.spend();
            node.reset();
        }
        let now = Instant::now();
        let starving = since.is_some_and(|since| now.duration_since(since) >= STARVING_AFTER);
        let turn = Turn { since: since.or(Some(now)), starving };
        // SAFETY: idle, the node is its owner's.
        unsafe { node.with_payload(|entry| *entry.payload() = turn) };
        let place = match (since, starving) {
            (None, _) => Place::Back,
            (Some(_), starving) => Place::Front { starving },
        };
        let found = raw.enqueue(node, waker, place, alarm);
        this.watch.follow(found, cx.waker(), Some(now), |now| raw.look(node, now))
    }

    /// The future goes away: takes it out of the queue, and passes on what it was given and has not taken.
    #[inline]
    pub(crate) fn cancel(self: Pin<&mut Self>, raw: &RawMutex) {
        if matches!(self.node.phase(), Phase::Queued | Phase::Granted) {
            self.cancel_wait(raw);
        }
    }

    #[cold]
    fn cancel_wait(self: Pin<&mut Self>, raw: &RawMutex) {
        let node = self.as_ref().project_ref().node;
        let mut waker = None;
        if node.phase() == Phase::Queued {
            let (stand, left) = raw.give_up(node);
            waker = left;
            if stand == Some(Stand::Granted) {
                raw.unlock();
            }
        }
        if node.phase() == Phase::Granted {
            node.spend();
            raw.pass_on();
        }
        discard(waker);
    }
}
