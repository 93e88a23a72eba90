//! What all connections share, and how their requests are executed: one at a time, under one lock, as in Redis.
//!
//! A connection's [`Session`] executes all requests that have come complete, under one holding of the lock, and then waits
//! for the file, if there is one, until all is written that an answer could show. If that fails, the answers to changes
//! are replaced by the error.
use crate::commands::{self, Call};
use crate::input::{Input, Limits};
use crate::log::{Appendonly, Log, Progress, Reason};
use crate::pubsub::{self, Mailbox, PubSub};
use crate::store::{Store, Time, Trash};
use crate::{reply, rewrite};
use dormouse::chan::watch::Receiver;
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Answers are sent when there are so many bytes of them, before more is executed.
const ANSWERS: usize = 256 * 1024;
/// So many keys expire under one holding of the lock.
const EXPIRE: usize = 1000;

/// How a server is to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// The longest argument of a request, in bytes; a value may not grow longer, either. Redis has 512 MiB.
    pub max_bulk: usize,
    /// So many bytes a subscriber may be behind, and so long may one answer be.
    pub max_output: usize,
    /// The file that keeps the changes.
    pub appendonly: Option<Appendonly>,
}

impl Default for Config {
    fn default() -> Config {
        Config { max_bulk: 512 << 20, max_output: 32 << 20, appendonly: None }
    }
}

/// A lock, whoever has panicked under it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) pubsub: PubSub,
    /// Why changes are refused.
    pub(crate) refusing: Option<Reason>,
    /// Requests that were executed.
    pub(crate) commands: u64,
    /// How long the file was when it was last made anew, or why that failed.
    pub(crate) rewritten: Result<u64, Reason>,
    /// Who is to be notified when the lock is free.
    told: Vec<Arc<Mailbox>>,
    /// What is to be dropped when the lock is free.
    trash: Vec<Trash>,
}

/// A key-value server, without its sockets.
pub struct Server {
    pub(crate) config: Config,
    state: Mutex<State>,
    pub(crate) log: Option<Log>,
    pub(crate) started: Instant,
    /// Those there are, and those there were, ever.
    pub(crate) connected: AtomicUsize,
    pub(crate) connections: AtomicU64,
}

impl Server {
    /// A server; with a file, one that has all that is in it.
    ///
    /// # Errors
    /// If the file cannot be opened, read or written, is damaged, or is something else.
    pub fn open(config: Config) -> io::Result<Arc<Server>> {
        let mut store = Store::default();
        let log = config.appendonly.as_ref().map(|config| Log::open(config, &mut store)).transpose()?;
        let length = log.as_ref().map_or(0, Log::size);
        let state = State {
            store,
            pubsub: PubSub::default(),
            refusing: None,
            commands: 0,
            rewritten: Ok(length),
            told: Vec::new(),
            trash: Vec::new(),
        };
        let server = Arc::new(Server {
            config,
            state: Mutex::new(state),
            log,
            started: Instant::now(),
            connected: AtomicUsize::new(0),
            connections: AtomicU64::new(0),
        });
        Log::start(&server)?;
        Ok(server)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What was found in the file: how many keys, and how many bytes at its end that were no whole group, and were cut off.
    pub fn found(&self) -> (usize, u64) {
        (self.state().store.len(), self.log.as_ref().map_or(0, |log| log.replayed.torn))
    }

    /// How many connections and requests there were.
    pub fn counters(&self) -> (u64, u64) {
        (self.connections.load(Relaxed), self.state().commands)
    }

    /// How many connections there are.
    pub fn connected(&self) -> usize {
        self.connected.load(Relaxed)
    }

    /// Removes some keys whose time is over, and begins to make the file anew when it has become long; to be called some
    /// times a second. Says if there is more to remove.
    pub fn tick(self: &Arc<Self>) -> bool {
        let mut state = self.state();
        let more = state.store.expire(unix_time(), EXPIRE);
        let records = state.store.noted();
        if let (Some(log), Ok(last)) = (&self.log, state.rewritten.clone())
            && rewrite::is_due(log.size(), last)
        {
            rewrite::start(self, &mut state);
        }
        drop(state);
        if let Some(log) = &self.log {
            log.push(self, records);
        }
        more
    }

    /// Refuses changes, or not any more; says how many records there were until then.
    pub(crate) fn refuse(&self, reason: Option<Reason>) -> u64 {
        let mut state = self.state();
        state.refusing = reason;
        state.store.noted()
    }

    /// Writes and syncs what is left; it blocks its thread. Changes that are made later may be lost.
    ///
    /// # Errors
    /// Why something could not be written or synced.
    pub fn close(&self) -> Result<(), String> {
        self.log.as_ref().map_or(Ok(()), Log::close).map_err(|reason| reason.to_string())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The time, in milliseconds since 1970.
pub(crate) fn unix_time() -> Time {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Time)
}

/// What a connection listens to, and whether it goes on.
pub(crate) struct Client {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) channels: BTreeSet<Box<[u8]>>,
    pub(crate) patterns: BTreeSet<Box<[u8]>>,
    pub(crate) is_ending: bool,
}

impl Client {
    pub(crate) fn listens(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }
}

/// One connection's requests and answers.
pub(crate) struct Session {
    server: Arc<Server>,
    pub(crate) input: Input,
    pub(crate) out: Vec<u8>,
    pub(crate) client: Client,
    /// Where in `out` the answers to changes are.
    changes: Vec<Range<usize>>,
    /// So many records there were when the answers were made.
    records: u64,
    progress: Option<Receiver<Progress>>,
}

impl Session {
    pub(crate) fn new(server: Arc<Server>) -> Session {
        let number = server.connections.fetch_add(1, Relaxed);
        server.connected.fetch_add(1, Relaxed);
        let limit = server.config.max_bulk;
        // One long argument, and others beside it.
        let input =
            Input::new(Limits { bulk: limit, request: limit.saturating_mul(2).saturating_add(1 << 20) });
        let mailbox = Arc::new(Mailbox::new(number, server.config.max_output));
        Session {
            input,
            out: Vec::new(),
            client: Client {
                mailbox,
                channels: BTreeSet::new(),
                patterns: BTreeSet::new(),
                is_ending: false,
            },
            changes: Vec::new(),
            records: 0,
            progress: server.log.as_ref().map(Log::progress),
            server,
        }
    }

    /// Is it told what others publish?
    pub(crate) fn listens(&self) -> bool {
        self.client.listens() > 0
    }

    /// Executes what has come complete, up to a number of answers; says if there is more.
    pub(crate) fn execute(&mut self) -> bool {
        if !self.input.has_next() && self.input.error().is_none() && !self.listens() {
            return false;
        }
        let now = unix_time();
        let Session { server, input, out, client, changes, .. } = self;
        let mut guard = server.state();
        let state = &mut *guard;
        if client.listens() > 0 {
            // What it was told before it says more comes before the answers to that.
            client.mailbox.take(out);
        }
        while !client.is_ending && out.len() < ANSWERS {
            let Some(args) = input.next() else { break };
            let (start, before) = (out.len(), state.store.noted());
            let mut call =
                Call { server, state: &mut *state, client: &mut *client, args, out: &mut *out, now };
            commands::execute(&mut call);
            state.commands += 1;
            if state.store.noted() != before {
                changes.push(start..out.len());
            }
        }
        self.records = state.store.noted();
        let (told, trash) = (std::mem::take(&mut state.told), std::mem::take(&mut state.trash));
        drop(guard);
        told.iter().for_each(|mailbox| mailbox.notify());
        drop(trash);
        let more = input.has_next() && !client.is_ending;
        if let Some(error) = input.error().filter(|_| !more && !client.is_ending) {
            reply::error(out, format!("ERR Protocol error: {error}").as_bytes());
            client.is_ending = true;
        }
        more
    }

    /// Waits until all is written that the answers could show.
    pub(crate) async fn commit(&mut self) {
        if let (Some(log), Some(progress)) = (&self.server.log, &mut self.progress)
            && let Err(reason) = log.commit(&self.server, self.records, progress).await
        {
            self.unacknowledge(&reason);
        }
        self.changes.clear();
    }

    /// Puts the error in the place of the answers to changes.
    fn unacknowledge(&mut self, reason: &str) {
        let mut out = Vec::new();
        let mut from = 0;
        for change in self.changes.drain(..) {
            out.extend_from_slice(&self.out[from..change.start]);
            let text = format!(
                "MISCONF Errors writing to the AOF file: {reason} (this was executed, and will be written when the file can \
                 be written again)"
            );
            reply::error(&mut out, text.as_bytes());
            from = change.end;
        }
        out.extend_from_slice(&self.out[from..]);
        self.out = out;
    }

    /// The answers were sent.
    pub(crate) fn answered(&mut self) {
        if self.out.capacity() > ANSWERS {
            self.out = Vec::new();
        }
        self.out.clear();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.listens() {
            let mut state = self.server.state();
            for channel in &self.client.channels {
                pubsub::leave(&mut state.pubsub.channels, channel, self.client.mailbox.number);
            }
            for pattern in &self.client.patterns {
                pubsub::leave(&mut state.pubsub.patterns, pattern, self.client.mailbox.number);
            }
        }
        self.server.connected.fetch_sub(1, Relaxed);
    }
}

impl State {
    /// Publishes a message; says how many are told.
    pub(crate) fn publish(&mut self, channel: &[u8], message: &[u8]) -> usize {
        self.pubsub.publish(channel, message, &mut self.told)
    }

    /// Removes all keys.
    pub(crate) fn flush(&mut self) {
        let trash = self.store.flush();
        self.trash.push(trash);
    }
}
