//! What happens in a history, and how it is drawn.
use crate::CHANNELS;
use crate::model::Words;
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Recv(usize),
    Send(usize),
    /// Sets a place aside, and sends into it when the gate is open.
    Reserve {
        chan: usize,
        gate: bool,
    },
    /// Channels for three `recv`, two `send` and one `send_from` arm.
    Select {
        recvs: [Option<usize>; 3],
        sends: [Option<usize>; 3],
        gate: Option<bool>,
        words: Words,
        /// By `chan::Select`. (Its `try_wait` polls no future.)
        dynamic: bool,
    },
    Poll(Index),
    Drop(Index),
    OpenGate(Index),
    TrySend(usize),
    TryRecv(usize),
    Close {
        chan: usize,
        by_receiver: bool,
    },
    CloneHandle {
        chan: usize,
        receiver: bool,
    },
    DropHandle {
        chan: usize,
        receiver: bool,
    },
}

fn words() -> impl Strategy<Value = Words> {
    let of = proptest::bool::weighted;
    (of(0.2), of(0.15), of(0.3)).prop_map(|(biased, default, otherwise)| Words { biased, default, otherwise })
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let chan = 0..CHANNELS;
    let maybe = || proptest::option::weighted(0.4, 0..CHANNELS);
    let select = (
        [maybe(), maybe(), maybe()],
        [maybe(), maybe(), maybe()],
        proptest::option::weighted(0.3, proptest::bool::weighted(0.2)),
        words(),
        proptest::bool::weighted(0.3),
    );
    prop_oneof![
        4 => chan.clone().prop_map(Step::Recv),
        4 => chan.clone().prop_map(Step::Send),
        4 => (chan.clone(), proptest::bool::weighted(0.3)).prop_map(|(chan, gate)| Step::Reserve { chan, gate }),
        8 => select.prop_map(|(recvs, sends, gate, words, dynamic)| Step::Select {
            recvs, sends, gate, words, dynamic: dynamic && !(words.default && gate.is_some()),
        }),
        24 => any::<Index>().prop_map(Step::Poll),
        6 => any::<Index>().prop_map(Step::Drop),
        2 => any::<Index>().prop_map(Step::OpenGate),
        5 => chan.clone().prop_map(Step::TrySend),
        5 => chan.clone().prop_map(Step::TryRecv),
        1 => (chan.clone(), any::<bool>()).prop_map(|(chan, by_receiver)| Step::Close { chan, by_receiver }),
        1 => (chan.clone(), any::<bool>()).prop_map(|(chan, receiver)| Step::CloneHandle { chan, receiver }),
        2 => (chan, any::<bool>()).prop_map(|(chan, receiver)| Step::DropHandle { chan, receiver }),
    ]
}
