//! crossfire: its spsc, mpsc and mpmc channels, each in the flavour that it documents for a capacity: `One` for 1, `Array`
//! for more, `List` for unbounded.
//!
//! Its `detect_backoff_cfg`, which it advises to call first, changes something on machines of one CPU only.
use super::shapes::copies;
use super::{Capacity, Channel, NO_RENDEZVOUS, ONE_RECEIVER, Shape};
use crossfire::{AsyncRx, AsyncTx, MAsyncRx, MAsyncTx, MTx, Tx, mpmc, mpsc, spsc};

/// Why a channel cannot be used so.
const ONE_SENDER: &str = "one sender only";

macro_rules! flavour {
    (
        $Crossfire:ident in $module:ident: $flavour:ident, $Tx:ident, $BlockingTx:ident, $Rx:ident,
        $supports:expr, $senders:expr, $receivers:expr
    ) => {
        pub(crate) struct $Crossfire;

        /// What the channels of this flavour have.
        pub(crate) mod $flavour {
            use super::*;

            pub(crate) enum Sender<T: Send + Unpin + 'static> {
                One($Tx<$module::One<T>>),
                Array($Tx<$module::Array<T>>),
                List($BlockingTx<$module::List<T>>), // never waits
            }

            pub(crate) enum Receiver<T: Send + Unpin + 'static> {
                One($Rx<$module::One<T>>),
                Array($Rx<$module::Array<T>>),
                List($Rx<$module::List<T>>),
            }
        }

        impl Channel for $Crossfire {
            const NAME: &'static str = "crossfire";
            const PEER: &'static str = "crossfire";

            type Sender<T: Send + Unpin + 'static> = $flavour::Sender<T>;
            type Receiver<T: Send + Unpin + 'static> = $flavour::Receiver<T>;

            fn supports(shape: Shape) -> Result<(), &'static str> {
                if shape.capacity == Capacity::Bounded(0) {
                    return Err(NO_RENDEZVOUS);
                }
                $supports(shape)
            }

            fn make<T: Send + Unpin + 'static>(
                shape: Shape,
            ) -> (Vec<$flavour::Sender<T>>, Vec<$flavour::Receiver<T>>) {
                use $flavour::{Receiver, Sender};
                match shape.capacity {
                    Capacity::Bounded(1) => {
                        let (sender, receiver) = $module::build($module::One::new());
                        ($senders(Sender::One, sender, shape), $receivers(Receiver::One, receiver, shape))
                    }
                    Capacity::Bounded(capacity) => {
                        let (sender, receiver) = $module::bounded_async(capacity);
                        ($senders(Sender::Array, sender, shape), $receivers(Receiver::Array, receiver, shape))
                    }
                    Capacity::Unbounded => {
                        let (sender, receiver) = $module::unbounded_async();
                        ($senders(Sender::List, sender, shape), $receivers(Receiver::List, receiver, shape))
                    }
                }
            }

            fn pair<T: Send + Unpin + 'static>(
                capacity: Capacity,
            ) -> ($flavour::Sender<T>, $flavour::Receiver<T>) {
                use $flavour::{Receiver, Sender};
                match capacity {
                    Capacity::Bounded(1) => {
                        let (sender, receiver) = $module::build($module::One::new());
                        (Sender::One(sender), Receiver::One(receiver))
                    }
                    Capacity::Bounded(capacity) => {
                        let (sender, receiver) = $module::bounded_async(capacity);
                        (Sender::Array(sender), Receiver::Array(receiver))
                    }
                    Capacity::Unbounded => {
                        let (sender, receiver) = $module::unbounded_async();
                        (Sender::List(sender), Receiver::List(receiver))
                    }
                }
            }

            #[inline(always)]
            async fn send<T: Send + Unpin + 'static>(sender: &mut $flavour::Sender<T>, value: T) {
                use $flavour::Sender;
                let sent = match sender {
                    Sender::One(sender) => sender.send(value).await,
                    Sender::Array(sender) => sender.send(value).await,
                    Sender::List(sender) => sender.send(value),
                };
                assert!(sent.is_ok(), "closed");
            }

            #[inline(always)]
            async fn recv<T: Send + Unpin + 'static>(receiver: &mut $flavour::Receiver<T>) -> Option<T> {
                use $flavour::Receiver;
                let received = match receiver {
                    Receiver::One(receiver) => receiver.recv().await,
                    Receiver::Array(receiver) => receiver.recv().await,
                    Receiver::List(receiver) => receiver.recv().await,
                };
                received.ok()
            }

            #[inline(always)]
            fn try_send<T: Send + Unpin + 'static>(sender: &mut $flavour::Sender<T>, value: T) -> bool {
                use $flavour::Sender;
                match sender {
                    Sender::One(sender) => sender.try_send(value).is_ok(),
                    Sender::Array(sender) => sender.try_send(value).is_ok(),
                    Sender::List(sender) => sender.send(value).is_ok(),
                }
            }

            #[inline(always)]
            fn try_recv<T: Send + Unpin + 'static>(receiver: &mut $flavour::Receiver<T>) -> Option<T> {
                use $flavour::Receiver;
                match receiver {
                    Receiver::One(receiver) => receiver.try_recv().ok(),
                    Receiver::Array(receiver) => receiver.try_recv().ok(),
                    Receiver::List(receiver) => receiver.try_recv().ok(),
                }
            }
        }
    };
}

flavour!(
    CrossfireSpsc in spsc: single, AsyncTx, Tx, AsyncRx, one_to_one, one, one
);
flavour!(
    CrossfireMpsc in mpsc: multi, MAsyncTx, MTx, AsyncRx, many_to_one, per_sender, one
);
flavour!(
    CrossfireMpmc in mpmc: many, MAsyncTx, MTx, MAsyncRx, many_to_many, per_sender, per_receiver
);

fn one_to_one(shape: Shape) -> Result<(), &'static str> {
    if shape.senders > 1 { Err(ONE_SENDER) } else { many_to_one(shape) }
}

fn many_to_one(shape: Shape) -> Result<(), &'static str> {
    if shape.receivers > 1 { Err(ONE_RECEIVER) } else { Ok(()) }
}

fn many_to_many(_: Shape) -> Result<(), &'static str> {
    Ok(())
}

fn one<H, E>(wrap: fn(H) -> E, handle: H, _: Shape) -> Vec<E> {
    vec![wrap(handle)]
}

fn per_sender<H: Clone, E>(wrap: fn(H) -> E, handle: H, shape: Shape) -> Vec<E> {
    copies(handle, shape.senders).into_iter().map(wrap).collect()
}

fn per_receiver<H: Clone, E>(wrap: fn(H) -> E, handle: H, shape: Shape) -> Vec<E> {
    copies(handle, shape.receivers).into_iter().map(wrap).collect()
}
