//! The error types: what they say, what they give back, what they ask of the value.
use dormouse_chan::{SendError, TryRecvError, TrySendError};
use std::error::Error;

/// Cannot be printed, compared or copied.
struct Opaque(u8);

fn is_error<E: Error + Send + Sync + 'static>(error: E) -> String {
    let boxed: Box<dyn Error + Send + Sync> = error.into();
    assert!(boxed.source().is_none());
    boxed.to_string()
}

#[test]
fn they_say_what_happened() {
    assert_eq!(is_error(SendError(Opaque(1))), "send on closed channel");
    assert_eq!(is_error(TrySendError::Closed(Opaque(1))), "send on closed channel");
    assert_eq!(is_error(TrySendError::Full(Opaque(1))), "the channel has no room and no receiver is waiting");
    assert_eq!(is_error(TryRecvError::Empty), "the channel is empty and no sender is waiting");
    assert_eq!(is_error(TryRecvError::Closed), "receive on a closed and drained channel");
}

#[test]
fn they_give_the_value_back() {
    assert_eq!(SendError(Opaque(1)).into_inner().0, 1);
    assert_eq!(TrySendError::Full(Opaque(2)).into_inner().0, 2);
    assert_eq!(TrySendError::Closed(Opaque(3)).into_inner().0, 3);
    let error: TrySendError<_> = SendError(Opaque(4)).into();
    assert!(error.is_closed());
    assert_eq!(error.into_inner().0, 4);
}

#[test]
fn they_say_which_it_is() {
    let (full, closed) = (TrySendError::Full(()), TrySendError::Closed(()));
    assert!(full.is_full() && !full.is_closed() && closed.is_closed() && !closed.is_full());
    let (empty, closed) = (TryRecvError::Empty, TryRecvError::Closed);
    assert!(empty.is_empty() && !empty.is_closed() && closed.is_closed() && !closed.is_empty());
}

#[test]
fn they_print_without_the_value() {
    assert_eq!(format!("{:?}", SendError(Opaque(1))), "SendError { .. }");
    assert_eq!(format!("{:?}", TrySendError::Full(Opaque(1))), "Full(..)");
    assert_eq!(format!("{:?}", TrySendError::Closed(Opaque(1))), "Closed(..)");
    assert_eq!(format!("{:?} {:?}", TryRecvError::Empty, TryRecvError::Closed), "Empty Closed");
}

#[test]
fn they_compare_and_copy_as_their_value_does() {
    let error = SendError(1);
    let copy = error;
    assert!(error == copy && error != SendError(2));
    let error = TrySendError::Full(1);
    let copy = error;
    assert!(error == copy && error != TrySendError::Closed(1));
    assert!(SendError(String::from("a")).clone() == SendError(String::from("a")));
}
