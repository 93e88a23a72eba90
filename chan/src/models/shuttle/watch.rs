//! A watched value, seen by patient and impatient ones, and the end of its senders and of its receivers.
use super::*;
use crate::watch;

/// Whoever watches sees values in order, the last one in any case, and then the end.
#[test]
fn watch_to_the_end() {
    flow(|| {
        let (tx, rx) = watch(0);
        let watchers = [true, false].map(|patient| {
            let mut rx = rx.clone();
            spawn(async move {
                let mut latest = 0;
                loop {
                    let changed = match patient {
                        true => rx.changed().await,
                        false => match impatient(rx.changed()).await {
                            Some(changed) => changed,
                            None => continue,
                        },
                    };
                    let now = *rx.borrow_and_update();
                    match changed {
                        Ok(()) => assert!(now > latest, "{now} after {latest}"),
                        Err(_) => return (latest, now),
                    }
                    latest = now;
                }
            })
        });
        let other = tx.clone();
        let senders = [
            spawn(async move { tx.send_modify(|value| *value += 1) }),
            spawn(async move {
                other.send_modify(|value| *value += 1);
                pause().await;
                other.send_modify(|value| *value += 1);
            }),
        ];
        drop(rx);
        senders.into_iter().for_each(join);
        assert_eq!(watchers.map(join), [(3, 3); 2]);
    });
}

/// The last receiver goes, or the values are what it waits for: the sender learns of it.
#[test]
fn watch_closed() {
    flow(|| {
        let (tx, mut rx) = watch(0);
        let mut other = rx.clone();
        let sender = spawn(async move {
            let _ = tx.send(1);
            let _ = impatient(tx.closed()).await;
            let _ = tx.send(2);
            tx.closed().await;
            assert_eq!(tx.send(3).unwrap_err().into_inner(), 3);
        });
        let waits = spawn(async move {
            assert_eq!(*rx.wait_for(|value| *value == 2).await.unwrap(), 2);
        });
        let leaves = spawn(async move {
            let _ = impatient(other.changed()).await;
        });
        join(waits);
        join(leaves);
        join(sender);
    });
}
