//! What can go wrong with the database.
use rusqlite::ErrorCode;
use std::fmt;

#[derive(Clone, Debug)]
pub(crate) enum Error {
    Locked,
    Full,
    ReadOnly,
    Corrupt,
    /// The store is closed.
    Closed,
    /// Anything else, in SQLite's words.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Locked => "another process has locked it",
            Error::Full => "its disk is full, or it has its greatest size; what is there can be read",
            Error::ReadOnly => "it can be read, but not be written",
            Error::Corrupt => "the file is damaged, or is not a database",
            Error::Closed => "it is closed",
            Error::Failed(what) => what,
        })
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked,
            Some(ErrorCode::DiskFull) => Error::Full,
            Some(ErrorCode::ReadOnly) => Error::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt,
            _ => Error::Failed(error.to_string()),
        }
    }
}
