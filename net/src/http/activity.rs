//! What goes on on one connection, and when that is to end.
//!
//! The stream tells of bytes, the service of requests; the connection's task asks what is due. So all limits of a
//! connection need one timer, which is set anew when it has run out, not for each request.
//!
//! | phase | event | phase after |
//! |---|---|---|
//! | New: nothing has come | bytes | Head |
//! | New, Head, Kept | a request's head is complete | Open(1) |
//! | Head: a part of a request has come | bytes | Head |
//! | Open(n) | a request's head is complete | Open(n + 1) |
//! | Open(n) | an answer is complete, or given up | Open(n - 1), Kept if that is 0 |
//! | Kept: answers were given, no request is open | bytes | Head (HTTP/2: Kept, whose frames are not only requests) |
use dormouse_executor::time::{Duration, Instant};
use dormouse_wait::lock::Lock;

/// At shutdown: how long a connection on which nothing is going on has for one more request, and the system for those
/// who are about to be connected.
pub(super) const LAST_CALL: Duration = Duration::from_millis(300);

/// How long a client that was told to go may take.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) header: Option<Duration>,
    pub(super) request: Option<Duration>,
    pub(super) idle: Option<Duration>,
}

/// What is done with a connection when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is told to go.
    Leave,
    Drop,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Since.
    New(Instant),
    /// Since.
    Head(Instant),
    Open(usize),
    Kept,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Of the open answers, those that go on when the client takes what it was given. (HTTP/2, where each has a window.)
    given: usize,
    /// `None` until it is known.
    http2: Option<bool>,
    /// When bytes last moved.
    last: Instant,
    /// Since when the client has not taken what is written.
    blocked: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Activity(Lock<State>);

impl Activity {
    /// A connection begins.
    pub(super) fn new() -> Activity {
        let now = Instant::now();
        let state = State { phase: Phase::New(now), given: 0, http2: None, last: now, blocked: None };
        Activity(Lock::new(state))
    }

    pub(super) fn has_read(&self) {
        let now = Instant::now();
        let mut state = self.0.lock();
        state.last = now;
        state.phase = match state.phase {
            Phase::New(since) => Phase::Head(since),
            Phase::Kept if state.http2 != Some(true) => Phase::Head(now),
            other => other,
        };
    }

    pub(super) fn has_written(&self) {
        let now = Instant::now();
        let mut state = self.0.lock();
        state.last = now;
        state.blocked = None;
        // Before a request only HTTP/2 has something to say. (HTTP/1 has, if it is none: then it ends anyway.)
        state.http2.get_or_insert(true);
    }

    pub(super) fn cannot_write(&self) {
        let now = Instant::now();
        self.0.lock().blocked.get_or_insert(now);
    }

    /// A request's head is complete.
    pub(super) fn begin(&self, http2: bool) {
        let mut state = self.0.lock();
        state.http2 = Some(http2);
        state.phase = match state.phase {
            Phase::Open(open) => Phase::Open(open + 1),
            _ => Phase::Open(1),
        };
    }

    /// A part of an answer is ready for the client.
    pub(super) fn give(&self) {
        let now = Instant::now();
        let mut state = self.0.lock();
        state.last = now;
        state.given += 1;
    }

    /// There is room for the next part.
    pub(super) fn taken(&self) {
        self.0.lock().given -= 1;
    }

    /// An answer is complete, or given up.
    pub(super) fn end(&self) {
        let mut state = self.0.lock();
        state.phase = match state.phase {
            Phase::Open(open) if open > 1 => Phase::Open(open - 1),
            _ => Phase::Kept,
        };
    }

    /// What is to happen, and when, if nothing else does before; given since when the server shuts down and since when the
    /// client was told to go. `None` while it is the service's turn, and without a limit.
    pub(super) fn due(
        &self,
        limits: Limits,
        closing: Option<Instant>,
        told: Option<Instant>,
    ) -> Option<(Instant, End)> {
        let state = self.0.lock();
        let within = |limit: Option<Duration>, from: Instant| limit.and_then(|limit| from.checked_add(limit));
        let header = |since| within(limits.header, since).map(|at| (at, End::Drop));
        if let (Some(since), Some(idle)) = (state.blocked, limits.idle) {
            return within(Some(idle), since).map(|at| (at, End::Drop));
        }
        // (HTTP/2 says good-bye in two steps, and loses no request.)
        if let (Some(closing), true, None) = (closing, state.http2 == Some(true), told) {
            return Some((closing, End::Leave));
        }
        let quiet = |since: Instant| match (told, closing) {
            (Some(told), _) => within(Some(FAREWELL), since.max(told)).map(|at| (at, End::Drop)),
            (None, Some(closing)) => within(Some(LAST_CALL), since.max(closing)).map(|at| (at, End::Leave)),
            (None, None) => within(limits.idle, since).map(|at| (at, End::Leave)),
        };
        match state.phase {
            Phase::Open(open) if open == state.given => {
                within(limits.idle, state.last).map(|at| (at, End::Drop))
            }
            Phase::Open(_) => None,
            Phase::Head(since) if told.is_none() => header(since),
            Phase::New(since) if told.is_none() && closing.is_none() => header(since),
            // (Who was told to go at `Head` speaks HTTP/2, and has made no request.)
            Phase::Head(since) | Phase::New(since) => {
                [header(since), quiet(since)].into_iter().flatten().min_by_key(|due| due.0)
            }
            Phase::Kept => quiet(state.last),
        }
    }
}
