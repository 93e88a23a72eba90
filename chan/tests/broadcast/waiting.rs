//! `Overflow::Wait`: a send waits for the slowest receiver, first come, first served. And receivers that wait.
use crate::kit::{Items, all, drain};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::{Overflow, SendError, TryRecvError};
use dormouse_testing::{Calls, Count, Event, watch};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn a_send_waits_for_the_slowest_receiver() {
    let _watch = watch();
    let (tx, mut slow) = broadcast(2, Overflow::Wait);
    let mut fast = tx.subscribe();
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    let mut send = spawn(tx.send(3));
    assert_pending!(send.poll());
    assert_eq!(all(&mut fast), [1, 2]);
    assert!(!send.is_woken(), "the slow one has taken nothing");
    assert_eq!(slow.try_recv(), Ok(1));
    assert!(send.is_woken());
    assert_eq!(fast.try_recv(), Ok(3), "it is sent, though its task has not run yet");
    assert_ready_eq!(send.poll(), Ok(()));
    assert_eq!(all(&mut slow), [2, 3]);
}

#[test]
fn senders_are_served_in_the_order_in_which_they_came_and_nobody_overtakes_them() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    tx.try_send(0).unwrap();
    let mut sends: Vec<_> = (1..=3).map(|n| spawn(tx.send(n))).collect();
    sends.iter_mut().for_each(|send| assert_pending!(send.poll()));
    for n in 0..4 {
        assert_eq!(tx.try_send(9), Err(SendError::Full(9)));
        let mut late = spawn(tx.send(9));
        assert_pending!(late.poll());
        drop(late);
        assert_eq!(rx.try_recv(), Ok(n));
        let woken: Vec<bool> = sends.iter().map(|send| send.is_woken()).collect();
        assert_eq!(woken, [true, n >= 1, n >= 2], "one place, one sender");
    }
    for send in &mut sends {
        assert_ready_eq!(send.poll(), Ok(()));
    }
}

/// The last receiver goes, and between the sections in which the many senders are told, a new one comes: who has not been
/// told by then still comes before a newcomer, and in order.
#[test]
fn a_new_receiver_between_two_batches_finds_the_senders_in_their_order() {
    let _watch = watch();
    let (tx, rx) = broadcast(1, Overflow::Wait);
    tx.try_send(0).unwrap();
    let new = Arc::new(Mutex::new(None));
    let (sender, place) = (tx.clone(), new.clone());
    let first = Calls::new(move |event| {
        if event == Event::Wake {
            *place.lock().unwrap() = Some(sender.subscribe());
            assert_eq!(sender.try_send(999), Err(SendError::Full(999)));
        }
    });
    let mut sends: Vec<_> = (1..=40).map(|n| Box::pin(tx.send(n))).collect();
    let mut wakers: Vec<_> = (0..39).map(|_| Count::new()).collect();
    assert!(sends[0].as_mut().poll(&mut Context::from_waker(&first.waker())).is_pending());
    for (send, (_, waker)) in sends[1..].iter_mut().zip(&mut wakers) {
        assert!(send.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    drop(rx);
    let outcomes: Vec<_> = sends.iter_mut().map(|send| spawn(send.as_mut()).poll()).collect();
    let served = outcomes.iter().filter(|poll| poll.is_ready()).count();
    assert_eq!(served, 33, "a batch is told, and one has the room");
    for (n, outcome) in outcomes.into_iter().take(served).enumerate() {
        let number = n as i32 + 1;
        assert_ready_eq!(outcome, if n < 32 { Err(SendError::NoReceivers(number)) } else { Ok(()) });
    }
    let mut rx = new.lock().unwrap().take().unwrap();
    assert_eq!(all(&mut rx), (33..=40).collect::<Vec<_>>());
}

#[test]
fn a_dropped_receiver_makes_room_for_all_who_wait() {
    let _watch = watch();
    let items = Items::default();
    let (tx, slow) = broadcast(100, Overflow::Wait);
    let mut stays = tx.subscribe();
    (0..100).for_each(|n| tx.try_send(items.item(n)).unwrap());
    assert_eq!(drain(&mut stays).len(), 100);
    let mut sends: Vec<_> = (100..300).map(|n| spawn(tx.send(items.item(n)))).collect();
    sends.iter_mut().for_each(|send| assert_pending!(send.poll()));
    drop(slow);
    let woken = sends.iter().take_while(|send| send.is_woken()).count();
    assert_eq!((woken, tx.len()), (100, 100));
    assert_eq!(drain(&mut stays), (100..300).collect::<Vec<_>>());
    assert!(sends.iter().all(|send| send.is_woken()));
    drop(sends);
    assert_eq!(items.alive(), 0);
}

#[test]
fn a_new_receiver_sees_what_waits_to_be_sent() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    tx.try_send(1).unwrap();
    let mut send = spawn(tx.send(2));
    assert_pending!(send.poll());
    let mut new = tx.subscribe();
    assert_eq!(new.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!((new.try_recv(), rx.try_recv()), (Ok(2), Ok(2)));
    assert_ready_eq!(send.poll(), Ok(()));
}

/// A task that is polled where it is woken.
struct Eager<F>(Mutex<Option<Pin<Box<F>>>>, Count);

impl<F: Future<Output = ()> + Send + 'static> Wake for Eager<F> {
    fn wake(self: Arc<Self>) {
        self.1.add();
        self.run();
    }
}

impl<F: Future<Output = ()> + Send + 'static> Eager<F> {
    fn start(future: F) -> Arc<Self> {
        let task = Arc::new(Eager(Mutex::new(Some(Box::pin(future))), Count::default()));
        task.run();
        task
    }

    fn run(self: &Arc<Self>) {
        let Ok(mut place) = self.0.try_lock() else { return };
        let waker = Waker::from(self.clone());
        if let Some(future) = place.as_mut()
            && future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        {
            *place = None;
        }
    }
}

/// Each value wakes each waiting receiver once, also those who receive and wait again while the rest is being woken.
#[test]
fn more_wait_than_one_batch_wakes() {
    let _watch = watch();
    const MANY: usize = 100;
    let (tx, rx) = broadcast(4, Overflow::Wait);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..MANY)
        .map(|n| {
            let (mut rx, seen) = (tx.subscribe(), seen.clone());
            Eager::start(async move {
                while let Ok(value) = rx.recv().await {
                    seen.lock().unwrap().push((value, n));
                }
            })
        })
        .collect();
    drop(rx);
    for value in 1..=3 {
        tx.try_send(value).unwrap();
        assert!(tasks.iter().all(|task| task.1.get() == value), "one wake-up each");
        let expected: Vec<_> = (0..MANY).map(|n| (value, n)).collect();
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), expected, "longest-waiting first");
    }
    tx.close();
    assert!(tasks.iter().all(|task| task.1.get() == 4 && task.0.lock().unwrap().is_none()));
}

/// The room is there when a value is taken, not when it is copied.
#[test]
fn a_slow_clone_holds_nobody_up() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut a) = broadcast(1, Overflow::Wait);
    let mut b = tx.subscribe();
    let mut c = tx.subscribe();
    tx.try_send(items.item(0)).unwrap();
    let mut send = spawn(tx.send(items.item(1)));
    assert_pending!(send.poll());
    let others = Arc::new(Mutex::new(Vec::new()));
    let got = others.clone();
    items.on_clone(move |_| {
        // While `a` copies value 0, the others have it and the next.
        got.lock().unwrap().extend([b.try_recv(), c.try_recv(), b.try_recv(), c.try_recv()]);
    });
    assert_eq!(a.try_recv().unwrap().number, 0);
    items.quiet();
    assert!(send.is_woken());
    let got: Vec<_> = others.lock().unwrap().drain(..).map(|item| item.unwrap().number).collect();
    assert_eq!(got, [0, 0, 1, 1]);
    assert_eq!(drain(&mut a), [1]);
    drop(send);
    assert_eq!(items.alive(), 0);
}

#[test]
fn plain_threads_wait_too() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    let mut other = tx.subscribe();
    let sender = thread::spawn(move || {
        (0..100).for_each(|n| tx.send_blocking(n).unwrap());
        tx.send_blocking(100)
    });
    let receiver =
        thread::spawn(move || (0..101).map(|_| other.recv_blocking().unwrap()).collect::<Vec<_>>());
    assert!((0..=100).all(|n| rx.recv_blocking() == Ok(n)));
    assert_eq!(receiver.join().unwrap(), (0..=100).collect::<Vec<_>>());
    sender.join().unwrap().unwrap();
    assert!(rx.recv_blocking().is_err());
}
