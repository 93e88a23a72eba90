//! What one measurement is, and how a cell takes it.
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What a cell's work took, once.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Operations that were done: messages, tasks, turns.
    pub(crate) operations: u64,
    /// A sum over the work, the same for all contenders of a cell: the proof that it was done.
    pub(crate) checksum: u64,
    /// What a cell is ranked by, per operation: nanoseconds of wall time, unless the cell's unit says otherwise.
    pub(crate) value: f64,
    /// Nanoseconds of CPU time of the process, per operation.
    pub(crate) cpu: f64,
    /// The most memory that the process had, in bytes.
    pub(crate) peak_rss: u64,
}

/// Measures the work between its start and its stop.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: u64,
}

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch { cpu: cpu_nanos(), wall: Instant::now() }
    }

    /// The work is done: nanoseconds per operation.
    pub(crate) fn stop(self, operations: u64, checksum: u64) -> Sample {
        let wall = self.wall.elapsed().as_nanos() as f64;
        self.stop_with(operations, checksum, wall / operations as f64)
    }

    /// The work is done, and the cell has measured something else than its wall time.
    pub(crate) fn stop_with(self, operations: u64, checksum: u64, value: f64) -> Sample {
        let cpu = (cpu_nanos() - self.cpu) as f64 / operations as f64;
        Sample { operations, checksum, value, cpu, peak_rss: peak_rss() }
    }
}

/// CPU time of this process, user and system, in nanoseconds.
pub(crate) fn cpu_nanos() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A line of `/proc/PROCESS/FILE`, in bytes; 0 where there is none.
fn proc(process: &str, file: &str, line: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
    let found = text.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kib = found.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// The most memory that this process ever had, in bytes.
pub(crate) fn peak_rss() -> u64 {
    peak_rss_of("self")
}

/// The most memory that a process ever had, in bytes.
pub(crate) fn peak_rss_of(process: &str) -> u64 {
    proc(process, "status", "VmHWM")
}

/// The memory that this process has, in bytes. (`status` has it too, but leaves out what each CPU has not reported yet.)
pub(crate) fn resident() -> u64 {
    proc("self", "smaps_rollup", "Rss")
}
