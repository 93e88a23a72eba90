//! A select over values that may not leave their thread stays on it.
use dormouse_chan::{bounded, select};
use std::rc::Rc;

fn is_send<T: Send>(_: T) {}

fn main() {
    let (tx, rx) = bounded::<Rc<u8>>(1);
    let (tx, rx) = (&tx, &rx);
    is_send(async move {
        select! {
            send(tx, Rc::new(1)) -> sent => drop(sent),
            recv(rx) -> value => drop(value),
        }
    });
}
