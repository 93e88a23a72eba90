//! What a full channel does.

/// What a send does when the channel is full: when its slowest receiver has yet to come for as many values as it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// It waits until the slowest receiver has come for its oldest value. Nobody misses anything; one receiver that does not
    /// receive holds up all.
    Wait,
    /// It drops the oldest value, at once. Receivers that had yet to come for it are told how many they missed.
    DropOldest,
    /// It fails, with its value.
    Error,
}
