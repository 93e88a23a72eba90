//! A future does not outlive its channel, nor a value what it borrows.
use dormouse_chan::bounded;

fn main() {
    let (tx, rx) = bounded::<&str>(1);
    {
        let text = String::from("short");
        tx.try_send(&text).unwrap();
    }
    let received = rx.recv();
    drop(rx);
    drop(received);
}
