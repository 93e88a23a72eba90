//! Wakers that use the other half of the channel, or panic, from their clone, their wake and their drop.
use dormouse_chan::oneshot;
use dormouse_chan::oneshot::{Receiver, Sender};
use dormouse_testing::{Calls, Event, Tally, Value, hide_panics, watch};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

const CALLS: [Event; 3] = [Event::Clone, Event::Wake, Event::Drop];

/// A half that a waker uses while the other one is polled.
type Place<H> = Arc<Mutex<Option<H>>>;

fn take<H>(place: &Place<H>) -> Option<H> {
    place.lock().unwrap().take()
}

/// What a waker of the receiver does with the sender.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Look,
    End,
    /// Sends; or, of a receiver, closes.
    Use,
    /// Waits for the other half, and gives it up.
    Wait,
    Panic,
}

const ACTS: [Act; 5] = [Act::Look, Act::End, Act::Use, Act::Wait, Act::Panic];

fn act_with_sender(act: Act, place: &Place<Sender<Value>>, tally: &Tally) {
    if act == Act::Panic {
        panic!("a waker panics");
    }
    let Some(mut tx) = take(place) else { return };
    match act {
        Act::Look => drop((format!("{tx:?}"), tx.is_closed())),
        Act::End => return drop(tx),
        Act::Use => return drop(tx.send(tally.value(1))),
        Act::Wait => _ = Pin::new(&mut tx.closed()).poll(&mut Context::from_waker(Waker::noop())),
        Act::Panic => unreachable!(),
    }
    *place.lock().unwrap() = Some(tx);
}

fn act_with_receiver(act: Act, place: &Place<Receiver<Value>>) {
    if act == Act::Panic {
        panic!("a waker panics");
    }
    let Some(mut rx) = take(place) else { return };
    match act {
        Act::Look => drop((format!("{rx:?}"), rx.is_closed(), rx.try_recv())),
        Act::End => return drop(rx),
        Act::Use => _ = rx.close(),
        Act::Wait => {
            if Pin::new(&mut rx).poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                return;
            }
        }
        Act::Panic => unreachable!(),
    }
    *place.lock().unwrap() = Some(rx);
}

/// For each function of a waker and each act: `life` of a channel, with wakers that call `act` in that function. All that
/// was made is dropped after it, values and wakers.
fn each(mut life: impl FnMut(Event, Act, &dyn Fn(Box<dyn FnMut() + Send>) -> Waker)) {
    let _watch = watch();
    hide_panics("a waker panics");
    for event in CALLS {
        let mut reached = 0;
        for act in ACTS {
            let made = Mutex::new(Vec::new());
            let waker = |mut call: Box<dyn FnMut() + Send>| {
                let calls = Calls::new(move |now| {
                    if now == event {
                        call();
                    }
                });
                let waker = calls.waker();
                made.lock().unwrap().push(calls);
                waker
            };
            life(event, act, &waker);
            for calls in made.into_inner().unwrap() {
                calls.quiet();
                assert_eq!(calls.alive(), 0, "{event:?} {act:?}: a waker is left");
                reached += calls.hooked();
            }
        }
        assert!(reached > 0, "{event:?} was never reached");
    }
}

/// A poll. Only the waker's clone may make it panic.
fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker, event: Event) -> Option<F::Output> {
    let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(future).poll(&mut Context::from_waker(waker))));
    match polled {
        Ok(Poll::Ready(output)) => Some(output),
        Ok(Poll::Pending) => None,
        Err(_) => {
            assert_eq!(event, Event::Clone, "a panic of a waker's wake or drop came out of a poll");
            None
        }
    }
}

/// Drops the test's own waker, which may panic as well.
fn let_go(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
}

/// The ends of a receiver's life, after it has waited for two wakers.
#[test]
fn wakers_of_the_receiver() {
    type End = fn(&Place<Sender<Value>>, Receiver<Value>, &Tally) -> Option<u32>;
    let ends: [End; 4] = [
        |place, mut rx, tally| {
            let sent = take(place).map(|tx| tx.send(tally.value(2)).is_ok());
            let got = poll(&mut rx, Waker::noop(), Event::Drop)
                .expect("the sender is gone")
                .map(|value| value.number);
            assert!(got.is_some() || sent != Some(true), "sent, and lost");
            got
        },
        |place, mut rx, _| {
            drop(take(place));
            poll(&mut rx, Waker::noop(), Event::Drop).expect("the sender is gone").map(|value| value.number)
        },
        |_, rx, _| {
            drop(rx);
            None
        },
        |_, mut rx, _| {
            rx.close();
            poll(&mut rx, Waker::noop(), Event::Drop).expect("closed").map(|value| value.number)
        },
    ];
    for end in ends {
        each(|event, act, waker| {
            let tally = Tally::new();
            let (tx, mut rx) = oneshot();
            let place = Arc::new(Mutex::new(Some(tx)));
            let wakers = [(); 2].map(|()| {
                let (place, tally) = (place.clone(), tally.clone());
                waker(Box::new(move || act_with_sender(act, &place, &tally)))
            });
            let early = wakers.each_ref().iter().find_map(|waker| poll(&mut rx, waker, event));
            wakers.into_iter().for_each(let_go);
            match early {
                Some(value) => drop(value),
                None => _ = end(&place, rx, &tally),
            }
            drop(take(&place));
            tally.check();
        });
    }
}

/// The ends of a `closed`, after it has waited for two wakers.
#[test]
fn wakers_of_the_sender() {
    type End = fn(&Place<Receiver<Value>>, Sender<Value>, &Tally);
    let ends: [End; 4] = [
        |place, tx, tally| {
            drop(take(place));
            assert!(tx.send(tally.value(0)).is_err());
        },
        |place, tx, tally| {
            // Taken out: whoever is called back must not find it locked.
            let rx = take(place);
            let closed = rx.is_none_or(|mut rx| rx.close() || rx.is_closed());
            assert!(closed && tx.send(tally.value(0)).is_err());
        },
        |place, tx, tally| {
            let sent = tx.send(tally.value(0)).is_ok();
            let got = take(place).and_then(|mut rx| rx.try_recv().ok());
            assert_eq!(got.is_some(), sent);
        },
        |_, tx, _| drop(tx),
    ];
    for forget in [false, true] {
        for end in ends {
            each(|event, act, waker| {
                let tally = Tally::new();
                let (mut tx, rx) = oneshot();
                let place = Arc::new(Mutex::new(Some(rx)));
                let wakers = [(); 2].map(|()| {
                    let place = place.clone();
                    waker(Box::new(move || act_with_receiver(act, &place)))
                });
                let mut closed = tx.closed();
                let early = wakers.each_ref().iter().find_map(|waker| poll(&mut closed, waker, event));
                if forget {
                    std::mem::forget(closed)
                } else {
                    drop(closed)
                }
                assert!(early.is_none() || tx.is_closed());
                end(&place, tx, &tally);
                wakers.into_iter().for_each(let_go);
                drop(take(&place));
                tally.check();
            });
        }
    }
}

/// The value comes while the waker is cloned, and the clone, of no use any more, panics when it is dropped.
#[test]
fn the_end_comes_during_the_clone() {
    let _watch = watch();
    for waits in [false, true] {
        let (tx, mut rx) = oneshot();
        if waits {
            assert!(poll(&mut rx, Waker::noop(), Event::Drop).is_none());
        }
        let place = Mutex::new(Some(tx));
        let calls = Calls::new(move |event| match event {
            Event::Clone => place.lock().unwrap().take().unwrap().send(1).unwrap(),
            Event::Drop => panic!("a waker panics"),
            Event::Wake | Event::WakeByRef => unreachable!("nobody waited with it"),
        });
        let waker = calls.waker();
        assert_eq!(poll(&mut rx, &waker, Event::Drop), Some(Some(1)));
        calls.quiet();
        drop(waker);
        assert_eq!(calls.alive(), 0);
    }
}
