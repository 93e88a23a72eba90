//! Tests that need a process of their own: for what they say, for the environment, for an end of the process.
use std::process::Command;

/// A command that runs the ignored test named `test`, with its modules, of the binary that calls this.
pub fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test has a path"));
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}
