//! Bytes taken apart into lines, in bounded memory.
use futures::io::{AsyncBufRead, AsyncBufReadExt};
use std::io;

/// What a client has sent.
pub(crate) enum Input {
    /// A line without its end, and without anything that could disturb a terminal.
    Line(String),
    /// A line of more bytes than it may have, which was passed over.
    TooLong,
}

/// Lines of at most `limit` bytes.
pub(crate) struct Lines<R> {
    reader: R,
    limit: usize,
    line: Vec<u8>,
    too_long: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Lines<R> {
        Lines { reader, limit, line: Vec::new(), too_long: false }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The next line; `None` at the end. The last line need not be ended. Safe to drop while it waits: what has come of
    /// the line is kept.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Input>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                return Ok((!self.line.is_empty()).then(|| self.take()));
            }
            let (part, used) = match chunk.iter().position(|&byte| byte == b'\n') {
                Some(at) => (&chunk[..at], at + 1),
                None => (chunk, chunk.len()),
            };
            let complete = used > part.len();
            // One more than the limit, for the \r of \r\n.
            let room = self.limit + 1 - self.line.len();
            self.too_long |= part.len() > room;
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            self.reader.consume_unpin(used);
            if complete {
                return Ok(Some(self.take()));
            }
        }
    }

    fn take(&mut self) -> Input {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let input = if self.too_long || line.len() > self.limit {
            Input::TooLong
        } else {
            let harmless =
                |c: char| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
            Input::Line(String::from_utf8_lossy(line).chars().map(harmless).collect())
        };
        self.line.clear();
        self.too_long = false;
        input
    }

    /// Reads what else comes, and gives it up.
    pub(crate) async fn skip_all(&mut self) -> io::Result<()> {
        loop {
            let used = self.reader.fill_buf().await?.len();
            if used == 0 {
                return Ok(());
            }
            self.reader.consume_unpin(used);
        }
    }
}
