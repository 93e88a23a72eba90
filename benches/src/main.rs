//! Measures dormouse and its peers side by side: the same work for each, in turn, in fresh processes.
//!
//! `list` names what there is, `run` measures, `compare` tells what changed between two runs, `report` makes pages of one.
//! `work`, which `run` starts, does one cell once and prints what it took; `load` is the client that a server's cell starts.
mod cells;
mod channels;
mod cli;
mod compare;
mod csv;
mod descriptors;
mod go;
mod hosts;
mod load;
mod machine;
mod measure;
mod ranking;
mod registry;
mod report;
mod results;
mod run;
mod sample;
mod selects;
mod stats;

use std::process::ExitCode;

fn main() -> ExitCode {
    descriptors::raise();
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dormouse-bench: {error}");
            ExitCode::from(2)
        }
    }
}
