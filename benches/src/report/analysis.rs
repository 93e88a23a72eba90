//! A run as a report shows it: its cells in groups, its sums, and what was measured, where and when.
use crate::ranking::{Cell, OURS, Standing};
use crate::results::{CellResult, Results};
use crate::stats::Verdict;

/// How the tables are to be read.
pub(crate) const LEGEND: &str = "Less is better everywhere. A ratio is to the best of its cell; \"=\" and \"tie\" mark a \
    difference that is no more than the noise, \"?\" that the noise is not known. The second is the best of another project \
    than the first; one of the same project may be between them.";

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
        let others = count(|ours| ours == Standing::Absent || ours == Standing::Alone);
        let mut score = format!(
            "Of {} cells with rivals, {OURS} is first beyond the noise in {}, ties for the first place in {}, loses in {}.",
            self.cells().count() - others,
            count(|ours| ours == Standing::First),
            count(|ours| ours == Standing::Tie),
            count(|ours| matches!(ours, Standing::Loses(_))),
        );
        let unknown = count(|ours| matches!(ours, Standing::Unknown(_)));
        if unknown > 0 {
            score.push_str(&format!(" In {unknown} nobody is: too few rounds tell no noise."));
        }
        if others > 0 {
            score.push_str(&format!(" {others} more show the machine, or {OURS} alone."));
        }
        score
    }

    /// A sentence: how far a contender is from itself.
    pub(crate) fn noise(&self) -> String {
        let apart = self.cells().filter_map(|cell| Some((cell.apart()?, cell.result.name.as_str())));
        let mut apart: Vec<_> = apart.collect();
        apart.sort_by(|a, b| a.0.part.total_cmp(&b.0.part));
        let Some((most, cell)) = apart.last() else { return "No contender was measured twice.".into() };
        let ties = apart.iter().filter(|(each, _)| each.verdict == Verdict::Tie).count();
        format!(
            "One contender of each cell is measured a second time, as if it were another: it ties with itself in {ties} of \
             {} cells, the middle difference is {:.1} %, the largest {:.1} % ({cell}). Where it is far from itself, no smaller \
             difference counts.",
            apart.len(),
            100.0 * apart[(apart.len() - 1) / 2].0.part,
            100.0 * most.part,
        )
    }

    /// A line for each contender that failed: its cell, its name, why.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.results.failures().map(|(cell, name, why)| format!("{cell}: {name} failed: {why}")).collect()
    }

    /// A sentence: on what, when, how.
    pub(crate) fn short_facts(&self) -> String {
        let Results { machine, date, rounds, quick, .. } = self.results;
        let run = if *quick { "quick" } else { "full" };
        format!(
            "Measured on {}, {} CPUs, {}, in a {run} run of {rounds} rounds.",
            machine.cpu,
            machine.cpus,
            self::date(*date)
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
                    "{}; each sample in a fresh process, contenders in turn",
                    if self.results.quick {
                        format!("quick (a fifth of the work), {} rounds", self.results.rounds)
                    } else {
                        format!("full, {} rounds after one to warm up", self.results.rounds)
                    }
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
