//! Who is first in a cell, by how much, and how sure that is.
//!
//! The contender that is measured again is no rival: it tells only how far a thing is from itself.
use crate::results::{AGAIN, CellResult, ContenderResult};
use crate::stats::{self, Measured, Noise, Verdict};

/// Whose losses are marked.
pub(crate) const OURS: &str = "dormouse";
/// Whose figures are limits to compare with, not rivals, where there are others.
const REFERENCE: &str = "machine";

/// A cell, its contenders in order of rank.
pub(crate) struct Cell<'r> {
    pub(crate) result: &'r CellResult,
    /// The least median is first.
    pub(crate) ranked: Vec<Row<'r>>,
    /// The one that was measured again, beside the same rivals.
    pub(crate) again: Option<Row<'r>>,
    /// Those without values.
    pub(crate) absent: Vec<&'r ContenderResult>,
}

/// A contender with values.
pub(crate) struct Row<'r> {
    pub(crate) result: &'r ContenderResult,
    /// The noise is no less than what the one that was measured again is from itself.
    pub(crate) measured: Measured,
    /// To the best of the cell.
    pub(crate) ratio: f64,
    /// What the difference to the best says.
    pub(crate) verdict: Verdict,
    /// It shows a limit, and is not in the contest.
    pub(crate) reference: bool,
}

/// How ours stand in a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Standing {
    /// Beyond the noise, before all other projects.
    First,
    /// With the first of another project, whichever of both is ahead.
    Tie,
    /// By this ratio to the best.
    Loses(f64),
    /// The noise is not known; the ratio is.
    Unknown(f64),
    /// Nobody else is there.
    Alone,
    Absent,
}

/// How far the contender that was measured twice is from itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Apart {
    /// Of the first of both medians.
    pub(crate) part: f64,
    /// By the noise of the samples alone.
    pub(crate) verdict: Verdict,
}

impl<'r> Cell<'r> {
    pub(crate) fn new(result: &'r CellResult) -> Cell<'r> {
        let contest = result.contenders.iter().any(|contender| contender.peer != REFERENCE);
        let reference = |contender: &ContenderResult| contest && contender.peer == REFERENCE;
        let apart = apart(result).map(|apart| apart.part);
        let noise = noise(result);
        let measured = |contender: &ContenderResult| Some(noise.of(&contender.values)?.at_least(apart));
        let best = result
            .contenders
            .iter()
            .filter(rival)
            .filter(|contender| !reference(contender))
            .filter_map(measured)
            .min_by(|a, b| a.median.total_cmp(&b.median));
        let row = |contender: &'r ContenderResult| {
            let (best, measured) = (best?, measured(contender)?);
            let ratio = if measured.median == best.median { 1.0 } else { measured.median / best.median };
            let verdict = measured.against(best);
            Some(Row { result: contender, measured, ratio, verdict, reference: reference(contender) })
        };
        let mut ranked: Vec<_> = result.contenders.iter().filter(rival).filter_map(row).collect();
        ranked.sort_by(|a, b| a.measured.median.total_cmp(&b.measured.median));
        let again = result.contenders.iter().find(|contender| !rival(contender)).and_then(row);
        let absent = result.contenders.iter().filter(|each| each.values.is_empty()).collect();
        Cell { result, ranked, again, absent }
    }

    pub(crate) fn first(&self) -> Option<&Row<'r>> {
        self.contest().next()
    }

    /// The best of another project than the first's.
    pub(crate) fn second(&self) -> Option<&Row<'r>> {
        let first = self.first()?;
        self.contest().find(|row| row.result.peer != first.result.peer)
    }

    fn contest(&self) -> impl Iterator<Item = &Row<'r>> {
        self.ranked.iter().filter(|row| !row.reference)
    }

    pub(crate) fn ours(&self) -> Standing {
        let Some(ours) = self.contest().find(|row| row.result.peer == OURS) else { return Standing::Absent };
        let first = self.first().is_some_and(|first| first.result.peer == OURS);
        let Some(second) = self.second() else { return Standing::Alone };
        let closest = if first { second } else { ours };
        match closest.verdict {
            Verdict::Tie => Standing::Tie,
            Verdict::Unknown => Standing::Unknown(ours.ratio),
            Verdict::Apart if first => Standing::First,
            Verdict::Apart => Standing::Loses(ours.ratio),
        }
    }

    pub(crate) fn apart(&self) -> Option<Apart> {
        apart(self.result)
    }

    /// "dormouse is first, x1.20 before kanal on tokio, beyond the noise of 3 %".
    pub(crate) fn sentence(&self) -> String {
        let Some(first) = self.first() else { return "nobody has a figure".into() };
        let name = &first.result.name;
        let Some(second) = self.second() else { return format!("{name} has no rival") };
        let (other, by) = (&second.result.name, ratio(second.ratio));
        let noise = percent(self.noise_between(first, second));
        match second.verdict {
            Verdict::Apart => format!("{name} is first, {by} before {other}, beyond the noise of {noise}"),
            Verdict::Tie => format!("{name} and {other} tie: {by} is within the noise of {noise}"),
            Verdict::Unknown => {
                format!("no winner: {name} is {by} before {other}, but too few rounds tell no noise")
            }
        }
    }

    /// What a difference between the two must be more than, as a part of the first.
    pub(crate) fn noise_between(&self, first: &Row<'_>, second: &Row<'_>) -> Option<f64> {
        let wide = |row: &Row<'_>| Some(row.measured.noise? * row.ratio);
        Some(wide(first)?.hypot(wide(second)?))
    }

    /// Rows of the full table: the ranked ones, then the one measured again.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row<'r>> {
        self.ranked.iter().chain(&self.again)
    }
}

impl Row<'_> {
    /// "x1.25"; a `=` before it is a tie with the best, a `?` says that the noise is not known.
    pub(crate) fn ratio_text(&self) -> String {
        let mark = match self.verdict {
            Verdict::Tie if self.ratio > 1.0 => "=",
            Verdict::Unknown if self.ratio > 1.0 => "?",
            _ => "",
        };
        format!("{mark}{}", ratio(self.ratio))
    }

    pub(crate) fn range(&self) -> String {
        let (least, most) = stats::range(&self.result.values).unwrap_or_default();
        format!("{} to {}", number(least), number(most))
    }

    pub(crate) fn cpu(&self) -> String {
        stats::median(&self.result.cpu).map_or_else(|| "-".into(), number)
    }

    /// Peak memory in MiB.
    pub(crate) fn memory(&self) -> String {
        let peak = stats::median(&self.result.peak_rss);
        peak.map_or_else(|| "-".into(), |bytes| format!("{:.1}", bytes / f64::from(1 << 20)))
    }

    /// Behind the name in a table of figures: ratio, median, range, noise, CPU, memory.
    pub(crate) fn figures(&self) -> [String; 6] {
        [
            self.ratio_text(),
            number(self.measured.median),
            self.range(),
            percent(self.measured.noise),
            self.cpu(),
            self.memory(),
        ]
    }
}

impl Standing {
    pub(crate) fn text(self) -> String {
        match self {
            Standing::First => "first".into(),
            Standing::Tie => "tie".into(),
            Standing::Loses(by) => format!("loses {}", ratio(by)),
            Standing::Unknown(by) => format!("?{}", ratio(by)),
            Standing::Alone => "alone".into(),
            Standing::Absent => "-".into(),
        }
    }
}

fn rival(contender: &&ContenderResult) -> bool {
    !contender.name.ends_with(AGAIN)
}

fn noise(result: &CellResult) -> Noise {
    Noise::among(result.contenders.iter().map(|contender| contender.values.as_slice()))
}

fn apart(result: &CellResult) -> Option<Apart> {
    let again = result.contenders.iter().find(|contender| !rival(contender))?;
    let name = again.name.strip_suffix(AGAIN)?;
    let first = result.contenders.iter().find(|contender| contender.name == name)?;
    let noise = noise(result);
    let (first, again) = (noise.of(&first.values)?, noise.of(&again.values)?);
    let part = (again.median / first.median - 1.0).abs();
    part.is_finite().then(|| Apart { part, verdict: first.against(again) })
}

/// Each contender of a cell with its noise, for comparing runs.
pub(crate) fn measured(result: &CellResult, name: &str) -> Option<Measured> {
    let cell = Cell::new(result);
    cell.ranked.iter().find(|row| row.result.name == name).map(|row| row.measured)
}

pub(crate) fn ratio(ratio: f64) -> String {
    if ratio.is_finite() { format!("x{ratio:.2}") } else { "x\u{221e}".into() }
}

/// "3.1 %".
pub(crate) fn percent(part: Option<f64>) -> String {
    part.map_or_else(|| "not known".into(), |part| format!("{:.1} %", 100.0 * part))
}

/// Three digits or more.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
