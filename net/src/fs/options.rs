//! How a file is opened.
use super::file::File;
use super::pool;
use std::io;
use std::path::Path;

/// How a file is to be opened: as [`std::fs::OpenOptions`], which it can be made from.
///
/// ```
/// use dormouse_net::fs::{self, OpenOptions};
/// use dormouse_net::io::AsyncWriteExt;
///
/// # dormouse_executor::runtime::block_on(async {
/// # let path = std::env::temp_dir().join(format!("dormouse-options-{}", std::process::id()));
/// let mut log = OpenOptions::new().append(true).create(true).open(&path).await?;
/// log.write_all(b"one line\n").await?;
/// log.flush().await?;
/// assert_eq!(fs::read(&path).await?, b"one line\n");
/// # fs::remove_file(&path).await?;
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions(std::fs::OpenOptions);

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions::new()
    }
}

impl OpenOptions {
    /// Nothing is set.
    pub fn new() -> OpenOptions {
        OpenOptions(std::fs::OpenOptions::new())
    }

    /// Opens the file.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` for options that do not go together; outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, the file is opened all the same, and created if it was to be; then it is closed.
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let (options, path) = (self.0.clone(), path.as_ref().to_owned());
        pool::run(move || options.open(path)).await.map(File::from_std)
    }
}

macro_rules! options {
    ($($(#[$meta:meta])+ $name:ident($value:ty);)+) => {
        impl OpenOptions {
            $(
                $(#[$meta])+
                pub fn $name(&mut self, $name: $value) -> &mut OpenOptions {
                    self.0.$name($name);
                    self
                }
            )+
        }
    };
}

options! {
    /// To read.
    read(bool);
    /// To write, over what is there.
    write(bool);
    /// To write, behind what is there, whoever else does.
    append(bool);
    /// What is there is given up.
    truncate(bool);
    /// It is made if it is not there.
    create(bool);
    /// It is made, and must not be there.
    create_new(bool);
}

#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;

#[cfg(unix)]
options! {
    /// The permissions of a file that is made, but for what the process's mask takes away.
    mode(u32);
    /// More flags for the system's `open`.
    custom_flags(i32);
}

impl From<std::fs::OpenOptions> for OpenOptions {
    fn from(options: std::fs::OpenOptions) -> OpenOptions {
        OpenOptions(options)
    }
}
