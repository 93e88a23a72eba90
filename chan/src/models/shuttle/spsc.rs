//! Three tasks over two channels of one sender and one receiver each, the last of which may leave: in order, and each once.
use super::*;
use crate::spsc;

fn stages(capacity: usize, wanted: u32) {
    flow(move || {
        let tally = Tally::new();
        let ((mut a, mut from_a), (mut b, mut from_b)) = (spsc::bounded(capacity), spsc::bounded(capacity));
        let source = {
            let tally = tally.clone();
            spawn(async move {
                for number in 0..4 {
                    if let Err(SendError(back)) = a.send(tally.value(number)).await {
                        assert_eq!((back.number, wanted < 4), (number, true));
                        return;
                    }
                }
            })
        };
        let middle = spawn(async move {
            for number in 0.. {
                let value: Value = loop {
                    match impatient(from_a.recv()).await {
                        Some(Some(value)) => break value,
                        Some(None) => return number,
                        None => {}
                    }
                };
                assert_eq!(value.number, number, "in order, and none is lost");
                if b.send(value).await.is_err() {
                    return number;
                }
            }
            unreachable!("there are four")
        });
        let end = spawn(async move {
            for number in 0..wanted {
                assert_eq!(from_b.recv().await.map(|value| value.number), Some(number));
            }
            let _ = impatient(from_b.recv()).await;
        });
        join(source);
        assert!((wanted..=4).contains(&join(middle)));
        join(end);
        tally.check();
    });
}

#[test]
fn spsc_1() {
    stages(1, 4);
}

#[test]
fn spsc_2() {
    stages(2, 4);
}

#[test]
fn spsc_left() {
    stages(1, 2);
}
