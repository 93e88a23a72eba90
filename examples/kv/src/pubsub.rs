//! Channels, and a mailbox for each who listens. Who publishes waits for nobody: a mailbox has a limit, and whoever lets
//! it be reached is dropped.
use crate::glob;
use crate::reply;
use crate::server::lock;
use dormouse::sync::Notify;
use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex};

/// What a connection is to be told, besides its answers.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// Which connection's it is.
    pub(crate) number: u64,
    limit: usize,
    queue: Mutex<Queue>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    is_over: bool,
}

impl Mailbox {
    /// One that holds so many bytes.
    pub(crate) fn new(number: u64, limit: usize) -> Mailbox {
        Mailbox { number, limit, queue: Mutex::default(), notify: Notify::new() }
    }

    /// Puts a message in; says if the connection is to be notified: of the first one, and if it is too far behind.
    fn put(&self, message: &[u8]) -> bool {
        let mut queue = lock(&self.queue);
        if queue.is_over {
            return false;
        }
        let was_empty = queue.bytes.is_empty();
        if queue.bytes.len() + message.len() > self.limit {
            *queue = Queue { bytes: Vec::new(), is_over: true };
            return true;
        }
        queue.bytes.extend_from_slice(message);
        was_empty
    }

    /// Moves all messages behind `out`.
    pub(crate) fn take(&self, out: &mut Vec<u8>) {
        let mut queue = lock(&self.queue);
        if out.is_empty() {
            mem::swap(out, &mut queue.bytes);
        } else {
            out.append(&mut queue.bytes);
        }
    }

    /// Has the limit been reached?
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.queue).is_over
    }

    /// Tells the connection to look.
    pub(crate) fn notify(&self) {
        self.notify.notify_one();
    }

    /// Waits for that.
    pub(crate) async fn notified(&self) {
        self.notify.notified().await;
    }
}

/// The mailboxes of those who listen, by the number of the connection.
type Listeners = BTreeMap<u64, Arc<Mailbox>>;

/// Who listens to which channels.
#[derive(Default)]
pub(crate) struct PubSub {
    pub(crate) channels: BTreeMap<Box<[u8]>, Listeners>,
    pub(crate) patterns: BTreeMap<Box<[u8]>, Listeners>,
}

impl PubSub {
    /// Puts a message into the mailboxes of all who listen; says how many there are. Those who are `told` are then to be
    /// notified.
    pub(crate) fn publish(&self, channel: &[u8], message: &[u8], told: &mut Vec<Arc<Mailbox>>) -> usize {
        let (mut count, mut bytes) = (0, Vec::new());
        let mut tell = |listeners: &Listeners, parts: &[&[u8]]| {
            bytes.clear();
            reply::bulks(&mut bytes, parts);
            count += listeners.len();
            told.extend(listeners.values().filter(|mailbox| mailbox.put(&bytes)).cloned());
        };
        if let Some(listeners) = self.channels.get(channel) {
            tell(listeners, &[b"message", channel, message]);
        }
        for (pattern, listeners) in &self.patterns {
            if glob::matches(pattern, channel) {
                tell(listeners, &[b"pmessage", pattern, channel, message]);
            }
        }
        count
    }
}

/// Adds a listener; says if it is new.
pub(crate) fn join(map: &mut BTreeMap<Box<[u8]>, Listeners>, name: &[u8], mailbox: &Arc<Mailbox>) -> bool {
    if !map.contains_key(name) {
        map.insert(name.into(), Listeners::new());
    }
    let listeners = map.get_mut(name).expect("it is there");
    listeners.insert(mailbox.number, mailbox.clone()).is_none()
}

/// Takes a listener away; says if it was there.
pub(crate) fn leave(map: &mut BTreeMap<Box<[u8]>, Listeners>, name: &[u8], number: u64) -> bool {
    let Some(listeners) = map.get_mut(name) else { return false };
    let was_there = listeners.remove(&number).is_some();
    if listeners.is_empty() {
        map.remove(name);
    }
    was_there
}
