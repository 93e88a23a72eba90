//! The digest of one file, read in chunks.
use crate::walk::not_regular;
use clap::ValueEnum;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// How much of a file is read at once, and in memory per worker.
const CHUNK: usize = 256 * 1024;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Algorithm {
    Sha256,
    Blake3,
}

/// Digests the file and returns the digest in hexadecimal.
///
/// `go_on` hears of each chunk's length and may end the work between two chunks.
///
/// # Errors
/// What the system says when the file is opened or read, also when `path` meanwhile became something else than a file.
pub(crate) fn digest(
    path: &Path,
    algorithm: Algorithm,
    buffer: &mut Vec<u8>,
    mut go_on: impl FnMut(usize) -> bool,
) -> io::Result<String> {
    let mut file = open(path)?;
    let mut hasher = Hasher::new(algorithm);
    buffer.resize(CHUNK, 0);
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                if !go_on(n) {
                    return Err(io::Error::other("given up"));
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Opens without waiting: a FIFO that took the file's place since the walk saw it must not hang the worker.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() { Ok(file) } else { Err(not_regular(kind)) }
}

enum Hasher {
    Sha256(Sha256),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Hasher {
        match algorithm {
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            Algorithm::Blake3 => Hasher::Blake3(Box::new(blake3::Hasher::new())),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha256(h) => h.update(bytes),
            Hasher::Blake3(h) => {
                h.update(bytes);
            }
        }
    }

    fn finish(self) -> String {
        match self {
            Hasher::Sha256(h) => h.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            Hasher::Blake3(h) => h.finalize().to_hex().to_string(),
        }
    }
}
