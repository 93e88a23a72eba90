//! The run as Markdown, for the repository: ratios first, figures after.
use super::analysis::{Group, Report};
use crate::ranking::{Cell, OURS, Row, Standing, percent, ratio};
use crate::stats::Verdict;
use std::fmt::Write;
use std::path::Path;

/// The page; `plots` is where the plots are, as the page sees it.
pub(crate) fn page(report: &Report<'_>, plots: Option<&Path>) -> String {
    let mut page = format!("# {OURS} and its peers, measured\n\n");
    page.push_str("Made by `dormouse-bench report FILE.json --markdown`; do not edit.\n\n");
    for sentence in [report.score(), report.short_facts(), report.noise()] {
        line(&mut page, &format!("{}\n", escape(&sentence)));
    }
    for failure in report.failures() {
        line(&mut page, &format!("- **{}**", escape(&failure)));
    }
    if !report.failures().is_empty() {
        page.push('\n');
    }
    line(&mut page, &format!("{}\n", escape(super::analysis::LEGEND)));
    line(&mut page, &format!("| cell | first | second | by | noise | {OURS} |\n|---|---|---|---:|---:|---|"));
    for cell in report.cells() {
        let name = |row: Option<&Row<'_>>| row.map_or_else(|| "-".into(), |row| escape(&row.result.name));
        let second = cell.second();
        let by = second.map_or_else(
            || "-".into(),
            |row| match row.verdict {
                Verdict::Tie => "tie".into(),
                Verdict::Apart => ratio(row.ratio),
                Verdict::Unknown => format!("?{}", ratio(row.ratio)),
            },
        );
        let pair = cell.first().zip(second);
        let noise =
            pair.map_or_else(|| "-".into(), |(first, second)| percent(cell.noise_between(first, second)));
        let ours = match cell.ours() {
            lost @ Standing::Loses(_) => format!("**{}**", lost.text()),
            other => other.text(),
        };
        let cell_name = format!("[{}](#{})", escape(&cell.result.name), anchor(&cell.result.name));
        line(
            &mut page,
            &format!("| {cell_name} | {} | {} | {by} | {noise} | {ours} |", name(cell.first()), name(second)),
        );
    }
    for group in &report.groups {
        ratios(&mut page, group, plots);
    }
    page.push_str("\n## Where and when\n\n| | |\n|---|---|\n");
    for (name, value) in report.facts() {
        line(&mut page, &format!("| {name} | {} |", escape(&value)));
    }
    page.push_str("\n## All figures\n");
    for group in &report.groups {
        figures(&mut page, group);
    }
    page
}

/// A row per contender, a column per cell.
fn ratios(page: &mut String, group: &Group<'_>, plots: Option<&Path>) {
    line(page, &format!("\n## {}\n", escape(group.name)));
    if let Some(plots) = plots {
        let path = plots.join(group.file()).display().to_string().replace('\\', "/");
        line(page, &format!("![{}](<{path}>)\n", escape(group.name)));
    }
    let mut names: Vec<&str> = Vec::new();
    for cell in &group.cells {
        let ranked = cell.ranked.iter().map(|row| row.result.name.as_str());
        for name in ranked.chain(cell.absent.iter().map(|contender| contender.name.as_str())) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let short = |name: &str| escape(name.strip_prefix(group.name).unwrap_or(name).trim_start_matches('/'));
    let heads: Vec<_> = group.cells.iter().map(|cell| short(&cell.result.name)).collect();
    line(page, &format!("| | {} |\n|---|{}", heads.join(" | "), "---:|".repeat(heads.len())));
    for name in names {
        let ratio = |cell: &Cell<'_>| {
            let row = cell.ranked.iter().find(|row| row.result.name == name);
            let absent = || if cell.absent.iter().any(|each| each.name == name) { "n/a" } else { "" };
            row.map_or_else(|| absent().to_string(), |row| row.ratio_text())
        };
        let columns: Vec<_> = group.cells.iter().map(ratio).collect();
        line(page, &format!("| {} | {} |", escape(name), columns.join(" | ")));
    }
}

fn figures(page: &mut String, group: &Group<'_>) {
    for cell in &group.cells {
        let result = cell.result;
        let unit = escape(&format!("{} per {}", result.unit, result.operation));
        line(page, &format!("\n### {}\n", escape(&result.name)));
        line(page, &format!("| | ratio | median, {unit} | least to most | noise | CPU, ns | peak MiB |"));
        page.push_str("|---|---:|---:|---:|---:|---:|---:|\n");
        for row in cell.rows() {
            line(page, &format!("| {} | {} |", escape(&row.result.name), row.figures().join(" | ")));
        }
        for contender in &cell.absent {
            let why = escape(&contender.reason());
            line(page, &format!("| {} | {why} | | | | | |", escape(&contender.name)));
        }
    }
}

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || "-_".contains(c) => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    heading.chars().filter_map(kept).collect()
}

fn line(page: &mut String, text: &str) {
    // A String takes everything.
    let _ = writeln!(page, "{text}");
}

/// Text that stays text, in a table too.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' | '\r' => escaped.push(' '),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}
