//! Measuring: every contender of a cell in turn, round after round, each sample in a process of its own.
//!
//! One more contender is in each cell: the first one again, under another name. How far it is from itself is noise that
//! the reader can see.
//!
//! Whose process fails, or does other work than most (the checksum tells), loses this cell; the others keep it.
use crate::machine::Machine;
use crate::measure::Sample;
use crate::ranking::{self, percent};
use crate::registry::{self, Cell, Contender, Scale, Work};
use crate::results::{AGAIN, CellResult, ContenderResult, Results};
use crate::sample;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How a run samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Of samples that count.
    pub(crate) rounds: usize,
    pub(crate) scale: Scale,
}

impl Plan {
    /// Rounds that do not count: a quick run has none, each sample's own warm-up must do.
    fn warm_rounds(self) -> usize {
        usize::from(self.scale == Scale::Full)
    }

    fn samples(self, cells: &[Cell]) -> usize {
        let contenders: usize = cells.iter().map(|cell| runnable(cell).count() + 1).sum();
        contenders * (self.rounds + self.warm_rounds())
    }

    /// How long it takes, by what a sample took on the two cores that this was made on.
    pub(crate) fn expected(self, cells: &[Cell]) -> String {
        let samples = self.samples(cells);
        let each = match self.scale {
            Scale::Full => Duration::from_millis(300),
            Scale::Quick => Duration::from_millis(45),
        };
        let seconds = (each * u32::try_from(samples).unwrap_or(u32::MAX)).as_secs();
        match seconds {
            0..100 => format!("{samples} samples, about {} s", seconds.max(1)),
            _ => format!("{samples} samples, about {} minutes", seconds.div_ceil(60)),
        }
    }
}

/// Does one cell once: what `work` prints.
pub(crate) fn work(cell: &str, contender: &str, scale: Scale) -> Result<Sample, String> {
    let cells = registry::all();
    let cell =
        cells.iter().find(|each| each.name == cell).ok_or_else(|| format!("no cell is called {cell:?}"))?;
    let found = cell.contenders.iter().find(|each| each.name == contender);
    let names = || cell.contenders.iter().map(|each| each.name.as_str()).collect::<Vec<_>>().join(", ");
    match found.map(|contender| &contender.work) {
        Some(Work::Run(work)) => Ok(work(scale)),
        Some(Work::Program(program)) => Err(format!("{} does that", program.display())),
        Some(Work::NotAvailable(why)) => Err(format!("{contender} cannot do {}: {why}", cell.name)),
        None => Err(format!("{} has no {contender:?}; it has: {}", cell.name, names())),
    }
}

/// Measures all cells, prints each when it is done, and hands over all that are, to be saved. Interrupted, it gives those.
pub(crate) fn all(
    machine: Machine,
    cells: &[Cell],
    plan: Plan,
    save: impl Fn(&Results) -> Result<(), String>,
) -> Result<Results, String> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // The children get the signal as well, and end by it.
    ctrlc::set_handler(move || stopped.store(true, Relaxed)).map_err(|error| error.to_string())?;
    println!("{}, {} CPUs, {}, {}", machine.cpu, machine.cpus, machine.system, machine.rustc);
    println!("{} cells, {}", cells.len(), plan.expected(cells));
    let date = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let quick = plan.scale == Scale::Quick;
    let mut results = Results { machine, date, quick, rounds: plan.rounds, cells: Vec::new() };
    let progress = progress(plan.samples(cells));
    for cell in cells {
        let mut take = |contender: &Contender, label: &str| {
            progress.set_message(format!("{}: {label}", cell.name));
            let sample = sample::take(cell, contender, plan.scale);
            progress.inc(1);
            sample
        };
        let Some(measured) = measure(cell, plan, &mut take, &stop) else {
            progress.finish_and_clear();
            eprintln!("interrupted: {} of {} cells are done", results.cells.len(), cells.len());
            return Ok(results);
        };
        progress.suspend(|| print(&measured));
        results.cells.push(measured);
        save(&results)?;
    }
    progress.finish_and_clear();
    Ok(results)
}

fn progress(samples: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} samples, {eta} left, {wide_msg}");
    let bar =
        ProgressBar::new(samples as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

fn runnable(cell: &Cell) -> impl Iterator<Item = &Contender> {
    cell.contenders.iter().filter(|contender| !matches!(contender.work, Work::NotAvailable(_)))
}

/// Operations and checksum of a sample: what was done.
type Proof = (u64, u64);

/// A contender while its cell is measured.
struct Entry<'c> {
    contender: &'c Contender,
    result: ContenderResult,
    proofs: Vec<Proof>,
}

impl<'c> Entry<'c> {
    fn new(contender: &'c Contender, name: String) -> Entry<'c> {
        let not_available = match contender.work {
            Work::Run(_) | Work::Program(_) => None,
            Work::NotAvailable(why) => Some(why.into()),
        };
        let result = ContenderResult {
            name,
            peer: contender.peer.into(),
            values: Vec::new(),
            cpu: Vec::new(),
            peak_rss: Vec::new(),
            not_available,
            failed: None,
        };
        Entry { contender, result, proofs: Vec::new() }
    }

    fn takes_part(&self) -> bool {
        self.result.not_available.is_none() && self.result.failed.is_none()
    }

    fn fail(&mut self, why: String) {
        self.result.values.clear();
        self.result.cpu.clear();
        self.result.peak_rss.clear();
        self.result.failed = Some(why);
    }
}

/// All rounds of a cell; `take` takes a sample. `None` when it was interrupted.
fn measure(
    cell: &Cell,
    plan: Plan,
    take: &mut dyn FnMut(&Contender, &str) -> Result<Sample, String>,
    stop: &AtomicBool,
) -> Option<CellResult> {
    let mut entries: Vec<_> =
        cell.contenders.iter().map(|contender| Entry::new(contender, contender.name.clone())).collect();
    entries.extend(runnable(cell).next().map(|first| Entry::new(first, format!("{}{AGAIN}", first.name))));
    for round in 0..plan.warm_rounds() + plan.rounds {
        for entry in entries.iter_mut().filter(|entry| entry.takes_part()) {
            let sample = take(entry.contender, &entry.result.name);
            if stop.load(Relaxed) {
                return None;
            }
            match sample {
                Ok(sample) => {
                    entry.proofs.push((sample.operations, sample.checksum));
                    if round >= plan.warm_rounds() {
                        entry.result.values.push(sample.value);
                        entry.result.cpu.push(sample.cpu);
                        entry.result.peak_rss.push(sample.peak_rss as f64);
                    }
                }
                Err(error) => entry.fail(error),
            }
        }
    }
    judge(&mut entries);
    Some(CellResult {
        name: cell.name.clone(),
        operation: cell.operation.into(),
        unit: cell.unit.into(),
        contenders: entries.into_iter().map(|entry| entry.result).collect(),
    })
}

/// The work of a cell is what most contenders did in their first sample; who ever did other work fails.
fn judge(entries: &mut [Entry<'_>]) {
    // One vote each, also for the one that is measured twice.
    let voters = entries.iter().filter(|entry| !entry.result.name.ends_with(AGAIN));
    let firsts: Vec<Proof> = voters.filter_map(|entry| entry.proofs.first().copied()).collect();
    let votes = |proof: &Proof| firsts.iter().filter(|each| *each == proof).count();
    // Of several with as many votes, the first contender's counts.
    let Some(most) = firsts.iter().rev().copied().max_by_key(votes) else { return };
    for entry in entries.iter_mut().filter(|entry| entry.takes_part()) {
        if let Some(other) = entry.proofs.iter().find(|proof| **proof != most) {
            entry.fail(format!(
                "it did other work than the rest: {} operations with checksum {}, not {} with {}",
                other.0, other.1, most.0, most.1
            ));
        }
    }
}

/// The cell as a table: the median, its ratio to the best, the range, noise, CPU time; then who is first.
fn print(result: &CellResult) {
    println!("\n{} ({} per {})", result.name, result.unit, result.operation);
    let cell = ranking::Cell::new(result);
    for row in cell.rows() {
        let [ratio, median, range, noise, cpu, _] = row.figures();
        println!("  {:<42} {median:>8} {ratio:>8} {range:>20} noise {noise:<7} cpu {cpu}", row.result.name);
    }
    for contender in &cell.absent {
        println!("  {:<42} {}", contender.name, contender.reason());
    }
    println!("  {}", cell.sentence());
    if let Some(apart) = cell.apart() {
        println!("  measured again, the first is {} from itself", percent(Some(apart.part)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan { rounds: 3, scale: Scale::Full };

    fn cell() -> Cell {
        let never = |_| unreachable!("samples are made up");
        let cell = Cell::new("a/cell", "thing", "ns").with("a", "a", never).with("b", "b", never);
        cell.with("c", "c", never).without("d", "d", "it cannot")
    }

    const GOOD: Sample = Sample { operations: 10, checksum: 7, value: 1.0, cpu: 1.0, peak_rss: 1 };

    /// What becomes of each contender, by the values that it has and why it has none, when samples are `take`n.
    fn outcome(
        mut take: impl FnMut(&str, usize) -> Result<Sample, String>,
    ) -> Vec<(String, usize, Option<String>)> {
        let (cell, mut calls) = (cell(), std::collections::BTreeMap::<String, usize>::new());
        let mut take = |_: &Contender, name: &str| {
            let call = calls.entry(name.into()).or_default();
            *call += 1;
            take(name, *call)
        };
        let result = measure(&cell, PLAN, &mut take, &AtomicBool::new(false)).expect("not interrupted");
        let outcome = |each: ContenderResult| {
            assert_eq!((each.values.len(), each.cpu.len()), (each.peak_rss.len(), each.values.len()));
            (each.name, each.values.len(), each.failed.or(each.not_available))
        };
        result.contenders.into_iter().map(outcome).collect()
    }

    fn good(name: &str) -> (String, usize, Option<String>) {
        (name.into(), PLAN.rounds, None)
    }

    #[test]
    fn all_that_can_are_measured_and_the_first_one_again() {
        let all = outcome(|_, _| Ok(GOOD));
        let cannot = ("d".into(), 0, Some("it cannot".into()));
        assert_eq!(all, [good("a"), good("b"), good("c"), cannot, good("a (again)")]);
    }

    #[test]
    fn who_crashes_once_loses_the_cell_and_nobody_else_does() {
        let mut after = 0;
        let all = outcome(|name, call| match (name, call) {
            ("b", 3) => Err("it crashed".into()),
            ("b", 4..) => {
                after += 1;
                Ok(GOOD)
            }
            _ => Ok(GOOD),
        });
        assert_eq!(all[1], ("b".into(), 0, Some("it crashed".into())));
        assert_eq!([&all[0], &all[2], &all[4]], [&good("a"), &good("c"), &good("a (again)")]);
        assert_eq!(after, 0, "it is not started again");
    }

    #[test]
    fn who_does_other_work_than_most_loses_the_cell_even_the_first() {
        let other = Sample { checksum: 8, ..GOOD };
        let all = outcome(|name, _| Ok(if name.starts_with('a') { other } else { GOOD }));
        let failed = |n: usize| all[n].2.as_ref().is_some_and(|why| why.contains("other work"));
        assert_eq!([failed(0), failed(1), failed(2), failed(4)], [true, false, false, true]);
        let all = outcome(|name, call| Ok(if (name, call) == ("c", 4) { other } else { GOOD }));
        let why = "it did other work than the rest: 10 operations with checksum 8, not 10 with 7";
        assert_eq!(all[2], ("c".into(), 0, Some(why.into())));
        assert_eq!([&all[0], &all[1]], [&good("a"), &good("b")]);
    }

    #[test]
    fn an_interrupted_cell_is_none() {
        let take: &mut dyn FnMut(&Contender, &str) -> _ = &mut |_, _| Err("killed".into());
        assert!(measure(&cell(), PLAN, take, &AtomicBool::new(true)).is_none());
    }
}
