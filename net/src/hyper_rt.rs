//! What hyper asks of a runtime beside streams: an executor and a timer.
use dormouse_executor::task;
use dormouse_executor::time::{self, Duration, Instant};
use hyper::rt;
use pin_project::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Spawns hyper's tasks into the runtime that the thread is in.
///
/// # Panics
/// Outside of a runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct Executor;

impl<F> rt::Executor<F> for Executor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[track_caller]
    fn execute(&self, future: F) {
        drop(task::spawn(future));
    }
}

/// Measures hyper's time-outs by the runtime's timers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer;

/// A sleep, as hyper sees it.
#[pin_project]
#[derive(Debug)]
struct Sleep(#[pin] time::Sleep);

impl Future for Sleep {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().0.poll(cx)
    }
}

impl rt::Sleep for Sleep {}

impl rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(time::sleep(duration)))
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(time::sleep_until(Instant::from_std(deadline))))
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: std::time::Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(ours) => ours.project().0.reset(Instant::from_std(deadline)),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}
