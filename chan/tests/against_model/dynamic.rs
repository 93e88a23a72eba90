//! The select of the model's histories, by `chan::Select`.
use crate::Val;
use crate::model::{DEFAULT, ELSE, FUTURE, Words};
use crate::select::{Arms, Out, Real, opened};
use dormouse_chan::{Select, Selected};
use std::pin::pin;

/// The same as `select_with!`. Here a losing value stays in its arm, until the select is dropped.
pub(crate) async fn run_select(arms: Arms, words: Words) -> Out {
    let Arms { recvs, sends: [(s0, v0), (s1, v1)], send_from: (s2, v2), gate } = arms;
    let senders = [s0.as_deref(), s1.as_deref(), s2.as_deref()];
    let mut opened = pin!(opened(&gate));
    let mut select = if words.biased { Select::new_biased() } else { Select::new() };
    // The number in the model of each arm, by index.
    let mut numbers = Vec::new();
    for (number, rx) in recvs.iter().enumerate() {
        if let Some(rx) = rx {
            assert_eq!(select.recv(rx), numbers.len());
            numbers.push(number);
        }
    }
    for (i, value) in [v0, v1, v2].into_iter().enumerate() {
        if let Some(tx) = senders[i] {
            assert_eq!(select.send(tx, value), numbers.len());
            numbers.push(3 + i);
        }
    }
    let kept = numbers.iter().position(|&number| number == 5);
    if gate.is_some() {
        assert_eq!(select.future(opened.as_mut()), numbers.len());
        numbers.push(FUTURE);
    }
    let (arm, got) = if words.otherwise && numbers.is_empty() {
        (ELSE, Real::Else)
    } else {
        let selected = if words.default { select.try_wait() } else { Some(select.wait().await) };
        match selected {
            None => (DEFAULT, Real::Default),
            Some(selected) => {
                let number = numbers[selected.index()];
                (number, redeem(selected, number, &recvs, senders))
            }
        }
    };
    let place = senders[2].zip(kept).and_then(|(tx, index)| select.replace(index, tx, None));
    Out { arm, got, place }
}

fn redeem<'a>(
    selected: Selected<'_, 'a>,
    number: usize,
    recvs: &'a [Option<std::rc::Rc<dormouse_chan::Receiver<Val>>>; 3],
    senders: [Option<&'a dormouse_chan::Sender<Val>>; 3],
) -> Real {
    match number {
        0..3 => Real::Received(selected.recv(recvs[number].as_ref().expect("it is an arm"))),
        3..6 => {
            let sent = selected.send(senders[number - 3].expect("it is an arm"));
            Real::Sent(sent.map_err(|error| error.into_inner()))
        }
        _ => Real::FutureReady,
    }
}
