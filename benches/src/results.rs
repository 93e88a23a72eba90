//! What a run found, as it stands in a file.
use crate::machine::Machine;
use crate::stats;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// Seconds since 1970.
    pub(crate) date: u64,
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) cells: Vec<CellResult>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CellResult {
    pub(crate) name: String,
    pub(crate) operation: String,
    pub(crate) unit: String,
    pub(crate) contenders: Vec<ContenderResult>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ContenderResult {
    pub(crate) name: String,
    pub(crate) peer: String,
    /// One value per round.
    pub(crate) values: Vec<f64>,
    /// Nanoseconds of CPU time per operation, per round.
    pub(crate) cpu: Vec<f64>,
    /// Peak memory in bytes, per round.
    pub(crate) peak_rss: Vec<f64>,
    /// Why there are no values: it cannot do this, or it failed.
    pub(crate) not_available: Option<String>,
}

impl ContenderResult {
    pub(crate) fn median(&self) -> Option<f64> {
        stats::median(&self.values)
    }

    /// The median and its noise.
    pub(crate) fn measured(&self) -> Option<(f64, f64)> {
        Some((self.median()?, stats::noise(&self.values)))
    }
}

impl CellResult {
    /// The least median, and its noise.
    pub(crate) fn best(&self) -> Option<(f64, f64)> {
        self.contenders.iter().filter_map(ContenderResult::measured).min_by(|a, b| a.0.total_cmp(&b.0))
    }
}

impl Results {
    pub(crate) fn read(path: &Path) -> Result<Results, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        serde_json::from_str(&text)
            .map_err(|error| format!("{} is not a file that `run --json` wrote: {error}", path.display()))
    }

    pub(crate) fn write_json(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        write(path, &text)
    }

    /// A line per contender: cell, contender, unit, median, least, most, noise, CPU, peak memory.
    pub(crate) fn write_csv(&self, path: &Path) -> Result<(), String> {
        let mut text = String::from(
            "cell,contender,peer,operation,unit,median,least,most,noise,cpu_ns,peak_rss,not_available\n",
        );
        let field = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        for cell in &self.cells {
            for contender in &cell.contenders {
                let range = stats::range(&contender.values);
                let columns = [
                    field(&cell.name),
                    field(&contender.name),
                    field(&contender.peer),
                    field(&cell.operation),
                    field(&cell.unit),
                    number(contender.median()),
                    number(range.map(|range| range.0)),
                    number(range.map(|range| range.1)),
                    number(contender.measured().map(|(_, noise)| noise)),
                    number(stats::median(&contender.cpu)),
                    number(stats::median(&contender.peak_rss)),
                    field(contender.not_available.as_deref().unwrap_or("")),
                ];
                text.push_str(&columns.join(","));
                text.push('\n');
            }
        }
        write(path, &text)
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
