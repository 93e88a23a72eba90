//! Standard input.
//!
//! A read of it blocks a thread for as long as nothing comes, and cannot be called off. So one plain thread reads, for the
//! whole process: no runtime has it among its threads, and neither a runtime's end nor the program's waits for it. It
//! reads when somebody has asked and nothing is there, and what it has read stays until somebody takes it: a read that is
//! dropped loses nothing.
//!
//! | state | event | after |
//! |---|---|---|
//! | bytes, or an outcome | a poll | it takes them |
//! | empty | a poll | asked; the thread is called; who polls is woken |
//! | asked | the thread has read | bytes, or an outcome (end, error) for one poll; all who wait look again |
//!
//! Checked by `tests/io.rs`.
use super::attendant::Attendant;
use super::locked::{Waiters, poll_locked};
use dormouse_executor::sim;
use dormouse_wait::frame::{self, Reason};
use dormouse_wait::lock::Lock;
use std::io::{self, Read};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

/// What one read takes at most.
const CHUNK: usize = 64 * 1024;

struct State {
    /// What was read; from `taken` on, nobody has it yet.
    bytes: Vec<u8>,
    taken: usize,
    /// The end, or an error, for the next one who finds no bytes.
    outcome: Option<io::Result<()>>,
    /// Somebody has found nothing.
    asked: bool,
    waiters: Waiters,
}

static STATE: Lock<State> =
    Lock::new(State { bytes: Vec::new(), taken: 0, outcome: None, asked: false, waiters: Waiters::new() });

static READER: Attendant = Attendant::new("dormouse-stdin");

impl State {
    fn take(&mut self, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let rest = &self.bytes[self.taken..];
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        if count > 0 || buf.is_empty() {
            return Poll::Ready(Ok(count));
        }
        match self.outcome.take() {
            Some(outcome) => Poll::Ready(outcome.map(|()| 0)),
            None => Poll::Pending,
        }
    }
}

fn poll_read(cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
    ready!(frame::poll_spend(cx));
    if sim::is_active() {
        return Poll::Ready(Err(io::Error::other(
            "dormouse: standard input cannot be read in a simulated run, which has no control over it: let the code \
             under test take a reader, and give it one in memory",
        )));
    }
    let reader = READER.thread(work)?;
    let keep = |state: &mut State, waker| {
        state.asked = true;
        state.waiters.keep(waker)
    };
    let polled = poll_locked(&STATE, cx, |state| state.take(buf), keep);
    if polled.is_pending() {
        reader.unpark();
        frame::note(Reason::IoWait, None);
    }
    polled
}

/// What the thread does.
fn work() {
    let mut bytes = Vec::new();
    loop {
        while !STATE.lock().asked {
            thread::park();
        }
        bytes.resize(CHUNK, 0);
        let read = loop {
            match io::stdin().read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        bytes.truncate(*read.as_ref().unwrap_or(&0));
        let waiters = {
            let mut state = STATE.lock();
            // All that was there has been taken: nobody asks before.
            mem::swap(&mut state.bytes, &mut bytes);
            state.taken = 0;
            state.outcome = match read {
                Ok(0) => Some(Ok(())),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            };
            state.asked = false;
            state.waiters.take()
        };
        waiters.wake();
    }
}

/// A handle of the process's standard input: see [`stdin`].
#[derive(Debug)]
pub struct Stdin(());

/// The standard input of the process, which all handles share.
///
/// A plain thread does the reading, when somebody reads and nothing is there; so it needs no runtime, and a read that has
/// to wait holds up neither the end of a runtime nor that of the program. It takes what there is, 64 KiB at most: what it
/// has taken and nobody has read is lost to child processes and to [`std::io::stdin`]. The end is told to one read; one
/// after that asks the system again. For lines, put a [`BufReader`](super::BufReader) around it.
///
/// # Errors
/// A read fails if the system says so, if the thread cannot be started, and in a [simulated](dormouse_executor::sim) run.
///
/// # Cancel safety
/// A read that is dropped while it waits has taken nothing: what comes is for the next one, of this handle or another.
///
/// # Fairness
/// All who wait are woken together, and one of them gets what has come. The bytes of one read follow each other in the
/// input; which task reads which is not promised.
///
/// ```no_run
/// use dormouse_net::io::{self, AsyncBufReadExt, BufReader};
/// use futures::StreamExt;
/// # async fn example() -> io::Result<()> {
/// let mut lines = BufReader::new(io::stdin()).lines();
/// while let Some(line) = lines.next().await {
///     println!("{}", line?);
/// }
/// # Ok(())
/// # }
/// ```
pub fn stdin() -> Stdin {
    Stdin(())
}

impl futures_io::AsyncRead for Stdin {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_read(cx, buf)
    }
}

crate::dialect::reads_for_tokio!(Stdin);
