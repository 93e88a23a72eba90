//! When something last happened.
use dormouse::time::{Duration, Instant, sleep_until};
use std::sync::{Mutex, PoisonError};

pub(crate) struct Activity(Mutex<Instant>);

impl Activity {
    pub(crate) fn now() -> Activity {
        Activity(Mutex::new(Instant::now()))
    }

    /// Something happens now.
    pub(crate) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing has happened for `limit`. One timer per `limit`, however much happens.
    pub(crate) async fn idle(&self, limit: Duration) {
        let mut seen = self.last();
        loop {
            sleep_until(seen + limit).await;
            let last = self.last();
            if last == seen {
                return;
            }
            seen = last;
        }
    }
}
