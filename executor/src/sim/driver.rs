//! One simulated run: a runtime with one slot and no threads, whose tasks this thread runs in the order that the seed
//! decides.
//!
//! Tasks, timers, channels and locks are the real ones. Wake-ups push into the seat's cell and ring as always; after
//! each poll the driver takes all that is there into its own queue and chooses.
//!
//! | nothing can run, and | then |
//! |---|---|
//! | a timer is due | it fires |
//! | somebody waits for a quiet moment | the first of them goes on |
//! | main is not done, a timer is set | the clock moves on to it |
//! | main is done | tasks that are left are leaks |
//! | else | a deadlock |
use super::failure::{Failure, FailureKind};
use super::here::Here;
use super::queue::{Queue, Turn};
use super::rng::Stream;
use super::trace::{Event, Time, Trace};
use super::{Options, Run};
use crate::config::Config;
use crate::panics::{self, Payload};
use crate::sched::context;
use crate::sched::os;
use crate::sched::seat::Seat;
use crate::sched::shared::{Bodies, Shared};
use crate::task::dump::{Dump, Noted};
use crate::task::id::Id;
use crate::task::meta::Meta;
use crate::task::spawn;
use crate::timer::NEVER;
use async_task::Runnable;
use dormouse_wait::Reason;
use dormouse_wait::frame::{self, Frame};
use std::collections::HashSet;
use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::task::{Context, Poll, Wake, Waker};

/// The waker of the main future.
struct Bell {
    woken: AtomicBool,
    shared: Arc<Shared>,
    thread: usize,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.thread != context::thread() {
            self.shared.disturbed.store(true, Relaxed);
        }
        self.woken.store(true, Relaxed);
    }
}

/// The future that the run was started with.
struct Main<'a, F: Future> {
    future: Pin<&'a mut F>,
    bell: Arc<Bell>,
    waker: Waker,
    waits: frame::Waits,
    /// It is in the queue: once, however often it was woken.
    queued: bool,
    output: Option<Result<F::Output, Payload>>,
}

impl<F: Future> Main<'_, F> {
    /// True if that was its last poll.
    fn poll(&mut self) -> bool {
        self.queued = false;
        self.bell.woken.store(false, Relaxed);
        let frame = Frame::new(&self.waits);
        let (future, waker) = (&mut self.future, &self.waker);
        let polled = panics::catch(|| frame.enter(|| future.as_mut().poll(&mut Context::from_waker(waker))));
        self.output = match polled {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(output)) => Some(Ok(output)),
            Err(payload) => Some(Err(payload)),
        };
        true
    }
}

/// A run under way.
struct Driver<'a, 's> {
    options: &'a Options,
    seed: u64,
    shared: &'a Shared,
    seat: &'a Seat<'s>,
    here: &'a Here,
    queue: Queue,
    choices: Stream,
    trace: Trace,
    steps: u64,
    /// Who waited for a quiet moment has just been let go, and is to run undisturbed.
    released: bool,
}

/// What came of a run: its outcome, or the main future's panic beside the report of it.
pub(super) type Outcome<T> = Result<Run<T>, (Failure, Option<Payload>)>;

/// Runs `future` with `seed`, and all that it spawns. `judge` says what is wrong with an output.
pub(super) fn run<F: Future>(
    options: &Options,
    seed: u64,
    future: F,
    judge: impl Fn(&F::Output) -> Option<String>,
) -> Outcome<F::Output> {
    let bodies = Bodies {
        worker: |_, _| unreachable!("a simulated runtime starts no threads"),
        monitor: |_| unreachable!("a simulated runtime starts no threads"),
    };
    spawn::track_holders();
    let shared = Shared::new(Config::simulated(options.blocking), bodies);
    // No thread is to be started for what is pushed: this one is there.
    shared.guests.fetch_add(1, Relaxed);
    let here = Here::new(Arc::clone(&shared), seed);
    let _entered = context::Entered::new(Arc::clone(&shared));
    let run = || {
        here.enter(|| {
            dormouse_wait::random::with_seed(seed, || drive(options, seed, &shared, &here, future, judge))
        })
    };
    let (outcome, unjoined) = panics::collect_unjoined(run);
    // Told of already, unless they came at the very end, from destructors.
    if let (Ok(run), Some(line)) = (&outcome, unjoined.first()) {
        let report = format!("simulated run failed: {line}\n{}", repeat(seed));
        return Err((Failure { kind: FailureKind::Panic, seed, hash: run.hash, report }, None));
    }
    outcome
}

fn repeat(seed: u64) -> String {
    format!("repeat it with DORMOUSE_SEED={seed}")
}

fn drive<F: Future>(
    options: &Options,
    seed: u64,
    shared: &Arc<Shared>,
    here: &Rc<Here>,
    future: F,
    judge: impl Fn(&F::Output) -> Option<String>,
) -> Outcome<F::Output> {
    let seat = Seat::sit(shared, 0, false, os::Thread::current()).expect("the slot of a new runtime is free");
    seat.enter();
    let choices = Stream::new(seed, 1);
    let queue = Queue::new(options.strategy, &choices);
    let mut driver = Driver {
        options,
        seed,
        shared,
        seat: &seat,
        here,
        queue,
        choices,
        trace: Trace::new(),
        steps: 0,
        released: false,
    };
    let verdict = {
        let mut future = Box::pin(future);
        let bell = Arc::new(Bell {
            woken: AtomicBool::new(true),
            shared: Arc::clone(shared),
            thread: context::thread(),
        });
        let waker = Waker::from(Arc::clone(&bell));
        let mut main = Main {
            future: future.as_mut(),
            bell,
            waker,
            waits: frame::Waits::new(),
            queued: false,
            output: None,
        };
        let failed = driver.go_on(&mut main);
        let verdict = driver.judge(failed, main.output.take(), Noted::of(&main.waits), judge);
        // A destructor that panics has spoken through the panic hook.
        panics::catch(|| drop(future)).unwrap_or_else(panics::forget);
        verdict
    };
    driver.end();
    verdict
}

impl<'a> Driver<'a, '_> {
    /// Runs until nothing is left to do. Says how that is wrong, if it is.
    fn go_on<F: Future>(&mut self, main: &mut Main<'_, F>) -> Option<FailureKind> {
        loop {
            self.collect();
            let done = main.output.is_some();
            if !done && !main.queued && main.bell.woken.load(Relaxed) {
                main.queued = true;
                self.queue.push(Turn::Main, &self.choices);
            }
            if self.shared.disturbed.load(Relaxed) {
                return Some(FailureKind::Disturbed);
            }
            if panics::has_unjoined() {
                return Some(FailureKind::Panic);
            }
            if self.steps >= self.options.max_steps || self.here.now.get() > self.options.max_nanos() {
                return Some(FailureKind::Livelock);
            }
            if !self.queue.is_empty() && !std::mem::take(&mut self.released) {
                self.disturb();
            }
            if let Some(turn) = self.queue.next(self.steps, &self.choices) {
                self.step(turn, main);
                if matches!(main.output, Some(Err(_))) {
                    return Some(FailureKind::Main);
                }
                continue;
            }
            if self.quiet(done) {
                continue;
            }
            return match (done, self.shared.live()) {
                (false, _) => Some(FailureKind::Deadlock),
                (true, 0) => None,
                (true, _) if self.options.allow_leaks => None,
                (true, _) => Some(FailureKind::Leak),
            };
        }
    }

    /// Takes what became runnable into the queue.
    fn collect(&mut self) {
        let (queue, trace, choices, shared) = (&mut self.queue, &mut self.trace, &self.choices, self.shared);
        self.seat.drain(|task| {
            if let Some((id, key)) = number(shared, &task, trace) {
                queue.push(Turn::Task { id: id.0, key, task }, choices);
            }
        });
    }

    /// Nothing can run: fires timers, lets a waiter go, moves the clock. False if nothing of that was there to do.
    fn quiet(&mut self, done: bool) -> bool {
        let now = self.here.now.get();
        let timers = &self.shared.parts[0].timers;
        if timers.due() <= now {
            timers.fire(now);
            return true;
        }
        if self.here.release_waiter() {
            self.released = true;
            return true;
        }
        let due = timers.due();
        // The last nanosecond that there is stands for all that are later: it does not come.
        if done || due >= NEVER - 1 {
            return false;
        }
        self.here.now.set(due);
        self.trace.add(self.steps, due, 0, Event::Clock);
        true
    }

    /// Wakes a task for nothing, or aborts one, as often as that was asked for.
    fn disturb(&mut self) {
        for (probability, abort) in [(self.options.spurious, false), (self.options.aborts, true)] {
            if probability > 0.0 && self.choices.chance(probability) {
                let picked = self.shared.parts[0].tasks.pick(self.choices.next(), abort);
                if let Some((id, waker)) = picked {
                    waker.wake();
                    let event = if abort { Event::Aborted } else { Event::Spurious };
                    self.trace.add(self.steps, self.here.now.get(), id.0, event);
                }
            }
        }
        self.collect();
    }

    fn step<F: Future>(&mut self, turn: Turn, main: &mut Main<'_, F>) {
        let who = turn.id();
        let waits = match turn {
            Turn::Main => (!main.poll()).then(|| main.waits.get()),
            Turn::Task { id, key, task } => {
                self.seat.run(task.into_raw());
                self.shared.parts[0].tasks.waited(key, Id(id))
            }
        };
        let event = match waits {
            Some((reason, site)) => {
                if reason == Reason::Yield {
                    self.queue.yielded(who);
                }
                Event::Waits(reason, site)
            }
            None => Event::Ended,
        };
        self.steps += 1;
        self.trace.add(self.steps, self.here.now.get(), who, event);
    }

    /// The outcome, with a report if it is a failure. All tasks are still there.
    fn judge<T>(
        &mut self,
        failed: Option<FailureKind>,
        output: Option<Result<T, Payload>>,
        main: Noted,
        judge: impl Fn(&T) -> Option<String>,
    ) -> Outcome<T> {
        let waits = output.is_none().then_some(main);
        let fail = |kind, says: &str| Failure {
            kind,
            seed: self.seed,
            hash: self.trace.hash(),
            report: self.report(says, waits),
        };
        match (failed, output) {
            (Some(kind), Some(Err(payload))) => {
                let says = format!("main panicked: {}", panics::message(&payload));
                Err((fail(kind, &says), Some(payload)))
            }
            (Some(kind), _) => Err((fail(kind, &self.says(kind)), None)),
            (None, Some(Ok(output))) => match judge(&output) {
                Some(error) => {
                    Err((fail(FailureKind::Main, &format!("main returned an error: {error}")), None))
                }
                None => Ok(Run {
                    output,
                    seed: self.seed,
                    steps: self.steps,
                    nanos: self.here.now.get(),
                    hash: self.trace.hash(),
                }),
            },
            (None, _) => unreachable!("a run without an output has failed"),
        }
    }

    /// What is wrong, in a sentence.
    fn says(&self, kind: FailureKind) -> String {
        match kind {
            FailureKind::Deadlock => "all tasks are asleep - deadlock!".into(),
            FailureKind::Leak => {
                format!("main is done, and {} of its tasks are left: nothing wakes them", self.shared.live())
            }
            FailureKind::Livelock => format!(
                "no end after {} steps and {} of virtual time: a livelock, or a limit (`max_steps`, `max_time`) \
                 that is too low",
                self.steps,
                Time(self.here.now.get())
            ),
            FailureKind::Panic => panics::unjoined().join("\n"),
            FailureKind::Disturbed => {
                "another thread woke a task: the simulator has no control over threads, so \
                 the run could not be repeated; use tasks instead, or test this on a real runtime"
                    .into()
            }
            FailureKind::Main => unreachable!("main fails by its output"),
        }
    }

    fn report(&self, says: &str, main: Option<Noted>) -> String {
        let mut text = format!(
            "simulated run failed: {says}\n  seed {}{}, virtual time {}, step {}, trace {:016x}; {}\n\nlive tasks:\n",
            self.seed,
            self.options,
            Time(self.here.now.get()),
            self.steps,
            self.trace.hash(),
            repeat(self.seed)
        );
        let tasks = std::iter::once((&self.shared.parts[0].tasks, false));
        let locals = self.shared.locals.homes();
        let local = locals.iter().map(|home| (&home.tasks, true));
        let runnable: HashSet<u64> = self.queue.ids().collect();
        let dump = Dump::gather(main, tasks.chain(local), true, |id, _| runnable.contains(&id.0));
        for task in &dump.tasks {
            let _ = writeln!(text, "  {}", dump.line(task));
        }
        if dump.tasks.is_empty() {
            text.push_str("  none\n");
        }
        let objects = dump.object_lines();
        if !objects.is_empty() {
            text.push_str("\ncontended:\n");
        }
        for line in objects {
            let _ = writeln!(text, "  {line}");
        }
        let _ = write!(text, "\nlast steps:\n{}", self.trace);
        text
    }

    /// Ends all tasks: their futures are dropped, in the order in which they are queued.
    fn end(&mut self) {
        self.shared.close();
        while !self.shared.is_ended() {
            self.collect();
            while let Some(turn) = self.queue.next(u64::MAX, &self.choices) {
                if let Turn::Task { task, .. } = turn {
                    self.seat.run(task.into_raw());
                }
            }
        }
        // What was woken by another thread, or for a second time, in its last poll.
        self.collect();
        self.shared.close_waits();
    }
}

/// The number of a runnable task, and its place in the registry. (A task that has ended does not become runnable.)
fn number(shared: &Shared, task: &Runnable<Meta>, trace: &mut Trace) -> Option<(Id, u32)> {
    let meta = task.metadata();
    let (_, key) = meta.place()?;
    let id = shared.parts[0].tasks.find(key, meta, |entry| {
        if let Some(name) = entry.origin.name() {
            trace.name(entry.id.0, name);
        }
        entry.id
    })?;
    Some((id, key))
}
