//! The latest value, for those who watch it.
//!
//! - watch/4 receivers: one operation is one change seen by one of four tasks; the sender waits until all have seen it.
//! - watch/look: one operation is one look at the value.
use super::tools::{Latch, measured};
use crate::hosts::{Dormouse, Host, Tokio};
use crate::measure::Sample;
use crate::registry::{Cell, Scale};
use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;

/// Tasks that watch.
const WATCHERS: u64 = 4;

pub(crate) fn cells() -> Vec<Cell> {
    let changes = Cell::new("watch/4 receivers", "change seen", "ns");
    let changes = add::<_, Ours>(changes, Dormouse::ALL, changes_seen);
    let changes = add::<_, Ours>(changes, Dormouse::ONE, changes_seen);
    let changes = add::<_, Ours>(changes, Tokio::ALL, changes_seen);
    let changes = add::<_, OfTokio>(changes, Tokio::ALL, changes_seen);
    let changes = add::<_, OfTokio>(changes, Tokio::ONE, changes_seen);
    let look = Cell::new("watch/look", "look", "ns");
    let look = add::<_, Ours>(look, Dormouse::ONE, looks);
    let look = add::<_, OfTokio>(look, Tokio::ONE, looks);
    vec![changes, look]
}

fn add<H: Host, W: Watch>(cell: Cell, host: H, work: impl Fn(H, Scale, W) -> Sample + 'static) -> Cell {
    cell.with(host.with(W::NAME), W::NAME, move |scale| work(host, scale, W::default()))
}

/// A channel of this kind.
trait Watch: Default + Send + 'static {
    const NAME: &'static str;
    type Sender: Send + 'static;
    type Receiver: Clone + Send + 'static;

    fn make(&self) -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, value: u64);
    /// Waits for a change: the value.
    fn changed(receiver: &mut Self::Receiver) -> impl Future<Output = u64> + Send;
    fn look(receiver: &Self::Receiver) -> u64;
}

macro_rules! watch {
    ($Name:ident, $name:literal, $($path:ident)::+, $make:path) => {
        #[derive(Default)]
        struct $Name;

        impl Watch for $Name {
            const NAME: &'static str = $name;
            type Sender = $($path)::+::Sender<u64>;
            type Receiver = $($path)::+::Receiver<u64>;

            fn make(&self) -> (Self::Sender, Self::Receiver) {
                $make(0)
            }

            fn send(sender: &Self::Sender, value: u64) {
                sender.send(value).expect("open");
            }

            async fn changed(receiver: &mut Self::Receiver) -> u64 {
                receiver.changed().await.expect("open");
                *receiver.borrow_and_update()
            }

            fn look(receiver: &Self::Receiver) -> u64 {
                *receiver.borrow()
            }
        }
    };
}

watch!(Ours, "dormouse", dormouse_chan::watch, dormouse_chan::watch);
watch!(OfTokio, "tokio", tokio::sync::watch, tokio::sync::watch::channel);

fn changes_seen<H: Host, W: Watch>(host: H, scale: Scale, kind: W) -> Sample {
    let changes = scale.of(50_000);
    host.run(measured(changes, WATCHERS, move |changes| {
        let (sender, receiver) = kind.make();
        async move {
            let latches: Arc<[_]> = (0..changes).map(|_| Latch::new(WATCHERS)).collect();
            for _ in 0..WATCHERS {
                let (latches, mut receiver) = (Arc::clone(&latches), receiver.clone());
                H::go(async move {
                    for latch in &*latches {
                        latch.done(W::changed(&mut receiver).await);
                    }
                });
            }
            let mut sum = 0;
            for (latch, value) in latches.iter().zip(0..) {
                W::send(&sender, value);
                sum += latch.wait().await;
            }
            sum
        }
    }))
}

fn looks<H: Host, W: Watch>(host: H, scale: Scale, kind: W) -> Sample {
    let looks = scale.of(5_000_000);
    host.run(measured(looks, 1, move |looks| {
        let (sender, receiver) = kind.make();
        async move {
            W::send(&sender, 1);
            (0..looks).map(|_| W::look(black_box(&receiver))).sum()
        }
    }))
}
