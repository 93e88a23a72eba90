//! A value that may not leave its thread does not leave it through a oneshot channel.
use dormouse_chan::oneshot;
use std::rc::Rc;

fn main() {
    let (tx, rx) = oneshot::<Rc<u8>>();
    std::thread::spawn(move || drop(tx));
    std::thread::spawn(move || drop(rx.recv_blocking()));
}
