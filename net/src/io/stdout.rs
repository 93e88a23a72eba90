//! Standard output and standard error.
//!
//! A write may block for as long as nobody reads, so a plain thread does it, one for each of the two and for the whole
//! process. A write of ours puts its bytes behind those that wait for the thread, and calls it; a flush waits until they
//! are out. The thread writes all that is there in one go.
//!
//! | state | event | after |
//! |---|---|---|
//! | room | write | the bytes are behind the others; the thread is called |
//! | no room | write | it waits until the thread has taken what is there |
//! | bytes | the thread comes | it has them; there is room again |
//! | | they are written | `written` is counted up; all who wait look again |
//! | | that fails | what is not written stands before the others again; the error is for the next poll |
//! | an error | a poll | it is told; the thread is called, and tries again |
//!
//! Positions: `accepted` and `written` count all bytes ever; in between lie those that the thread has, then `bytes`.
//!
//! Checked by `tests/io.rs`.
use super::attendant::Attendant;
use super::locked::{Waiters, poll_locked};
use dormouse_executor::sim;
use dormouse_wait::frame::{self, Reason};
use dormouse_wait::lock::Lock;
use std::io::{self, Write};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

/// Bytes that wait for the thread at most; twice as many after an error.
const ROOM: usize = 64 * 1024;

struct Output {
    state: Lock<State>,
    writer: Attendant,
    write: fn(&[u8]) -> io::Result<usize>,
    flush: fn() -> io::Result<()>,
}

struct State {
    bytes: Vec<u8>,
    accepted: u64,
    written: u64,
    /// What was written is not flushed, as that has failed.
    dirty: bool,
    error: Option<io::Error>,
    waiters: Waiters,
}

impl Output {
    const fn new(
        name: &'static str,
        write: fn(&[u8]) -> io::Result<usize>,
        flush: fn() -> io::Result<()>,
    ) -> Output {
        let state = Lock::new(State {
            bytes: Vec::new(),
            accepted: 0,
            written: 0,
            dirty: false,
            error: None,
            waiters: Waiters::new(),
        });
        Output { state, writer: Attendant::new(name), write, flush }
    }

    /// An error, if there is one to tell, or `attempt`. Then it is the thread's turn.
    fn poll<R>(
        &'static self,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut State) -> Poll<R>,
    ) -> Poll<io::Result<R>> {
        ready!(frame::poll_spend(cx));
        let attempt = |state: &mut State| match state.error.take() {
            Some(error) => Poll::Ready(Err(error)),
            None => attempt(state).map(Ok),
        };
        let poll = |cx| poll_locked(&self.state, cx, attempt, |state, waker| state.waiters.keep(waker));
        if sim::is_active() {
            // A simulated run has one thread: what it prints is out at once.
            let polled = poll(cx);
            self.turn(&mut Vec::new());
            return polled;
        }
        let writer = self.writer.thread(|| self.work())?;
        let polled = poll(cx);
        writer.unpark();
        if polled.is_pending() {
            frame::note(Reason::IoWait, None);
        }
        polled
    }

    /// Takes `buf` whole, if it is not longer than there is room for at all: so lines of several tasks do not get mixed.
    fn poll_write(
        &'static self,
        cx: &mut Context<'_>,
        until: &mut Option<u64>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        // What a dropped flush has waited for is not enough for the next one.
        *until = None;
        self.poll(cx, |state| {
            if !state.bytes.is_empty() && state.bytes.len() + buf.len() > ROOM {
                return Poll::Pending;
            }
            let count = buf.len().min(ROOM);
            state.bytes.extend_from_slice(&buf[..count]);
            state.accepted += count as u64;
            Poll::Ready(count)
        })
    }

    /// Waits until all is out that was accepted when `until` was set.
    fn poll_flush(&'static self, cx: &mut Context<'_>, until: &mut Option<u64>) -> Poll<io::Result<()>> {
        let flushed = ready!(self.poll(cx, |state| {
            let until = *until.get_or_insert(state.accepted);
            if state.written >= until && !state.dirty { Poll::Ready(()) } else { Poll::Pending }
        }));
        *until = None;
        Poll::Ready(flushed)
    }

    /// What the thread does.
    fn work(&self) {
        let mut bytes = Vec::new();
        loop {
            if !self.turn(&mut bytes) {
                thread::park();
            }
        }
    }

    /// Writes what is there; false if nothing is, or an error has yet to be told. `bytes` is empty before and after.
    fn turn(&self, bytes: &mut Vec<u8>) -> bool {
        {
            let mut state = self.state.lock();
            if state.error.is_some() || (state.bytes.is_empty() && !state.dirty) {
                return false;
            }
            mem::swap(&mut state.bytes, bytes);
        }
        let mut count = 0;
        let result = self.write_all(bytes, &mut count);
        bytes.drain(..count);
        let waiters = {
            let mut state = self.state.lock();
            state.written += count as u64;
            state.dirty = result.is_err();
            state.error = result.err();
            if !bytes.is_empty() {
                bytes.append(&mut state.bytes);
                mem::swap(&mut state.bytes, bytes);
            }
            state.waiters.take()
        };
        waiters.wake();
        true
    }

    /// Writes `bytes`, and counts those that need not be written again.
    fn write_all(&self, bytes: &[u8], count: &mut usize) -> io::Result<()> {
        while *count < bytes.len() {
            match (self.write)(&bytes[*count..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => *count += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        (self.flush)()
    }
}

static STDOUT: Output =
    Output::new("dormouse-stdout", |bytes| io::stdout().write(bytes), || io::stdout().flush());
static STDERR: Output =
    Output::new("dormouse-stderr", |bytes| io::stderr().write(bytes), || io::stderr().flush());

/// A handle of the process's standard output: see [`stdout`].
#[derive(Debug)]
pub struct Stdout {
    flush_until: Option<u64>,
}

/// A handle of the process's standard error: see [`stderr`].
#[derive(Debug)]
pub struct Stderr {
    flush_until: Option<u64>,
}

/// The standard output of the process, which all handles share.
///
/// A write is done when its bytes stand in the queue of a plain thread, which writes them at once, in the order of the
/// writes, and needs no runtime. The end of the program does not wait for it: **what has to be out by then, flush.**
/// `flush` waits until all is out that was written before it, by whichever handle. Up to 64 KiB that are written at once
/// (`write_all` of a line) stay together, whoever else writes. What `print!` prints meanwhile comes in between.
///
/// In a [simulated](dormouse_executor::sim) run a write is out at once.
///
/// # Errors
/// What the system says of a write comes with the next write or flush of any handle. Nothing is given up then: what is not
/// out is kept, and tried again. If the thread cannot be started, nothing is written.
///
/// # Cancel safety
/// A write that is dropped while it waits has written nothing. After a dropped flush the bytes go out all the same.
///
/// # Fairness
/// Those who wait for room are woken together.
///
/// ```
/// use dormouse_net::io::{self, AsyncWriteExt};
/// # dormouse_executor::runtime::block_on(async {
/// let mut out = io::stdout();
/// out.write_all(b"hello\n").await?;
/// out.flush().await?;
/// # io::Result::Ok(())
/// # }).unwrap();
/// ```
pub fn stdout() -> Stdout {
    Stdout { flush_until: None }
}

/// The standard error of the process, which all handles share. It is as [`stdout`]: nothing is out for certain before a
/// `flush`.
///
/// # Errors
/// As for [`stdout`].
///
/// # Cancel safety
/// As for [`stdout`].
pub fn stderr() -> Stderr {
    Stderr { flush_until: None }
}

macro_rules! writes {
    ($type:ident, $output:ident) => {
        impl futures_io::AsyncWrite for $type {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                $output.poll_write(cx, &mut self.flush_until, buf)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                $output.poll_flush(cx, &mut self.flush_until)
            }

            /// A flush: the stream stays open.
            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_flush(cx)
            }
        }

        crate::dialect::writes_for_tokio!($type);
    };
}

writes!(Stdout, STDOUT);
writes!(Stderr, STDERR);

#[cfg(test)]
mod tests {
    use super::*;
    use dormouse_testing::{Count, until, watch};
    use std::io::ErrorKind;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    static OUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    static FLUSHED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    /// There is room for so many bytes.
    static DISK: Mutex<usize> = Mutex::new(0);
    static FLUSH_FAILS: AtomicBool = AtomicBool::new(false);

    fn write(bytes: &[u8]) -> io::Result<usize> {
        let mut room = DISK.lock().unwrap();
        if *room == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        let count = bytes.len().min(*room).min(3);
        *room -= count;
        OUT.lock().unwrap().extend(&bytes[..count]);
        Ok(count)
    }

    fn flush() -> io::Result<()> {
        if FLUSH_FAILS.load(SeqCst) {
            return Err(ErrorKind::TimedOut.into());
        }
        *FLUSHED.lock().unwrap() = OUT.lock().unwrap().clone();
        Ok(())
    }

    static OUTPUT: Output = Output::new("test-output", write, flush);

    /// Polls until it is ready, when it was woken.
    fn wait<R>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>) -> R {
        loop {
            let (woken, waker) = Count::new();
            match poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => return result,
                Poll::Pending => until(|| woken.get() > 0),
            }
        }
    }

    fn until_taken() {
        until(|| OUTPUT.state.lock().bytes.is_empty());
    }

    #[test]
    fn what_could_not_be_written_is_kept_and_tried_again_until_it_is_out() {
        let _watch = watch();
        let flush = |until: &mut Option<u64>| wait(|cx| OUTPUT.poll_flush(cx, until));
        *DISK.lock().unwrap() = 7;
        assert_eq!(wait(|cx| OUTPUT.poll_write(cx, &mut None, b"one, two, three")).unwrap(), 15);
        assert_eq!(flush(&mut None).unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(flush(&mut None).unwrap_err().kind(), ErrorKind::StorageFull, "tried again");
        assert_eq!(*OUT.lock().unwrap(), b"one, tw");
        // More than there is room for in the queue, besides what is there: it waits, and is told why.
        let much = vec![b'-'; ROOM];
        assert_eq!(
            wait(|cx| OUTPUT.poll_write(cx, &mut None, &much)).unwrap_err().kind(),
            ErrorKind::StorageFull
        );
        *DISK.lock().unwrap() = usize::MAX;
        // An error that has not been told yet comes first.
        while let Err(error) = wait(|cx| OUTPUT.poll_write(cx, &mut None, &much)) {
            assert_eq!(error.kind(), ErrorKind::StorageFull);
        }
        flush(&mut None).unwrap();
        let mut all = b"one, two, three".to_vec();
        all.extend(&much);
        assert!(*FLUSHED.lock().unwrap() == all);

        // A flush was given up before these writes; the second one comes while the first one is about to fail.
        let mut until = Some(1);
        let mut disk = DISK.lock().unwrap();
        assert_eq!(wait(|cx| OUTPUT.poll_write(cx, &mut until, b"first")).unwrap(), 5);
        until_taken();
        assert_eq!(wait(|cx| OUTPUT.poll_write(cx, &mut until, b"second")).unwrap(), 6);
        *disk = 0;
        drop(disk);
        assert_eq!(flush(&mut until).unwrap_err().kind(), ErrorKind::StorageFull);
        *DISK.lock().unwrap() = usize::MAX;
        while let Err(error) = flush(&mut until) {
            assert_eq!(error.kind(), ErrorKind::StorageFull);
        }
        all.extend(b"firstsecond");
        assert!(*FLUSHED.lock().unwrap() == all);

        FLUSH_FAILS.store(true, SeqCst);
        assert_eq!(wait(|cx| OUTPUT.poll_write(cx, &mut None, b"end")).unwrap(), 3);
        for _ in 0..3 {
            assert_eq!(flush(&mut None).unwrap_err().kind(), ErrorKind::TimedOut);
        }
        assert!(*FLUSHED.lock().unwrap() == all);
        FLUSH_FAILS.store(false, SeqCst);
        while let Err(error) = flush(&mut None) {
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        }
        all.extend(b"end");
        assert!(*FLUSHED.lock().unwrap() == all, "each byte once");
    }
}
