//! A pipeline of three stages whose end goes away in the middle: all stages end, and no value is lost or doubled.
use super::*;

/// Three stages over two channels of `capacity`; the last one receives `wanted` of four values, and leaves.
fn pipeline(capacity: usize, wanted: u32) {
    flow(move || {
        let tally = Tally::new();
        let [(a, from_a), (b, from_b)] = [bounded(capacity), bounded(capacity)];
        let source = spawn({
            let tally = tally.clone();
            async move {
                let mut sent = 0;
                for number in 0..4 {
                    match a.send(tally.value(number)).await {
                        Ok(()) => sent += 1,
                        Err(SendError(back)) => {
                            assert_eq!(back.number, number);
                            break;
                        }
                    }
                }
                sent
            }
        });
        let middle = spawn(async move {
            let (mut received, mut passed) = (0, 0);
            while let Some(value) = from_a.recv().await {
                assert_eq!(value.number, received, "in order");
                received += 1;
                if b.send(value).await.is_err() {
                    break; // it came back, and goes with the error
                }
                passed += 1;
            }
            (received, passed)
        });
        let end = spawn(async move {
            for number in 0..wanted {
                assert_eq!(from_b.recv().await.map(|value| value.number), Some(number));
            }
        });
        let (sent, (received, passed)) = (join(source), join(middle));
        join(end);
        // What was sent and not received was in a buffer when its last receiver went.
        let buffer = capacity as u32;
        assert!((received..=received + buffer).contains(&sent), "{sent} sent, {received} received");
        assert!((wanted..=wanted + buffer).contains(&passed), "{passed} passed on, {wanted} received");
        assert!(received - passed <= 1, "one came back, or none");
        tally.check();
    });
}

#[test]
fn pipeline_0() {
    pipeline(0, 2);
}

#[test]
fn pipeline_1() {
    pipeline(1, 2);
}

/// To the end: all values arrive.
#[test]
fn pipeline_to_the_end() {
    pipeline(0, 4);
}
