//! The two forms in which libraries offer their channels, so that a library's file says only what is its own.
//!
//! Macros, as the types of senders and receivers are the libraries' own, and no wrapper is to be measured.
use std::future::Future;

/// `count` handles: clones, and the first one itself.
pub(super) fn copies<H: Clone>(first: H, count: usize) -> Vec<H> {
    vec![first; count]
}

/// What a send must come to.
#[inline(always)]
pub(super) async fn sent<E>(sending: impl Future<Output = Result<(), E>> + Send) {
    assert!(sending.await.is_ok(), "closed");
}

/// What a receive may come to.
#[inline(always)]
pub(super) async fn received<T, E>(receiving: impl Future<Output = Result<T, E>> + Send) -> Option<T> {
    receiving.await.ok()
}

/// One kind of sender and one of receiver for all capacities, both of which can be cloned: the types, how each kind of
/// channel is made, and how each operation is written.
macro_rules! clonable_ends {
    (
        $Sender:ident, $Receiver:ident, $bounded:path, $unbounded:path,
        send: |$s:ident, $v:ident| $send:expr,
        recv: |$r:ident| $recv:expr,
        try_send: |$ts:ident, $tv:ident| $try_send:expr,
        try_recv: |$tr:ident| $try_recv:expr,
    ) => {
        type Sender<T: Send + Unpin + 'static> = $Sender<T>;
        type Receiver<T: Send + Unpin + 'static> = $Receiver<T>;

        fn make<T: Send + Unpin + 'static>(shape: Shape) -> (Vec<$Sender<T>>, Vec<$Receiver<T>>) {
            let (sender, receiver) = Self::pair(shape.capacity);
            (copies(sender, shape.senders), copies(receiver, shape.receivers))
        }

        fn pair<T: Send + Unpin + 'static>(capacity: Capacity) -> ($Sender<T>, $Receiver<T>) {
            match capacity {
                Capacity::Bounded(capacity) => $bounded(capacity),
                Capacity::Unbounded => $unbounded(),
            }
        }

        #[inline(always)]
        fn send<T: Send + Unpin + 'static>($s: &mut $Sender<T>, $v: T) -> impl Future<Output = ()> + Send {
            $send
        }

        #[inline(always)]
        fn recv<T: Send + Unpin + 'static>($r: &mut $Receiver<T>) -> impl Future<Output = Option<T>> + Send {
            $recv
        }

        #[inline(always)]
        fn try_send<T: Send + Unpin + 'static>($ts: &mut $Sender<T>, $tv: T) -> bool {
            $try_send
        }

        #[inline(always)]
        fn try_recv<T: Send + Unpin + 'static>($tr: &mut $Receiver<T>) -> Option<T> {
            $try_recv
        }
    };
}
pub(super) use clonable_ends;

/// The ends of a library whose bounded and unbounded channels have types of their own, and one receiver: `Sender` and
/// `Receiver`, each an enum of both kinds. `$mpsc` is the library's module.
macro_rules! either_ends {
    ($mpsc:ident) => {
        /// Either kind.
        pub(crate) enum Sender<T> {
            Bounded($mpsc::Sender<T>),
            Unbounded($mpsc::UnboundedSender<T>),
        }

        impl<T> Clone for Sender<T> {
            fn clone(&self) -> Self {
                match self {
                    Sender::Bounded(sender) => Sender::Bounded(sender.clone()),
                    Sender::Unbounded(sender) => Sender::Unbounded(sender.clone()),
                }
            }
        }

        /// Either kind.
        pub(crate) enum Receiver<T> {
            Bounded($mpsc::Receiver<T>),
            Unbounded($mpsc::UnboundedReceiver<T>),
        }
    };
}
pub(super) use either_ends;

/// The operations on `either_ends`: how an unbounded channel is made, how a value is sent to one, and how one is received.
macro_rules! either_operations {
    (
        $mpsc:ident, $unbounded:path,
        unbounded_send: |$s:ident, $v:ident| $send:expr,
        recv: |$r:ident| $recv:expr,
    ) => {
        type Sender<T: Send + Unpin + 'static> = Sender<T>;
        type Receiver<T: Send + Unpin + 'static> = Receiver<T>;

        fn make<T: Send + Unpin + 'static>(shape: Shape) -> (Vec<Sender<T>>, Vec<Receiver<T>>) {
            let (sender, receiver) = Self::pair(shape.capacity);
            (copies(sender, shape.senders), vec![receiver])
        }

        fn pair<T: Send + Unpin + 'static>(capacity: Capacity) -> (Sender<T>, Receiver<T>) {
            match capacity {
                Capacity::Bounded(capacity) => {
                    let (sender, receiver) = $mpsc::channel(capacity);
                    (Sender::Bounded(sender), Receiver::Bounded(receiver))
                }
                Capacity::Unbounded => {
                    let (sender, receiver) = $unbounded();
                    (Sender::Unbounded(sender), Receiver::Unbounded(receiver))
                }
            }
        }

        #[inline(always)]
        async fn send<T: Send + Unpin + 'static>(sender: &mut Sender<T>, $v: T) {
            let sent = match sender {
                Sender::Bounded(sender) => sender.send($v).await.is_ok(),
                Sender::Unbounded($s) => $send.is_ok(),
            };
            assert!(sent, "closed");
        }

        #[inline(always)]
        async fn recv<T: Send + Unpin + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
            match receiver {
                Receiver::Bounded($r) => $recv.await,
                Receiver::Unbounded($r) => $recv.await,
            }
        }

        #[inline(always)]
        fn try_send<T: Send + Unpin + 'static>(sender: &mut Sender<T>, $v: T) -> bool {
            match sender {
                Sender::Bounded(sender) => sender.try_send($v).is_ok(),
                Sender::Unbounded($s) => $send.is_ok(),
            }
        }

        #[inline(always)]
        fn try_recv<T: Send + Unpin + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
            match receiver {
                Receiver::Bounded(receiver) => receiver.try_recv().ok(),
                Receiver::Unbounded(receiver) => receiver.try_recv().ok(),
            }
        }
    };
}
pub(super) use either_operations;
