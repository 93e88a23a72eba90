//! Runs the example programs: finds the binary, keeps what it prints, and kills one that hangs.
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// No program here takes as long; one that does has hung.
pub(crate) const HUNG: Duration = Duration::from_secs(60);

/// What a finished program left behind.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Where cargo has put the example, beside this very test: `target/PROFILE/examples/NAME`.
///
/// # Panics
/// If it is not there.
pub(crate) fn binary(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("a test lies in target/PROFILE/deps");
    let path = profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{} is missing. `cargo test` builds the examples before it runs the tests; \
         `cargo test --test NAME` does not: run `cargo build --examples` first.",
        path.display()
    );
    path
}

/// Runs a program to its end.
///
/// # Panics
/// If it cannot be started, or has hung; then `name` is in the message.
pub(crate) fn run(name: &str, command: &mut Command) -> Ran {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{name} cannot be started: {e}"));
    let stdout = read_aside(child.stdout.take().expect("stdout is piped"));
    let stderr = read_aside(child.stderr.take().expect("stderr is piped"));
    let status = wait_or_kill(name, &mut child);
    Ran {
        status,
        stdout: stdout.join().expect("reading does not panic"),
        stderr: String::from_utf8_lossy(&stderr.join().expect("reading does not panic")).into_owned(),
    }
}

/// Waits for a program to end.
///
/// # Panics
/// If it has hung: it is killed, and `name` is in the message.
pub(crate) fn wait_or_kill(name: &str, child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status;
        }
        if start.elapsed() > HUNG {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{name} has hung: it was killed after {HUNG:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn read_aside(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}
