//! What the user sees: digest lines on stdout, reports and the progress bar on stderr.
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Lines are gathered up to this size while more are at hand.
const BATCH: usize = 32 * 1024;

pub(crate) struct Screen {
    lines: Vec<u8>,
    bar: ProgressBar,
    /// Lines and bar share a terminal: the bar has to step aside for the lines.
    shared: bool,
}

impl Screen {
    pub(crate) fn new() -> Screen {
        // indicatif hides a bar whose stderr is no terminal.
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        bar.set_style(style.expect("the template is a constant"));
        Screen { lines: Vec::new(), bar, shared: io::stdout().is_terminal() }
    }

    /// The progress in bytes, for whoever makes it.
    pub(crate) fn progress(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Adds the line of a digested file.
    pub(crate) fn digested(&mut self, digest: &str, path: &Path) -> io::Result<()> {
        let name = escape(path);
        if name.len() > path.as_os_str().len() {
            self.lines.push(b'\\'); // tells `sha256sum -c` that the name is escaped
        }
        self.lines.extend_from_slice(digest.as_bytes());
        self.lines.extend_from_slice(b"  ");
        self.lines.extend_from_slice(&name);
        self.lines.push(b'\n');
        if self.lines.len() < BATCH { Ok(()) } else { self.flush() }
    }

    /// Writes what is gathered. Call it before waiting.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let write = || {
            let mut out = io::stdout().lock();
            out.write_all(&self.lines)?;
            out.flush()
        };
        let written = if self.shared { self.bar.suspend(write) } else { write() };
        self.lines.clear();
        written
    }

    /// Reports on stderr what could not be digested.
    pub(crate) fn report(&self, path: &Path, reason: &dyn std::fmt::Display) {
        let mut message = b"digest: ".to_vec();
        message.extend_from_slice(&escape(path));
        message.extend_from_slice(format!(": {reason}\n").as_bytes());
        // With stderr gone there is nobody left to tell; the exit code still does.
        self.bar.suspend(|| io::stderr().write_all(&message).unwrap_or(()));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The path on one line: backslash, newline and carriage return as GNU `sha256sum` writes them, all other bytes as they are.
fn escape(path: &Path) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(path.as_os_str().len());
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' => escaped.extend_from_slice(b"\\\\"),
            b'\n' => escaped.extend_from_slice(b"\\n"),
            b'\r' => escaped.extend_from_slice(b"\\r"),
            _ => escaped.push(byte),
        }
    }
    escaped
}
