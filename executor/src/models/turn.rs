//! The cell of the next task, and the end of a poll: the seat's thread against the monitor.
use super::{model, number, task};
use crate::sched::turn::Turn;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread::{self, JoinHandle};

/// What a seat does with its turn, tasks counted as they are got hold of.
struct Seat {
    turn: Turn,
    got: [AtomicUsize; 4],
    relieved: AtomicUsize,
}

impl Seat {
    fn new() -> Arc<Seat> {
        Arc::new(Seat { turn: Turn::new(true), got: Default::default(), relieved: AtomicUsize::new(0) })
    }

    fn get(&self, got: Option<super::Raw>) {
        if let Some(task) = got {
            // Relaxed: a model's task is a number. That its contents come along, `turn_brings_the_task` shows.
            self.got[number(task)].fetch_add(1, Relaxed);
        }
    }

    /// As `Seat::push_next`.
    fn push(&self, number: usize) {
        self.get(self.turn.put(task(number)));
        if self.turn.is_open() {
            self.get(self.turn.take_back());
        }
    }

    /// As the end of `Seat::run`.
    fn end(&self) {
        if self.turn.end() && self.turn.pass() {
            self.relieved.fetch_sub(1, Relaxed);
        }
    }

    /// As the monitor's look at a slot that it saw in this poll before.
    fn look(this: &Arc<Seat>, epoch: u64) -> JoinHandle<()> {
        let seat = this.clone();
        thread::spawn(move || {
            let stolen = seat.turn.hold(epoch, |mut held| {
                let relieved = held.relieve(|| true);
                (held.steal(), relieved)
            });
            if let Some((task, relieved)) = stolen {
                seat.relieved.fetch_add(usize::from(relieved), Relaxed);
                seat.get(task);
            }
        })
    }

    /// Each of the tasks 1 to `count` was got once.
    fn each_once(&self, count: usize) {
        for number in 1..=count {
            assert_eq!(self.got[number].load(Relaxed), 1, "task {number}");
        }
    }
}

/// What is in the cell is taken once: by the monitor in the poll, or by the thread after it.
#[test]
fn turn_the_monitor_against_the_end_of_a_poll() {
    model(3, || {
        let seat = Seat::new();
        seat.turn.begin();
        seat.push(1);
        let monitor = Seat::look(&seat, seat.turn.epoch());
        seat.end();
        seat.get(seat.turn.take());
        seat.turn.begin();
        seat.end();
        monitor.join().expect("no panic");
        seat.get(seat.turn.take());
        seat.each_once(1);
    });
}

/// A task put into the empty cell is not overlooked: if the monitor has looked before it was there, its thread has seen
/// that the slot is open.
#[test]
fn turn_the_monitor_against_a_push() {
    model(3, || {
        let seat = Seat::new();
        seat.turn.begin();
        let monitor = Seat::look(&seat, seat.turn.epoch());
        seat.push(1);
        monitor.join().expect("no panic");
        // The poll never ends.
        seat.each_once(1);
    });
}

/// A task that displaces another.
#[test]
fn turn_the_monitor_against_a_push_that_displaces() {
    model(3, || {
        let seat = Seat::new();
        seat.turn.begin();
        seat.push(1);
        let monitor = Seat::look(&seat, seat.turn.epoch());
        seat.push(2);
        seat.push(3);
        seat.end();
        seat.get(seat.turn.take());
        monitor.join().expect("no panic");
        seat.each_once(3);
    });
}

/// The thread learns that its slot was relieved at the end of that poll, and no poll later is relieved for it.
#[test]
fn turn_relief_is_seen_at_the_end_of_its_poll() {
    model(3, || {
        let seat = Seat::new();
        seat.turn.begin();
        let epoch = seat.turn.epoch();
        let monitor = Seat::look(&seat, epoch);
        if seat.turn.end() {
            seat.turn.pass();
        }
        // From here on, the monitor comes too late, in the next poll as well.
        seat.turn.begin();
        assert!(!seat.turn.end() || !seat.turn.pass());
        monitor.join().expect("no panic");
    });
}

/// Two looks at one poll relieve it once.
#[test]
fn turn_is_relieved_once_in_a_poll() {
    model(3, || {
        let seat = Seat::new();
        seat.turn.begin();
        let epoch = seat.turn.epoch();
        let monitor = Seat::look(&seat, epoch);
        monitor.join().expect("no panic");
        let again = Seat::look(&seat, epoch);
        seat.end();
        again.join().expect("no panic");
        assert_eq!(seat.relieved.load(Relaxed), 0);
    });
}

/// What the thread wrote before it put the task in, who takes it out has.
#[test]
fn turn_brings_the_task() {
    model(3, || {
        let turn = Arc::new(Turn::new(true));
        let contents = Arc::new(dormouse_wait::prim::UnsafeCell::new(0));
        turn.begin();
        let epoch = turn.epoch();
        let monitor = thread::spawn({
            let (turn, contents) = (turn.clone(), contents.clone());
            move || {
                if turn.hold(epoch, |held| held.steal()).flatten().is_some() {
                    contents.with(|contents| {
                        // SAFETY: who takes the task has its contents.
                        assert_eq!(unsafe { *contents }, 7);
                    });
                }
            }
        });
        contents.with_mut(|contents| {
            // SAFETY: the task is not published yet.
            unsafe { *contents = 7 }
        });
        assert!(turn.put(task(1)).is_none());
        monitor.join().expect("no panic");
    });
}

/// Where there is no heavy fence, every slot is open for ever.
#[test]
fn turn_always_open_keeps_nothing_in_the_cell() {
    model(3, || {
        let seat =
            Arc::new(Seat { turn: Turn::new(false), got: Default::default(), relieved: AtomicUsize::new(0) });
        seat.turn.begin();
        let monitor = Seat::look(&seat, seat.turn.epoch());
        seat.push(1);
        seat.push(2);
        seat.end();
        assert!(seat.turn.take().is_none());
        monitor.join().expect("no panic");
        seat.end();
        seat.each_once(2);
        assert_eq!(seat.relieved.load(Relaxed), 0);
    });
}
