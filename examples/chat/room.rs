//! Who is there, and what is said.
use dormouse::chan::broadcast;
use dormouse::chan::broadcast::{Overflow, Receiver, Sender};
use dormouse::sync::{Cancel, Context};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A name may be as long as this, in characters.
const NAME: usize = 20;

/// What all are told.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) text: Arc<str>,
    /// Who has left by it.
    pub(crate) leaver: Option<Arc<str>>,
}

pub(crate) struct Room {
    lines: Sender<Line>,
    names: Mutex<BTreeSet<Arc<str>>>,
    open: Context,
    close: Cancel,
    joined: AtomicU64,
    said: AtomicU64,
}

impl Room {
    /// An empty room, which keeps so many lines for those who are slow.
    pub(crate) fn new(keep: usize) -> Room {
        let (lines, _) = broadcast(keep, Overflow::DropOldest);
        let (open, close) = Context::background().with_cancel();
        Room {
            lines,
            names: Mutex::default(),
            open,
            close,
            joined: AtomicU64::new(0),
            said: AtomicU64::new(0),
        }
    }

    fn names(&self) -> MutexGuard<'_, BTreeSet<Arc<str>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `name` in, and tells all, itself included. Or says what is wrong with the name.
    pub(crate) fn join(&self, name: &str) -> Result<(Member<'_>, Receiver<Line>), String> {
        let fits = (1..=NAME).contains(&name.chars().count());
        if !fits || !name.chars().all(char::is_alphanumeric) {
            return Err(format!("a name is 1 to {NAME} letters and digits"));
        }
        let name: Arc<str> = name.into();
        // Held to the end: joining and leaving are told in the order in which they happen.
        let mut names = self.names();
        if !names.insert(name.clone()) {
            return Err(format!("{name} is here already"));
        }
        self.joined.fetch_add(1, Relaxed);
        let lines = self.lines.subscribe();
        self.tell(format!("* {name} has joined: {} here", names.len()), None);
        Ok((Member { room: self, name }, lines))
    }

    /// Tells all. False if the room is closed.
    fn tell(&self, text: String, leaver: Option<Arc<str>>) -> bool {
        match self.lines.try_send(Line { text: text.into(), leaver }) {
            Ok(()) => true,
            // It is never full, and if nobody is there, nobody misses it.
            Err(error) => !error.is_closed(),
        }
    }

    /// Nothing more is said. What was said can still be read.
    pub(crate) fn close(&self) {
        self.lines.close();
        self.close.cancel();
    }

    /// Done when the room is closed.
    pub(crate) fn open(&self) -> &Context {
        &self.open
    }

    pub(crate) fn counters(&self) -> String {
        format!("{} clients, {} lines", self.joined.load(Relaxed), self.said.load(Relaxed))
    }
}

/// One who is there; its drop tells the others that it has left.
pub(crate) struct Member<'a> {
    room: &'a Room,
    name: Arc<str>,
}

impl Member<'_> {
    pub(crate) fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// Says it to all. False if the room is closed.
    pub(crate) fn say(&self, text: &str) -> bool {
        let told = self.room.tell(format!("{}: {text}", self.name), None);
        self.room.said.fetch_add(u64::from(told), Relaxed);
        told
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        let mut names = self.room.names();
        names.remove(&self.name);
        self.room.tell(format!("* {} has left: {} here", self.name, names.len()), Some(self.name.clone()));
    }
}
