//! What the pool does for an open file.
//!
//! One job of the pool at a time reads, writes or seeks. It takes the file's memory along ([`Ahead`]), and it brings it
//! back with what came of it; whoever polls next, whatever for, takes that over. So a future that is dropped loses
//! nothing: what it has begun is finished, and its bytes are the next read's.
//!
//! | state | event | after |
//! |---|---|---|
//! | idle, bytes read ahead | read | it takes them |
//! | idle, none | read | a job reads ahead; busy |
//! | idle | write | the bytes are copied for a job, which begins; the write is done; busy |
//! | idle | seek | a job seeks; busy |
//! | idle | what else there is | a job does it; busy |
//! | busy | any | it waits for the job's end; the error of a write is that of this operation |
//!
//! The system's position is that of the bytes read ahead: a write, and what else looks at the position, goes back by those
//! that were not taken, in the same job.
//!
//! Checked by `tests/fs.rs`.
use crate::fs::pool;
use dormouse_executor::task::JoinHandle;
use dormouse_wait::frame;
use std::io::{self, ErrorKind, IoSlice, Read, Seek, SeekFrom, Write};
use std::mem;
use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What a job reads at least, if it is there.
const AHEAD: usize = 64 * 1024;
/// What a job reads or writes at most.
const MOST: usize = 256 * 1024;

#[derive(Default)]
pub(super) struct Inner {
    /// Empty while a job has it.
    pub(super) ahead: Ahead,
    job: Option<JoinHandle<Done>>,
    /// What tokio's trait was told to begin.
    #[cfg(feature = "tokio-io")]
    pub(super) seeking: Option<SeekFrom>,
}

/// Bytes that were read and nobody has taken; in a writing job, those to be written.
#[derive(Default)]
pub(super) struct Ahead {
    bytes: Vec<u8>,
    range: Range<usize>,
}

/// What a job brings back.
struct Done {
    ahead: Ahead,
    outcome: Outcome,
}

pub(super) enum Outcome {
    /// How much is in `ahead` says whether it was the end.
    Read(io::Result<()>),
    Written(io::Result<()>),
    Sought(SeekFrom, io::Result<u64>),
    /// What came of it, whoever began it knows.
    Other,
}

impl Ahead {
    pub(super) fn len(&self) -> usize {
        self.range.len()
    }

    fn clear(&mut self) {
        self.range = 0..0;
    }

    pub(super) fn take(&mut self, buf: &mut [u8]) -> usize {
        let count = buf.len().min(self.len());
        buf[..count].copy_from_slice(&self.bytes[self.range.start..][..count]);
        self.range.start += count;
        count
    }

    /// Goes back by the bytes that were read and not taken, which are given up.
    pub(super) fn go_back(&mut self, file: &std::fs::File) -> io::Result<()> {
        go_back(file, self.len())?;
        self.clear();
        Ok(())
    }

    /// Reads up to `wanted` bytes from `file`.
    fn fill(&mut self, mut file: &std::fs::File, wanted: usize) -> io::Result<()> {
        self.clear();
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        loop {
            match file.read(&mut self.bytes[..wanted]) {
                Ok(count) => break self.range = 0..count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Copies what fits of `bufs`, in the place of what was there.
    fn put(&mut self, bufs: &[IoSlice<'_>]) -> usize {
        self.bytes.clear();
        for buf in bufs {
            let part = buf.len().min(MOST - self.bytes.len());
            self.bytes.extend_from_slice(&buf[..part]);
        }
        self.range = 0..self.bytes.len();
        self.bytes.len()
    }
}

fn go_back(mut file: &std::fs::File, unread: usize) -> io::Result<()> {
    if unread > 0 {
        file.seek(SeekFrom::Current(-(unread as i64)))?;
    }
    Ok(())
}

/// What a job does.
struct Work<W: FnOnce(&std::fs::File, &mut Ahead) -> Outcome> {
    file: Arc<std::fs::File>,
    ahead: Ahead,
    work: Option<W>,
    /// It is done also if the runtime ends before it was begun: its bytes were taken as written.
    promised: bool,
}

impl<W: FnOnce(&std::fs::File, &mut Ahead) -> Outcome> Work<W> {
    fn run(mut self) -> Done {
        let work = self.work.take().expect("it runs once");
        let outcome = work(&self.file, &mut self.ahead);
        Done { ahead: mem::take(&mut self.ahead), outcome }
    }
}

impl<W: FnOnce(&std::fs::File, &mut Ahead) -> Outcome> Drop for Work<W> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take_if(|_| self.promised) {
            // Nobody is there any more who could be told of an error.
            work(&self.file, &mut self.ahead);
        }
    }
}

impl Inner {
    /// Begins a job.
    pub(super) fn begin(
        &mut self,
        file: &Arc<std::fs::File>,
        promised: bool,
        work: impl FnOnce(&std::fs::File, &mut Ahead) -> Outcome + Send + 'static,
    ) -> io::Result<()> {
        let runtime = pool::here()?;
        let ahead = mem::take(&mut self.ahead);
        let work = Work { file: Arc::clone(file), ahead, work: Some(work), promised };
        self.job = Some(runtime.spawn_blocking(move || work.run()));
        Ok(())
    }

    /// Ready when no job is on: what the last one has brought, if that was not taken over before.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Outcome>>> {
        let Some(job) = &mut self.job else { return Poll::Ready(Ok(None)) };
        let done = ready!(pool::poll_end(job, cx));
        self.job = None;
        let Done { ahead, outcome } = done?;
        self.ahead = ahead;
        match outcome {
            Outcome::Written(Err(error)) => Poll::Ready(Err(error)),
            outcome => Poll::Ready(Ok(Some(outcome))),
        }
    }

    /// Ready when all that was written is written.
    pub(super) fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(cx).map_ok(drop)
    }

    pub(super) fn poll_read(
        &mut self,
        file: &Arc<std::fs::File>,
        cx: &mut Context<'_>,
        wanted: usize,
        take: impl FnOnce(&mut Ahead) -> usize,
    ) -> Poll<io::Result<usize>> {
        ready!(frame::poll_spend(cx));
        loop {
            if let Some(Outcome::Read(result)) = ready!(self.poll_end(cx))? {
                result?;
                if self.ahead.len() == 0 {
                    return Poll::Ready(Ok(0));
                }
            }
            if self.ahead.len() > 0 || wanted == 0 {
                return Poll::Ready(Ok(take(&mut self.ahead)));
            }
            let wanted = wanted.clamp(AHEAD, MOST);
            self.begin(file, false, move |file, ahead| Outcome::Read(ahead.fill(file, wanted)))?;
        }
    }

    pub(super) fn poll_write(
        &mut self,
        file: &Arc<std::fs::File>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(frame::poll_spend(cx));
        ready!(self.poll_quiet(cx))?;
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        // Before the bytes that were read ahead give their place to those.
        pool::here()?;
        let unread = self.ahead.len();
        let count = self.ahead.put(bufs);
        self.begin(file, true, move |mut file, ahead| {
            let written =
                go_back(file, unread).and_then(|()| file.write_all(&ahead.bytes[ahead.range.clone()]));
            ahead.clear();
            Outcome::Written(written)
        })?;
        Poll::Ready(Ok(count))
    }

    pub(super) fn poll_seek(
        &mut self,
        file: &Arc<std::fs::File>,
        cx: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        ready!(frame::poll_spend(cx));
        loop {
            match ready!(self.poll_end(cx))? {
                Some(Outcome::Sought(asked, result)) if asked == to => return Poll::Ready(result),
                _ => {}
            }
            self.begin(file, false, move |mut file, ahead| {
                let unread = ahead.len() as i64;
                let sought = match to {
                    // As if nothing had been read ahead.
                    SeekFrom::Current(by) => match by.checked_sub(unread) {
                        Some(by) => file.seek(SeekFrom::Current(by)),
                        None => Err(ErrorKind::InvalidInput.into()),
                    },
                    to => file.seek(to),
                };
                if sought.is_ok() {
                    ahead.clear();
                }
                Outcome::Sought(to, sought)
            })?;
        }
    }
}
