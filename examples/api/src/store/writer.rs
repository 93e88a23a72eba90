//! The connection that writes: a blocking job that takes changes from a channel.
//!
//! What has come while one commit was on its way to the disk is committed together, by the next one. So the more clients
//! write at once, the less each write costs. An answer is given after the commit.
use super::error::Error;
use super::row::note;
use crate::note::{Draft, Edit, Note};
use dormouse::chan::oneshot;
use dormouse::prelude::*;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The most changes that are committed together.
const BATCH: usize = 256;

#[derive(Debug)]
pub(super) enum Change {
    Create(Draft),
    Replace(i64, Edit),
    Delete(i64),
}

/// What has become of a change.
#[derive(Debug)]
pub(crate) enum Done {
    Kept(Note),
    Deleted,
    /// There is no such note.
    Missing,
    /// The note has another version, which is this.
    Conflict(i64),
}

pub(super) struct Job {
    pub(super) change: Change,
    pub(super) reply: oneshot::Sender<Result<Done, Error>>,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) commits: AtomicU64,
    pub(super) changes: AtomicU64,
}

/// Makes all changes that come, until no more will; gives the connection back.
pub(super) fn write(mut db: Connection, jobs: &Receiver<Job>, counts: &Arc<Counts>) -> Connection {
    while let Some(first) = jobs.recv_blocking() {
        let more = std::iter::from_fn(|| jobs.try_recv().ok());
        // Whose client has been told that it took too long is not begun.
        let batch: Vec<Job> =
            std::iter::once(first).chain(more.take(BATCH - 1)).filter(|job| !job.reply.is_closed()).collect();
        if batch.is_empty() {
            continue;
        }
        match commit(&mut db, &batch) {
            Ok(done) => {
                counts.commits.fetch_add(1, Relaxed);
                counts.changes.fetch_add(batch.len() as u64, Relaxed);
                // Who has gone meanwhile finds it done.
                batch.into_iter().zip(done).for_each(|(job, done)| drop(job.reply.send(Ok(done))));
            }
            // It is the database's, and so everybody's: nothing of the batch is kept.
            Err(error) => {
                let error = Error::from(error);
                batch.into_iter().for_each(|job| drop(job.reply.send(Err(error.clone()))));
            }
        }
    }
    db
}

fn commit(db: &mut Connection, batch: &[Job]) -> rusqlite::Result<Vec<Done>> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = batch.iter().map(|job| apply(&transaction, &job.change)).collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(done)
}

fn apply(db: &Connection, change: &Change) -> rusqlite::Result<Done> {
    match change {
        Change::Create(Draft { title, text }) => db
            .prepare_cached("INSERT INTO notes (title, text) VALUES (?1, ?2) RETURNING *")?
            .query_row((title, text), note)
            .map(Done::Kept),
        Change::Replace(id, Edit { title, text, version }) => {
            let kept = db
                .prepare_cached(
                    "UPDATE notes SET title = ?1, text = ?2, version = version + 1, changed = strftime('%FT%R:%fZ')
                     WHERE id = ?3 AND version = ?4 RETURNING *",
                )?
                .query_row((title, text, id, version), note)
                .optional()?;
            let current = || {
                db.prepare_cached("SELECT version FROM notes WHERE id = ?1")?
                    .query_row([id], |row| row.get(0))
                    .optional()
            };
            Ok(match kept {
                Some(kept) => Done::Kept(kept),
                None => current()?.map_or(Done::Missing, Done::Conflict),
            })
        }
        Change::Delete(id) => {
            let deleted = db.prepare_cached("DELETE FROM notes WHERE id = ?1")?.execute([id])?;
            Ok(if deleted == 0 { Done::Missing } else { Done::Deleted })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::open::SCHEMA;

    type Answer = oneshot::Receiver<Result<Done, Error>>;

    fn create(jobs: &Sender<Job>, title: &str) -> Answer {
        let (reply, answer) = oneshot();
        let change = Change::Create(Draft { title: title.into(), text: String::new() });
        assert!(jobs.try_send(Job { change, reply }).is_ok(), "there is room");
        answer
    }

    fn database() -> Connection {
        let db = Connection::open_in_memory().expect("memory");
        db.execute_batch(SCHEMA).expect("the table");
        db
    }

    /// What the writer does with the jobs that there are.
    fn write_all(db: Connection, jobs: Sender<Job>, todo: &Receiver<Job>) -> (Connection, u64, u64) {
        drop(jobs);
        let counts = Arc::default();
        let db = write(db, todo, &counts);
        (db, counts.commits.load(Relaxed), counts.changes.load(Relaxed))
    }

    #[test]
    fn what_waits_is_committed_together_but_for_what_nobody_waits_for() {
        let (jobs, todo) = bounded(10);
        let mut answers = [create(&jobs, "one"), create(&jobs, "two")];
        drop(create(&jobs, "of a client that has gone"));
        let (db, commits, changes) = write_all(database(), jobs, &todo);
        assert_eq!((commits, changes), (1, 2));
        for (answer, kept) in answers.iter_mut().zip(["one", "two"]) {
            assert!(matches!(answer.try_recv(), Ok(Ok(Done::Kept(Note { title, .. }))) if title == kept));
        }
        let kept: i64 = db.query_row("SELECT count(*) FROM notes", [], |row| row.get(0)).expect("a number");
        assert_eq!(kept, 2);
    }

    #[test]
    fn if_one_cannot_be_kept_none_is() {
        let (jobs, todo) = bounded(10);
        let mut answers = [create(&jobs, "one"), create(&jobs, "refused")];
        let db = database();
        let refusing = "CREATE TRIGGER refuse BEFORE INSERT ON notes WHEN NEW.title = 'refused'
            BEGIN SELECT RAISE(FAIL, 'no'); END";
        db.execute_batch(refusing).expect("the trigger");
        let (db, commits, changes) = write_all(db, jobs, &todo);
        assert_eq!((commits, changes), (0, 0));
        for answer in &mut answers {
            assert!(matches!(answer.try_recv(), Ok(Err(Error::Failed(_)))));
        }
        let kept: i64 = db.query_row("SELECT count(*) FROM notes", [], |row| row.get(0)).expect("a number");
        assert_eq!(kept, 0);
    }
}
