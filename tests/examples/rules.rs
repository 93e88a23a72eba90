//! Rules about what a program prints, where the order is not all of it.
use crate::same_lines;
use std::collections::BTreeSet;
use std::path::Path;

pub(crate) fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_string()) }
}

/// The lines without the last, which is as given.
pub(crate) fn split_last<'a>(lines: &'a [&'a str], last: &str) -> Result<&'a [&'a str], String> {
    match lines.split_last() {
        Some((end, rest)) if *end == last => Ok(rest),
        _ => Err(format!("the last line should be {last:?}")),
    }
}

/// The numbers of a line, if it is otherwise the pattern: `numbers("Worker 2 started job 5", "Worker # started job #")`.
pub(crate) fn numbers(line: &str, pattern: &str) -> Option<Vec<usize>> {
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
pub(crate) fn pool_of_three(lines: &[&str]) -> Result<(), String> {
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
pub(crate) fn barrier_of_three(lines: &[&str]) -> Result<(), String> {
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
pub(crate) fn two_counters(lines: &[&str]) -> Result<(), String> {
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

pub(crate) fn numbers_and_letters(lines: &[&str]) -> Result<(), String> {
    let (numbers, letters): (Vec<&str>, Vec<&str>) =
        lines.iter().partition(|line| line.parse::<u8>().is_ok());
    ensure(numbers == ["1", "2", "3", "4", "5"], "the numbers should be 1 to 5 in order")?;
    ensure(letters == ["A", "B", "C", "D", "E"], "the letters should be A to E in order")
}

pub(crate) fn wait_for_workers(lines: &[&str]) -> Result<(), String> {
    let started = split_last(lines, "All workers completed")?;
    same_lines(started, &["Worker 1 started", "Worker 2 started", "Worker 3 started"])
}

/// Each client's requests are logged in order, none is missing.
pub(crate) fn process_logs(lines: &[&str]) -> Result<(), String> {
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
pub(crate) fn deadlock(lines: &[&str], example: &str, senders: &[(&str, &str)]) -> Result<(), String> {
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

pub(crate) fn full_buffer_deadlock(lines: &[&str]) -> Result<(), String> {
    deadlock(lines, "full_buffer_deadlock", &[("main", "tx.send(3)")])
}

/// Three workers take a job each; then all wait to send.
pub(crate) fn worker_pool_deadlock(lines: &[&str]) -> Result<(), String> {
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

pub(crate) fn no_echo(lines: &[&str]) -> Result<(), String> {
    let said = lines.len() == 2 && lines[0].starts_with("echo at 127.0.0.1:");
    ensure(said && lines[1] == "0 connections, 0 bytes", "should listen, and end at once")
}

pub(crate) fn usage(lines: &[&str]) -> Result<(), String> {
    ensure(lines.iter().any(|line| line.starts_with("Usage: ")), "should say how it is used")
}

pub(crate) fn one_digest(lines: &[&str]) -> Result<(), String> {
    let digest =
        |line: &str| line.strip_suffix("  examples/hello_goroutine.rs").is_some_and(|hex| hex.len() == 64);
    ensure(lines.len() == 1 && digest(lines[0]), "should print the digest of one file")
}
