//! What can go wrong with a broadcast. Errors of sends give the value back.
use std::error::Error;
use std::fmt;

/// Why a value was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    NoReceivers,
    Closed,
}

/// Why a value was not sent; it comes back.
///
/// Of [`send`](super::Sender::send), [`try_send`](super::Sender::try_send) and
/// [`send_blocking`](super::Sender::send_blocking).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendError<T> {
    /// As many values are kept as the channel holds. A `send` says so only under
    /// [`Overflow::Error`](super::Overflow::Error), and a `try_send` never under
    /// [`Overflow::DropOldest`](super::Overflow::DropOldest).
    Full(T),
    /// There is no receiver at present. A later [`subscribe`](super::Sender::subscribe) changes that.
    NoReceivers(T),
    /// The channel is closed, for good.
    Closed(T),
}

impl<T> SendError<T> {
    pub(super) fn new(why: Refused, value: T) -> Self {
        match why {
            Refused::Full => SendError::Full(value),
            Refused::NoReceivers => SendError::NoReceivers(value),
            Refused::Closed => SendError::Closed(value),
        }
    }

    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            SendError::Full(value) | SendError::NoReceivers(value) | SendError::Closed(value) => value,
        }
    }

    /// Was there no room?
    pub fn is_full(&self) -> bool {
        matches!(self, SendError::Full(_))
    }

    /// Was there no receiver?
    pub fn is_no_receivers(&self) -> bool {
        matches!(self, SendError::NoReceivers(_))
    }

    /// Is the channel closed?
    pub fn is_closed(&self) -> bool {
        matches!(self, SendError::Closed(_))
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "Full(..)",
            SendError::NoReceivers(_) => "NoReceivers(..)",
            SendError::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "the broadcast channel has no room",
            SendError::NoReceivers(_) => "the broadcast channel has no receivers",
            SendError::Closed(_) => "send on closed broadcast channel",
        })
    }
}

impl<T> Error for SendError<T> {}

/// So many values were dropped before this receiver came for them; it goes on with the oldest that is kept.
///
/// What a receiver's stream gives in the place of those values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lagged(pub u64);

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the receiver lagged behind and missed {} values", self.0)
    }
}

impl Error for Lagged {}

/// Why [`recv`](super::Receiver::recv) gave no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecvError {
    /// So many values were dropped before this receiver came for them, under
    /// [`Overflow::DropOldest`](super::Overflow::DropOldest). Each is told once; the next receive goes on with the
    /// oldest that is kept then.
    Lagged(u64),
    /// The channel is closed, and this receiver has received all that it holds.
    Closed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Lagged(missed) => Lagged(*missed).fmt(f),
            RecvError::Closed => TryRecvError::Closed.fmt(f),
        }
    }
}

impl Error for RecvError {}

impl From<Lagged> for RecvError {
    fn from(Lagged(missed): Lagged) -> Self {
        RecvError::Lagged(missed)
    }
}

/// Why [`try_recv`](super::Receiver::try_recv) gave no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryRecvError {
    /// This receiver has received all that was sent.
    Empty,
    /// As [`RecvError::Lagged`].
    Lagged(u64),
    /// As [`RecvError::Closed`].
    Closed,
}

impl TryRecvError {
    /// Is there nothing to receive, and the channel open?
    pub fn is_empty(&self) -> bool {
        matches!(self, TryRecvError::Empty)
    }

    /// Is the channel closed and drained?
    pub fn is_closed(&self) -> bool {
        matches!(self, TryRecvError::Closed)
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRecvError::Empty => f.write_str("the broadcast channel has nothing new"),
            TryRecvError::Lagged(missed) => Lagged(*missed).fmt(f),
            TryRecvError::Closed => f.write_str("receive on a closed and drained broadcast channel"),
        }
    }
}

impl Error for TryRecvError {}

impl From<RecvError> for TryRecvError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Lagged(missed) => TryRecvError::Lagged(missed),
            RecvError::Closed => TryRecvError::Closed,
        }
    }
}
