//! The words of the append-only file. A record is a request that does one change, whatever command made it, with the time
//! at which a key expires said absolutely; executed in order, the records make the same keys, whenever that is done.
//!
//! `SET key value [PXAT ms]`, `DEL key`, `PEXPIREAT key ms`, `PERSIST key`, `APPEND key value`, `FLUSHALL`.
//!
//! The records that are written together are a group: a line `#LENGTH CHECKSUM` (ten digits, and CRC-32 in hex), and so
//! many bytes of records. The file begins with a line too. To Redis these lines are comments: its server reads the file.
use crate::input::Args;
use crate::store::Store;
use crate::{number, reply};

/// The first line of a file.
pub(crate) const MAGIC: &[u8] = b"#dormouse-kv 1\r\n";
/// The length of a group's line.
pub(crate) const HEAD: usize = 1 + DIGITS + 1 + 8 + 2;
const DIGITS: usize = 10;

/// Records that are to be written: a group whose line is yet to be filled in.
#[derive(Debug, Default)]
pub(crate) struct Group(Vec<u8>);

impl Group {
    pub(crate) fn push(&mut self, parts: &[&[u8]]) {
        if self.0.is_empty() {
            self.0.resize(HEAD, 0);
        }
        reply::bulks(&mut self.0, parts);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// As it stands in the file.
    pub(crate) fn seal(&mut self) -> &[u8] {
        if let Some((_, records)) = self.0.split_at_checked(HEAD) {
            let head = format!("#{:0DIGITS$} {:08x}\r\n", records.len(), crc32fast::hash(records));
            self.0[..HEAD].copy_from_slice(head.as_bytes());
        }
        &self.0
    }

    /// Takes all of `other` behind what is here.
    pub(crate) fn take(&mut self, other: &mut Group) {
        if self.is_empty() {
            std::mem::swap(self, other);
        } else if !other.is_empty() {
            self.0.extend_from_slice(&other.0[HEAD..]);
        }
        other.clear();
    }

    /// Keeps the memory for the next group, if that is not much.
    pub(crate) fn clear(&mut self) {
        if self.0.capacity() > 1 << 20 {
            self.0 = Vec::new();
        }
        self.0.clear();
    }
}

/// Length and checksum, if this is the line of a group.
pub(crate) fn head(line: &[u8]) -> Option<(u64, u32)> {
    let line: &[u8; HEAD] = line.try_into().ok()?;
    let text = str::from_utf8(line.strip_prefix(b"#")?.strip_suffix(b"\r\n")?).ok()?;
    let (length, checksum) = text.split_at_checked(DIGITS)?;
    let checksum = checksum.strip_prefix(' ')?;
    let digits = length.bytes().all(|byte| byte.is_ascii_digit())
        && checksum.bytes().all(|byte| byte.is_ascii_hexdigit());
    let head: (u64, u32) = (length.parse().ok()?, u32::from_str_radix(checksum, 16).ok()?);
    // No group is empty.
    (digits && head.0 > 0).then_some(head)
}

/// Does again what the record says; `None` if it is none.
pub(crate) fn apply(store: &mut Store, record: Args<'_>) -> Option<()> {
    let time = |text| number::parse(text).and_then(|time| u64::try_from(time).ok());
    let mut parts = [&[][..]; 5];
    parts.get_mut(..record.len())?.iter_mut().zip(record.iter()).for_each(|(part, arg)| *part = arg);
    match parts[..record.len()] {
        [b"SET", key, value] => store.set(key, value.into(), None),
        [b"SET", key, value, b"PXAT", at] => store.set(key, value.into(), Some(time(at)?)),
        [b"DEL", key] => _ = store.remove(key),
        [b"PEXPIREAT", key, at] => _ = store.set_deadline(key, Some(time(at)?)),
        [b"PERSIST", key] => _ = store.set_deadline(key, None),
        [b"APPEND", key, value] => _ = store.append(key, value),
        [b"FLUSHALL"] => drop(store.flush()),
        _ => return None,
    }
    Some(())
}
