//! What a run ran on: figures of different machines cannot be compared.
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cpus: usize,
    pub(crate) memory: String,
    pub(crate) system: String,
    pub(crate) rustc: String,
    /// What is measured, with versions as in Cargo.lock.
    pub(crate) versions: Vec<(String, String)>,
}

/// Crates whose version a reader wants to know.
const MEASURED: [&str; 14] = [
    "dormouse-executor",
    "dormouse-chan",
    "tokio",
    "async-executor",
    "async-task",
    "kanal",
    "crossfire",
    "flume",
    "async-channel",
    "futures",
    "crossbeam-channel",
    "async-lock",
    "parking_lot",
    "async-io",
];

impl Machine {
    pub(crate) fn this() -> Machine {
        let cpuinfo = read("/proc/cpuinfo");
        let memory = read("/proc/meminfo");
        Machine {
            cpu: value(&cpuinfo, "model name").unwrap_or_else(|| "unknown".into()),
            cpus: std::thread::available_parallelism().map_or(1, |cpus| cpus.get()),
            memory: value(&memory, "MemTotal").unwrap_or_else(|| "unknown".into()),
            system: format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease").trim()),
            rustc: env!("DORMOUSE_BENCH_RUSTC").into(),
            versions: versions(include_str!("../../Cargo.lock")),
        }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The value of a `key : value` line.
fn value(text: &str, key: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_string()).next()
}

fn versions(lock: &str) -> Vec<(String, String)> {
    let package = |name: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some((name.to_string(), rest.split('"').next()?.to_string()))
    };
    MEASURED.iter().filter_map(|name| package(name)).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_measured_crate_has_a_version() {
        assert_eq!(super::Machine::this().versions.len(), super::MEASURED.len());
    }
}
