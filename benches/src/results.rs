//! What a run found, as it stands in a file.
use crate::machine::Machine;
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
    /// Why there are no values: it cannot do this.
    pub(crate) not_available: Option<String>,
    /// Why there are no values: it should, but it failed.
    #[serde(default)]
    pub(crate) failed: Option<String>,
}

/// What is added to the name of a contender that is measured a second time.
pub(crate) const AGAIN: &str = " (again)";

impl ContenderResult {
    /// Why there are no values.
    pub(crate) fn reason(&self) -> String {
        match (&self.failed, &self.not_available) {
            (Some(why), _) => format!("failed: {why}"),
            (None, Some(why)) => format!("n/a: {why}"),
            (None, None) => "n/a: interrupted".into(),
        }
    }
}

impl Results {
    /// Each contender that failed: its cell, its name, why.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.cells.iter().flat_map(|cell| {
            let failed =
                cell.contenders.iter().filter_map(|each| Some((&*each.name, each.failed.as_deref()?)));
            failed.map(|(name, why)| (&*cell.name, name, why))
        })
    }

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
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
