//! What a reader asks of a run: who is first in each cell, by how much, and how sure that is.
//!
//! The contender that is measured again is no rival: it tells only how far a thing is from itself.
use crate::results::{CellResult, ContenderResult, Results};
use crate::run::AGAIN;
use crate::stats;

/// Whose losses are marked.
pub(crate) const OURS: &str = "dormouse";
/// Whose figures are limits to compare with, not rivals, where there are others.
const REFERENCE: &str = "machine";

/// A run, in groups.
pub(crate) struct Report<'r> {
    pub(crate) results: &'r Results,
    pub(crate) groups: Vec<Group<'r>>,
}

/// Cells that one plot shows.
pub(crate) struct Group<'r> {
    /// `channel/spsc`, or `scheduler` for those that are alone in theirs.
    pub(crate) name: &'r str,
    pub(crate) cells: Vec<Cell<'r>>,
}

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
    pub(crate) median: f64,
    pub(crate) noise: f64,
    /// To the best of the cell.
    pub(crate) ratio: f64,
    /// No further from the best than chance may make.
    pub(crate) tie: bool,
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
    Absent,
}

impl<'r> Report<'r> {
    pub(crate) fn new(results: &'r Results) -> Report<'r> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for result in &results.cells {
            let name = group(&result.name, &results.cells);
            let cell = Cell::new(result);
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.cells.push(cell),
                None => groups.push(Group { name, cells: vec![cell] }),
            }
        }
        Report { results, groups }
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &Cell<'r>> {
        self.groups.iter().flat_map(|group| &group.cells)
    }

    /// A sentence: in how many cells ours are first, tie, lose.
    pub(crate) fn score(&self) -> String {
        let count = |wanted: fn(Standing) -> bool| self.cells().filter(|cell| wanted(cell.ours())).count();
        format!(
            "{OURS} is first beyond the noise in {} of {} cells, ties for the first place in {}, loses in {}, is absent in {}.",
            count(|ours| ours == Standing::First),
            self.cells().count(),
            count(|ours| ours == Standing::Tie),
            count(|ours| matches!(ours, Standing::Loses(_))),
            count(|ours| ours == Standing::Absent)
        )
    }

    /// A sentence: how far a contender is from itself.
    pub(crate) fn noise(&self) -> String {
        let mut apart: Vec<(f64, bool, &str)> = self
            .cells()
            .filter_map(|cell| cell.apart().map(|(part, tie)| (part, tie, cell.result.name.as_str())))
            .collect();
        apart.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some(most) = apart.last() else { return "No contender was measured twice.".into() };
        format!(
            "One contender of each cell is measured a second time, as if it were another: it ties with itself in {} of {} \
             cells, the middle difference is {:.1} %, the largest {:.1} % ({}).",
            apart.iter().filter(|each| each.1).count(),
            apart.len(),
            100.0 * apart[(apart.len() - 1) / 2].0,
            100.0 * most.0,
            most.2
        )
    }

    /// Lines on what was measured, where and when: a name and a value each.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let Results { machine, .. } = self.results;
        let versions: Vec<_> =
            machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        vec![
            ("date", date(self.results.date)),
            ("processor", format!("{}, {} CPUs", machine.cpu, machine.cpus)),
            ("memory", machine.memory.clone()),
            ("system", machine.system.clone()),
            ("compiler", machine.rustc.clone()),
            ("versions", versions.join(", ")),
            (
                "run",
                format!(
                    "{}, {} rounds after a warm-up, each sample in a fresh process, contenders in turn",
                    if self.results.quick { "quick (a fifth of the work)" } else { "full" },
                    self.results.rounds
                ),
            ),
        ]
    }
}

impl Group<'_> {
    /// The name of its plot's file: only letters, digits, dots and dashes.
    pub(crate) fn file(&self) -> String {
        format!("{}.svg", slug(self.name))
    }
}

impl<'r> Cell<'r> {
    fn new(result: &'r CellResult) -> Cell<'r> {
        let rival = |contender: &&ContenderResult| !contender.name.ends_with(AGAIN);
        let contest = result.contenders.iter().any(|contender| contender.peer != REFERENCE);
        let reference = |contender: &ContenderResult| contest && contender.peer == REFERENCE;
        let best = result
            .contenders
            .iter()
            .filter(rival)
            .filter(|contender| !reference(contender))
            .filter_map(ContenderResult::measured)
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let row = |contender: &'r ContenderResult| {
            let (best, (median, noise)) = (best?, contender.measured()?);
            let ratio = if median == best.0 { 1.0 } else { median / best.0 };
            let tie = stats::is_tie((median, noise), best);
            Some(Row { result: contender, median, noise, ratio, tie, reference: reference(contender) })
        };
        let mut ranked: Vec<_> = result.contenders.iter().filter(rival).filter_map(row).collect();
        ranked.sort_by(|a, b| a.median.total_cmp(&b.median));
        let again = result.contenders.iter().find(|contender| !rival(contender)).and_then(row);
        let absent = result.contenders.iter().filter(rival).filter(|each| each.values.is_empty()).collect();
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
        let closest = if first { self.second() } else { Some(ours) };
        match closest {
            Some(row) if row.tie => Standing::Tie,
            _ if first => Standing::First,
            _ => Standing::Loses(ours.ratio),
        }
    }

    /// How far the contender that was measured twice is from itself, as a part, and whether that is a tie.
    pub(crate) fn apart(&self) -> Option<(f64, bool)> {
        let again = self.again.as_ref()?;
        let name = again.result.name.strip_suffix(AGAIN)?;
        let row = self.ranked.iter().find(|row| row.result.name == name)?;
        let tie = stats::is_tie((row.median, row.noise), (again.median, again.noise));
        Some(((again.median / row.median - 1.0).abs(), tie)).filter(|(part, _)| part.is_finite())
    }

    /// Rows of the full table: the ranked ones, then the one measured again.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row<'r>> {
        self.ranked.iter().chain(&self.again)
    }
}

impl Row<'_> {
    /// "x1.25", with a `=` before a tie with the best.
    pub(crate) fn ratio_text(&self) -> String {
        format!("{}{}", if self.tie && self.ratio > 1.0 { "=" } else { "" }, ratio(self.ratio))
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
}

impl Standing {
    pub(crate) fn text(self) -> String {
        match self {
            Standing::First => "first".into(),
            Standing::Tie => "tie".into(),
            Standing::Loses(by) => format!("loses {}", ratio(by)),
            Standing::Absent => "-".into(),
        }
    }
}

/// Why a contender has no values.
pub(crate) fn reason(contender: &ContenderResult) -> &str {
    contender.not_available.as_deref().unwrap_or("interrupted")
}

pub(crate) fn ratio(ratio: f64) -> String {
    if ratio.is_finite() { format!("x{ratio:.2}") } else { "x\u{221e}".into() }
}

/// Three digits or more.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The first two parts of a cell's name, or the first where no other cell shares them.
fn group<'n>(name: &'n str, cells: &[CellResult]) -> &'n str {
    let upto = |count| name.match_indices('/').nth(count).map_or(name, |(end, _)| &name[..end]);
    let (one, two) = (upto(0), upto(1));
    let shares = |cell: &&CellResult| {
        cell.name.strip_prefix(two).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if cells.iter().filter(shares).count() > 1 { two } else { one }
}

/// A name for files and anchors.
pub(crate) fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    name.chars().map(plain).collect::<String>().trim_start_matches('.').to_string()
}

/// A day, from seconds since 1970: the civil calendar as in Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
pub(crate) fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
