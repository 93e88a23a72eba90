//! The append-only file made anew, with one record for each key, while the server goes on.
//!
//! From its start each change is noted twice, for the old file and for the new; and key by key, what the key is at that
//! moment is noted for the new one. Records of a key that come before are overridden by that, and those that come after
//! follow it; so the order of all notes, which is that of one lock, is enough. At the end the new file takes the place of
//! the old by a rename. Before it nothing has changed, whatever fails.
use crate::log::{self, Log};
use crate::record::{Group, MAGIC};
use crate::server::{Server, State};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

/// The bytes that are noted under one lock, about.
const STEP: usize = 64 * 1024;

/// A file is made anew when it is so long, and twice as long as it was when it was new.
const LEAST: u64 = 64 * 1024 * 1024;

/// Is it time to make the file anew?
pub(crate) fn is_due(size: u64, last: u64) -> bool {
    size >= LEAST && size / 2 >= last
}

/// Begins to make the file anew, on a thread; unless that is under way, or there is no file.
pub(crate) fn start(server: &Arc<Server>, state: &mut State) {
    let Some(notes) = state.store.notes().filter(|notes| notes.rewrite.is_none()) else { return };
    notes.rewrite = Some(Group::default());
    let on_thread = server.clone();
    let spawned = thread::Builder::new().name("kv-rewrite".into()).spawn(move || {
        let server = on_thread;
        if let Some(log) = &server.log {
            let done = run(&server, log);
            finish(&mut server.state(), log, done);
        }
    });
    if let (Err(error), Some(log)) = (spawned, &server.log) {
        finish(state, log, Err(error));
    }
}

fn finish(state: &mut State, log: &Log, done: io::Result<()>) {
    state.rewritten = done.map(|()| log.size()).map_err(|error| error.to_string().into());
    if let Some(notes) = state.store.notes() {
        notes.rewrite = None;
    }
}

fn run(server: &Server, log: &Log) -> io::Result<()> {
    if !log.file().regular {
        return Err(io::Error::other("it is a device"));
    }
    let mut path = log.path.clone().into_os_string();
    path.push(".new");
    let path = PathBuf::from(path);
    let result = write(server, log, &path);
    if result.is_err() {
        // It is written over the next time, if it cannot be removed.
        let _ = fs::remove_file(&path);
    }
    result
}

fn write(server: &Server, log: &Log, path: &PathBuf) -> io::Result<()> {
    let file = log::open(path)?;
    file.set_len(0)?;
    file.write_all_at(MAGIC, 0)?;
    let mut end = MAGIC.len() as u64;
    let mut state = server.state();
    let keys: Vec<_> = state.store.keys().cloned().collect();
    let mut keys = keys.iter().peekable();
    while keys.peek().is_some() {
        let mut group = loop {
            if let Some(key) = keys.next() {
                state.store.note_anew(key);
            }
            let notes = state.store.notes().ok_or_else(given_up)?;
            let rewrite = notes.rewrite.as_mut().ok_or_else(given_up)?;
            if rewrite.len() >= STEP || keys.peek().is_none() {
                break std::mem::take(rewrite);
            }
        };
        drop(state);
        end = put(&file, end, &mut group)?;
        state = server.state();
    }
    drop(state);
    // The most of it, before anybody has to wait for that.
    file.sync_data()?;

    let mut old = log.file();
    let (records, mut group) = {
        let mut state = server.state();
        // What is not yet in the old file stays with it until the new one is there.
        let records = old.take(&mut state);
        // What is noted for the new file from here on goes to it as to any file, and this copy is given up.
        let rewrite = state.store.notes().and_then(|notes| notes.rewrite.as_mut());
        (records, std::mem::take(rewrite.ok_or_else(given_up)?))
    };
    end = put(&file, end, &mut group)?;
    file.sync_all()?;
    fs::rename(path, &log.path)?;
    log::sync_folder(&log.path)?;
    log.replace(old, server, file, end, records);
    Ok(())
}

fn given_up() -> io::Error {
    io::Error::other("it was given up")
}

/// Writes a group at the end, and says where the end is then.
fn put(file: &File, end: u64, group: &mut Group) -> io::Result<u64> {
    let bytes = group.seal();
    file.write_all_at(bytes, end)?;
    Ok(end + bytes.len() as u64)
}
