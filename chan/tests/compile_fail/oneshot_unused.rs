//! What is made for nothing, the compiler says.
#![deny(unused_must_use)]
use dormouse_chan::oneshot;

fn receiver() -> oneshot::Receiver<u8> {
    oneshot().1
}

fn sender() -> oneshot::Sender<u8> {
    oneshot().0
}

fn main() {
    receiver();
    sender();
    sender().closed();
    sender().send(1);
}
