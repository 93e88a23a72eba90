//! Bodies may do what code between awaits may; the whole stands in any task of any runtime.
use crate::now;
use dormouse_chan::{Receiver, Sender, bounded, select, unbounded};
use dormouse_testing::watch;
use futures::FutureExt;
use std::future::{pending, ready};
use std::pin::pin;
use std::rc::Rc;

#[test]
fn they_break_continue_and_return() {
    let _watch = watch();
    let (tx, rx) = bounded(10);
    (0..10).for_each(|n| tx.try_send(n).unwrap());
    let mut odd = Vec::new();
    let last = now(async {
        'outer: loop {
            loop {
                select! {
                    recv(rx) -> v => match v.unwrap() {
                        n if n % 2 == 0 => continue,
                        7 => break 'outer 7,
                        5 => break,
                        n => odd.push(n),
                    }
                    () = pending() => return 0,
                }
            }
        }
    });
    assert_eq!((last, odd), (7, vec![1, 3]));

    fn first(rx: &Receiver<u8>) -> Option<u8> {
        loop {
            select! {
                recv(rx) -> v => if v? > 3 { return v },
                default => return Some(0),
            }
        }
    }
    let (tx, rx) = bounded(3);
    [1, 5, 2].into_iter().for_each(|n| tx.try_send(n).unwrap());
    assert_eq!((first(&rx), first(&rx)), (Some(5), Some(0)));
    drop(tx);
    assert_eq!(first(&rx), None);
}

#[test]
fn they_use_the_question_mark() {
    let _watch = watch();
    async fn forward(rx: &Receiver<&str>, tx: &Sender<i32>) -> Result<bool, Box<dyn std::error::Error>> {
        select! {
            recv(rx) -> text => {
                let Some(text) = text else { return Ok(false) };
                let number = text.parse()?;
                tx.try_send(number).map_err(|_| "no room")?;
                Ok(true)
            }
        }
    }
    let ((text_tx, text), (tx, rx)) = (bounded(3), bounded(1));
    ["12", "x", "13"].into_iter().for_each(|text| text_tx.try_send(text).unwrap());
    assert!(now(forward(&text, &tx)).unwrap());
    assert!(now(forward(&text, &tx)).unwrap_err().to_string().contains("invalid digit"));
    assert_eq!(now(forward(&text, &tx)).unwrap_err().to_string(), "no room");
    drop(text_tx);
    assert!(!now(forward(&text, &tx)).unwrap());
    assert_eq!(rx.try_recv(), Ok(12));
}

#[test]
fn they_await_and_use_what_the_operands_borrowed() {
    let _watch = watch();
    let ((tx, rx), (out, sink)) = (bounded(2), bounded(2));
    let mut place = Some(9);
    now(async {
        tx.send(1).await.unwrap();
        select! {
            biased;
            recv(rx) -> v => {
                out.send(v.unwrap()).await.unwrap();
                place = place.take().map(|n| n + 1);
                tx.send(2).await.unwrap();
                assert_eq!(rx.recv().await, Some(2));
            }
            send_from(out, place) -> _ => unreachable!(),
        }
    });
    assert_eq!((sink.try_recv(), place), (Ok(1), Some(10)));
}

#[test]
fn a_future_may_outlive_the_select() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut turns = 0;
    let countdown = std::future::poll_fn(move |_| {
        turns += 1;
        if turns < 4 { std::task::Poll::Pending } else { std::task::Poll::Ready("done") }
    });
    let mut countdown = pin!(countdown);
    let mut got = Vec::new();
    let mut task = tokio_test::task::spawn(async {
        loop {
            select! {
                end = &mut countdown => break end,
                recv(rx) -> v => got.push(v.unwrap()),
            }
        }
    });
    assert!(task.poll().is_pending()); // 1
    tx.try_send(1).unwrap();
    assert!(task.poll().is_pending()); // won; then 2
    assert!(task.poll().is_pending()); // 3
    tx.try_send(2).unwrap();
    assert_eq!(task.poll(), std::task::Poll::Ready("done")); // won; then 4
    drop(task);
    assert_eq!(got, [1, 2]);
}

#[test]
fn they_nest() {
    let _watch = watch();
    let (tx, rx) = bounded(3);
    (0..3).for_each(|n| tx.try_send(n).unwrap());
    let got = now(async {
        select! {
            recv(rx) -> first => {
                let second = select! { recv(rx) -> v => v, default => None };
                select! {
                    sum = async { select! { recv(rx) -> third => first.unwrap() + second.unwrap() + third.unwrap() } } => sum,
                }
            }
        }
    });
    assert_eq!(got, 3);
}

#[test]
fn their_values_have_any_type() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    let text: &str = select! { recv(rx) -> _ => "received", default => "nothing" };
    assert_eq!(text, "received");
    let () = select! { recv(rx) -> _ => unreachable!(), default => () };
    let number =
        1 + select! { send(tx, 5) -> sent => match sent { Ok(()) => 1, Err(_) => 2 }, default => panic!() };
    assert_eq!(number, 2);
    let (Ok(n) | Err(n)) =
        select! { recv(rx) -> Some(5) | Some(_) | None => Ok::<u8, u8>(1), default => Err(2) };
    assert_eq!(n, 1);
}

/// Any task of a work-stealing runtime: the future is Send.
#[test]
fn a_select_is_send() {
    let _watch = watch();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let sum = runtime.block_on(async {
        let ((tx, rx), (quit, quitting)) = (bounded(0), bounded::<()>(0));
        let (result_tx, result) = unbounded();
        tokio::spawn(async move {
            let mut sum = 0;
            let mut spare: Option<String> = Some("kept over the wait".into());
            let (unused, _unused) = bounded::<String>(0);
            loop {
                select! {
                    recv(rx) -> v => sum += v.unwrap(),
                    send_from(unused, spare) -> _ => unreachable!(),
                    () = pending::<()>() => unreachable!(),
                    recv(quitting) -> _ => break,
                }
            }
            result_tx.send((sum, spare)).await.unwrap();
        });
        for n in 1..=100 {
            tx.send(n).await.unwrap();
        }
        drop(quit);
        result.recv().await.unwrap()
    });
    assert_eq!(sum, (5050, Some("kept over the wait".into())));
}

/// Values that are not Send, on one thread.
#[test]
fn a_select_takes_local_values() {
    let _watch = watch();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let local = tokio::task::LocalSet::new();
    let sum = local.block_on(&runtime, async {
        let ((tx, rx), (back_tx, back)) = (bounded(0), bounded(0));
        tokio::task::spawn_local(async move {
            while let Some(value) = rx.recv().await {
                let value: Rc<i32> = value;
                select! {
                    send(back_tx, Rc::new(*value * 2)) -> sent => sent.unwrap(),
                    never = pending::<Rc<i32>>() => drop(never),
                }
            }
        });
        let mut sum = 0;
        for n in 1..=10 {
            select! { send(tx, Rc::new(n)) -> sent => sent.unwrap() }
            sum += *back.recv().await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 110);
}

/// The futures of this crate in the `select!` of another: a loser loses nothing.
#[test]
fn the_futures_select_takes_our_futures() {
    let _watch = watch();
    futures::executor::block_on(async {
        let ((a_tx, a), (b_tx, b)) = (bounded(1), bounded(1));
        a_tx.try_send(1).unwrap();
        b_tx.try_send(2).unwrap();
        let mut sum = 0;
        for _ in 0..2 {
            let (mut from_a, mut from_b) = (pin!(a.recv()), pin!(b.recv()));
            futures::select! {
                v = from_a => sum += v.unwrap(),
                v = from_b => sum += v.unwrap(),
            }
        }
        assert_eq!(sum + a.try_recv().unwrap_or(0) + b.try_recv().unwrap_or(0), 3);
        let mut send = pin!(a_tx.send(3).fuse());
        futures::select_biased! {
            sent = send => sent.unwrap(),
            () = ready(()).fuse() => unreachable!(),
        }
        assert_eq!(a.try_recv(), Ok(3));
    });
}
