//! A first, small side-by-side measurement: channels, ping-pong, spawn and join, and memory per parked task.
//!
//! `dormouse-bench [PART]...` runs the cells whose name contains one of the parts (all, without any). Each cell is the
//! same work for every implementation; implementations take turns, and the median of the rounds is printed, with the
//! ratio to the best. `dormouse-bench memory` parks a million tasks and prints bytes per task;
//! `dormouse-bench sim` measures the simulator.
mod cells;
mod hosts;
mod memory;
mod sim;

use std::process::ExitCode;
use std::time::Instant;

const ROUNDS: usize = 5;

/// One implementation of a cell: its name, and the work, which gives the number of operations that it did.
type Contender = (&'static str, fn() -> u64);

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    let mut ran = 0;
    for (name, contenders) in cells::all() {
        if is_wanted(name) {
            measure(name, &contenders);
            ran += 1;
        }
    }
    if wanted.iter().any(|part| part == "memory") {
        memory::report();
        ran += 1;
    }
    if wanted.iter().any(|part| part == "sim") {
        sim::report();
        ran += 1;
    }
    if ran > 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!("dormouse-bench: no cell's name contains {wanted:?}; there are:");
    for (name, _) in cells::all() {
        eprintln!("  {name}");
    }
    eprintln!("  memory\n  sim");
    ExitCode::from(2)
}

/// Runs all contenders in turn, a warm-up round first, and prints the medians in nanoseconds per operation.
fn measure(name: &str, contenders: &[Contender]) {
    let mut nanos = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for round in 0..=ROUNDS {
        for (times, (_, work)) in nanos.iter_mut().zip(contenders) {
            let start = Instant::now();
            let operations = work();
            let per_operation = start.elapsed().as_nanos() as f64 / operations as f64;
            if round > 0 {
                times.push(per_operation);
            }
        }
    }
    println!("{name}");
    let medians: Vec<f64> = nanos.iter_mut().map(|times| median(times)).collect();
    let best = medians.iter().copied().fold(f64::INFINITY, f64::min);
    for ((times, median), (contender, _)) in nanos.iter().zip(&medians).zip(contenders) {
        let (least, most) = (times[0], times[times.len() - 1]);
        println!("  {contender:<24} {median:>8.1} ns  x{:<5.2} ({least:.1} to {most:.1})", median / best);
    }
}

/// The median; sorts.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
