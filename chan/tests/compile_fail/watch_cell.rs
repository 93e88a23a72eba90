//! A value that threads cannot share does not get to another one by a watch channel.
use dormouse_chan::watch;
use std::cell::Cell;

fn main() {
    let (tx, rx) = watch(Cell::new(1));
    std::thread::spawn(move || drop(tx));
    std::thread::spawn(move || drop(rx));
}
