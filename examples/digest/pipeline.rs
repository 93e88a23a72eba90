//! The pipeline: one walk, N workers, one printer, joined by bounded channels.
//!
//! ```text
//!          jobs                   reply (one per job)
//! walk ----------> N workers --------------------------.
//!   |                                                  v
//!   '------------------- tickets ------------------> print
//! ```
//!
//! For each file the walk makes a reply channel. Its sending half goes with the job to whichever worker is free; its
//! receiving half goes, as a ticket, to the printer, which takes the tickets in the walk's order and waits for each reply.
//! So the output is in order and nothing is kept that need not be: as many files are under way as tickets fit in their
//! channel, and a slow file holds up the walk, not the memory.
//!
//! Stopping early (`--fail-fast`, a closed stdout) needs no flag. The printer ends and drops the tickets; that closes
//! their reply channels, which ends the digests in progress at the next chunk, and the ticket channel, which ends the walk
//! at its next send; that closes the jobs, which ends the workers.
use crate::hash::{self, Algorithm};
use crate::screen::Screen;
use crate::walk::Walk;
use dormouse::chan::{Receiver, Sender, TryRecvError, bounded};
use dormouse::sync::WaitGroup;
use dormouse::task::{go, spawn_blocking};
use indicatif::ProgressBar;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) workers: usize,
    pub(crate) algorithm: Algorithm,
    pub(crate) fail_fast: bool,
}

/// How many files may be under way per worker, so that one slow file leaves the other workers enough to do.
const TICKETS_PER_WORKER: usize = 16;

struct Job {
    path: Arc<Path>,
    reply: Sender<io::Result<String>>,
}

struct Ticket {
    path: Arc<Path>,
    reply: Receiver<io::Result<String>>,
}

/// Digests everything below `root`; true if nothing had to be reported.
pub(crate) async fn run(root: PathBuf, options: Options, screen: Screen) -> bool {
    let under_way = options.workers * TICKETS_PER_WORKER;
    let (tickets_tx, tickets) = bounded(under_way);
    let (jobs_tx, jobs) = bounded(under_way);
    let bar = screen.progress();

    let counting = (!bar.is_hidden()).then(|| {
        let (root, bar) = (root.clone(), bar.clone());
        spawn_blocking(move || count(root, &bar))
    });
    let walking = spawn_blocking(move || walk(root, &tickets_tx, &jobs_tx));
    let printing = spawn_blocking(move || print(&tickets, screen, options.fail_fast));
    let workers = WaitGroup::new();
    for _ in 0..options.workers {
        go(workers.track(work(jobs.clone(), options.algorithm, bar.clone())));
    }
    drop(jobs);

    let clean = printing.await.expect("the printer does not panic");
    walking.await.expect("the walk does not panic");
    workers.wait().await;
    if let Some(counting) = counting {
        counting.await.expect("counting does not panic");
    }
    clean
}

/// Sends a ticket and a job for each file, until there are no more or nobody wants them. Runs on a thread of its own.
fn walk(root: PathBuf, tickets: &Sender<Ticket>, jobs: &Sender<Job>) {
    for (path, found) in Walk::new(root) {
        let path: Arc<Path> = path.into();
        let (reply_tx, reply) = bounded(1);
        if tickets.send_blocking(Ticket { path: path.clone(), reply }).is_err() {
            return;
        }
        match found {
            Ok(()) => {
                if jobs.send_blocking(Job { path, reply: reply_tx }).is_err() {
                    return;
                }
            }
            // The only reply; the printer may be gone, which the next ticket will tell.
            Err(e) => drop(reply_tx.try_send(Err(e))),
        }
    }
}

/// Waits for jobs as a task, and digests on the blocking pool, because reading a file blocks its thread.
async fn work(jobs: Receiver<Job>, algorithm: Algorithm, bar: ProgressBar) {
    while let Some(first) = jobs.recv().await {
        let (jobs, bar) = (jobs.clone(), bar.clone());
        let digesting = spawn_blocking(move || {
            let mut buffer = Vec::new();
            let mut next = Some(first);
            while let Some(job) = next {
                job.digest(algorithm, &mut buffer, &bar);
                next = jobs.try_recv().ok(); // changing threads for each small file would cost more than its digest
            }
        });
        // A panic there has dropped a reply channel unused, which the printer reports.
        drop(digesting.await);
    }
}

impl Job {
    fn digest(self, algorithm: Algorithm, buffer: &mut Vec<u8>, bar: &ProgressBar) {
        if self.reply.is_closed() {
            return; // nobody wants it any more
        }
        let digest = hash::digest(&self.path, algorithm, buffer, |n| {
            bar.inc(n as u64);
            !self.reply.is_closed()
        });
        drop(self.reply.try_send(digest)); // the only reply; the printer may be gone
    }
}

/// Writes the results in the order of the tickets; true if nothing had to be reported. Runs on a thread of its own.
fn print(tickets: &Receiver<Ticket>, mut screen: Screen, fail_fast: bool) -> bool {
    let mut clean = true;
    let end = print_all(tickets, &mut screen, fail_fast, &mut clean).and_then(|()| screen.flush());
    match end {
        // The reader has what it wanted.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => clean,
        Err(e) => {
            screen.report(Path::new("standard output"), &e);
            false
        }
        Ok(()) => clean,
    }
}

fn print_all(
    tickets: &Receiver<Ticket>,
    screen: &mut Screen,
    fail_fast: bool,
    clean: &mut bool,
) -> io::Result<()> {
    while let Some(Ticket { path, reply }) = next(tickets, screen)? {
        let reason = match next(&reply, screen)? {
            Some(Ok(digest)) => {
                screen.digested(&digest, &path)?;
                continue;
            }
            Some(Err(e)) => e,
            None => io::Error::other("its worker panicked"),
        };
        *clean = false;
        screen.flush()?; // the lines before it, where both streams go to one place
        screen.report(&path, &reason);
        if fail_fast {
            break;
        }
    }
    Ok(())
}

/// The next value, with all lines written before it waits for one.
fn next<T>(channel: &Receiver<T>, screen: &mut Screen) -> io::Result<Option<T>> {
    match channel.try_recv() {
        Ok(value) => Ok(Some(value)),
        Err(TryRecvError::Closed) => Ok(None),
        Err(TryRecvError::Empty) => {
            screen.flush()?;
            Ok(channel.recv_blocking())
        }
    }
}

/// Finds out how many bytes there are, for the progress bar: the walk itself is never far ahead of the digests.
fn count(root: PathBuf, bar: &ProgressBar) {
    for (path, found) in Walk::new(root) {
        if bar.is_finished() {
            return;
        }
        if found.is_ok()
            && let Ok(metadata) = path.metadata()
        {
            bar.inc_length(metadata.len());
        }
    }
}
