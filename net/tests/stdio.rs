//! The standard streams, each in a process of its own.
#![allow(missing_docs)]
#![cfg(unix)]
mod support;

use dormouse_executor::runtime::{Builder, block_on};
use dormouse_executor::{sim, task};
use dormouse_net::io::{self, AsyncReadExt, AsyncWriteExt, ErrorKind};
use dormouse_testing::{child, watch};
use futures::future::join_all;
use std::fs::OpenOptions;
use std::io::Write;
use std::pin::pin;
use std::process::{Child, Command, Output, Stdio};
use std::task::Poll;
use support::{once, runtimes, waiting};

/// Starts the ignored test, with its standard streams as pipes.
fn start(test: &str) -> Child {
    start_with(child(test).stderr(Stdio::piped()))
}

fn start_with(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Its end, which is a good one.
fn end(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

/// The lines of the test itself: all begin with '@'.
fn lines(output: &[u8]) -> Vec<String> {
    let text = str::from_utf8(output).unwrap();
    text.lines().filter_map(|line| line.strip_prefix('@')).map(String::from).collect()
}

/// Numbers in a row.
fn numbers(count: u32) -> Vec<u8> {
    (0..count).flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn a_pending_read_holds_up_neither_the_runtimes_end_nor_the_programs() {
    let _watch = watch();
    let mut child = start("child_waits_for_input");
    // Nothing is written, and it is not closed.
    let stdin = child.stdin.take();
    let output = end(child);
    drop(stdin);
    assert!(lines(&output.stdout).is_empty());
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(complaints, "", "of threads that are left to themselves");
}

#[test]
#[ignore = "the child of another test"]
fn child_waits_for_input() {
    for rt in runtimes() {
        rt.block_on(async {
            task::go(async {
                let count = io::stdin().read(&mut [0; 8]).await;
                println!("\n@it has read {count:?}");
            });
            waiting(1).await;
        });
    }
}

#[test]
fn reads_that_are_dropped_lose_nothing() {
    let _watch = watch();
    const COUNT: u32 = 100_000;
    let mut child = start("child_drops_reads");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for piece in numbers(COUNT).chunks(1013) {
            stdin.write_all(piece).unwrap();
        }
    });
    let output = end(child);
    writer.join().unwrap();
    assert_eq!(
        lines(&output.stdout),
        [format!("{COUNT} in order, then the end, and again"), "some dropped".into()]
    );
}

#[test]
#[ignore = "the child of another test"]
fn child_drops_reads() {
    block_on(async {
        let (mut came, mut dropped, mut len) = (Vec::<u8>::new(), 0, 1);
        loop {
            let mut buf = vec![0; len];
            len = len * 5 % 4099;
            // By another handle each time.
            match once(pin!(io::stdin().read(&mut buf))).await {
                Poll::Pending => dropped += 1,
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(count) => came.extend(&buf[..count.unwrap()]),
            }
            task::yield_now().await;
        }
        let count = came.len() as u32 / 4;
        assert!(came == numbers(count), "not what was sent");
        assert_eq!(io::stdin().read(&mut [0]).await.unwrap(), 0);
        println!("\n@{count} in order, then the end, and again");
        println!("@{} dropped", if dropped > 0 { "some" } else { "none" });
    });
}

#[test]
fn several_readers_get_all_that_comes() {
    let _watch = watch();
    const COUNT: u32 = 100_000;
    let mut child = start("child_reads_by_many");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&numbers(COUNT)).unwrap());
    let output = end(child);
    writer.join().unwrap();
    let sum: u64 = numbers(COUNT).iter().map(|byte| u64::from(*byte)).sum();
    assert_eq!(lines(&output.stdout), [format!("{} bytes, sum {sum}", 4 * COUNT)]);
}

#[test]
#[ignore = "the child of another test"]
fn child_reads_by_many() {
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    let counts = rt.block_on(async {
        let readers = (1..=5).map(|reader| {
            task::spawn(async move {
                let (mut count, mut sum) = (0, 0);
                let mut buf = vec![0; 700 * reader];
                loop {
                    match io::stdin().read(&mut buf).await.unwrap() {
                        0 => return (count, sum),
                        got => {
                            count += got as u64;
                            sum += buf[..got].iter().map(|byte| u64::from(*byte)).sum::<u64>();
                        }
                    }
                }
            })
        });
        join_all(readers).await
    });
    let total = counts.into_iter().map(Result::unwrap);
    let (count, sum) = total.fold((0, 0), |one, other| (one.0 + other.0, one.1 + other.1));
    println!("\n@{count} bytes, sum {sum}");
}

#[test]
fn what_was_flushed_is_out_before_the_end_in_order_and_in_whole_lines() {
    let _watch = watch();
    let output = end(start("child_prints"));
    let lines = lines(&output.stdout);
    for task in 0..4 {
        let prefix = format!("{task}: ");
        let own: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
        let expected: Vec<_> = (0..2000).map(line).collect();
        assert!(own == expected, "the lines of task {task}");
    }
    assert_eq!(lines.len(), 8000);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "an error\n");
}

fn line(number: usize) -> String {
    format!("{number}{}", "-".repeat(number % 150))
}

#[test]
#[ignore = "the child of another test"]
fn child_prints() {
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    rt.block_on(async {
        io::stdout().write_all(b"\n").await.unwrap();
        let tasks = (0..4).map(|task| {
            task::spawn(async move {
                let mut out = io::stdout();
                for number in 0..2000 {
                    out.write_all(format!("@{task}: {}\n", line(number)).as_bytes()).await.unwrap();
                    if number % 300 == 0 {
                        // Given up, it is still no reason to be early next time.
                        let _ = once(pin!(out.flush())).await;
                    }
                }
            })
        });
        join_all(tasks).await.into_iter().for_each(Result::unwrap);
        // By a handle that has written nothing.
        io::stdout().flush().await.unwrap();
        let mut err = io::stderr();
        err.write_all(b"an error\n").await.unwrap();
        err.flush().await.unwrap();
        std::process::exit(0);
    });
}

#[test]
fn a_full_disk_is_told_of_again_and_again() {
    let _watch = watch();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = end(start_with(child("child_writes_to_a_full_disk").stderr(full)));
    assert_eq!(lines(&output.stdout), ["it was told"]);
}

#[test]
#[ignore = "the child of another test"]
fn child_writes_to_a_full_disk() {
    block_on(async {
        let mut err = io::stderr();
        err.write_all(b"kept").await.unwrap();
        for _ in 0..3 {
            assert_eq!(err.flush().await.unwrap_err().kind(), ErrorKind::StorageFull);
        }
        // Also to who writes on, once there is no more room.
        let written = async {
            loop {
                io::stderr().write_all(&[b'x'; 1000]).await?;
            }
        };
        let error: io::Error = io::Result::<()>::unwrap_err(written.await);
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    });
    println!("\n@it was told");
}

#[test]
fn without_input_there_is_the_end() {
    let _watch = watch();
    let mut command = child("child_without_input");
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[ignore = "the child of another test"]
fn child_without_input() {
    // No runtime is needed.
    futures::executor::block_on(async {
        for _ in 0..3 {
            assert_eq!(io::stdin().read(&mut [0; 8]).await.unwrap(), 0);
        }
    });
}

#[test]
fn a_simulated_run_prints_and_reads_no_input() {
    let _watch = watch();
    let output = end(start("child_simulates"));
    assert_eq!(lines(&output.stdout), ["at once 0", "at once 1", "at once 2"]);
}

#[test]
#[ignore = "the child of another test"]
fn child_simulates() {
    std::io::stdout().write_all(b"\n").unwrap();
    let seed = std::cell::Cell::new(0);
    sim::explore(3, async || {
        let text = format!("@at once {}\n", seed.replace(seed.get() + 1));
        io::stdout().write_all(text.as_bytes()).await.unwrap();
        io::stdout().flush().await.unwrap();
        let error = io::stdin().read(&mut [0]).await.unwrap_err();
        assert!(error.to_string().contains("simulated run"), "{error}");
    });
}
