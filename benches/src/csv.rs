//! A run as a table for other programs.
use crate::ranking::Cell;
use crate::results::{self, Results};
use crate::stats;
use std::path::Path;

/// A line per contender: cell, contender, unit, median, least, most, noise, CPU, peak memory.
pub(crate) fn write(results: &Results, path: &Path) -> Result<(), String> {
    let mut text = String::from(
        "cell,contender,peer,operation,unit,median,least,most,noise,cpu_ns,peak_rss,not_available,failed\n",
    );
    let field = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for cell in &results.cells {
        let ranked = Cell::new(cell);
        for contender in &cell.contenders {
            let range = stats::range(&contender.values);
            let row = ranked.rows().find(|row| row.result.name == contender.name);
            let columns = [
                field(&cell.name),
                field(&contender.name),
                field(&contender.peer),
                field(&cell.operation),
                field(&cell.unit),
                number(row.map(|row| row.measured.median)),
                number(range.map(|range| range.0)),
                number(range.map(|range| range.1)),
                number(row.and_then(|row| row.measured.noise)),
                number(stats::median(&contender.cpu)),
                number(stats::median(&contender.peak_rss)),
                field(contender.not_available.as_deref().unwrap_or("")),
                field(contender.failed.as_deref().unwrap_or("")),
            ];
            text.push_str(&columns.join(","));
            text.push('\n');
        }
    }
    results::write(path, &text)
}
