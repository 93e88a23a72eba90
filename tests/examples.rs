//! Runs every example and checks what it prints: exactly, in any order, or by a rule about the order.
//!
//! An example without an expectation fails the test. No run has an upper time bound (but for the guard against a hang);
//! where a program sleeps, it must have taken at least as long. Each program runs twice: with the default number of
//! workers and with one.
#[path = "examples/rules.rs"]
mod rules;
mod support;
#[path = "examples/the_checks_reject.rs"]
mod the_checks_reject;

use rules::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

enum Prints {
    Exactly(&'static [&'static str]),
    AnyOrder(&'static [&'static str]),
    Rule(Rule),
}
use Prints::{AnyOrder, Exactly};

type Rule = fn(&[&str]) -> Result<(), String>;

struct Case {
    example: &'static str,
    arguments: &'static [&'static str],
    prints: Prints,
    /// What a single worker makes certain.
    on_one_worker: Option<Prints>,
    /// A part of what is on stderr; where it is empty, so is stderr.
    stderr: &'static str,
    at_least_ms: u64,
}

const fn case(example: &'static str, prints: Prints) -> Case {
    Case { example, arguments: &[], prints, on_one_worker: None, stderr: "", at_least_ms: 0 }
}

const fn timed(example: &'static str, at_least_ms: u64, prints: Prints) -> Case {
    Case { at_least_ms, ..case(example, prints) }
}

const fn rule(example: &'static str, at_least_ms: u64, rule: Rule) -> Case {
    timed(example, at_least_ms, Prints::Rule(rule))
}

const CASES: &[Case] = &[
    // The tutorials' programs.
    timed("hello_goroutine", 1000, Exactly(&["Hello, World!"])),
    case("wait_group", AnyOrder(&["Hello", "Go Routines"])),
    case("channel_message", Exactly(&["Hello from Go Routine!"])),
    timed("done_channel", 2000, Exactly(&["Working...", "Done!", "Worker finished, exiting main."])),
    timed("main_goes_on", 1000, AnyOrder(&["Hello from main!", "Hello from a goroutine!"])),
    case("anonymous_sender", Exactly(&["Hello from goroutine!"])),
    case(
        "full_buffer_waits",
        Exactly(&["the buffer is full: sending 3 has to wait", "received 1", "received 2", "received 3"]),
    ),
    rule("worker_pool", 2000, pool_of_three),
    rule("worker_barrier", 2000, barrier_of_three),
    rule("worker_barrier_unbuffered", 2000, barrier_of_three),
    timed("sleep_lets_it_finish", 1000, AnyOrder(&["Main function", "Hello from Goroutine"])),
    rule("two_counters", 3000, two_counters),
    case("send_and_receive", Exactly(&["42"])),
    case("two_goroutines", Exactly(&["Hello from goroutine"])),
    case("buffered_channel", Exactly(&["1", "2"])),
    case("closed_channel", Exactly(&["10 true", "0 false"])),
    case("range_over_channel", Exactly(&["1", "2", "3", "4", "5"])),
    case(
        "concurrency_and_parallelism",
        Exactly(&[
            "1 worker: 8 steps, the tasks alternate: true",
            "1 worker: most tasks inside a step at once: 1",
            "2 workers: both tasks were inside a step at once",
        ]),
    ),
    timed(
        "nil_channel",
        100,
        Exactly(&[
            "nothing to receive",
            "nobody to send to",
            "still nothing after 100 ms",
            "off: nothing to receive",
            "on: received 7",
        ]),
    ),
    Case {
        on_one_worker: Some(Exactly(&["Main function execution", "Hello from Goroutine!"])),
        ..timed("main_prints_first", 1000, AnyOrder(&["Main function execution", "Hello from Goroutine!"]))
    },
    timed("anonymous_goroutine", 1000, Exactly(&["Goroutine with anonymous function"])),
    rule("numbers_and_letters", 3000, numbers_and_letters),
    rule("wait_for_workers", 0, wait_for_workers),
    case("message_from_goroutine", Exactly(&["Hello from Goroutine!"])),
    case("buffer_in_one_task", Exactly(&["1", "2", "3"])),
    Case {
        stderr: "not sent: Message from Channel 1\n",
        ..timed("select_first_message", 2000, Exactly(&["Message from Channel 2"]))
    },
    rule("process_logs", 50, process_logs),
    // The tutorials' programs that Go ends with "all goroutines are asleep - deadlock!".
    rule("full_buffer_deadlock", 0, full_buffer_deadlock),
    rule("worker_pool_deadlock", 0, worker_pool_deadlock),
    // More of what Go programs are made of.
    case(
        "prime_sieve",
        Exactly(&[
            "2", "3", "5", "7", "11", "13", "17", "19", "23", "29", "31", "37", "41", "43", "47", "53", "59",
            "61", "67", "71", "73", "79", "83", "89", "97",
        ]),
    ),
    case("pipeline_cancel", Exactly(&["1", "4", "9", "16", "25", "cancelled: all stages have ended"])),
    case("fan_in_out", Exactly(&["100 squares, their sum is 338350"])),
    case("stateful_task", Exactly(&["alice: 550", "bob: 550", "carol: 0"])),
    Case {
        stderr: "unlucky",
        ..case(
            "worker_pool_errors",
            Exactly(&[
                "job 0: the root of 16 is 4",
                "job 1: \"ten\" failed: not a number: invalid digit found in string",
                "job 2: \"-4\" failed: -4 has no square root",
                "job 3: \"13\" failed: the job panicked",
                "job 4: \"\" failed: not a number: cannot parse integer from empty string",
                "job 5: the root of 144 is 12",
                "4 of 6 jobs failed",
            ]),
        )
    },
    // tests/echo.rs says the rest of it.
    Case { arguments: &["127.0.0.1:0", "0"], ..rule("echo", 0, no_echo) },
    // tests/chat.rs and tests/proxy.rs say the rest of it.
    Case { arguments: &["--help"], ..rule("chat", 0, usage) },
    Case { arguments: &["--help"], ..rule("proxy", 0, usage) },
    // tests/digest.rs says the rest of it.
    Case { arguments: &["examples/hello_goroutine.rs"], ..rule("digest", 0, one_digest) },
];

#[test]
fn every_example_has_an_expectation() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let examples: BTreeSet<String> = std::fs::read_dir(&directory)
        .expect("the examples can be listed")
        .map(|entry| entry.expect("the examples can be listed").path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").is_file())
        .map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned())
        .collect();
    let expected: BTreeSet<String> = CASES.iter().map(|case| case.example.to_string()).collect();
    assert_eq!(examples, expected, "left: the programs in examples/, right: those with a case in this file");
}

#[test]
fn every_example_prints_what_it_should() {
    // All at once: they sleep more than they work.
    let runs: Vec<_> = CASES
        .iter()
        .flat_map(|case| [(case, None), (case, Some("1"))])
        .map(|(case, workers)| std::thread::spawn(move || run_case(case, workers)))
        .collect();
    let failures: Vec<String> = runs
        .into_iter()
        .filter_map(|run| match run.join() {
            Ok(outcome) => outcome.err(),
            Err(panic) => Some(*panic.downcast::<String>().expect("the support module panics with text")),
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn run_case(case: &Case, workers: Option<&str>) -> Result<(), String> {
    let mut command = Command::new(support::binary(case.example));
    command.args(case.arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("DORMOUSE_WORKERS");
    if let Some(n) = workers {
        command.env("DORMOUSE_WORKERS", n);
    }
    let start = Instant::now();
    let ran = support::run(case.example, &mut command);
    let elapsed = start.elapsed();
    let stdout = String::from_utf8(ran.stdout).expect("examples print text");
    let lines: Vec<&str> = stdout.lines().collect();
    let prints = case.on_one_worker.as_ref().filter(|_| workers.is_some()).unwrap_or(&case.prints);

    let mut wrong = Vec::new();
    if let Err(what) = check(prints, &lines) {
        wrong.push(what);
    }
    if ran.status.code() != Some(0) {
        wrong.push(format!("it ended with {}", ran.status));
    }
    if !ran.stderr.contains(case.stderr) || case.stderr.is_empty() != ran.stderr.is_empty() {
        wrong.push(format!("stderr should have {:?}", case.stderr));
    }
    if elapsed < Duration::from_millis(case.at_least_ms) {
        wrong.push(format!("it took {:?}, but it sleeps {} ms", elapsed, case.at_least_ms));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let (example, stderr) = (case.example, ran.stderr);
    let workers = workers.unwrap_or("the default number of");
    Err(format!(
        "--- {example}, on {workers} workers: {}\nstdout:\n{stdout}stderr:\n{stderr}",
        wrong.join("; ")
    ))
}

/// These measure threads, work on files or sockets, or use the simulator themselves.
const NOT_SIMULATED: [&str; 7] = [
    "chat",
    "concurrency_and_parallelism",
    "digest",
    "echo",
    "full_buffer_deadlock",
    "proxy",
    "worker_pool_deadlock",
];

/// The same programs under the simulator, in many orders: they print what they should, and take exactly the virtual time
/// that they sleep.
#[test]
fn every_example_prints_what_it_should_in_any_order() {
    let simulated = CASES.iter().filter(|case| !NOT_SIMULATED.contains(&case.example));
    let runs: Vec<_> = simulated
        .map(|case| std::thread::spawn(move || (0..20).try_for_each(|seed| simulate_case(case, seed))))
        .collect();
    let failures: Vec<String> =
        runs.into_iter().filter_map(|run| run.join().expect("a program can be run").err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn simulate_case(case: &Case, seed: u64) -> Result<(), String> {
    let mut command = Command::new(support::binary(case.example));
    command.args(case.arguments).env("DORMOUSE_SIM", seed.to_string());
    let ran = support::run(case.example, &mut command);
    let stdout = String::from_utf8(ran.stdout).expect("examples print text");
    let lines: Vec<&str> = stdout.lines().collect();
    let took = format!("seed {seed}, virtual time {:?}, ", Duration::from_millis(case.at_least_ms));
    let wrong = match check(&case.prints, &lines) {
        Err(what) => what,
        Ok(()) if ran.status.code() != Some(0) => format!("it ended with {}", ran.status),
        Ok(()) if !ran.stderr.contains(&took) => format!("stderr should have {took:?}"),
        Ok(()) => return Ok(()),
    };
    Err(format!("--- {}, simulated: {wrong}\nstdout:\n{stdout}stderr:\n{}", case.example, ran.stderr))
}

fn check(prints: &Prints, lines: &[&str]) -> Result<(), String> {
    match prints {
        Exactly(expected) if lines == *expected => Ok(()),
        Exactly(expected) => Err(format!("should print exactly {expected:?}")),
        AnyOrder(expected) => same_lines(lines, expected),
        Prints::Rule(rule) => rule(lines),
    }
}

fn same_lines(lines: &[&str], expected: &[&str]) -> Result<(), String> {
    let sorted = |lines: &[&str]| {
        let mut lines: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
        lines.sort();
        lines
    };
    if sorted(lines) == sorted(expected) {
        Ok(())
    } else {
        Err(format!("should print, in any order, {expected:?}"))
    }
}
