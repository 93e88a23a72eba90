//! Atomicity (F22): of three channels one has the token at every instant, as it is put into the next before it is taken out
//! of the last. Nobody who looks at all three finds nothing.
use super::*;
use crate::Select;

/// Calls `look` once, which may take the token, beside a task that moves it on.
fn beside_a_token(look: fn(&[Receiver<u32>; 3]) -> bool) {
    flow(move || {
        let chans = [(); 3].map(|()| bounded::<u32>(2));
        let first = thread_rng().gen_range(0..3);
        chans[first].0.try_send(0).unwrap();
        let rxs = chans.each_ref().map(|(_, rx)| rx.clone());
        let mover = spawn(async move {
            for n in first..first + 6 {
                chans[(n + 1) % 3].0.try_send(0).unwrap();
                let _ = chans[n % 3].1.try_recv();
            }
            chans
        });
        let looker = spawn(async move {
            pause().await;
            assert!(look(&rxs), "at every instant one of them had the token");
        });
        join(looker);
        join(mover);
    });
}

#[test]
fn token_default() {
    beside_a_token(|[a, b, c]| {
        let arm = select! {
            recv(a) -> value => value,
            recv(b) -> value => value,
            recv(c) -> value => value,
            default => None,
        };
        arm.is_some()
    });
}

#[test]
fn token_try_wait() {
    beside_a_token(|rxs| {
        let mut select = Select::new();
        for rx in rxs {
            select.recv(rx);
        }
        select.try_wait().is_some()
    });
}
