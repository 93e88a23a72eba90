//! One connection: the protocol, the limits, and the end.
use super::activity::{Activity, End, Limits};
use super::service::{HttpService, Info, Watched};
use super::stream::Stream;
use crate::hyper_rt::Executor;
use dormouse_executor::time::{self, Duration, Instant, Sleep};
use dormouse_sync::Context as Scope;
use hyper::rt::{Read, Write};
use hyper_util::server::conn::auto;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What the connections of a server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) protocol: auto::Builder<Executor>,
    pub(super) limits: Limits,
    /// Done when the server shuts down.
    pub(super) closing: Scope,
    /// Done when what is still open is dropped.
    pub(super) cut: Scope,
}

/// Serves a connection to its end. It must be polled by one task, with one waker.
pub(super) async fn run<I, S>(stream: Stream<I>, service: S, info: Option<Info<I>>, shared: Arc<Shared>)
where
    I: Read + Write + Unpin + Send + 'static,
    S: HttpService,
{
    let Ok(tell) = info.map(|info| info(&stream.inner)).transpose() else { return };
    let activity = stream.activity.clone();
    let (mut closing, mut cut) = (pin!(shared.closing.done()), pin!(shared.cut.done()));
    // The wake-ups of the shutdown are asked for once, at the first poll, so that connections do not meet at the lists
    // of those who wait; from then on they look whether it is there.
    poll_fn(|cx| {
        let _ = closing.as_mut().poll(cx);
        let _ = cut.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
    let (limit, closing) = (shared.limits.request, shared.closing.clone());
    let service = Watched { service, tell, activity: activity.clone(), limit, closing };
    let mut connection = pin!(shared.protocol.serve_connection_with_upgrades(stream, service));
    let timer = time::sleep_until(Instant::now());
    let mut watch =
        pin!(Watch { activity, shared: &shared, timer: pin!(timer), set: false, closing: None, told: None });
    poll_fn(|cx| {
        loop {
            // What went wrong is the client's affair: it is told as far as the protocol can.
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            match ready!(watch.poll_end(cx)) {
                End::Leave => connection.as_mut().graceful_shutdown(),
                End::Drop => return Poll::Ready(()),
            }
        }
    })
    .await;
}

/// Looks after the limits of a connection.
struct Watch<'a> {
    activity: Arc<Activity>,
    shared: &'a Shared,
    timer: Pin<&'a mut Sleep>,
    /// Is the timer set?
    set: bool,
    /// Since when the server shuts down.
    closing: Option<Instant>,
    /// Since when the client is told to go.
    told: Option<Instant>,
}

impl Watch<'_> {
    /// Ready when something is due.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if self.shared.cut.is_done() {
            return Poll::Ready(End::Drop);
        }
        if self.closing.is_none() && self.shared.closing.is_done() {
            self.closing = Some(Instant::now());
        }
        loop {
            let due = self.activity.due(self.shared.limits, self.closing, self.told);
            // The timer is not set later than before: it looks again when it has run out.
            let wanted = due.map(|(at, _)| at).filter(|at| !self.set || *at < self.timer.deadline());
            if let Some(at) = wanted.or_else(|| (!self.set).then(|| self.later()).flatten()) {
                self.timer.as_mut().reset(at);
                self.set = true;
                ready!(self.timer.as_mut().poll(cx));
            } else if !self.set || !self.timer.is_elapsed() {
                return Poll::Pending;
            }
            self.set = false;
            if let Some((at, end)) = due
                && Instant::now() >= at
            {
                if end == End::Leave {
                    self.told = Some(Instant::now());
                }
                return Poll::Ready(end);
            }
        }
    }

    /// When to look again while it is the service's turn: its end may come without a poll of this.
    fn later(&self) -> Option<Instant> {
        let most = if self.closing.is_some() { Some(Duration::from_secs(1)) } else { None };
        let limit = most.or(self.shared.limits.idle)?;
        // A limit of nothing is no reason to look all the time.
        Instant::now().checked_add(limit.max(Duration::from_millis(10)))
    }
}
