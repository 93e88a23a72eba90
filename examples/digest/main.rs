//! Digests every file below a path, as `find PATH -type f | sort | xargs sha256sum` would, on several cores at once.
//!
//! ```text
//! cargo run --release --example digest -- PATH [--workers N] [--algorithm sha256|blake3] [--fail-fast]
//! ```
//!
//! Prints lines that `sha256sum -c` (or `b3sum -c`) accepts, in the byte order of the paths whatever the number of
//! workers; a path with a backslash, a newline or a carriage return is escaped as GNU `sha256sum` does, every other byte
//! is written as it is. A progress bar is shown on stderr when that is a terminal.
//!
//! - Symbolic links below PATH are passed over, as by `find -type f`: each file is digested once, under its own name,
//!   nothing outside the tree is read, and a loop of links cannot hang the walk. PATH itself may be a link.
//! - Whatever cannot be digested is reported on stderr as `digest: PATH: reason`, FIFOs, sockets and devices
//!   included; the rest goes on and the exit code is 1. With `--fail-fast` the first report, in the order of the output,
//!   ends the program.
//! - Exit codes: 0 all is digested; 1 something was reported; 2 wrong usage. A reader of stdout that goes away (`| head`)
//!   ends the program quietly.
//!
//! One module per stage: `walk` finds, `hash` reads and digests, `screen` writes; `pipeline` joins them by channels.
mod hash;
mod pipeline;
mod screen;
mod walk;

use clap::Parser;
use hash::Algorithm;
use screen::Screen;
use std::path::PathBuf;
use std::process::ExitCode;

/// Digests every file below PATH and prints lines that `sha256sum -c` accepts.
#[derive(Parser)]
#[command(name = "digest", version)]
struct Arguments {
    /// The file or the tree to digest
    path: PathBuf,
    /// How many files are digested at the same time [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// The digest to compute
    #[arg(long, value_enum, default_value_t = Algorithm::Sha256)]
    algorithm: Algorithm,
    /// Stop at the first file or directory that cannot be read
    #[arg(long)]
    fail_fast: bool,
}

#[dormouse::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let workers = arguments.workers.map_or_else(one_per_core, usize::from);
    let options =
        pipeline::Options { workers, algorithm: arguments.algorithm, fail_fast: arguments.fail_fast };
    if pipeline::run(arguments.path, options, Screen::new()).await {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn one_per_core() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
