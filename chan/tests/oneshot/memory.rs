//! What it allocates: one piece, once.
use crate::allocs::{Allocated, NOTHING, allocated};
use dormouse_chan::oneshot;
use dormouse_testing::watch_for;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;
use tokio_test::task::spawn;

/// Whatever comes first and however it ends.
#[test]
fn one_allocation_and_nothing_is_kept() {
    let wakers = [spawn(()), spawn(())].map(|mut task| task.enter(|cx, _| cx.waker().clone()));
    let cxs = || wakers.each_ref().map(Context::from_waker);
    let once = |life: &dyn Fn()| assert_eq!(allocated(life).0, Allocated { times: 1, kept: 0 });
    once(&|| {
        let (tx, mut rx) = oneshot();
        tx.send(1).unwrap();
        assert!(Pin::new(&mut rx).poll(&mut cxs()[0]).is_ready());
    });
    once(&|| {
        let (tx, mut rx) = oneshot();
        for cx in &mut cxs() {
            assert!(Pin::new(&mut rx).poll(cx).is_pending());
        }
        tx.send(1).unwrap();
        assert!(Pin::new(&mut rx).poll(&mut cxs()[0]).is_ready());
    });
    once(&|| drop(oneshot::<u8>()));
    once(&|| {
        let (tx, rx) = oneshot::<u8>();
        drop(rx);
        drop(tx);
    });
    once(&|| {
        let (tx, rx) = oneshot();
        tx.send([0_u8; 1000]).unwrap();
        drop(rx);
    });
    once(&|| {
        let (tx, rx) = oneshot();
        drop(rx);
        tx.send([0_u8; 1000]).unwrap_err();
    });
    once(&|| {
        let (mut tx, mut rx) = oneshot::<u8>();
        for cx in &mut cxs() {
            assert!(Pin::new(&mut tx.closed()).poll(cx).is_pending());
            assert!(Pin::new(&mut rx).poll(cx).is_pending());
        }
        rx.close();
        drop((tx, rx));
    });
    once(&|| {
        let (mut tx, mut rx) = oneshot::<u8>();
        std::mem::forget(tx.closed());
        let mut closed = tx.closed();
        assert!(Pin::new(&mut closed).poll(&mut cxs()[0]).is_pending());
        std::mem::forget(closed);
        assert!(Pin::new(&mut rx).poll(&mut cxs()[1]).is_pending());
        drop((tx, rx));
    });
}

/// flume#88's rule: polls of one pending receiver are no waiters of their own.
#[test]
fn a_million_polls_allocate_nothing() {
    let _watch = watch_for(Duration::from_secs(300));
    let wakers = [spawn(()), spawn(())].map(|mut task| task.enter(|cx, _| cx.waker().clone()));
    let (mut tx, mut rx) = oneshot::<u8>();
    let (made, ()) = allocated(|| {
        for n in 0..1_000_000 {
            let cx = &mut Context::from_waker(&wakers[n % 2]);
            assert!(Pin::new(&mut rx).poll(cx).is_pending());
            assert!(Pin::new(&mut tx.closed()).poll(cx).is_pending());
        }
    });
    assert_eq!(made, NOTHING);
}
