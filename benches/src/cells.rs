//! The cells: the same work for each contender.
use crate::Contender;
use crate::hosts::{OURS, OURS_ONE, TOKIO, TOKIO_ONE};

const MESSAGES: u64 = 300_000;
const TURNS: u64 = 200_000;
const TASKS: u64 = 100_000;

/// All cells: name and contenders.
pub(crate) fn all() -> Vec<(&'static str, Vec<Contender>)> {
    vec![
        ("spsc 0, 2 workers", spsc::<0>(false)),
        ("spsc 1, 2 workers", spsc::<1>(false)),
        ("spsc 128, 2 workers", spsc::<128>(false)),
        ("spsc 0, 1 thread", spsc::<0>(true)),
        ("spsc 1, 1 thread", spsc::<1>(true)),
        ("spsc 128, 1 thread", spsc::<128>(true)),
        ("ping-pong, 2 workers", ping_pong()),
        ("spawn and join, batches of 1000", spawn_join::<1_000>()),
        ("spawn and join, batches of 100000", spawn_join::<100_000>()),
    ]
}

/// One sender, one receiver, on the named host.
macro_rules! spsc_on {
    ($host:expr, $spawn:expr, $channel:expr, $Value:ident) => {
        || {
            $host.block_on(async {
                #[allow(unused_mut)]
                let (tx, mut rx) = $channel;
                let sender = $spawn(async move {
                    for n in 0..MESSAGES {
                        tx.send(n).await.expect("open");
                    }
                });
                let receiver = $spawn(async move {
                    let mut sum = 0;
                    while let $Value(n) = rx.recv().await {
                        sum += n;
                    }
                    sum
                });
                sender.await.expect("no panic");
                assert_eq!(receiver.await.expect("no panic"), MESSAGES * (MESSAGES - 1) / 2);
                MESSAGES
            })
        }
    };
}

fn spsc<const CAPACITY: usize>(one_thread: bool) -> Vec<Contender> {
    use dormouse_executor::task::spawn;
    let mut contenders: Vec<Contender> = if one_thread {
        vec![
            ("dormouse", spsc_on!(OURS_ONE, spawn, dormouse_chan::bounded(CAPACITY), Some)),
            ("dormouse on tokio", spsc_on!(TOKIO_ONE, tokio::spawn, dormouse_chan::bounded(CAPACITY), Some)),
            ("kanal on tokio", spsc_on!(TOKIO_ONE, tokio::spawn, kanal::bounded_async(CAPACITY), Ok)),
            ("kanal on dormouse", spsc_on!(OURS_ONE, spawn, kanal::bounded_async(CAPACITY), Ok)),
        ]
    } else {
        vec![
            ("dormouse", spsc_on!(OURS, spawn, dormouse_chan::bounded(CAPACITY), Some)),
            ("dormouse on tokio", spsc_on!(TOKIO, tokio::spawn, dormouse_chan::bounded(CAPACITY), Some)),
            ("kanal on tokio", spsc_on!(TOKIO, tokio::spawn, kanal::bounded_async(CAPACITY), Ok)),
            ("kanal on dormouse", spsc_on!(OURS, spawn, kanal::bounded_async(CAPACITY), Ok)),
        ]
    };
    if CAPACITY > 0 {
        contenders.push(if one_thread {
            ("tokio", spsc_on!(TOKIO_ONE, tokio::spawn, tokio::sync::mpsc::channel(CAPACITY.max(1)), Some))
        } else {
            ("tokio", spsc_on!(TOKIO, tokio::spawn, tokio::sync::mpsc::channel(CAPACITY.max(1)), Some))
        });
    }
    contenders
}

/// Two tasks that hand a number to and fro over two channels. One operation = one turn, there and back.
macro_rules! ping_pong_on {
    ($host:expr, $spawn:expr, $channel:expr, $Value:ident) => {
        || {
            $host.block_on(async {
                #[allow(unused_mut)]
                let ((ping, mut pinged), (pong, mut ponged)) = ($channel, $channel);
                let echo = $spawn(async move {
                    while let $Value(n) = pinged.recv().await {
                        pong.send(n).await.expect("open");
                    }
                });
                let player = $spawn(async move {
                    for turn in 0..TURNS {
                        ping.send(turn).await.expect("open");
                        let $Value(n) = ponged.recv().await else { panic!("open") };
                        assert_eq!(n, turn);
                    }
                });
                player.await.expect("no panic");
                echo.await.expect("no panic");
                TURNS
            })
        }
    };
}

fn ping_pong() -> Vec<Contender> {
    use dormouse_executor::task::spawn;
    vec![
        ("dormouse", ping_pong_on!(OURS, spawn, dormouse_chan::bounded(0), Some)),
        ("dormouse on tokio", ping_pong_on!(TOKIO, tokio::spawn, dormouse_chan::bounded(0), Some)),
        ("kanal on tokio", ping_pong_on!(TOKIO, tokio::spawn, kanal::bounded_async(0), Ok)),
        ("kanal on dormouse", ping_pong_on!(OURS, spawn, kanal::bounded_async(0), Ok)),
        ("tokio (capacity 1)", ping_pong_on!(TOKIO, tokio::spawn, tokio::sync::mpsc::channel(1), Some)),
    ]
}

/// Tasks spawned by a task and joined by it, `BATCH` at a time.
macro_rules! spawn_join_on {
    ($host:expr, $spawn:expr, $batch:expr) => {
        || {
            $host.block_on(async {
                let root = $spawn(async {
                    let mut sum = 0;
                    for _ in 0..TASKS / $batch {
                        let tasks: Vec<_> = (0..$batch).map(|n| $spawn(async move { n })).collect();
                        for task in tasks {
                            sum += task.await.expect("no panic");
                        }
                    }
                    sum
                });
                assert_eq!(root.await.expect("no panic"), TASKS / $batch * ($batch * ($batch - 1) / 2));
                TASKS
            })
        }
    };
}

fn spawn_join<const BATCH: u64>() -> Vec<Contender> {
    use dormouse_executor::task::spawn;
    vec![
        ("dormouse", spawn_join_on!(OURS, spawn, BATCH)),
        ("dormouse, 1 thread", spawn_join_on!(OURS_ONE, spawn, BATCH)),
        ("tokio", spawn_join_on!(TOKIO, tokio::spawn, BATCH)),
        ("tokio, 1 thread", spawn_join_on!(TOKIO_ONE, tokio::spawn, BATCH)),
    ]
}
