//! One sample: a contender's work in a process of its own, which may fail, or take too long.
use crate::load;
use crate::measure::Sample;
use crate::registry::{Cell, Contender, Scale, Work};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Whoever takes longer hangs: the longest samples take a few seconds.
const LIMIT: Duration = Duration::from_secs(100);

/// Starts a contender's work, ours by this program again, and waits for what it prints.
pub(crate) fn take(cell: &Cell, contender: &Contender, scale: Scale) -> Result<Sample, String> {
    let mut command = match &contender.work {
        Work::Program(program) => {
            let mut command = Command::new(program);
            command.arg(&cell.name).env(load::PROGRAM, this()?);
            command
        }
        _ => {
            let mut command = Command::new(this()?);
            command.args(["work", &cell.name, &contender.name]);
            command
        }
    };
    if scale == Scale::Quick {
        command.arg("--quick");
    }
    let said = within(LIMIT, &mut command)?;
    serde_json::from_str(&said).map_err(|error| format!("its process printed no sample: {error}"))
}

/// This program.
fn this() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| error.to_string())
}

/// What a command prints, if it ends well and in time.
fn within(limit: Duration, command: &mut Command) -> Result<String, String> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| format!("its process could not be started: {error}"))?;
    let (status, said, complained) = ended(child, limit)?;
    if !status.success() {
        let last = complained.lines().rfind(|line| !line.is_empty() && !line.starts_with("note: "));
        return Err(format!("{status}: {}", last.unwrap_or("it said nothing")));
    }
    Ok(said)
}

/// How a process ended, and what it wrote to both of its outputs. It is killed at the limit.
fn ended(mut child: Child, limit: Duration) -> Result<(ExitStatus, String, String), String> {
    let (mut said, mut complained) = (child.stdout.take(), child.stderr.take());
    let (sender, receiver) = mpsc::channel();
    // It ends with the process, which is when its outputs close. What is complained may be long; what is said is short.
    let reader = thread::spawn(move || {
        let texts = [text(&mut complained), text(&mut said)];
        let _ = sender.send(()); // nobody listens after the limit
        texts
    });
    let in_time = receiver.recv_timeout(limit);
    if in_time == Err(RecvTimeoutError::Timeout) {
        child.kill().map_err(|error| format!("it hangs, and cannot be killed: {error}"))?;
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let [complained, said] = reader.join().expect("the reader does not fail");
    match in_time {
        Err(RecvTimeoutError::Timeout) => Err(format!("no end after {limit:?}")),
        _ => Ok((status, said, complained)),
    }
}

fn text(output: &mut Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(output) = output {
        // What was read before an error is all there is.
        let _ = output.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<String, String> {
        within(limit, Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn a_process_that_fails_is_quoted() {
        let script = "echo why >&2; echo 'note: run with' >&2; exit 3";
        assert_eq!(shell(script, LIMIT), Err("exit status: 3: why".into()));
        assert_eq!(shell("echo fine; echo loud >&2", LIMIT), Ok("fine\n".into()));
    }

    #[test]
    fn a_process_that_hangs_is_killed() {
        let said = shell("exec sleep 1000", Duration::from_millis(50));
        assert_eq!(said, Err("no end after 50ms".into()));
    }

    #[test]
    fn a_process_may_complain_at_length() {
        let script = "i=0; while [ $i -lt 5000 ]; do echo 'a line that fills the pipe' >&2; i=$((i+1)); done; echo end";
        assert_eq!(shell(script, LIMIT), Ok("end\n".into()));
    }
}
