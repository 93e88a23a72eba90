//! A note out of a row of its table.
use crate::note::Note;
use rusqlite::Row;

pub(super) fn note(row: &Row<'_>) -> rusqlite::Result<Note> {
    Ok(Note {
        id: row.get("id")?,
        title: row.get("title")?,
        text: row.get("text")?,
        version: row.get("version")?,
        created: row.get("created")?,
        changed: row.get("changed")?,
    })
}
