//! The shape of the code that `select!` expands to, on a stand-in for dormouse-chan: what it evaluates, in which
//! order; what bodies may do; what is dropped when; which patterns it takes; that nothing warns.
#![deny(warnings, clippy::all)]

mod mock;

use mock::{Chan, Noisy, SLOW, log, take_log};
use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What dormouse-chan defines, with the stand-in's path.
macro_rules! select {
    ($($t:tt)*) => { $crate::mock::__private::select_internal! { ($crate::mock) $($t)* } };
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[track_caller]
fn now<F: Future>(future: F) -> F::Output {
    match poll_once(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// The log of `test` when the first look decides, and when the engine does.
#[track_caller]
fn logs(test: impl Fn(), at_once: &str, by_engine: &str) {
    for (slow, expected) in [(false, at_once), (true, by_engine)] {
        SLOW.set(slow);
        test();
        assert_eq!(take_log(), expected);
    }
}

/// Notes that it is evaluated.
fn noted<T>(name: &str, value: T) -> T {
    log(name);
    value
}

/// A value is evaluated as `false`, noted.
fn no(name: &str) -> bool {
    noted(name, false)
}

fn yes(name: &str) -> bool {
    noted(name, true)
}

/// Pending `n` times, then ready.
fn after<T>(mut n: usize, value: T) -> impl Future<Output = T> {
    let mut value = Some(value);
    std::future::poll_fn(move |cx| {
        if n == 0 {
            return Poll::Ready(value.take().expect("polled again after it was ready"));
        }
        n -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[test]
fn preconditions_then_operands_then_the_wait_all_in_order() {
    let test = || {
        let (a, b) = (Chan::<u8>::default(), Chan::<u8>::default());
        let mut place = None;
        now(async {
            select! {
                biased;
                recv(noted("rx", &a)) -> _, if yes("c0") => unreachable!(),
                send(noted("tx", &b), noted("value", 1)) -> _, if no("c1") => unreachable!(),
                send_from(noted("tx2", &b), *noted("place", &mut place)) -> _, if no("c2") => unreachable!(),
                () = noted("future", ready(())), if yes("c3") => log("body"),
                () = noted("future2", ready(())), if no("c4") => unreachable!(),
            }
        });
    };
    logs(
        test,
        "c0 c1 c2 c3 c4 rx tx value tx2 place future future2 biased discard discard discard body",
        "c0 c1 c2 c3 c4 rx tx value tx2 place future future2 biased engine end discard discard discard body",
    );
}

#[test]
fn losers_go_in_order_before_the_output_is_taken_and_the_body_runs() {
    let test = || {
        let (a, b) = (Chan::with([7]), Chan::default());
        now(async {
            select! {
                send(b, Noisy("first")) -> _, if false => unreachable!(),
                recv(a) -> v => log(format!("body({v:?})")),
                send(b, Noisy("second")) -> _ => unreachable!(),
            }
        });
        assert!(b.0.into_inner().unwrap().is_empty());
    };
    logs(
        test,
        "random discard drop(first) discard discard drop(second) take body(Some(7))",
        "random engine end discard drop(first) discard drop(second) take body(Some(7))",
    );
}

#[test]
fn losing_futures_are_dropped_before_the_body() {
    let test = || {
        struct Waits(#[expect(dead_code)] Noisy);
        impl Future for Waits {
            type Output = ();
            fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
                Poll::Pending
            }
        }
        now(async {
            select! {
                () = Waits(Noisy("future")) => unreachable!(),
                v = ready(1) => log(format!("body({v})")),
            }
        });
    };
    logs(test, "random drop(future) body(1)", "random engine end drop(future) body(1)");
}

#[test]
fn temporaries_of_operands_are_gone_before_the_wait() {
    let test = || {
        fn through(_: &Noisy) -> std::future::Ready<u8> {
            ready(1)
        }
        let a = Chan::with([1]);
        let of = |_: &Noisy| &a;
        now(async {
            select! {
                biased;
                recv(of(&Noisy("operand"))) -> _, if false => unreachable!(),
                _ = through(&Noisy("future")) => log("body"),
            }
        });
    };
    logs(
        test,
        "drop(operand) drop(future) biased discard body",
        "drop(operand) drop(future) biased engine end discard body",
    );
}

#[test]
fn channels_may_be_places_references_and_options() {
    struct Holder {
        a: Chan<u8>,
    }
    let holder = Holder { a: Chan::with([1, 2, 3]) };
    let reference = &holder.a;
    let none: Option<&Chan<u8>> = None;
    let mut got = Vec::new();
    for i in 0..3 {
        got.push(now(async {
            select! {
                recv(none) -> _ => unreachable!(),
                recv(holder.a) -> v, if i == 0 => v,
                recv(reference) -> v, if i == 1 => v,
                recv(Some(&holder.a)) -> v => v,
            }
        }));
    }
    assert_eq!(got, [Some(1), Some(2), Some(3)]);
}

#[test]
fn send_from_takes_only_if_it_wins() {
    let (a, b) = (Chan::with([1]), Chan::default());
    let mut place = Some(9);
    for round in 0..2 {
        now(async {
            select! {
                recv(a) -> _ => assert_eq!((round, place), (0, Some(9))),
                send_from(b, place) -> sent => assert_eq!((round, sent, place), (1, Ok(()), None)),
                else => unreachable!(),
            }
        });
    }
    assert_eq!(b.values(), [9]);
    now(async {
        select! { send_from(b, place) -> _ => unreachable!(), else => log("else") }
    });
    assert!(take_log().ends_with("else"));
}

#[test]
fn a_future_whose_pattern_fails_is_disabled() {
    let test = || {
        let refused = || async { None::<Noisy> };
        let mut accepted = None;
        now(async {
            select! {
                Some(_) = refused() => unreachable!(),
                Err(Noisy("no")) = async { Err::<(), _>(Noisy("refused")) } => unreachable!(),
                Some(name) = async { Some(String::from("taken")) } => accepted = Some(name),
            }
        });
        assert_eq!(accepted.as_deref(), Some("taken"));
    };
    logs(test, "random drop(refused)", "random engine drop(refused) end");
}

#[test]
fn a_disabled_future_is_never_polled_again() {
    let mut future = pin!(async {
        select! {
            Some(()) = ready(None::<()>) => unreachable!(),
            v = after(3, 5) => v,
        }
    });
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        assert!(future.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(future.as_mut().poll(&mut cx), Poll::Ready(5));
}

#[test]
fn patterns_bind_by_value_by_reference_and_mutably() {
    #[derive(Debug)]
    struct Owned(String);
    let made = || ready(Some(Owned("x".into())));
    now(async {
        let moved = select! { Some(owned) = made() => owned };
        assert_eq!(moved.0, "x");
        let grown = select! { Some(mut owned) = made() => { owned.0.push('y'); owned } };
        assert_eq!(grown.0, "xy");
        let len = select! { Some(ref owned) = made() => owned.0.len() };
        assert_eq!(len, 1);
        let pushed = select! { Some(ref mut owned) = made() => { owned.0.push('z'); owned.0.clone() } };
        assert_eq!(pushed, "xz");
        let field = select! { whole @ Some(_) = made() => whole };
        assert!(field.is_some());
        let either = select! { Ok(n) | Err(n) = ready(Err::<u8, u8>(3)) => n };
        assert_eq!(either, 3);
        let literal = select! { ("go", 1..=5) = ready(("go", 4)) => true, else => false };
        assert!(literal);
        let (x, Owned(y)) = select! { (x, Owned(y)) = ready((1, Owned("o".into()))) => (x, Owned(y)) };
        assert_eq!((x, y.as_str()), (1, "o"));
    });
}

#[test]
fn channel_patterns_may_take_the_value_apart() {
    let a = Chan::with([(1, String::from("one"))]);
    let b = Chan::default();
    now(async {
        select! { recv(a) -> mut v => assert_eq!(v.take().unwrap().1, "one") }
        select! { send(b, 1) -> Ok(()) | Err(_) => {} }
        select! { send(b, 1) -> ref sent => assert!(sent.is_ok()) }
    });
}

#[test]
fn bodies_may_break_continue_return_and_ask() {
    async fn run(a: &Chan<i32>, done: &Chan<()>) -> Result<i32, std::num::ParseIntError> {
        let mut sum = 0;
        let name = 'outer: loop {
            select! {
                biased;
                recv(a) -> v => match v {
                    Some(0) => break 'outer "zero",
                    Some(n) if n < 0 => return Ok(n),
                    Some(100) => { sum += "no number".parse::<i32>()?; }
                    Some(n) if n % 2 == 1 => continue,
                    Some(n) => { sum += async { n }.await; }
                    None => unreachable!(),
                },
                recv(done) -> _ => break "done",
                else => unreachable!(),
            };
        };
        assert_eq!(name, "zero");
        Ok(sum)
    }
    let none = Chan::default();
    assert_eq!(now(run(&Chan::with([1, 2, 3, 4, 0]), &none)), Ok(6));
    assert_eq!(now(run(&Chan::with([2, -5]), &none)), Ok(-5));
    assert!(now(run(&Chan::with([100]), &none)).is_err());
}

#[test]
fn operands_may_ask_and_await_too() {
    async fn run(text: &str) -> Result<u8, std::num::ParseIntError> {
        let a = Chan::default();
        Ok(select! { send(a, text.parse::<u8>()?) -> _ => async { a.values()[0] }.await })
    }
    assert_eq!(now(run("5")), Ok(5));
    assert!(now(run("five")).is_err());
}

#[test]
fn bodies_borrow_what_operands_borrowed() {
    let mut a = Chan::with([1, 2]);
    let mut place = Some(3);
    let mut seen = Vec::new();
    let mut state = String::new();
    now(async {
        select! {
            recv(a) -> v => { seen.extend(v); a.0.get_mut().unwrap().clear(); place = None; }
            send_from(a, place) -> _ => { seen.clear(); place = Some(4); drop(a); }
            () = async { state.push('x') } => state.clear(),
        }
    });
    assert_eq!((seen, place), (vec![1], None));
}

#[test]
fn default_with_channel_arms_needs_no_async() {
    fn try_recv(a: &Chan<u8>) -> Result<u8, &'static str> {
        select! {
            recv(a) -> v => Ok(v.unwrap()),
            default => Err("empty"),
        }
    }
    assert_eq!(try_recv(&Chan::with([3])), Ok(3));
    assert_eq!(try_recv(&Chan::default()), Err("empty"));
    let (a, b, c) = (Chan::<u8>::default(), Chan::<u8>::default(), Chan::default());
    for (on, expected) in [(false, 0), (true, 3)] {
        let two = select! { recv(a) -> _ => 1, recv(b) -> _ => 2, default => 0 };
        let three =
            select! { recv(a) -> _ => 1, recv(b) -> _ => 2, send(c, 5) -> _, if on => 3, default => 0 };
        assert_eq!((two, three), (0, expected));
    }
    let alone: u8 = select! { default => 4 };
    assert_eq!(alone, 4);
}

#[test]
fn default_with_futures_polls_them_once() {
    let run = |n| async move {
        select! { v = after(n, 1) => v, default => 0 }
    };
    assert_eq!((now(run(0)), now(run(1))), (1, 0));
}

#[test]
fn else_is_for_no_arm_enabled() {
    let a = Chan::<u8>::default();
    let run = |on| {
        let a = &a;
        async move {
            select! { recv(a) -> _, if on => 1, () = pending(), if on => 2, else => 3 }
        }
    };
    assert_eq!(now(run(false)), 3);
    assert!(poll_once(run(true)).is_pending());
    let both: u8 = select! { recv(a) -> _, if false => 1, default => 2, else => 3 };
    assert_eq!(both, 3);
}

#[test]
fn the_engine_learns_the_users_line() {
    let a = Chan::<u8>::default();
    SLOW.set(true);
    let line = line!() + 1;
    let () = select! {
        recv(a) -> _ => (),
        default => (),
    };
    assert_eq!(mock::LINE.get(), line);
}

#[test]
fn no_arm_waits_for_ever() {
    assert!(
        poll_once(async {
            select! {}
        })
        .is_pending()
    );
    let never = async || -> u8 {
        select! { biased; }
    };
    assert!(poll_once(never()).is_pending());
}

#[test]
fn bodies_may_differ_in_how_they_end() {
    let run = |n: u8| async move {
        let v: &str = select! {
            v = ready(n), if n < 3 => match v { 0 => "zero", _ => return "other" },
            _ = ready(()), if n < 3 => if n == 0 { "a" } else { "b" }
            else => panic!("none")
        };
        v
    };
    assert_eq!((now(run(0)), now(run(1))), ("zero", "other"));
}

#[test]
fn outputs_that_cannot_be_are_fine() {
    async fn never() -> Infallible {
        pending().await
    }
    let v = now(async {
        select! {
            v = never() => match v {},
            v = ready(1) => v,
        }
    });
    assert_eq!(v, 1);
}

#[test]
fn bodies_may_hold_temporaries_of_the_pattern() {
    // In edition 2021 temporaries of a block's last expression outlive the block's bindings.
    let shared = Rc::new(std::cell::RefCell::new(5));
    let v = now(async {
        select! { cell = ready(shared.clone()) => *cell.borrow() }
    });
    assert_eq!(v, 5);
}

#[test]
fn selects_nest() {
    let (a, b) = (Chan::with([1, 2]), Chan::with([10]));
    let v = now(async {
        select! {
            recv(a) -> x => {
                let y = select! { recv(b) -> y => y.unwrap() + x.unwrap() };
                y + select! { recv(a) -> z => z.unwrap(), default => 100 }
            }
            v = async { select! { recv(b) -> v => v.unwrap() } } => v,
        }
    });
    assert_eq!(v, 13);
}

#[test]
fn names_of_ours_do_not_meet_the_users() {
    let (claim, select, outcome, value, matches, out, cx) = (1, 2, 3, 4, 5, 6, 7);
    let a0 = Chan::with([8]);
    let (c0, f1, e1, o1, p1) = (true, ready(9), 10, 11, 12);
    let sum = now(async {
        // Straight, without the hygiene that `select!` itself adds.
        mock::__private::select_internal! {
            (crate::mock)
            biased;
            recv(a0) -> v, if c0 => v.unwrap() + claim + select + outcome + value + matches + out + cx,
            v = f1 => v + e1 + o1 + p1,
        }
    });
    assert_eq!(sum, 36);
}

#[test]
fn whatever_turns_into_a_future_is_one() {
    struct Request(u8);
    impl std::future::IntoFuture for Request {
        type Output = u8;
        type IntoFuture = std::future::Ready<u8>;
        fn into_future(self) -> Self::IntoFuture {
            ready(self.0)
        }
    }
    assert_eq!(
        now(async {
            select! { v = Request(6) => v }
        }),
        6
    );
}

#[test]
fn user_macros_may_build_selects() {
    macro_rules! race {
        ($chan:expr, $pattern:pat = $future:expr, $condition:expr => $body:block, $other:expr) => {
            select! { biased; recv($chan) -> _ => $other, $pattern = $future, if $condition => $body }
        };
    }
    let a = Chan::<u8>::default();
    let v = now(async { race!(&a, Some(_) | None = ready(Some(1)), 1 + 1 == 2 => { "block" }, "other") });
    assert_eq!(v, "block");
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn a_select_is_send_when_its_parts_are() {
    let (a, b) = (Chan::with([String::new()]), Chan::<String>::default());
    let mut place = Some(String::new());
    now(is_send(async {
        select! {
            recv(a) -> v => { async {}.await; drop(v); }
            send(b, String::new()) -> _ => async {}.await,
            send_from(b, place) -> _ => {}
            Some(v) = ready(Some(1)) => { async {}.await; let _ = v; }
        }
    }));
}

#[test]
fn an_output_need_not_be_send_if_its_body_does_not_wait() {
    struct NotSend;
    impl Future for NotSend {
        type Output = Rc<u8>;
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Rc<u8>> {
            Poll::Ready(Rc::new(1))
        }
    }
    let v = now(is_send(async {
        select! { v = NotSend => *v, () = pending() => 2 }
    }));
    assert_eq!(v, 1);
}

#[test]
fn an_ignored_guard_is_held_by_the_body() {
    let mutex = std::sync::Mutex::new(1);
    let lock = async || mutex.lock().unwrap();
    now(async {
        select! { _ = lock() => assert!(mutex.try_lock().is_err()) }
        select! { _ = ready(Noisy("ignored")) => log("body") }
    });
    assert!(take_log().ends_with("body drop(ignored)"));
}

#[test]
fn sixty_four_arms() {
    let c: Vec<Chan<u32>> = (0..64).map(|_| Chan::default()).collect();
    macro_rules! big {
        ($($i:literal)*) => { select! { $(recv(c[$i]) -> v => ($i, v),)* default => (99, None) } };
    }
    for i in [0, 1, 62, 63] {
        c[i].0.lock().unwrap().push_back(5);
        let got = big!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
            35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
        assert_eq!(got, (i, Some(5)));
    }
}

#[test]
fn sixty_four_futures() {
    macro_rules! big {
        ($n:ident, $($i:literal)*) => { now(async { select! { $(v = ready($i), if $n == $i => v + 1,)* } }) };
    }
    for n in [0, 63] {
        let got = big!(n, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33
            34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
        assert_eq!(got, n + 1);
    }
}

/// All of it again where the first look decides nothing. (Beside futures alone, a `default` leaves the engine nothing.)
#[test]
fn by_the_engine_as_at_once() {
    let tests: &[fn()] = &[
        channels_may_be_places_references_and_options,
        send_from_takes_only_if_it_wins,
        a_disabled_future_is_never_polled_again,
        patterns_bind_by_value_by_reference_and_mutably,
        channel_patterns_may_take_the_value_apart,
        bodies_may_break_continue_return_and_ask,
        operands_may_ask_and_await_too,
        bodies_borrow_what_operands_borrowed,
        default_with_channel_arms_needs_no_async,
        else_is_for_no_arm_enabled,
        no_arm_waits_for_ever,
        bodies_may_differ_in_how_they_end,
        outputs_that_cannot_be_are_fine,
        bodies_may_hold_temporaries_of_the_pattern,
        selects_nest,
        names_of_ours_do_not_meet_the_users,
        whatever_turns_into_a_future_is_one,
        user_macros_may_build_selects,
        a_select_is_send_when_its_parts_are,
        an_output_need_not_be_send_if_its_body_does_not_wait,
        an_ignored_guard_is_held_by_the_body,
        sixty_four_arms,
        sixty_four_futures,
    ];
    for test in tests {
        SLOW.set(true);
        take_log();
        test();
    }
}
