//! Tests that need a process of their own: for what they say, for the environment, for an end of the process.
use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, id};

/// A command that runs the ignored test named `test`, with its modules, of the binary that calls this.
pub fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test has a path"));
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}

/// Kills the programs that this one has started, and those that they have: nobody else would end them after it. (Where the
/// system does not list processes, nobody is found.)
pub(crate) fn kill_children() {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let process = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let (Some(process), Ok(status)) = (process, fs::read_to_string(entry.path().join("status"))) {
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
            children.entry(parent.unwrap_or(0)).or_default().push(process);
        }
    }
    let mut found = vec![id()];
    let mut next = 0;
    while let Some(process) = found.get(next) {
        found.extend(children.remove(process).unwrap_or_default());
        next += 1;
    }
    let processes: Vec<_> = found[1..].iter().map(u32::to_string).collect();
    if !processes.is_empty() {
        // What cannot be killed has ended.
        let _ = Command::new("sh").args(["-c", &format!("kill -9 {}", processes.join(" "))]).output();
    }
}
