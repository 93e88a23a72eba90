//! The notes, in an SQLite database with a write-ahead log: one connection writes, some read, and no task ever waits in
//! SQLite.
mod error;
mod open;
mod readers;
mod row;
mod writer;

pub(crate) use error::Error;
pub(crate) use writer::Done;

use crate::note::{Draft, Edit, Note, Notes, Page};
use dormouse::chan::oneshot;
use dormouse::prelude::*;
use readers::Readers;
use row::note;
use rusqlite::{Connection, OptionalExtension};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use writer::{Change, Counts, Job};

/// The most changes that wait for the writer. More wait for a place in this queue.
const QUEUE: usize = 1024;

pub(crate) struct Store {
    jobs: Sender<Job>,
    counts: Arc<Counts>,
    readers: Readers,
    writer: Mutex<JoinHandle<Connection>>,
}

/// Where it is, and how much it may take.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) path: PathBuf,
    pub(crate) readers: usize,
    /// In bytes.
    pub(crate) max_size: i64,
}

/// How the store stands.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) commits: u64,
    pub(crate) changes: u64,
    pub(crate) interrupted: u64,
    pub(crate) queued: usize,
    pub(crate) readers_idle: usize,
}

impl Store {
    /// Opens the database; makes it if there is none.
    ///
    /// # Errors
    /// If it cannot be used, with the reason.
    pub(crate) async fn open(options: Options) -> Result<Store, Error> {
        let opening = move || {
            let writer = open::writer(&options.path, options.max_size)?;
            let readers =
                (0..options.readers).map(|_| open::reader(&options.path)).collect::<Result<_, _>>()?;
            Ok::<_, Error>((writer, readers))
        };
        let (db, readers) = task::spawn_blocking(opening).await.map_err(failed)??;
        let ((jobs, todo), counts) = (bounded(QUEUE), Arc::<Counts>::default());
        let writer = {
            let counts = counts.clone();
            task::spawn_blocking(move || writer::write(db, &todo, &counts))
        };
        Ok(Store { jobs, counts, readers: Readers::new(readers), writer: Mutex::new(writer) })
    }

    /// Finishes what is queued, and moves all into the database file.
    ///
    /// # Errors
    /// If all is kept, but some of it still in the log.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.jobs.close();
        let db = (&mut *self.writer.lock().await).await.map_err(failed)?;
        let closing = move || {
            // (It waits a second for those who still read.)
            let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            db.close().map_err(|(_, error)| error)?;
            if busy { Err(Error::Locked) } else { Ok(()) }
        };
        task::spawn_blocking(closing).await.map_err(failed)?
    }

    pub(crate) async fn create(&self, draft: Draft) -> Result<Done, Error> {
        self.change(Change::Create(draft)).await
    }

    pub(crate) async fn replace(&self, id: i64, edit: Edit) -> Result<Done, Error> {
        self.change(Change::Replace(id, edit)).await
    }

    pub(crate) async fn delete(&self, id: i64) -> Result<Done, Error> {
        self.change(Change::Delete(id)).await
    }

    async fn change(&self, change: Change) -> Result<Done, Error> {
        let (reply, answer) = oneshot();
        self.jobs.send(Job { change, reply }).await.map_err(|_| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    pub(crate) async fn get(&self, id: i64) -> Result<Option<Note>, Error> {
        let query = move |db: &Connection| {
            db.prepare_cached("SELECT * FROM notes WHERE id = ?1")?.query_row([id], note).optional()
        };
        self.readers.run(query).await
    }

    pub(crate) async fn list(&self, Page { after, limit }: Page) -> Result<Notes, Error> {
        let query = move |db: &Connection| {
            let mut query = db.prepare_cached("SELECT * FROM notes WHERE id > ?1 ORDER BY id LIMIT ?2")?;
            // One more shows whether there is a next page.
            let mut notes = query.query_map([after, limit + 1], note)?.collect::<Result<Vec<_>, _>>()?;
            let more = notes.len() as i64 > limit;
            notes.truncate(limit as usize);
            Ok(Notes { next: notes.last().map(|last| last.id).filter(|_| more), notes })
        };
        self.readers.run(query).await
    }

    /// Can it be read?
    pub(crate) async fn check(&self) -> Result<(), Error> {
        self.readers.run(|db| db.query_row("SELECT exists(SELECT 1 FROM notes)", [], |_| Ok(()))).await
    }

    /// Counts to `rows`: a query that takes as long as one likes.
    pub(crate) async fn count_to(&self, rows: i64) -> Result<i64, Error> {
        let counting =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?1) SELECT count(*) FROM n";
        self.readers.run(move |db| db.query_row(counting, [rows], |row| row.get(0))).await
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            commits: self.counts.commits.load(Relaxed),
            changes: self.counts.changes.load(Relaxed),
            interrupted: self.readers.interrupted(),
            queued: self.jobs.len(),
            readers_idle: self.readers.idle(),
        }
    }
}

fn failed(error: task::JoinError) -> Error {
    Error::Failed(error.to_string())
}
