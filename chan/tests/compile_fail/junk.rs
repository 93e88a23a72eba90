//! What is no arm is told what an arm is.
use dormouse_chan::{bounded, select};

fn main() {
    let (_tx, rx) = bounded::<u8>(1);
    select! { receive(rx) -> v => {} }
    select! { 5 }
    select! { recv(rx, rx) -> v => {} }
    select! { recv(rx) -> v if true => {} }
    select! { recv(rx) -> v, if let Some(_) = Some(1) => {} }
    select! { default -> v => {} }
    select! { recv(rx) -> v => 1; default => 2 }
}
