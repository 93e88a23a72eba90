//! `send_timeout`, on a clock that stands where the test puts it.
use dormouse_chan::{SendTimeoutError, bounded, never};
use dormouse_testing::watch;
use dormouse_wait::Instant;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::host::{Host, with_host};
use std::cell::{Cell, RefCell};
use std::task::Waker;
use std::time::Duration;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok};

/// A clock that is moved by hand, and the alarms that were set on it.
struct Clock {
    start: Instant,
    now: Cell<Duration>,
    alarms: RefCell<Vec<(Instant, Waker)>>,
}

impl Host for Clock {
    fn now(&self) -> Instant {
        self.start + self.now.get()
    }
    fn alarm(&self, at: Instant, waker: Waker) -> Alarm {
        Alarm::beside(waker, |waker| self.alarms.borrow_mut().push((at, waker)))
    }
}

impl Clock {
    fn run(test: impl FnOnce(&Clock)) {
        let clock = Clock { start: Instant::now(), now: Cell::default(), alarms: RefCell::default() };
        with_host(&clock, || test(&clock));
    }

    fn advance(&self, by: Duration) {
        self.now.set(self.now.get() + by);
        let now = self.now();
        let alarms = self.alarms.take();
        let (due, left) = alarms.into_iter().partition::<Vec<_>, _>(|(at, _)| *at <= now);
        self.alarms.replace(left);
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_is_given_up_in_time_and_gives_the_value_back() {
    let _watch = watch();
    Clock::run(|clock| {
        let (tx, rx) = bounded(0);
        let mut send = spawn(tx.send_timeout("back", 2 * SECOND));
        clock.advance(SECOND); // before its first poll: that does not count
        assert_pending!(send.poll());
        clock.advance(SECOND);
        assert!(!send.is_woken());
        assert_pending!(send.poll());
        clock.advance(SECOND);
        assert!(send.is_woken());
        let error = assert_ready!(send.poll()).unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(error.into_inner(), "back");
        assert!(rx.try_recv().is_err());
    });
}

#[test]
fn sent_in_time_it_is_sent() {
    let _watch = watch();
    Clock::run(|clock| {
        let (tx, rx) = bounded(0);
        let mut send = spawn(tx.send_timeout(1, SECOND));
        assert_pending!(send.poll());
        assert_eq!(rx.try_recv(), Ok(1));
        clock.advance(SECOND); // too late to give up
        assert_ready_ok!(send.poll());
    });
}

#[test]
fn a_send_that_need_not_wait_asks_for_no_time() {
    let _watch = watch();
    Clock::run(|clock| {
        let (tx, _rx) = bounded(1);
        assert_ready_ok!(spawn(tx.send_timeout(1, Duration::ZERO)).poll());
        assert!(clock.alarms.borrow().is_empty());
    });
}

#[test]
fn a_close_comes_before_the_timeout() {
    let _watch = watch();
    Clock::run(|clock| {
        let (tx, rx) = bounded(0);
        let mut send = spawn(tx.send_timeout(1, SECOND));
        assert_pending!(send.poll());
        rx.close();
        clock.advance(SECOND);
        assert_eq!(assert_ready!(send.poll()), Err(SendTimeoutError::Closed(1)));
    });
}

#[test]
fn given_up_or_done_it_wakes_nobody_later() {
    let _watch = watch();
    Clock::run(|clock| {
        let (tx, rx) = bounded(0);
        for done in [false, true] {
            let mut task = spawn(());
            let mut send = Box::pin(tx.send_timeout(1, SECOND));
            assert!(task.enter(|cx, _| send.as_mut().poll(cx).is_pending()));
            if done {
                assert_eq!(rx.try_recv(), Ok(1));
                assert!(task.enter(|cx, _| send.as_mut().poll(cx).is_ready()));
            }
            let mut fresh = spawn(());
            std::mem::swap(&mut task, &mut fresh);
            drop(send);
            clock.advance(SECOND);
            assert_eq!(fresh.waker_ref_count(), 1, "the alarm keeps nothing of the task");
            assert!(!task.is_woken());
        }
    });
}

#[test]
fn the_latest_task_that_polled_is_woken() {
    let _watch = watch();
    Clock::run(|clock| {
        let (tx, _rx) = bounded(0);
        let mut send = Box::pin(tx.send_timeout(1, SECOND));
        let (mut before, mut now) = (spawn(()), spawn(()));
        assert!(before.enter(|cx, _| send.as_mut().poll(cx).is_pending()));
        assert!(now.enter(|cx, _| send.as_mut().poll(cx).is_pending()));
        clock.advance(SECOND);
        assert!(!before.is_woken() && now.is_woken());
        assert!(now.enter(|cx, _| send.as_mut().poll(cx).is_ready()));
    });
}

#[test]
fn a_time_that_the_clock_cannot_say_is_no_limit() {
    let _watch = watch();
    Clock::run(|clock| {
        let (tx, rx) = bounded(0);
        let mut send = spawn(tx.send_timeout(1, Duration::MAX));
        assert_pending!(send.poll());
        assert_pending!(send.poll());
        assert!(clock.alarms.borrow().is_empty());
        assert_eq!(rx.try_recv(), Ok(1));
        assert_ready_ok!(send.poll());
    });
}

#[test]
fn on_a_nil_channel_the_time_is_all_there_is() {
    let _watch = watch();
    Clock::run(|clock| {
        let (tx, _rx) = never();
        let mut send = spawn(tx.send_timeout(1, SECOND));
        assert_pending!(send.poll());
        clock.advance(SECOND);
        assert_eq!(assert_ready!(send.poll()), Err(SendTimeoutError::Timeout(1)));
    });
}
