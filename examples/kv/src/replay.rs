//! The append-only file read back: each whole group is done again.
//!
//! A group at the end that is not whole is what a crash leaves, and is to be cut off: it was never acknowledged. But one
//! with whole groups behind it is damage, about which nobody but a human can decide.
use crate::input::{Input, Limits};
use crate::record::{self, HEAD, MAGIC};
use crate::store::Store;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Where the last whole group ends; 0 for a new file.
    pub(crate) end: u64,
    /// So many bytes come after it.
    pub(crate) torn: u64,
}

/// A group that is not whole.
struct Bad(&'static str);

/// Does again what is in the file; `path` is for the errors.
pub(crate) fn replay(file: &File, path: &Path, store: &mut Store) -> io::Result<Replayed> {
    let length = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut magic = Vec::new();
    reader.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
    if magic != MAGIC {
        if MAGIC.starts_with(&magic) {
            return Ok(Replayed { end: 0, torn: length });
        }
        return Err(invalid(format!("{} is not an append-only file of kv", path.display())));
    }
    let mut at = MAGIC.len() as u64;
    let mut records = Vec::new();
    while at < length {
        match read(&mut reader, length - at, &mut records)? {
            Ok(()) => apply(store, &records).ok_or_else(|| {
                invalid(format!("{}: the group at byte {at} has an unknown record", path.display()))
            })?,
            Err(Bad(why)) => {
                return match whole_after(file, at, length)? {
                    None => Ok(Replayed { end: at, torn: length - at }),
                    Some(next) => Err(damaged(path, at, length, why, next)),
                };
            }
        }
        at += (HEAD + records.len()) as u64;
    }
    Ok(Replayed { end: at, torn: 0 })
}

/// The records of the next group, of which there are `left` bytes at most.
fn read(reader: &mut impl Read, left: u64, records: &mut Vec<u8>) -> io::Result<Result<(), Bad>> {
    if left < HEAD as u64 {
        return Ok(Err(Bad("is not complete")));
    }
    let mut line = [0; HEAD];
    reader.read_exact(&mut line)?;
    let Some((length, checksum)) = record::head(&line) else {
        return Ok(Err(Bad("does not begin as one")));
    };
    if left - (HEAD as u64) < length {
        return Ok(Err(Bad("is not complete")));
    }
    records.clear();
    reader.take(length).read_to_end(records)?;
    let whole = records.len() as u64 == length && crc32fast::hash(records) == checksum;
    Ok(if whole { Ok(()) } else { Err(Bad("has another checksum")) })
}

fn apply(store: &mut Store, records: &[u8]) -> Option<()> {
    let mut input = Input::new(Limits { bulk: usize::MAX / 4, request: usize::MAX / 2 });
    input.push(records);
    while let Some(record) = input.next() {
        record::apply(store, record)?;
    }
    (input.error().is_none() && !input.is_partial()).then_some(())
}

/// Where the next whole group begins after `from`.
fn whole_after(file: &File, from: u64, length: u64) -> io::Result<Option<u64>> {
    let mut reader = BufReader::new(file);
    let mut at = reader.seek(SeekFrom::Start(from + 1))?;
    let mut line = Vec::new();
    loop {
        // In pieces, where there is no end of a line for long. What ends the group before may be damaged too: so it is the
        // end of the line that counts.
        let keep = if line.ends_with(b"\n") { 0 } else { HEAD.min(line.len()) };
        line.drain(..line.len() - keep);
        let read = reader.by_ref().take(1 << 16).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(None);
        }
        at += read;
        let tail = &line[line.len().saturating_sub(HEAD)..];
        if let Some((group, checksum)) = record::head(tail)
            && group <= length - at
            && is_whole(file, at, group, checksum)?
        {
            return Ok(Some(at - HEAD as u64));
        }
    }
}

fn is_whole(file: &File, mut at: u64, mut left: u64, checksum: u32) -> io::Result<bool> {
    let (mut hasher, mut buffer) = (crc32fast::Hasher::new(), vec![0; 1 << 16]);
    while left > 0 {
        let part = left.min(buffer.len() as u64) as usize;
        file.read_exact_at(&mut buffer[..part], at)?;
        hasher.update(&buffer[..part]);
        (at, left) = (at + part as u64, left - part as u64);
    }
    Ok(hasher.finalize() == checksum)
}

fn damaged(path: &Path, at: u64, length: u64, why: &str, next: u64) -> io::Error {
    let path = path.display();
    invalid(format!(
        "{path} is damaged: the group at byte {at} of {length} {why}, but what begins at byte {next} is whole. Nothing was \
         changed. Keep a copy, and decide: without all that follows the damage it goes on after `truncate -s {at} {path}`; \
         without the damaged part alone, in the file that `{{ head -c {at} {path}; tail -c +{} {path}; }} > NEW` makes",
        next + 1
    ))
}

fn invalid(text: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, text)
}
