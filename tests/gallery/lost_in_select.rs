//! A message lost by a timeout in a careless select: the arm that loses is dropped, with the half of a message that it
//! had already read.
use crate::{Bug, is_right};
use dormouse::prelude::*;
use dormouse::sim::FailureKind;
use std::pin::pin;

const BEAT: Duration = Duration::from_millis(10);

type Setting = (String, String);

async fn read_setting(wire: &Receiver<String>) -> Option<Setting> {
    let key = wire.recv().await?;
    let value = wire.recv().await?; // dropped here, the key is lost
    Some((key, value))
}

async fn read_all_buggy(wire: Receiver<String>) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut beats = 0;
    loop {
        select! {
            setting = read_setting(&wire) => match setting {
                Some(setting) => settings.push(setting),
                None => return settings,
            },
            _ = time::sleep(BEAT) => beats += 1, // shows that it is alive
        }
        assert!(beats < 100);
    }
}

async fn read_all(wire: Receiver<String>) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut beats = 0;
    let mut reading = pin!(read_setting(&wire)); // lives on while others win
    loop {
        select! {
            setting = reading.as_mut() => match setting {
                Some(setting) => {
                    settings.push(setting);
                    reading.set(read_setting(&wire));
                }
                None => return settings,
            },
            _ = time::sleep(BEAT) => beats += 1,
        }
        assert!(beats < 100);
    }
}

async fn two_settings<F>(read_all: impl Fn(Receiver<String>) -> F)
where
    F: Future<Output = Vec<Setting>> + Send + 'static,
{
    let (wire, incoming) = bounded(1);
    let reader = spawn(read_all(incoming));
    for (key, value) in [("color", "green"), ("size", "tall")] {
        wire.send(key.to_owned()).await.unwrap();
        time::sleep(BEAT).await; // the other half takes a while
        wire.send(value.to_owned()).await.unwrap();
    }
    drop(wire);
    let setting = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(reader.await.unwrap(), [setting("color", "green"), setting("size", "tall")]);
}

#[test]
fn is_found() {
    let bug = Bug {
        file: "lost_in_select.rs",
        seeds: 10,
        kind: FailureKind::Main,
        says: &[
            "main panicked: assertion `left == right` failed",
            "right: [(\"color\", \"green\"), (\"size\", \"tall\")]",
        ],
    };
    bug.is_found(|| two_settings(read_all_buggy));
}

#[test]
fn repaired() {
    is_right(|| two_settings(read_all));
}
