//! What the example services share: arguments in seconds, and the signals that end a service.
use dormouse::select;
use dormouse::signal::unix::{Signal, SignalKind, signal};
use dormouse::time::Duration;
use std::error::Error;
use std::io;

/// A number of seconds, up to a year.
pub(crate) fn seconds(text: &str) -> Result<Duration, Box<dyn Error + Send + Sync>> {
    const YEAR: f64 = 365.0 * 24.0 * 3600.0;
    match text.parse()? {
        seconds if (0.0..=YEAR).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("not between 0 and a year".into()),
    }
}

/// Ctrl-C, and what a service manager sends.
pub(crate) struct Signals(Signal, Signal);

impl Signals {
    pub(crate) fn new() -> io::Result<Signals> {
        Ok(Signals(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    /// Waits for either.
    pub(crate) async fn recv(&mut self) -> io::Result<()> {
        select! {
            received = self.0.recv() => received,
            received = self.1.recv() => received,
        }
    }
}
