//! `#[dormouse::main]` and `#[dormouse::test]` from end to end: the runtime they build, on which threads the body runs,
//! the variable `DORMOUSE_WORKERS`, and how the process ends.
//!
//! What needs an environment or an exit code of its own runs in a child: an example, whose `main` is a real one, or this
//! very test, which then plays the part of `main` ([`play`]). Whether tasks run beside each other is seen by barriers:
//! without enough threads a run hangs, and is ended.
mod support;

use dormouse::prelude::*;
use std::io::Write;
use std::process::{Command, ExitCode, Termination};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread::{self, ThreadId};
use support::{HUNG, Ran};

/// Says which part the child plays.
const PART: &str = "DORMOUSE_TEST_PART";

/// A guard: unless it is dropped in time, the process ends.
#[must_use]
struct Watch {
    _alive: mpsc::Sender<()>,
}

/// Watches over the calling test, which is named by its thread.
fn watch() -> Watch {
    let (alive, gone) = mpsc::channel();
    let test = thread::current().name().unwrap_or("a test").to_owned();
    thread::spawn(move || {
        if gone.recv_timeout(HUNG) == Err(mpsc::RecvTimeoutError::Timeout) {
            // Not `eprintln!`: what a test prints is kept back, and would be lost in the abort.
            let _ = writeln!(std::io::stderr(), "\n{test} has hung: aborting");
            std::process::abort();
        }
    });
    Watch { _alive: alive }
}

/// Ends if `n` tasks can be inside a poll at the same time. (The caller waits meanwhile: its worker is one of them.)
async fn all_at_once(n: usize) {
    let barrier = Arc::new(Barrier::new(n));
    let meet = |_| {
        let barrier = Arc::clone(&barrier);
        spawn(async move {
            barrier.wait();
        })
    };
    let tasks: Vec<_> = (0..n).map(meet).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

// ---- the parts that a child plays

#[dormouse::main]
async fn three_at_once() {
    all_at_once(3).await;
    println!("three at once");
}

#[dormouse::main(workers = 2)]
async fn two_workers() {
    all_at_once(2).await;
    println!("two at once");
}

#[dormouse::main(flavor = "current_thread")]
async fn current_thread() {
    println!("one thread");
}

#[dormouse::main]
async fn fails() -> Result<(), String> {
    println!("before");
    task::yield_now().await;
    Err("no more \"cheese\"".to_string())?;
    println!("after");
    Ok(())
}

#[dormouse::main]
async fn succeeds() -> Result<(), String> {
    Ok(())
}

#[dormouse::main(local)]
async fn fails_locally() -> Result<Rc<u8>, Rc<str>> {
    let error: Rc<str> = "not Send".into();
    task::yield_now().await;
    Err(error)
}

#[dormouse::main]
async fn seven() -> ExitCode {
    ExitCode::from(7)
}

#[dormouse::main(workers = usize::MAX)]
async fn too_many() {
    println!("it runs");
}

#[dormouse::main]
async fn panics() {
    task::yield_now().await;
    panic!("main panics on purpose");
}

/// What the system's `main` does with what ours returns: `report` prints an error, and gives the exit code.
fn end(outcome: impl Termination) -> ! {
    let code = outcome.report();
    let code = (0..=255).find(|&n| ExitCode::from(n) == code).expect("an exit code is a byte");
    std::process::exit(code.into())
}

/// Run in a child by [`run`].
#[test]
#[allow(clippy::unit_arg)] // a main may return (), and that is an outcome, too
fn play() {
    match std::env::var(PART).as_deref() {
        Err(_) => {} // not a child
        Ok("three_at_once") => end(three_at_once()),
        Ok("two_workers") => end(two_workers()),
        Ok("current_thread") => end(current_thread()),
        Ok("fails") => end(fails()),
        Ok("succeeds") => end(succeeds()),
        Ok("fails_locally") => end(fails_locally().map(drop)),
        Ok("seven") => end(seven()),
        Ok("too_many") => end(too_many()),
        Ok("panics") => end(panics()),
        Ok(part) => panic!("no such part: {part}"),
    }
}

/// Plays a part in a child, with this value of `DORMOUSE_WORKERS`. Gives what it printed without the harness's lines,
/// its exit code, and its stderr.
fn run(part: &str, workers: Option<&str>) -> (String, Option<i32>, String) {
    let mut command = Command::new(std::env::current_exe().expect("this test has a path"));
    command.args(["--exact", "play", "--nocapture", "--test-threads=1"]).env(PART, part);
    let (stdout, code, stderr) = ended(support::run(part, with_workers(&mut command, workers)));
    let stdout = stdout.split_once("running 1 test\n").expect("the harness says what it runs").1;
    (stdout.trim_start_matches("test play ... ").to_string(), code, stderr)
}

/// Runs an example.
fn example(name: &str, workers: Option<&str>) -> (String, Option<i32>, String) {
    ended(support::run(name, with_workers(&mut Command::new(support::binary(name)), workers)))
}

fn with_workers<'a>(command: &'a mut Command, workers: Option<&str>) -> &'a mut Command {
    command.env_remove("RUST_BACKTRACE");
    match workers {
        Some(n) => command.env("DORMOUSE_WORKERS", n),
        None => command.env_remove("DORMOUSE_WORKERS"),
    }
}

fn ended(ran: Ran) -> (String, Option<i32>, String) {
    (String::from_utf8(ran.stdout).expect("programs print text"), ran.status.code(), ran.stderr)
}

fn ran(stdout: &str, code: i32, stderr: &str) -> (String, Option<i32>, String) {
    (stdout.into(), Some(code), stderr.into())
}

// ---- how many workers

#[test]
fn the_variable_says_how_many_workers_there_are() {
    assert_eq!(run("three_at_once", Some("3")), ran("three at once\n", 0, ""));
    let (stdout, code, stderr) = example("channel_message", Some("3"));
    assert_eq!((stdout.as_str(), code, stderr.as_str()), ("Hello from Go Routine!\n", Some(0), ""));
}

#[test]
fn what_is_no_number_of_workers_ends_the_program_before_it_begins() {
    for value in ["0", "abc", "-1", "", "4097"] {
        let says =
            format!("dormouse: DORMOUSE_WORKERS is \"{value}\", but must be a whole number from 1 to 4096\n");
        assert_eq!(example("channel_message", Some(value)), ran("", 1, &says));
    }
}

#[test]
fn workers_in_the_attribute_go_before_the_variable() {
    for value in ["1", "0", "abc"] {
        assert_eq!(run("two_workers", Some(value)), ran("two at once\n", 0, ""));
    }
    let (stdout, code, stderr) = run("too_many", None);
    assert_eq!((stdout.as_str(), code), ("", Some(1)), "{stderr}");
    assert_eq!(
        stderr,
        format!(
            "dormouse: worker_threads is \"{}\", but must be a whole number from 1 to 4096\n",
            usize::MAX
        )
    );
}

#[test]
fn a_current_thread_runtime_does_not_ask_the_variable() {
    assert_eq!(run("current_thread", Some("0")), ran("one thread\n", 0, ""));
}

// ---- how the process ends

#[test]
fn an_error_is_printed_and_ends_with_1() {
    assert_eq!(run("succeeds", None), ran("", 0, ""));
    assert_eq!(run("fails", None), ran("before\n", 1, "Error: \"no more \\\"cheese\\\"\"\n"));
    assert_eq!(run("fails_locally", None), ran("", 1, "Error: \"not Send\"\n"));
}

#[test]
fn an_exit_code_is_kept() {
    assert_eq!(run("seven", None).1, Some(7));
    // In a program whose `main` is the real one.
    let (stdout, code, stderr) = {
        let mut command = Command::new(support::binary("digest"));
        command.arg("/no such path");
        ended(support::run("digest", with_workers(&mut command, None)))
    };
    assert_eq!((stdout.as_str(), code), ("", Some(1)), "{stderr}");
}

#[test]
fn a_panic_of_main_is_told_once_and_goes_on_in_main() {
    let (stdout, code, stderr) = run("panics", None);
    assert_eq!(code, Some(101), "{stdout}{stderr}");
    assert_eq!(stderr.matches("main panics on purpose").count(), 1, "{stderr}");
    assert!(!stderr.contains("nobody"), "it is awaited: {stderr}");
}

// ---- where the body runs

#[dormouse::main(flavor = "current_thread")]
async fn id_and_thread() -> (Option<task::Id>, ThreadId) {
    task::yield_now().await;
    (task::try_id(), thread::current().id())
}

#[dormouse::main(workers = 1)]
async fn one_worker_of_one() {
    let id = task::id();
    assert_ne!(spawn(async { task::id() }).await.unwrap(), id);
}

#[test]
fn the_body_is_a_task_and_main_s_thread_works() {
    let _watch = watch();
    let (id, place) = id_and_thread();
    assert!(id.is_some(), "the body is a task");
    assert_eq!(place, thread::current().id(), "the one thread is that of main");
    id_and_thread(); // each call has a runtime of its own
    one_worker_of_one();
}

#[dormouse::main(local, workers = 2)]
async fn local_main() -> Rc<(ThreadId, u8)> {
    let kept = Rc::new(thread::current().id());
    let (tx, rx) = bounded(0);
    go(async move {
        for n in 1..=3 {
            tx.send(n).await.unwrap();
        }
    });
    let mut sum = 0;
    while let Some(n) = rx.recv().await {
        assert_eq!(*kept, thread::current().id());
        sum += n;
    }
    all_at_once(2).await; // one of them on this thread
    Rc::new((*kept, sum))
}

#[test]
fn a_local_body_and_its_output_need_not_be_send() {
    let _watch = watch();
    assert_eq!(*local_main(), (thread::current().id(), 6));
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

#[dormouse::main]
async fn leaves_tasks_behind() -> usize {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    for _ in 0..10 {
        let guard = Guard;
        go(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
    }
    DROPPED.load(SeqCst)
}

#[test]
fn what_still_runs_is_dropped_when_main_returns() {
    let _watch = watch();
    assert_eq!(leaves_tasks_behind(), 0);
    assert_eq!(DROPPED.load(SeqCst), 10);
}

#[dormouse::test]
#[should_panic(expected = "`block_on` was called inside an async task")]
async fn a_main_inside_a_task_is_refused() {
    let _watch = watch();
    id_and_thread();
}

// ---- #[dormouse::test]

#[dormouse::test]
async fn a_test_has_a_runtime_with_channels_time_and_locks() {
    let _watch = watch();
    let here = thread::current().id();
    let (tx, rx) = bounded(0);
    let total = Arc::new(Mutex::new(0));
    let adder = spawn({
        let total = Arc::clone(&total);
        async move {
            while let Some(n) = rx.recv().await {
                *total.lock().await += n;
            }
            thread::current().id()
        }
    });
    for n in 1..=4 {
        tx.send(n).await.unwrap();
        time::sleep(Duration::from_millis(1)).await;
    }
    drop(tx);
    assert_eq!(adder.await.unwrap(), here, "one thread");
    assert_eq!(*total.lock().await, 10);
}

#[dormouse::test(workers = 2)]
async fn a_test_may_have_workers() {
    let _watch = watch();
    all_at_once(2).await;
}

#[dormouse::test(local)]
async fn a_local_test_holds_what_is_not_send() -> Result<(), std::num::ParseIntError> {
    let _watch = watch();
    let text = Rc::new("2");
    spawn(task::yield_now()).await.unwrap();
    assert_eq!(text.parse::<u8>()?, 2);
    Ok(())
}

#[dormouse::test]
#[should_panic(expected = "the body panics on purpose")]
async fn a_panic_of_the_body_fails_the_test() {
    let _watch = watch();
    task::yield_now().await;
    panic!("the body panics on purpose");
}

#[dormouse::test]
#[ignore = "run by a_test_that_returns_an_error_fails, and fails"]
async fn returns_an_error() -> Result<(), String> {
    Err("on purpose".into())
}

#[test]
fn a_test_that_returns_an_error_fails() {
    let mut command = Command::new(std::env::current_exe().expect("this test has a path"));
    command.args(["--exact", "returns_an_error", "--ignored"]);
    let (stdout, code, _) = ended(support::run("returns_an_error", &mut command));
    assert_eq!(code, Some(101), "{stdout}");
    assert!(stdout.contains("returns_an_error ... FAILED") && stdout.contains("\"on purpose\""), "{stdout}");
}
