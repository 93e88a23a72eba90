//! Measuring: every contender of a cell in turn, round after round, each sample in a process of its own.
//!
//! One more contender is in each cell: the first one again, under another name. How far it is from itself is the noise that
//! the reader can see.
use crate::machine::Machine;
use crate::measure::Sample;
use crate::registry::{self, Cell, Contender, Scale, Work};
use crate::results::{CellResult, ContenderResult, Results};
use crate::stats;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is added to the name of a contender that is measured a second time.
pub(crate) const AGAIN: &str = " (again)";

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

/// Measures all cells, and prints each when it is done. Interrupted, it gives those that are.
pub(crate) fn all(machine: Machine, cells: &[Cell], rounds: usize, scale: Scale) -> Result<Results, String> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // The children get the signal as well, and end by it.
    ctrlc::set_handler(move || stopped.store(true, Relaxed)).map_err(|error| error.to_string())?;
    println!("{}, {} CPUs, {}, {}", machine.cpu, machine.cpus, machine.system, machine.rustc);
    let date = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut results = Results { machine, date, quick: scale == Scale::Quick, rounds, cells: Vec::new() };
    let progress = progress(cells, rounds);
    for cell in cells {
        let measured = measure(cell, rounds, scale, &progress, &stop)?;
        if stop.load(Relaxed) {
            progress.finish_and_clear();
            eprintln!("interrupted: {} of {} cells are done", results.cells.len(), cells.len());
            return Ok(results);
        }
        progress.suspend(|| print(&measured));
        results.cells.push(measured);
    }
    progress.finish_and_clear();
    Ok(results)
}

fn progress(cells: &[Cell], rounds: usize) -> ProgressBar {
    let samples: usize = cells.iter().map(|cell| (runnable(cell).count() + 1) * (rounds + 1)).sum();
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

fn measure(
    cell: &Cell,
    rounds: usize,
    scale: Scale,
    progress: &ProgressBar,
    stop: &AtomicBool,
) -> Result<CellResult, String> {
    let result = |contender: &Contender, name: String| ContenderResult {
        name,
        peer: contender.peer.into(),
        values: Vec::new(),
        cpu: Vec::new(),
        peak_rss: Vec::new(),
        not_available: match contender.work {
            Work::Run(_) | Work::Program(_) => None,
            Work::NotAvailable(why) => Some(why.into()),
        },
    };
    let mut results: Vec<_> =
        cell.contenders.iter().map(|contender| result(contender, contender.name.clone())).collect();
    if let Some(first) = runnable(cell).next() {
        results.push(result(first, format!("{}{AGAIN}", first.name)));
    }
    let mut checksum = None;
    for round in 0..=rounds {
        for contender in results.iter_mut().filter(|contender| contender.not_available.is_none()) {
            if stop.load(Relaxed) {
                break;
            }
            progress.set_message(format!("{}: {}", cell.name, contender.name));
            let name = contender.name.strip_suffix(AGAIN).unwrap_or(&contender.name);
            match sample(cell, name, scale) {
                Ok(sample)
                    if *checksum.get_or_insert((sample.operations, sample.checksum))
                        != (sample.operations, sample.checksum) =>
                {
                    return Err(format!(
                        "{}: {} did other work than the rest: {} operations with checksum {}, not {checksum:?}",
                        cell.name, contender.name, sample.operations, sample.checksum
                    ));
                }
                Ok(sample) if round > 0 => {
                    contender.values.push(sample.value);
                    contender.cpu.push(sample.cpu);
                    contender.peak_rss.push(sample.peak_rss as f64);
                }
                Ok(_) => {}
                Err(_) if stop.load(Relaxed) => {}
                Err(error) => contender.not_available = Some(format!("failed: {error}")),
            }
            progress.inc(1);
        }
    }
    Ok(CellResult {
        name: cell.name.clone(),
        operation: cell.operation.into(),
        unit: cell.unit.into(),
        contenders: results,
    })
}

/// One sample, in a process of its own.
fn sample(cell: &Cell, contender: &str, scale: Scale) -> Result<Sample, String> {
    let mut command = command(cell, contender)?;
    if scale == Scale::Quick {
        command.arg("--quick");
    }
    let output = command.output().map_err(|error| format!("its process could not be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}", output.status, said.lines().last().unwrap_or("it said nothing")));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("its process printed no sample: {error}"))
}

/// Starts a contender's work: ours by this program again.
fn command(cell: &Cell, contender: &str) -> Result<Command, String> {
    let other = cell.contenders.iter().find_map(|each| match &each.work {
        Work::Program(program) if each.name == contender => Some(program),
        _ => None,
    });
    if let Some(program) = other {
        let mut command = Command::new(program);
        command.arg(&cell.name);
        return Ok(command);
    }
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    command.args(["work", &cell.name, contender]);
    Ok(command)
}

/// The cell as a table: the median, its ratio to the best, the range, CPU time; `=` for a tie with the best.
pub(crate) fn print(cell: &CellResult) {
    println!("\n{} ({} per {})", cell.name, cell.unit, cell.operation);
    let best = cell.best();
    for contender in &cell.contenders {
        let (Some(measured), Some(best)) = (contender.measured(), best) else {
            println!(
                "  {:<34} n/a: {}",
                contender.name,
                contender.not_available.as_deref().unwrap_or("interrupted")
            );
            continue;
        };
        let tie = if stats::is_tie(measured, best) { "=" } else { " " };
        let (least, most) = stats::range(&contender.values).unwrap_or_default();
        println!(
            "  {:<34} {:>10.1} {tie}x{:<6.2} {least:>9.1} to {most:<9.1} cpu {:.1}",
            contender.name,
            measured.0,
            measured.0 / best.0,
            stats::median(&contender.cpu).unwrap_or_default()
        );
    }
}
