//! Requests, taken apart as they come: `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`, or a line typed by hand.
//!
//! No byte is looked at twice, however small the pieces are in which they come, and the memory taken is at most twice what
//! has come: a length that is announced is not believed before its bytes are there.
use crate::number;
use std::fmt;

/// A line may be as long as this, as Redis has it.
const LINE: usize = 64 * 1024;
/// A request may have so many arguments, as Redis has it.
const ARGUMENTS: i64 = 1024 * 1024;
/// What is read at first, and what is kept of the memory when there is nothing to be kept.
const CHUNK: usize = 4 * 1024;
/// What is read at most at once, but for the rest of a long argument.
const READ: usize = 64 * 1024;

/// How long requests may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Of one argument.
    pub(crate) bulk: usize,
    /// Of all of them.
    pub(crate) request: usize,
}

/// Why what has come is no request. Redis's words, where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    InlineTooBig,
    Quotes,
    CountTooBig,
    Count,
    LengthTooBig,
    Length,
    Dollar(u8),
    NoEnd,
    TooBig,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProtocolError::InlineTooBig => "too big inline request",
            ProtocolError::Quotes => "unbalanced quotes in request",
            ProtocolError::CountTooBig => "too big mbulk count string",
            ProtocolError::Count => "invalid multibulk length",
            ProtocolError::LengthTooBig => "too big bulk count string",
            ProtocolError::Length => "invalid bulk length",
            ProtocolError::Dollar(got) => return write!(f, "expected '$', got '{}'", char::from(*got)),
            ProtocolError::NoEnd => "expected a line's end after an argument",
            ProtocolError::TooBig => "too big request",
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
}

/// The arguments of one request, its name included. There is at least one.
#[derive(Clone, Copy)]
pub(crate) struct Args<'a> {
    buffer: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    pub(crate) fn len(self) -> usize {
        self.spans.len()
    }

    /// # Panics
    /// If there are not so many.
    pub(crate) fn get(self, at: usize) -> &'a [u8] {
        let Span { start, end } = self.spans[at];
        &self.buffer[start..end]
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(move |at| self.get(at))
    }
}

/// What a connection has sent and what is not yet executed.
pub(crate) struct Input {
    limits: Limits,
    /// Written to its end; `..received` has come, `..at` of it is taken apart.
    buffer: Vec<u8>,
    received: usize,
    at: usize,
    /// Where the request begins that is not complete.
    begin: usize,
    /// No line ends before this.
    scanned: usize,
    /// The arguments of all requests in the buffer.
    spans: Vec<Span>,
    /// Where in `spans` each complete request ends.
    ends: Vec<usize>,
    /// So many of them are given out.
    given: usize,
    /// How many arguments the incomplete request has yet to have; 0 between requests.
    missing: usize,
    /// The length of the argument that comes next.
    bulk: Option<usize>,
    broken: Option<ProtocolError>,
}

impl Input {
    pub(crate) fn new(limits: Limits) -> Input {
        Input {
            limits,
            buffer: Vec::new(),
            received: 0,
            at: 0,
            begin: 0,
            scanned: 0,
            spans: Vec::new(),
            ends: Vec::new(),
            given: 0,
            missing: 0,
            bulk: None,
            broken: None,
        }
    }

    /// The next complete request.
    pub(crate) fn next(&mut self) -> Option<Args<'_>> {
        let end = *self.ends.get(self.given)?;
        let start = self.given.checked_sub(1).map_or(0, |last| self.ends[last]);
        self.given += 1;
        Some(Args { buffer: &self.buffer, spans: &self.spans[start..end] })
    }

    /// Are there complete requests that were not given out?
    pub(crate) fn has_next(&self) -> bool {
        self.given < self.ends.len()
    }

    /// What is wrong with that which comes after the last complete request. Nothing of it is read any more.
    pub(crate) fn error(&self) -> Option<ProtocolError> {
        self.broken
    }

    /// Is a request begun, and not complete?
    pub(crate) fn is_partial(&self) -> bool {
        self.begin < self.received
    }

    /// Where the next bytes are to be put; then say [`received`](Input::received). When all that is complete was given out.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        debug_assert!(!self.has_next());
        self.forget_given();
        if self.received == 0 && self.buffer.len() > READ {
            self.buffer = Vec::new();
        }
        if self.received == self.buffer.len() {
            // Twice as much as there is. A long argument needs no more than its own length.
            let wanted = self.bulk.map_or(0, |length| self.at + length + 2);
            let most = if wanted > self.received { wanted } else { self.received + READ };
            let size = (2 * self.buffer.len()).max(CHUNK).min(most.max(CHUNK));
            self.buffer.reserve_exact(size - self.buffer.len());
            self.buffer.resize(size, 0);
        }
        &mut self.buffer[self.received..]
    }

    /// Moves the incomplete request to the front, and its arguments.
    fn forget_given(&mut self) {
        let given = self.ends.last().copied().unwrap_or(0);
        self.spans.drain(..given);
        self.ends.clear();
        self.given = 0;
        if self.spans.is_empty() && self.spans.capacity() > CHUNK {
            (self.spans, self.ends) = (Vec::new(), Vec::new());
        }
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.received, 0);
            for span in &mut self.spans {
                span.start -= self.begin;
                span.end -= self.begin;
            }
            self.received -= self.begin;
            self.at -= self.begin;
            self.scanned = self.scanned.saturating_sub(self.begin);
            self.begin = 0;
        }
    }

    /// So many bytes of [`space`](Input::space) have come.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.received += bytes;
        while self.broken.is_none() {
            match self.step() {
                Ok(true) => {}
                Ok(false) if self.received - self.begin > self.limits.request => {
                    self.broken = Some(ProtocolError::TooBig);
                }
                Ok(false) => return,
                Err(error) => self.broken = Some(error),
            }
        }
    }

    /// Takes the next piece apart; false if it is not complete.
    fn step(&mut self) -> Result<bool, ProtocolError> {
        if let Some(length) = self.bulk {
            return self.argument(length);
        }
        if self.at == self.received {
            return Ok(false);
        }
        match (self.missing, self.buffer[self.at]) {
            (0, b'*') => self.count(),
            (0, _) => self.inline(),
            (_, b'$') => self.length(),
            (_, got) => Err(ProtocolError::Dollar(got)),
        }
    }

    /// The line that begins at `at`, without its end.
    fn line(&mut self, too_big: ProtocolError) -> Result<Option<Span>, ProtocolError> {
        let from = self.scanned.max(self.at);
        let found = self.buffer[from..self.received].iter().position(|&byte| byte == b'\n');
        let end = found.map_or(self.received, |found| from + found);
        self.scanned = end;
        if end - self.at > LINE {
            return Err(too_big);
        }
        if found.is_none() {
            return Ok(None);
        }
        let start = self.at;
        self.at = end + 1;
        Ok(Some(Span { start, end }))
    }

    /// The number of a line such as `*2\r`.
    fn number(&self, line: Span) -> Option<i64> {
        number::parse(self.buffer[line.start + 1..line.end].strip_suffix(b"\r")?)
    }

    fn count(&mut self) -> Result<bool, ProtocolError> {
        let Some(line) = self.line(ProtocolError::CountTooBig)? else { return Ok(false) };
        match self.number(line) {
            Some(..=0) => self.begin = self.at,
            Some(count @ 1..=ARGUMENTS) => self.missing = count as usize,
            _ => return Err(ProtocolError::Count),
        }
        Ok(true)
    }

    fn length(&mut self) -> Result<bool, ProtocolError> {
        let Some(line) = self.line(ProtocolError::LengthTooBig)? else { return Ok(false) };
        match self.number(line).and_then(|length| usize::try_from(length).ok()) {
            Some(length) if length <= self.limits.bulk => self.bulk = Some(length),
            _ => return Err(ProtocolError::Length),
        }
        Ok(true)
    }

    fn argument(&mut self, length: usize) -> Result<bool, ProtocolError> {
        if self.received - self.at < length + 2 {
            return Ok(false);
        }
        let span = Span { start: self.at, end: self.at + length };
        if self.buffer[span.end..span.end + 2] != *b"\r\n" {
            return Err(ProtocolError::NoEnd);
        }
        self.spans.push(span);
        self.at = span.end + 2;
        self.bulk = None;
        self.missing -= 1;
        if self.missing == 0 {
            self.complete();
        }
        Ok(true)
    }

    fn complete(&mut self) {
        self.begin = self.at;
        self.ends.push(self.spans.len());
    }

    /// A line typed by hand: words between spaces, which quotes can hold together.
    fn inline(&mut self) -> Result<bool, ProtocolError> {
        let Some(line) = self.line(ProtocolError::InlineTooBig)? else { return Ok(false) };
        let before = self.spans.len();
        let mut words = Words { line: &mut self.buffer[line.start..line.end], read: 0, written: 0 };
        while let Some((start, end)) = words.next()? {
            self.spans.push(Span { start: line.start + start, end: line.start + end });
        }
        if self.spans.len() > before {
            self.complete();
        }
        self.begin = self.at;
        Ok(true)
    }

    /// Puts bytes in that have come in another way.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if !self.has_next() {
            self.forget_given();
        }
        let end = self.received + bytes.len();
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        self.buffer[self.received..end].copy_from_slice(bytes);
        self.received(bytes.len());
    }
}

/// The words of a line. What quotes and backslashes stand for is written over them: it is never longer.
struct Words<'a> {
    line: &'a mut [u8],
    read: usize,
    written: usize,
}

impl Words<'_> {
    fn take(&mut self) -> Option<u8> {
        let byte = self.line.get(self.read).copied();
        self.read += usize::from(byte.is_some());
        byte
    }

    fn put(&mut self, byte: u8) {
        self.line[self.written] = byte;
        self.written += 1;
    }

    fn next(&mut self) -> Result<Option<(usize, usize)>, ProtocolError> {
        while self.line.get(self.read).is_some_and(u8::is_ascii_whitespace) {
            self.read += 1;
        }
        if self.read == self.line.len() {
            return Ok(None);
        }
        self.written = self.read;
        let start = self.written;
        while let Some(byte) = self.take() {
            match byte {
                b'"' | b'\'' => {
                    self.quoted(byte)?;
                    break;
                }
                byte if byte.is_ascii_whitespace() => break,
                byte => self.put(byte),
            }
        }
        Ok(Some((start, self.written)))
    }

    /// Up to the quote that ends it, after which the word must end too.
    fn quoted(&mut self, quote: u8) -> Result<(), ProtocolError> {
        loop {
            match self.take().ok_or(ProtocolError::Quotes)? {
                byte if byte == quote => break,
                b'\\' if quote == b'"' => self.escape()?,
                b'\\' if self.line.get(self.read) == Some(&b'\'') => {
                    self.read += 1;
                    self.put(b'\'');
                }
                byte => self.put(byte),
            }
        }
        match self.take() {
            Some(byte) if !byte.is_ascii_whitespace() => Err(ProtocolError::Quotes),
            _ => Ok(()),
        }
    }

    fn escape(&mut self) -> Result<(), ProtocolError> {
        let hex = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
        let byte = match self.take().ok_or(ProtocolError::Quotes)? {
            b'x' => {
                let digits = self.line.get(self.read..self.read + 2);
                match digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)).and_then(hex) {
                    Some(byte) => {
                        self.read += 2;
                        byte
                    }
                    None => b'x',
                }
            }
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'a' => 7,
            byte => byte,
        };
        self.put(byte);
        Ok(())
    }
}
