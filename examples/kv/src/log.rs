//! The append-only file: the records of the store, written in groups, and how far that has come.
//!
//! With [`Fsync::Always`] a thread writes and syncs; whoever has an answer that must wait for it waits for `progress`, and
//! what comes meanwhile is the next group. Else who has the answer writes, for all who have come until then, and the thread
//! syncs a second later, or never.
//!
//! What cannot be written stays in memory, is cut off the file, and is tried again each second; until then the server
//! refuses changes. After a sync that failed nobody knows what is on the disk: no more is written to that file.
//!
//! Locks: `file` before the server's state, never the other way round; nobody is woken under either.
use crate::record::{Group, MAGIC};
use crate::replay::{Replayed, replay};
use crate::server::{Server, State, lock};
use crate::store::Store;
use dormouse::chan::watch::{self, Receiver, Sender};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// When the append-only file is synced to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Before a change is answered: an acknowledged write survives the loss of power.
    Always,
    /// Once a second: it survives the end of the process, but a second of them may be lost with the power.
    #[default]
    EverySecond,
    /// When the system likes to.
    Never,
}

/// An append-only file.
#[derive(Clone, Debug)]
pub struct Appendonly {
    /// Where it is, or is to be.
    pub path: PathBuf,
    /// When it is synced.
    pub fsync: Fsync,
}

pub(crate) type Reason = Arc<str>;

/// How far the file has come, in records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// So many are as safe as they will be.
    done: u64,
    /// So many were tried in vain.
    failed: u64,
    reason: Option<Reason>,
}

pub(crate) struct Log {
    pub(crate) path: PathBuf,
    pub(crate) fsync: Fsync,
    file: Mutex<LogFile>,
    /// As in `progress`.
    done: AtomicU64,
    /// The length of the file, for those who only look.
    size: AtomicU64,
    progress: Sender<Progress>,
    stop: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
    pub(crate) replayed: Replayed,
}

/// The file, for who writes it.
pub(crate) struct LogFile {
    file: Arc<File>,
    /// Where the last group ends.
    pub(crate) end: u64,
    /// A device has no length, cannot be synced, and is not made anew.
    pub(crate) regular: bool,
    /// What is to be written next, or was tried in vain.
    group: Group,
    /// So many records are written.
    written: u64,
    /// Not synced, since then.
    dirty: Option<Instant>,
    /// So many were tried in vain.
    failed: u64,
    reason: Option<Reason>,
    /// A sync failed.
    lost: bool,
}

impl Log {
    /// Opens the file, or makes it, and does again what is in it.
    pub(crate) fn open(config: &Appendonly, store: &mut Store) -> io::Result<Log> {
        let path = &config.path;
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let file = open(path).map_err(named)?;
        // Where it really is: a new file takes its place, not that of a link.
        let path = fs::canonicalize(path).map_err(named)?;
        let regular = file.metadata()?.is_file();
        let replayed = if regular { replay(&file, &path, store)? } else { Replayed::default() };
        let mut end = replayed.end;
        if regular && replayed.torn > 0 {
            file.set_len(end).map_err(named)?;
        }
        if regular && end == 0 {
            file.write_all_at(MAGIC, 0).map_err(named)?;
            end = MAGIC.len() as u64;
            sync_folder(&path).map_err(named)?;
        }
        store.start_notes();
        let file = LogFile {
            file: Arc::new(file),
            end,
            regular,
            group: Group::default(),
            written: 0,
            dirty: None,
            failed: 0,
            reason: None,
            lost: false,
        };
        Ok(Log {
            path,
            fsync: config.fsync,
            file: Mutex::new(file),
            done: AtomicU64::new(0),
            size: AtomicU64::new(end),
            progress: watch::watch(Progress::default()).0,
            stop: AtomicBool::new(false),
            thread: Mutex::new(None),
            replayed,
        })
    }

    /// Starts the thread of the server's file.
    pub(crate) fn start(server: &Arc<Server>) -> io::Result<()> {
        let Some(log) = &server.log else { return Ok(()) };
        let server = server.clone();
        let thread = thread::Builder::new().name("kv-log".into()).spawn(move || {
            let log = server.log.as_ref().expect("there is one");
            log.work(&server);
        })?;
        *lock(&log.thread) = Some(thread);
        Ok(())
    }

    pub(crate) fn file(&self) -> MutexGuard<'_, LogFile> {
        lock(&self.file)
    }

    /// The length of the file, as it was a moment ago.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Relaxed)
    }

    pub(crate) fn progress(&self) -> Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Waits until so many records are as safe as the policy says. Writes them, if that is not the thread's affair.
    pub(crate) async fn commit(
        &self,
        server: &Server,
        records: u64,
        progress: &mut Receiver<Progress>,
    ) -> Result<(), Reason> {
        // It only counts up, and leads to nothing else.
        if self.done.load(Relaxed) >= records {
            return Ok(());
        }
        if self.fsync != Fsync::Always {
            return self.write(server, Some(records));
        }
        if progress.borrow().failed < records {
            self.wake();
        }
        let told = progress.wait_for(|progress| progress.done.max(progress.failed) >= records).await;
        match told.expect("the server holds the sender") {
            told if told.done >= records => Ok(()),
            told => Err(told.reason.clone().expect("it failed for a reason")),
        }
    }

    /// Sees to it that what is noted will be written.
    pub(crate) fn push(&self, server: &Server, records: u64) {
        match self.fsync {
            _ if self.done.load(Relaxed) >= records => {}
            Fsync::Always => self.wake(),
            // If it fails, the changes that come next are refused.
            _ => _ = self.write(server, Some(records)),
        }
    }

    pub(crate) fn wake(&self) {
        if let Some(thread) = &*lock(&self.thread) {
            thread.thread().unpark();
        }
    }

    /// Writes what is noted; nothing, if so many records are written, or were tried, already.
    fn write(&self, server: &Server, records: Option<u64>) -> Result<(), Reason> {
        let mut file = self.file();
        if let Some(records) = records {
            if file.written >= records {
                return Ok(());
            }
            if let Some(reason) = file.reason.as_ref().filter(|_| file.failed >= records) {
                return Err(reason.clone());
            }
        }
        let noted = file.take(&mut server.state());
        if file.written == noted {
            return Ok(());
        }
        let was_clean = file.dirty.is_none();
        match file.write() {
            Ok(()) => {
                file.written = noted;
                self.size.store(file.end, Relaxed);
                if file.reason.take().is_some() {
                    server.refuse(None);
                }
                let wake = was_clean && file.regular && self.fsync == Fsync::EverySecond;
                if self.fsync != Fsync::Always {
                    self.done.fetch_max(noted, Relaxed);
                }
                drop(file);
                if wake {
                    self.wake();
                }
                Ok(())
            }
            Err(error) => Err(file.fail(server, &error)),
        }
    }

    /// Syncs what is written, without keeping others from writing.
    fn sync(&self, server: &Server) {
        let mut file = self.file();
        let (handle, written, dirty) = (file.file.clone(), file.written, file.dirty.take().is_some());
        if file.lost {
            return;
        }
        drop(file);
        match if dirty { handle.sync_data() } else { Ok(()) } {
            Ok(()) if self.fsync == Fsync::Always => _ = self.done.fetch_max(written, Relaxed),
            Ok(()) => {}
            Err(error) => {
                let mut file = self.file();
                // Unless there is a new file by now.
                if Arc::ptr_eq(&file.file, &handle) {
                    file.lost = true;
                    file.fail(server, &error);
                }
            }
        }
    }

    /// The thread.
    fn work(&self, server: &Server) {
        loop {
            // Ordering: pairs with `close`: what was noted before it is written.
            let stop = self.stop.load(Acquire);
            let failing = self.file().reason.is_some();
            if self.fsync == Fsync::Always || failing || stop {
                // What fails is kept, and said to those who wait.
                let _ = self.write(server, None);
            }
            let since = self.file().dirty.map(|since| since.elapsed());
            let is_due = self.fsync == Fsync::EverySecond && since.is_some_and(|since| since >= SECOND);
            if self.fsync == Fsync::Always || is_due || stop {
                self.sync(server);
            }
            self.publish();
            if stop {
                return;
            }
            let rest = since.map(|since| SECOND.saturating_sub(since)).filter(|rest| !rest.is_zero());
            match rest.filter(|_| self.fsync == Fsync::EverySecond) {
                _ if self.file().reason.is_some() => thread::park_timeout(SECOND),
                Some(rest) => thread::park_timeout(rest),
                None => thread::park(),
            }
        }
    }

    fn publish(&self) {
        let (failed, reason) = {
            let file = self.file();
            (file.failed, file.reason.clone())
        };
        // Two may do this at a time: it only goes up, whoever comes last.
        self.progress.send_modify(|progress| {
            progress.done = progress.done.max(self.done.load(Relaxed));
            progress.failed = progress.failed.max(failed);
            progress.reason = reason.or(progress.reason.take());
        });
    }

    /// Writes and syncs what is left, and ends the thread.
    pub(crate) fn close(&self) -> Result<(), Reason> {
        // Ordering: pairs with the load in `work`.
        self.stop.store(true, Release);
        self.wake();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            thread.join().expect("it does not panic");
        }
        self.file().reason.clone().map_or(Ok(()), Err)
    }

    /// Goes on in a new file, which has all of the records, so many, written and synced.
    pub(crate) fn replace(
        &self,
        mut file: MutexGuard<'_, LogFile>,
        server: &Server,
        new: File,
        end: u64,
        records: u64,
    ) {
        file.file = Arc::new(new);
        file.end = end;
        file.group.clear();
        file.written = records;
        file.dirty = None;
        file.lost = false;
        file.reason = None;
        server.refuse(None);
        self.size.store(end, Relaxed);
        self.done.fetch_max(records, Relaxed);
        drop(file);
        self.publish();
    }
}

impl LogFile {
    /// Takes what is noted, and says how many records there were, ever.
    pub(crate) fn take(&mut self, state: &mut State) -> u64 {
        if let Some(notes) = state.store.notes() {
            self.group.take(&mut notes.group);
        }
        state.store.noted()
    }

    /// Writes the group. If that fails, it is kept, and what came of it is cut off.
    fn write(&mut self) -> io::Result<()> {
        if self.lost {
            return Err(io::Error::other(self.reason.as_deref().unwrap_or_default()));
        }
        if self.reason.is_some() {
            self.cut()?;
        }
        let group = self.group.seal();
        if let Err(error) = self.file.write_all_at(group, self.end) {
            // If that fails too, it is tried again before the next write.
            let _ = self.cut();
            return Err(error);
        }
        self.end += group.len() as u64;
        self.group.clear();
        if self.regular {
            self.dirty.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    fn cut(&self) -> io::Result<()> {
        if self.regular { self.file.set_len(self.end) } else { Ok(()) }
    }

    /// From now on changes are refused; those that were made until now have failed.
    fn fail(&mut self, server: &Server, error: &io::Error) -> Reason {
        let reason: Reason = error.to_string().into();
        self.failed = server.refuse(Some(reason.clone()));
        self.reason = Some(reason.clone());
        reason
    }
}

/// Opens the file for this process alone.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(ErrorKind::ResourceBusy, "another process uses it"))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes the name of a new file as safe as the file.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
