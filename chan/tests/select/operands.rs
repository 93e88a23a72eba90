//! Operands: evaluated once, in order, all of them; what becomes of the values that lose.
use crate::now;
use dormouse_chan::{Receiver, SendError, Sender, bounded, never, select};
use dormouse_testing::{Tally, panics, watch};
use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::sync::Mutex;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn all_ten_operands_are_evaluated_once() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let none: Option<&Receiver<u8>> = None;
    let no_sender: Option<&Sender<u8>> = None;
    let (mut empty, mut full) = (None, Some(1));
    let count = Cell::new(0);
    fn note<T>(count: &Cell<u32>, value: T) -> T {
        count.set(count.get() + 1);
        value
    }
    let mut task = spawn(async {
        select! {
            recv(note(&count, none)) -> _ => unreachable!(),                                    // 1
            recv(note(&count, &rx)) -> v, if count.get() > 99 => _ = v,                       // 2
            send(note(&count, no_sender), note(&count, 1)) -> _ => unreachable!(),              // 4
            send(note(&count, &tx), note(&count, 1)) -> _, if false => unreachable!(),          // 6
            send_from(note(&count, &tx), *note(&count, &mut empty)) -> _ => unreachable!(),     // 8
            send_from(&tx, full) -> _, if false => unreachable!(),
            () = note(&count, ready(())), if false => unreachable!(),                           // 9
            () = note(&count, pending()) => unreachable!(),                                     // 10
        }
    });
    assert_eq!(count.get(), 0, "not before the first poll");
    for _ in 0..5 {
        assert_pending!(task.poll());
        assert_eq!(count.get(), 10);
    }
    drop(task);
    assert_eq!(full, Some(1), "a disabled arm takes nothing");
}

#[test]
fn conditions_first_then_operands_all_in_order() {
    let _watch = watch();
    let log = RefCell::new(Vec::new());
    let note = |name: &'static str| log.borrow_mut().push(name);
    let (tx, rx) = bounded(1);
    let mut place = Some(3);
    now(async {
        select! {
            biased;
            recv({ note("rx"); &rx }) -> _, if { note("if rx"); true } => unreachable!(),
            () = { note("future"); pending() }, if { note("if future"); true } => unreachable!(),
            send({ note("tx"); &tx }, { note("value"); 1 }) -> sent, if { note("if tx"); true } => {
                note("body");
                sent.unwrap();
            }
            send_from({ note("tx2"); &tx }, *{ note("place"); &mut place }) -> _, if { note("if tx2"); false } => {}
        }
    });
    let expected =
        ["if rx", "if future", "if tx", "if tx2", "rx", "future", "tx", "value", "tx2", "place", "body"];
    assert_eq!(*log.borrow(), expected);
    assert_eq!(place, Some(3));
}

/// Writes its name down when it is dropped.
#[derive(Debug)]
struct Noisy<'a>(&'static str, &'a RefCell<Vec<&'static str>>);

impl Drop for Noisy<'_> {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

#[test]
fn values_that_lose_are_dropped_in_order_before_the_body() {
    let _watch = watch();
    let log = RefCell::new(Vec::new());
    let note = |name| log.borrow_mut().push(name);
    let noisy = |name| Noisy(name, &log);
    let full = bounded::<Noisy>(0);
    let (go, going) = bounded(1);

    // At once.
    go.try_send(()).unwrap();
    now(async {
        select! {
            send(full.0, noisy("first")) -> _ => unreachable!(),
            recv(going) -> _ => note("body"),
            send(full.0, noisy("second")) -> _ => unreachable!(),
            send(full.0, noisy("third")) -> _ => unreachable!(),
        }
    });
    assert_eq!(log.take(), ["first", "second", "third", "body"]);

    // After a wait.
    {
        let mut task = spawn(async {
            select! {
                send(full.0, noisy("first")) -> _ => unreachable!(),
                recv(going) -> _ => note("body"),
                send(full.0, noisy("second")) -> _ => unreachable!(),
            }
        });
        assert_pending!(task.poll());
        go.try_send(()).unwrap();
        assert!(log.borrow().is_empty());
        assert!(task.poll().is_ready());
        assert_eq!(log.take(), ["first", "second", "body"]);
    }

    // By a default, and by a future.
    select! {
        send(full.0, noisy("first")) -> _ => unreachable!(),
        send(full.0, noisy("second")) -> _ => unreachable!(),
        default => note("body"),
    }
    assert_eq!(log.take(), ["first", "second", "body"]);
    now(async {
        select! {
            send(full.0, noisy("first")) -> _ => unreachable!(),
            value = ready(noisy("output")) => { note("body"); drop(value) }
            send(full.0, noisy("second")) -> _ => unreachable!(),
        }
    });
    assert_eq!(log.take(), ["first", "second", "body", "output"]);
}

#[test]
fn the_value_of_a_disabled_arm_is_dropped_too() {
    let _watch = watch();
    let log = RefCell::new(Vec::new());
    let (tx, _rx) = bounded::<Noisy>(5);
    select! {
        send(tx, Noisy("disabled", &log)) -> _, if false => unreachable!(),
        send(None::<&Sender<Noisy>>, Noisy("none", &log)) -> _ => unreachable!(),
        default => log.borrow_mut().push("body"),
    }
    assert_eq!(log.take(), ["disabled", "none", "body"]);
}

#[test]
fn a_winning_value_is_dropped_by_nobody() {
    let _watch = watch();
    let log = RefCell::new(Vec::new());
    let (tx, rx) = bounded(1);
    now(async {
        select! { send(tx, Noisy("sent", &log)) -> sent => sent.unwrap() }
    });
    assert!(log.borrow().is_empty());
    drop(rx.try_recv());
    assert_eq!(log.take(), ["sent"]);
    tx.close();
    now(async {
        select! {
            send(tx, Noisy("refused", &log)) -> sent => {
                assert!(log.borrow().is_empty());
                assert_eq!(sent.unwrap_err().into_inner().0, "refused");
            }
        }
    });
    assert_eq!(log.take(), ["refused"]);
}

#[test]
fn temporaries_are_gone_before_the_wait() {
    let _watch = watch();
    let shared = Mutex::new(1_u8);
    let (tx, rx) = bounded(0);
    let (other, _other_rx) = bounded(0);
    fn chosen<'a, T>(_by: &u8, channel: &'a T) -> &'a T {
        channel
    }
    let mut place = Some(2);
    {
        let mut task = spawn(async {
            select! {
                recv(chosen(&shared.lock().unwrap(), &rx)) -> v => v,
                send(chosen(&shared.lock().unwrap(), &other), 1) -> _ => unreachable!(),
                send(other, *shared.lock().unwrap()) -> _ => unreachable!(),
                send_from(chosen(&shared.lock().unwrap(), &other), place) -> _ => unreachable!(),
                () = { let _seen = *shared.lock().unwrap(); pending() } => unreachable!(),
                v = ready(*shared.lock().unwrap()), if *shared.lock().unwrap() > 9 => Some(v),
            }
        });
        assert_pending!(task.poll());
        *shared.try_lock().expect("no guard is held over the wait") += 1;
        tx.try_send(7).unwrap();
        assert_ready_eq!(task.poll(), Some(7));
    }
    // Nor over the body.
    select! {
        recv(chosen(&shared.lock().unwrap(), &rx)) -> _ => unreachable!(),
        default => assert!(shared.try_lock().is_ok()),
    }
}

#[test]
fn send_from_gives_back_what_it_did_not_send() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let (go, going) = bounded(1);
    let mut place = Some(String::from("value"));

    // It loses at once, to a default, after a wait, and by being dropped.
    go.try_send(()).unwrap();
    now(async {
        select! {
            send_from(tx, place) -> _ => unreachable!(),
            recv(going) -> _ => assert_eq!(place.as_deref(), Some("value"), "back before the body"),
        }
    });
    select! { send_from(tx, place) -> _ => unreachable!(), default => assert!(place.is_some()) }
    {
        let mut task = spawn(async {
            select! { send_from(tx, place) -> _ => unreachable!(), recv(going) -> _ => place.take() }
        });
        assert_pending!(task.poll());
        go.try_send(()).unwrap();
        assert_ready_eq!(task.poll(), Some("value".to_string()));
    }
    place = Some(String::from("again"));
    {
        let mut task = spawn(async {
            select! { send_from(tx, place) -> _ => unreachable!() }
        });
        assert_pending!(task.poll());
    }
    assert_eq!(place.as_deref(), Some("again"));

    // It wins, after a wait, and then at once.
    {
        let mut task = spawn(async {
            select! { send_from(tx, place) -> sent => (sent, place.is_none()) }
        });
        assert_pending!(task.poll());
        assert_eq!(rx.try_recv().as_deref(), Ok("again"));
        assert_ready_eq!(task.poll(), (Ok(()), true));
    }
    place = Some(String::from("third"));
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    assert!(select! { send_from(tx, place) -> sent => sent.is_ok(), default => false });
    assert_eq!(place, None);
    assert_ready_eq!(recv.poll(), Some("third".to_string()));

    // The channel closes: the error has it.
    place = Some(String::from("late"));
    tx.close();
    now(async {
        select! { send_from(tx, place) -> sent => assert_eq!(sent, Err(SendError("late".to_string()))) }
    });
    assert_eq!(place, None);
}

#[test]
fn a_send_from_may_go_forth_and_back_in_a_loop() {
    let _watch = watch();
    let (out, sink) = bounded(1);
    let (source, input) = bounded(5);
    (0..5).for_each(|n| source.try_send(n).unwrap());
    drop(source);
    let (mut held, mut done, mut got) = (None, false, Vec::new());
    while !(done && held.is_none()) {
        select! {
            recv(input) -> v, if held.is_none() && !done => {
                done = v.is_none();
                held = v;
            }
            send_from(out, held) -> sent => sent.unwrap(),
            default => got.extend(sink.try_recv()),
        }
    }
    got.extend(sink.try_recv());
    assert_eq!(got, [0, 1, 2, 3, 4]);
}

struct Holder {
    tx: Sender<u8>,
    rx: Receiver<u8>,
    maybe_tx: Option<Sender<u8>>,
    maybe_rx: Option<Receiver<u8>>,
}

#[test]
fn channels_stand_in_places_references_and_options() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let mut holder =
        Holder { maybe_tx: Some(tx.clone()), maybe_rx: Some(rx.clone()), tx: tx.clone(), rx: rx.clone() };
    macro_rules! sends {
        ($($operand:expr),* $(,)?) => { $(
            select! { send($operand, 1) -> sent => sent.unwrap(), default => panic!("{} is not ready", stringify!($operand)) }
            assert_eq!(rx.try_recv(), Ok(1));
        )* };
    }
    macro_rules! receives {
        ($($operand:expr),* $(,)?) => { $(
            tx.try_send(2).unwrap();
            select! { recv($operand) -> v => assert_eq!(v, Some(2)), default => panic!("{} is not ready", stringify!($operand)) }
        )* };
    }
    let (tx_ref, rx_ref) = (&tx, &rx);
    let pairs = [(tx.clone(), rx.clone())];
    let boxed = (Box::new(tx.clone()), Box::new(rx.clone()));
    sends!(
        tx,
        &tx,
        tx_ref,
        holder.tx,
        &holder.tx,
        pairs[0].0,
        Some(&tx),
        Some(tx_ref),
        holder.maybe_tx,
        holder.maybe_tx.as_ref(),
        *boxed.0
    );
    receives!(
        rx,
        &rx,
        rx_ref,
        holder.rx,
        &holder.rx,
        pairs[0].1,
        Some(&rx),
        Some(rx_ref),
        holder.maybe_rx,
        holder.maybe_rx.as_ref(),
        *boxed.1
    );
    {
        let (tx_mut, rx_mut) = (&mut holder.tx, &mut holder.rx);
        sends!(tx_mut, *tx_mut);
        receives!(rx_mut, *rx_mut);
    }
    // References to references, as closures and iterators lend them.
    let pointers = (&&tx_ref, &&&rx_ref);
    sends!(
        &&tx,
        &&&tx,
        &&&&tx,
        pointers.0,
        Some(&&tx),
        &Some(&tx),
        &&holder.maybe_tx,
        Some(&holder.maybe_tx)
    );
    receives!(
        &&rx,
        &&&rx,
        &&&&rx,
        pointers.1,
        Some(&&rx),
        &Some(&rx),
        &&holder.maybe_rx,
        Some(&holder.maybe_rx)
    );
    {
        let (mut tx_ref, mut rx_ref) = (&tx, &rx);
        sends!(&mut tx_ref, &&mut tx_ref, Some(&mut tx_ref));
        receives!(&mut rx_ref, &&mut rx_ref, Some(&mut rx_ref));
        let (tx_mut, rx_mut) = (&mut holder.maybe_tx, &mut holder.maybe_rx);
        sends!(tx_mut, &tx_mut, *tx_mut);
        receives!(rx_mut, &rx_mut, *rx_mut);
        let (tx_mut, rx_mut) = (tx_mut.as_mut(), rx_mut.as_mut());
        sends!(tx_mut, &tx_mut);
        receives!(rx_mut, &rx_mut);
    }
    holder.maybe_tx = None;
    holder.maybe_rx = None;
    tx.try_send(3).unwrap();
    let mut place = Some(1);
    select! {
        recv(holder.maybe_rx) -> _ => panic!("disabled"),
        recv(None::<&Receiver<u8>>) -> _ => panic!("disabled"),
        send(holder.maybe_tx, 1) -> _ => panic!("disabled"),
        send_from(holder.maybe_tx, place) -> _ => panic!("disabled"),
        recv(&&holder.maybe_rx) -> _ => panic!("disabled"),
        recv(Some(&None::<&Receiver<u8>>)) -> _ => panic!("disabled"),
        send(Some(&holder.maybe_tx), 1) -> _ => panic!("disabled"),
        default => {}
    }
}

#[test]
fn a_receiver_that_a_closure_lends_may_stand_as_it_is() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let (_idle, other) = bounded(1);
    tx.try_send(1).unwrap();
    let ready = |rx: &&&Receiver<u8>| select! { recv(rx) -> v => v.is_some(), default => false };
    assert_eq!([&other, &rx].iter().filter(ready).count(), 1);
    // What is received outlives the references on the way to the receiver.
    let value: Option<u8> = now(async {
        let lent = &&rx;
        let mut task = spawn(async {
            select! { recv(lent) -> v => v }
        });
        assert_pending!(task.poll());
        tx.try_send(2).unwrap();
        task.await
    });
    assert_eq!(value, Some(2));
    // And the task is still Send, whatever the value.
    fn forward<'a, T: Send>(from: &'a &'a Receiver<T>, to: &'a &'a Sender<T>) -> impl Future + Send + 'a {
        async move {
            select! { recv(from) -> v => select! { send(to, v.unwrap()) -> sent => sent.is_ok() } }
        }
    }
    tx.try_send(3).unwrap();
    now(forward(&&rx, &&tx));
    assert_eq!(rx.try_recv(), Ok(3));
}

#[test]
fn a_nil_channel_is_never_ready() {
    let _watch = watch();
    let (tx, rx) = never::<u8>();
    let mut task = spawn(async {
        select! { send(tx, 1) -> _ => 1, recv(rx) -> _ => 2 }
    });
    for _ in 0..3 {
        assert_pending!(task.poll());
    }
    assert!(!task.is_woken());
}

#[test]
fn values_may_borrow() {
    let _watch = watch();
    let text = String::from("some text");
    let (tx, rx) = bounded::<&str>(1);
    now(async {
        select! { send(tx, &text[5..]) -> sent => sent.unwrap() }
    });
    assert_eq!(rx.try_recv(), Ok("text"));
}

/// What a winning receive got goes back to its channel if a losing value panics in its drop.
#[test]
fn a_losing_value_that_panics_in_drop_costs_nothing() {
    let _watch = watch();
    for queued in [false, true] {
        let tally = Tally::new();
        let ((tx, rx), full) = (bounded(1), bounded(0));
        let mut task = spawn(Box::pin(async {
            select! {
                send(full.0, tally.bomb(1)) -> _ => unreachable!(),
                recv(rx) -> _ => unreachable!(),
            }
        }));
        if queued {
            assert_pending!(task.poll());
        }
        tx.try_send(tally.value(0)).unwrap_or_else(|_| unreachable!("there is room"));
        assert_eq!(panics(|| task.poll()), "value 1 panics in drop");
        drop(task);
        assert_eq!(rx.try_recv().unwrap().number, 0, "queued: {queued}");
        tally.check();
    }
}
