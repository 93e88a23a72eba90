//! The keys: a map, with an ordered set of those that expire. Each change is noted as a [record](crate::record), if there
//! is a file.
//!
//! A key whose time is over is not there for whoever reads; it is removed by the next change of it, or within a moment by
//! [`expire`](Store::expire). That is a change like any other and is noted: what the records make does not depend on when
//! they are read.
use crate::number;
use crate::record::Group;
use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;

pub(crate) type Key = Arc<[u8]>;

/// Milliseconds since 1970.
pub(crate) type Time = u64;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) value: Vec<u8>,
    /// When it expires.
    pub(crate) deadline: Option<Time>,
}

impl Entry {
    fn is_alive(&self, now: Time) -> bool {
        self.deadline.is_none_or(|deadline| now < deadline)
    }
}

/// What was there, to be dropped when nobody waits for it.
pub(crate) type Trash = (HashMap<Key, Entry>, BTreeSet<(Time, Key)>);

#[derive(Default)]
pub(crate) struct Store {
    entries: HashMap<Key, Entry>,
    deadlines: BTreeSet<(Time, Key)>,
    notes: Option<Notes>,
    expired: u64,
}

/// The records of the changes.
#[derive(Default)]
pub(crate) struct Notes {
    /// Those that are to be written.
    pub(crate) group: Group,
    /// How many there were, ever.
    pub(crate) count: u64,
    /// Those for a file that is being made anew.
    pub(crate) rewrite: Option<Group>,
}

impl Notes {
    fn push(&mut self, parts: &[&[u8]]) {
        self.count += 1;
        self.group.push(parts);
        if let Some(rewrite) = &mut self.rewrite {
            rewrite.push(parts);
        }
    }
}

impl Store {
    /// Notes changes from now on.
    pub(crate) fn start_notes(&mut self) {
        self.notes = Some(Notes::default());
    }

    pub(crate) fn notes(&mut self) -> Option<&mut Notes> {
        self.notes.as_mut()
    }

    /// How many changes were noted, ever.
    pub(crate) fn noted(&self) -> u64 {
        self.notes.as_ref().map_or(0, |notes| notes.count)
    }

    /// Is the file being made anew?
    pub(crate) fn is_rewriting(&self) -> bool {
        self.notes.as_ref().is_some_and(|notes| notes.rewrite.is_some())
    }

    fn note(&mut self, parts: &[&[u8]]) {
        if let Some(notes) = &mut self.notes {
            notes.push(parts);
        }
    }

    // --- what is there ----------------------------------------------------------------------------------------------

    pub(crate) fn get(&self, key: &[u8], now: Time) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.is_alive(now))
    }

    /// How many there are, those included that have expired a moment ago.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of them will expire.
    pub(crate) fn expiring(&self) -> usize {
        self.deadlines.len()
    }

    /// How many have expired, ever.
    pub(crate) fn expired(&self) -> u64 {
        self.expired
    }

    pub(crate) fn keys(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.entries.keys()
    }

    // --- changes ----------------------------------------------------------------------------------------------------

    /// Sets value and deadline, whatever there was.
    pub(crate) fn set(&mut self, key: &[u8], value: Vec<u8>, deadline: Option<Time>) {
        self.note_set(key, &value, deadline);
        match self.entries.get_mut(key) {
            Some(entry) if entry.deadline.is_none() && deadline.is_none() => entry.value = value,
            Some(entry) => {
                let before = mem::replace(entry, Entry { value, deadline }).deadline;
                self.move_deadline(key, before, deadline);
            }
            None => {
                self.entries.insert(key.into(), Entry { value, deadline });
                self.move_deadline(key, None, deadline);
            }
        }
    }

    fn note_set(&mut self, key: &[u8], value: &[u8], deadline: Option<Time>) {
        match deadline {
            _ if self.notes.is_none() => {}
            None => self.note(&[b"SET", key, value]),
            Some(deadline) => self.note(&[b"SET", key, value, b"PXAT", &text(deadline)]),
        }
    }

    fn move_deadline(&mut self, key: &[u8], before: Option<Time>, after: Option<Time>) {
        if before == after {
            return;
        }
        let (key, _) = self.entries.get_key_value(key).expect("it is there");
        if let Some(before) = before {
            self.deadlines.remove(&(before, key.clone()));
        }
        if let Some(after) = after {
            self.deadlines.insert((after, key.clone()));
        }
    }

    /// Removes a key; says if it was there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let Some((key, entry)) = self.entries.remove_entry(key) else { return false };
        self.note(&[b"DEL", &key]);
        if let Some(deadline) = entry.deadline {
            self.deadlines.remove(&(deadline, key));
        }
        true
    }

    /// Removes it if its time is over: for changes that look at what is there.
    pub(crate) fn evict(&mut self, key: &[u8], now: Time) {
        if self.entries.get(key).is_some_and(|entry| !entry.is_alive(now)) {
            self.remove(key);
            self.expired += 1;
        }
    }

    /// Sets or takes away a key's deadline; says if the key was there.
    pub(crate) fn set_deadline(&mut self, key: &[u8], deadline: Option<Time>) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        let before = mem::replace(&mut entry.deadline, deadline);
        self.move_deadline(key, before, deadline);
        match deadline {
            Some(deadline) => self.note(&[b"PEXPIREAT", key, &text(deadline)]),
            None => self.note(&[b"PERSIST", key]),
        }
        true
    }

    /// Adds to the end of a value, which is empty if there is none; gives the new length.
    pub(crate) fn append(&mut self, key: &[u8], more: &[u8]) -> usize {
        self.note(&[b"APPEND", key, more]);
        match self.entries.get_mut(key) {
            Some(entry) => {
                entry.value.extend_from_slice(more);
                entry.value.len()
            }
            None => {
                self.entries.insert(key.into(), Entry { value: more.into(), deadline: None });
                more.len()
            }
        }
    }

    /// Removes all.
    pub(crate) fn flush(&mut self) -> Trash {
        self.note(&[b"FLUSHALL"]);
        (mem::take(&mut self.entries), mem::take(&mut self.deadlines))
    }

    /// Removes at most `limit` keys whose time is over; says if there are more.
    pub(crate) fn expire(&mut self, now: Time, limit: usize) -> bool {
        for _ in 0..limit {
            match self.deadlines.first() {
                Some((deadline, key)) if *deadline <= now => {
                    let key = key.clone();
                    self.evict(&key, now);
                }
                _ => return false,
            }
        }
        true
    }

    // --- the file made anew -----------------------------------------------------------------------------------------

    /// Notes what a key is now, for the file that is being made anew.
    pub(crate) fn note_anew(&mut self, key: &[u8]) {
        let (Some(entry), Some(notes)) = (self.entries.get(key), &mut self.notes) else { return };
        let Some(rewrite) = &mut notes.rewrite else { return };
        match entry.deadline {
            None => rewrite.push(&[b"SET", key, &entry.value]),
            Some(deadline) => rewrite.push(&[b"SET", key, &entry.value, b"PXAT", &text(deadline)]),
        }
    }
}

fn text(time: Time) -> Vec<u8> {
    number::text(time.cast_signed())
}
