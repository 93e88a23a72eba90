//! Opening the database, and what must be right before it is used.
use super::error::Error;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// How long a connection waits for another process that has locked the database.
const LOCKED: Duration = Duration::from_secs(1);
/// Says that a database is of this program: "dorm".
const APPLICATION: i32 = 0x646f_726d;
/// Which tables there are.
const VERSION: i32 = 1;

/// The table. An id is not used again: who has kept one never finds another note under it.
pub(super) const SCHEMA: &str = "
    CREATE TABLE notes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        version INTEGER NOT NULL DEFAULT 1,
        created TEXT NOT NULL DEFAULT (strftime('%FT%R:%fZ')),
        changed TEXT NOT NULL DEFAULT (strftime('%FT%R:%fZ'))
    ) STRICT;";

/// The connection that writes. Makes the database if there is none, and looks through all of an old one.
pub(super) fn writer(path: &Path, max_size: i64) -> Result<Connection, Error> {
    let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    check(&db)?;
    // Readers and the writer do not wait for each other. What is acknowledged is on the disk.
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::Failed(format!("its journal is \"{mode}\" and cannot be a write-ahead log here")));
    }
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    let page: i64 = pragma(&db, "page_size")?;
    db.pragma_update_and_check(None, "max_page_count", (max_size / page).min(u32::MAX.into()), |_| Ok(()))?;
    // Also when there is nothing to do: it shows whether the database can be written.
    let making = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if pragma::<i32>(&making, "user_version")? == 0 {
        making.execute_batch(SCHEMA)?;
        making.pragma_update(None, "application_id", APPLICATION)?;
        making.pragma_update(None, "user_version", VERSION)?;
    }
    making.commit()?;
    Ok(db)
}

/// One that reads.
pub(super) fn reader(path: &Path) -> Result<Connection, Error> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(LOCKED)?;
    Ok(db)
}

/// Is it ours, and whole?
fn check(db: &Connection) -> Result<(), Error> {
    let tables: i32 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && pragma::<i32>(db, "application_id")? != APPLICATION {
        return Err(Error::Failed("it is the database of another program".into()));
    }
    let version: i32 = pragma(db, "user_version")?;
    if version > VERSION {
        return Err(Error::Failed(format!("it has version {version}, and this program knows {VERSION}")));
    }
    match pragma::<String>(db, "quick_check(1)")?.as_str() {
        "ok" => Ok(()),
        _ => Err(Error::Corrupt),
    }
}

fn pragma<T: rusqlite::types::FromSql>(db: &Connection, name: &str) -> rusqlite::Result<T> {
    db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}
