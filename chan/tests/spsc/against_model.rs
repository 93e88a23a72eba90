//! Random operations, polls and drops, against a plain queue.
use dormouse_chan::TryRecvError;
use dormouse_chan::spsc::{bounded, unbounded};
use dormouse_testing::watch;
use futures::FutureExt;
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug)]
enum Op {
    TrySend,
    /// Polled once, then dropped.
    Send,
    TryRecv,
    Recv,
    CloseSender,
    CloseReceiver,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        40 => Just(Op::TrySend),
        20 => Just(Op::Send),
        30 => Just(Op::TryRecv),
        20 => Just(Op::Recv),
        1 => Just(Op::CloseSender),
        1 => Just(Op::CloseReceiver),
    ]
}

proptest! {
    #[test]
    fn it_is_a_queue(capacity in prop_oneof![Just(None), (1_usize..70).prop_map(Some)], ops in prop::collection::vec(op(), 0..400)) {
        let _watch = watch();
        let (mut tx, mut rx) = capacity.map_or_else(unbounded, bounded);
        let (mut queue, mut closed) = (VecDeque::new(), false);
        for (op, n) in ops.into_iter().zip(0_u32..) {
            let room = queue.len() < capacity.unwrap_or(usize::MAX);
            match op {
                Op::TrySend => match tx.try_send(n) {
                    Ok(()) => {
                        prop_assert!(room && !closed);
                        queue.push_back(n);
                    }
                    Err(error) => {
                        prop_assert_eq!(error.is_closed(), closed);
                        prop_assert!(closed || !room);
                        prop_assert_eq!(error.into_inner(), n);
                    }
                },
                Op::Send => match tx.send(n).now_or_never() {
                    Some(Ok(())) => {
                        prop_assert!(room && !closed);
                        queue.push_back(n);
                    }
                    Some(Err(error)) => prop_assert!(closed && error.into_inner() == n),
                    None => prop_assert!(!room && !closed),
                },
                Op::TryRecv => match queue.pop_front() {
                    Some(value) => prop_assert_eq!(rx.try_recv(), Ok(value)),
                    None if closed => prop_assert_eq!(rx.try_recv(), Err(TryRecvError::Closed)),
                    None => prop_assert_eq!(rx.try_recv(), Err(TryRecvError::Empty)),
                },
                Op::Recv => match queue.pop_front() {
                    Some(value) => prop_assert_eq!(rx.recv().now_or_never(), Some(Some(value))),
                    None => prop_assert_eq!(rx.recv().now_or_never(), closed.then_some(None)),
                },
                Op::CloseSender => prop_assert_eq!(tx.close(), !std::mem::replace(&mut closed, true)),
                Op::CloseReceiver => prop_assert_eq!(rx.close(), !std::mem::replace(&mut closed, true)),
            }
            prop_assert_eq!((tx.len(), rx.len()), (queue.len(), queue.len()));
            prop_assert_eq!((tx.is_closed(), rx.is_closed()), (closed, closed));
        }
    }
}
