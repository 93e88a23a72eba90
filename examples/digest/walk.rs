//! The walk: every file below a path, in the byte order of the paths, one directory in memory per level of depth.
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

/// Yields each regular file, and each thing that cannot be digested with the reason why.
///
/// It keeps its own stack, so the depth of a tree is limited by memory and by what the system accepts as a path.
pub(crate) struct Walk {
    root: Option<PathBuf>,
    /// The directories from the root to the current place, with what is left of each.
    open: Vec<(PathBuf, std::vec::IntoIter<Entry>)>,
}

pub(crate) type Found = (PathBuf, io::Result<()>);

enum Entry {
    Named(OsString, FileType),
    /// A name whose type is not to be had, or a directory whose listing broke off.
    Broken(PathBuf, io::Error),
}

impl Walk {
    pub(crate) fn new(root: PathBuf) -> Walk {
        Walk { root: Some(root), open: Vec::new() }
    }

    /// The root may be a symbolic link; what it points at decides.
    fn start(&mut self, root: PathBuf) -> Option<Found> {
        match fs::metadata(&root) {
            Ok(metadata) => self.visit(root, metadata.file_type()),
            Err(e) => Some((root, Err(e))),
        }
    }

    /// What to yield for a path; for a directory, that is what comes next.
    fn visit(&mut self, path: PathBuf, kind: FileType) -> Option<Found> {
        if kind.is_file() {
            Some((path, Ok(())))
        } else if kind.is_symlink() {
            None
        } else if !kind.is_dir() {
            Some((path, Err(not_regular(kind))))
        } else {
            match list(&path) {
                Ok(entries) => {
                    self.open.push((path, entries.into_iter()));
                    None
                }
                Err(e) => Some((path, Err(e))),
            }
        }
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if let Some(root) = self.root.take()
            && let Some(found) = self.start(root)
        {
            return Some(found);
        }
        loop {
            let (directory, entries) = self.open.last_mut()?;
            let found = match entries.next() {
                Some(Entry::Named(name, kind)) => {
                    let path = directory.join(name);
                    self.visit(path, kind)
                }
                Some(Entry::Broken(path, error)) => Some((path, Err(error))),
                None => {
                    self.open.pop();
                    None
                }
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

/// Lists a directory in the order in which the paths of all files below it sort.
fn list(directory: &Path) -> io::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = fs::read_dir(directory)?
        .map(|entry| match entry {
            Ok(entry) => match entry.file_type() {
                Ok(kind) => Entry::Named(entry.file_name(), kind),
                Err(e) => Entry::Broken(entry.path(), e),
            },
            Err(e) => Entry::Broken(directory.to_path_buf(), e),
        })
        .collect();
    entries.sort_by(|a, b| sort_key(a).cmp(sort_key(b)));
    Ok(entries)
}

/// The bytes of the name; a directory's with the `/` that follows it in every path below it. What is broken comes first.
fn sort_key(entry: &Entry) -> impl Iterator<Item = u8> {
    let (name, slash) = match entry {
        Entry::Named(name, kind) => (name.as_encoded_bytes(), kind.is_dir()),
        Entry::Broken(..) => (&[][..], false),
    };
    name.iter().copied().chain(slash.then_some(b'/'))
}

/// The report on what is neither file, directory nor link: reading it might never end.
pub(crate) fn not_regular(kind: FileType) -> io::Error {
    io::Error::other(format!("{} is not digested", describe(kind)))
}

#[cfg(unix)]
fn describe(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        k if k.is_fifo() => "a FIFO",
        k if k.is_socket() => "a socket",
        k if k.is_dir() => "a directory",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn describe(_kind: FileType) -> &'static str {
    "what is not a regular file"
}
