//! Runs every example and checks what it prints: exactly, in any order, or by a rule about the order.
//!
//! An example without an expectation fails the test. No run has an upper time bound (but for the guard against a hang);
//! where a program sleeps, it must have taken at least as long. Each program runs twice: with the default number of
//! workers and with one.
mod support;

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

fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_string()) }
}

/// The lines without the last, which is as given.
fn split_last<'a>(lines: &'a [&'a str], last: &str) -> Result<&'a [&'a str], String> {
    match lines.split_last() {
        Some((end, rest)) if *end == last => Ok(rest),
        _ => Err(format!("the last line should be {last:?}")),
    }
}

/// The numbers of a line, if it is otherwise the pattern: `numbers("Worker 2 started job 5", "Worker # started job #")`.
fn numbers(line: &str, pattern: &str) -> Option<Vec<usize>> {
    let (line, pattern) = (line.split(' '), pattern.split(' '));
    if line.clone().count() != pattern.clone().count() {
        return None;
    }
    let mut found = Vec::new();
    for (word, wanted) in line.zip(pattern) {
        match wanted {
            "#" => found.push(word.parse().ok()?),
            _ if word == wanted => {}
            _ => return None,
        }
    }
    Some(found)
}

/// Three workers, five jobs: each job once, and its result after it.
fn pool_of_three(lines: &[&str]) -> Result<(), String> {
    ensure(lines.len() == 10, "should print 5 jobs and 5 results")?;
    for job in 1..=5 {
        let starts = |line: &&str| {
            numbers(line, "Worker # processing job #").is_some_and(|n| (1..=3).contains(&n[0]) && n[1] == job)
        };
        let result = format!("Result: {}", 2 * job);
        let started = lines.iter().position(starts).ok_or(format!("job {job} should be processed"))?;
        let result = lines.iter().position(|line| *line == result).ok_or(format!("should print {result}"))?;
        ensure(started < result, &format!("job {job} should be processed before its result"))?;
    }
    Ok(())
}

/// Three workers, six jobs: a worker starts and finishes one job at a time, each job once; the last line is last.
fn barrier_of_three(lines: &[&str]) -> Result<(), String> {
    let lines = split_last(lines, "All workers have completed their tasks!")?;
    let (mut at_work_on, mut finished) = ([None; 4], BTreeSet::new());
    for line in lines {
        if let Some([worker @ 1..=3, job]) = numbers(line, "Worker # started job #").as_deref() {
            ensure(at_work_on[*worker].replace(*job).is_none(), &format!("{line:?}, but it was busy"))?;
        } else if let Some([worker @ 1..=3, job]) = numbers(line, "Worker # finished job #").as_deref() {
            ensure(
                at_work_on[*worker].take() == Some(*job),
                &format!("{line:?}, but it had not started it"),
            )?;
            ensure(finished.insert(*job), &format!("job {job} finished twice"))?;
        } else {
            return Err(format!("{line:?} should not be there"));
        }
    }
    ensure(at_work_on == [None; 4], "a job was not finished")?;
    ensure(finished == (1..=6).collect(), "should finish the jobs 1 to 6")
}

/// Two tasks count to five, each in order: no number comes more often than the one before it has.
fn two_counters(lines: &[&str]) -> Result<(), String> {
    let mut seen = [2, 0, 0, 0, 0, 0];
    for line in split_last(lines, "Main function done")? {
        match line.parse() {
            Ok(n @ 1..=5_usize) => {
                seen[n] += 1;
                ensure(seen[n] <= seen[n - 1], &format!("{n} came too early or too often"))?;
            }
            _ => return Err(format!("{line:?} should not be there")),
        }
    }
    ensure(seen == [2; 6], "each number should come twice")
}

fn numbers_and_letters(lines: &[&str]) -> Result<(), String> {
    let (numbers, letters): (Vec<&str>, Vec<&str>) =
        lines.iter().partition(|line| line.parse::<u8>().is_ok());
    ensure(numbers == ["1", "2", "3", "4", "5"], "the numbers should be 1 to 5 in order")?;
    ensure(letters == ["A", "B", "C", "D", "E"], "the letters should be A to E in order")
}

fn wait_for_workers(lines: &[&str]) -> Result<(), String> {
    let started = split_last(lines, "All workers completed")?;
    same_lines(started, &["Worker 1 started", "Worker 2 started", "Worker 3 started"])
}

/// Each client's requests are logged in order, none is missing.
fn process_logs(lines: &[&str]) -> Result<(), String> {
    let lines = split_last(lines, "15 lines were logged")?;
    ensure(lines.len() == 15, "should log 15 lines")?;
    for client in ["alice", "bob", "carol"] {
        let pattern = format!("log: {client} request #");
        let requests: Vec<usize> =
            lines.iter().filter_map(|line| numbers(line, &pattern)).flatten().collect();
        ensure(requests == [1, 2, 3, 4, 5], &format!("should log {client}'s requests in order"))?;
    }
    Ok(())
}

/// The report of a deadlock: every task is in it, and waits to send at that line of the example.
fn deadlock(lines: &[&str], example: &str, senders: &[(&str, &str)]) -> Result<(), String> {
    let path = format!("examples/{example}.rs");
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path))
        .map_err(|e| format!("{path} cannot be read: {e}"))?;
    let first = "simulated run failed: all tasks are asleep - deadlock!";
    ensure(lines.first() == Some(&first), &format!("the report should begin with {first:?}"))?;
    let live = lines.iter().skip_while(|line| **line != "live tasks:").skip(1);
    let live: Vec<&str> = live.copied().take_while(|line| !line.is_empty()).collect();
    ensure(live.len() == senders.len(), &format!("should tell of {} live tasks", senders.len()))?;
    for (task, code) in senders {
        let at =
            source.lines().position(|line| line.contains(code)).ok_or(format!("no {code:?} in {path}"))?;
        let waits = format!("  {task} [chan send] at {path}:{}:", at + 1);
        ensure(live.iter().any(|line| line.starts_with(&waits)), &format!("should have {waits:?}"))?;
    }
    ensure(lines.contains(&"last steps:"), "should tell the last steps")
}

fn full_buffer_deadlock(lines: &[&str]) -> Result<(), String> {
    deadlock(lines, "full_buffer_deadlock", &[("main", "tx.send(3)")])
}

/// Three workers take a job each; then all wait to send.
fn worker_pool_deadlock(lines: &[&str]) -> Result<(), String> {
    ensure(lines.len() > 3, "should print three jobs and a report")?;
    let (jobs, report) = lines.split_at(3);
    let taken: Vec<_> = jobs.iter().filter_map(|line| numbers(line, "Worker # processing job #")).collect();
    for part in [0, 1] {
        let numbers: BTreeSet<usize> = taken.iter().map(|numbers| numbers[part]).collect();
        ensure(numbers == (1..=3).collect(), "three workers should take the jobs 1 to 3")?;
    }
    let results = "results.send(job * 2)";
    deadlock(
        report,
        "worker_pool_deadlock",
        &[("main", "jobs_tx.send(j)"), ("task 1", results), ("task 2", results), ("task 3", results)],
    )
}

fn no_echo(lines: &[&str]) -> Result<(), String> {
    let said = lines.len() == 2 && lines[0].starts_with("echo at 127.0.0.1:");
    ensure(said && lines[1] == "0 connections, 0 bytes", "should listen, and end at once")
}

fn usage(lines: &[&str]) -> Result<(), String> {
    ensure(lines.iter().any(|line| line.starts_with("Usage: ")), "should say how it is used")
}

fn one_digest(lines: &[&str]) -> Result<(), String> {
    let digest =
        |line: &str| line.strip_suffix("  examples/hello_goroutine.rs").is_some_and(|hex| hex.len() == 64);
    ensure(lines.len() == 1 && digest(lines[0]), "should print the digest of one file")
}

/// A check that accepted everything would be none.
mod the_checks_reject {
    use super::*;

    fn accepts(rule: Rule, lines: &[&str]) {
        assert_eq!(rule(lines), Ok(()));
        for gone in 0..lines.len() {
            let mut lines = lines.to_vec();
            let line = lines.remove(gone);
            assert!(rule(&lines).is_err(), "accepted without {line:?}");
            lines.extend([line, line]);
            assert!(rule(&lines).is_err(), "accepted with {line:?} twice");
        }
    }

    fn rejects_swapped(rule: Rule, lines: &[&str], a: usize, b: usize) {
        let mut lines = lines.to_vec();
        lines.swap(a, b);
        assert!(rule(&lines).is_err(), "accepted {lines:?}");
    }

    #[test]
    fn exact_and_any_order() {
        assert!(check(&Exactly(&["a", "b"]), &["b", "a"]).is_err());
        assert!(check(&Exactly(&["a", "b"]), &["a"]).is_err());
        assert!(check(&AnyOrder(&["a", "b"]), &["b", "a"]).is_ok());
        assert!(check(&AnyOrder(&["a", "b"]), &["b", "b"]).is_err());
        assert!(check(&AnyOrder(&["a", "b"]), &["b", "a", "a"]).is_err());
    }

    #[test]
    fn a_pool_out_of_order() {
        let good = [
            "Worker 3 processing job 1",
            "Worker 1 processing job 2",
            "Worker 2 processing job 3",
            "Result: 4",
            "Worker 1 processing job 4",
            "Result: 2",
            "Worker 3 processing job 5",
            "Result: 6",
            "Result: 8",
            "Result: 10",
        ];
        accepts(pool_of_three, &good);
        rejects_swapped(pool_of_three, &good, 0, 5);
        let mut fourth = good;
        fourth[0] = "Worker 4 processing job 1";
        assert!(pool_of_three(&fourth).is_err());
    }

    #[test]
    fn a_barrier_out_of_order() {
        let good = [
            "Worker 1 started job 1",
            "Worker 2 started job 2",
            "Worker 3 started job 3",
            "Worker 2 finished job 2",
            "Worker 2 started job 4",
            "Worker 1 finished job 1",
            "Worker 1 started job 5",
            "Worker 3 finished job 3",
            "Worker 3 started job 6",
            "Worker 3 finished job 6",
            "Worker 2 finished job 4",
            "Worker 1 finished job 5",
            "All workers have completed their tasks!",
        ];
        accepts(barrier_of_three, &good);
        for (a, b) in [(0, 5), (3, 4), (11, 12), (5, 7)] {
            rejects_swapped(barrier_of_three, &good, a, b);
        }
    }

    #[test]
    fn counters_numbers_workers_and_logs_out_of_order() {
        let counted = ["1", "1", "2", "3", "2", "4", "3", "4", "5", "5", "Main function done"];
        accepts(two_counters, &counted);
        rejects_swapped(two_counters, &counted, 1, 3);
        rejects_swapped(two_counters, &counted, 9, 10);

        let mixed = ["1", "A", "B", "2", "3", "C", "D", "4", "5", "E"];
        accepts(numbers_and_letters, &mixed);
        rejects_swapped(numbers_and_letters, &mixed, 0, 3);
        rejects_swapped(numbers_and_letters, &mixed, 1, 2);

        let workers = ["Worker 3 started", "Worker 1 started", "Worker 2 started", "All workers completed"];
        accepts(wait_for_workers, &workers);
        rejects_swapped(wait_for_workers, &workers, 2, 3);

        let mut logs = Vec::new();
        for request in 1..=5 {
            logs.extend(["bob", "alice", "carol"].map(|client| format!("log: {client} request {request}")));
        }
        logs.push("15 lines were logged".to_string());
        let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
        accepts(process_logs, &logs);
        rejects_swapped(process_logs, &logs, 0, 3);
    }

    #[test]
    fn deadlocks_that_are_none() {
        let good = [
            "simulated run failed: all tasks are asleep - deadlock!",
            "  seed 0, virtual time 0ns",
            "",
            "live tasks:",
            "  main [chan send] at examples/full_buffer_deadlock.rs:12:8",
            "",
            "last steps:",
        ];
        assert_eq!(full_buffer_deadlock(&good), Ok(()));
        for essential in [0, 3, 4, 6] {
            let mut lines = good.to_vec();
            lines[essential] = "something else";
            assert!(full_buffer_deadlock(&lines).is_err(), "accepted {lines:?}");
        }
        let mut two = good.to_vec();
        two.insert(5, good[4]);
        assert!(full_buffer_deadlock(&two).is_err());

        let workers = [1, 2, 3].map(|w| {
            format!("  task {w} [chan send] at examples/worker_pool_deadlock.rs:14:17, spawned at x")
        });
        let mut pool =
            vec!["Worker 2 processing job 1", "Worker 1 processing job 2", "Worker 3 processing job 3"];
        pool.extend(&good[..4]);
        pool.push("  main [chan send] at examples/worker_pool_deadlock.rs:29:17");
        pool.extend(workers.iter().map(String::as_str));
        pool.extend(&good[5..]);
        assert_eq!(worker_pool_deadlock(&pool), Ok(()));
        for gone in [0, 1, 2, 3, 6, 7, 8, 9, 10, 12] {
            let mut lines = pool.clone();
            lines.remove(gone);
            assert!(worker_pool_deadlock(&lines).is_err(), "accepted {lines:?}");
        }
        pool[1] = pool[0];
        assert!(worker_pool_deadlock(&pool).is_err());
    }
}
