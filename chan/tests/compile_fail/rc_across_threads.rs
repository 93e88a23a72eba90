//! A value that may not leave its thread does not leave it through a channel.
use dormouse_chan::bounded;
use std::rc::Rc;

fn main() {
    let (tx, rx) = bounded::<Rc<u8>>(1);
    std::thread::spawn(move || drop(tx));
    std::thread::scope(|scope| {
        scope.spawn(|| drop(rx.try_recv()));
    });
}
