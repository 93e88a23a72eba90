//! The command line.
use crate::go::{self, Go};
use crate::load::Talk;
use crate::machine::Machine;
use crate::registry::{self, Cell, Scale, Work};
use crate::results::Results;
use crate::run::{self, Plan};
use crate::{compare, csv, load, report};
use clap::{Parser, Subcommand};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Measures dormouse and its peers side by side.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Names the cells, the implementations in each, and what an implementation cannot do.
    List {
        /// Cells, by glob: `channel/spsc/*`, `*ping*`. All without any.
        cells: Vec<String>,
        /// Names Go's cells as well, which this `go` builds.
        #[arg(long, value_name = "PATH")]
        go: Option<PathBuf>,
    },
    /// Measures cells: every implementation in turn, each time in a fresh process.
    Run(Run),
    /// Tells what changed between two runs beyond the noise.
    Compare {
        /// What `run --json` wrote before.
        old: PathBuf,
        /// What it wrote after.
        new: PathBuf,
    },
    /// Makes pages and plots of a run.
    Report(report::Options),
    /// Does one cell once, and prints the sample as JSON: what `run` starts, and what a profiler wants.
    Work {
        cell: String,
        contender: String,
        #[arg(long)]
        quick: bool,
    },
    /// Makes requests to a server: the client that the servers' cells start.
    #[command(hide = true)]
    Load { talk: Talk, address: SocketAddr, connections: u64, requests: u64 },
}

#[derive(clap::Args)]
struct Run {
    /// Cells, by glob: `channel/spsc/*`, `*ping*`. All without any.
    cells: Vec<String>,
    /// Whose implementations: `--peers dormouse,kanal`. All without it.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// Rounds of samples, after one that does not count. By default 5, in a quick run 3, with none before. With fewer than 3
    /// the noise is not known, and nobody wins.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: Option<u16>,
    /// A fifth of the work, fewer rounds.
    #[arg(long)]
    quick: bool,
    /// The `go` that builds Go's side of the cells. Without it the one on PATH; with none at all, Go is skipped.
    #[arg(long, value_name = "PATH")]
    go: Option<PathBuf>,
    /// Writes everything that was measured, after each cell.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Writes a line per implementation and cell.
    #[arg(long)]
    csv: Option<PathBuf>,
}

/// Rounds of a run that is not told how many.
const FULL: usize = 5;
const QUICK: usize = 3;

pub(crate) fn run() -> Result<(), String> {
    match Cli::parse().command {
        Command::List { cells, go } => {
            let mut cells = chosen(&cells)?;
            if let Some(go) = go {
                Go::build_with(&go)?.join(&mut cells);
            }
            list(&cells);
            for (name, rounds, scale) in [("full", FULL, Scale::Full), ("quick", QUICK, Scale::Quick)] {
                println!("a {name} run of these: {}", Plan { rounds, scale }.expected(&cells));
            }
        }
        Command::Run(options) => measure(&options)?,
        Command::Compare { old, new } => compare::print(&Results::read(&old)?, &Results::read(&new)?),
        Command::Report(options) => report::make(&options)?,
        Command::Work { cell, contender, quick } => {
            let scale = if quick { Scale::Quick } else { Scale::Full };
            println!(
                "{}",
                serde_json::to_string(&run::work(&cell, &contender, scale)?)
                    .map_err(|error| error.to_string())?
            );
        }
        Command::Load { talk, address, connections, requests } => {
            load::run(talk, address, connections, requests).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// The cells that some glob matches, each of which must match one.
fn chosen(globs: &[String]) -> Result<Vec<Cell>, String> {
    let cells = registry::all();
    if globs.is_empty() {
        return Ok(cells);
    }
    for glob in globs {
        let set = set(std::slice::from_ref(glob))?;
        if !cells.iter().any(|cell| set.is_match(&cell.name)) {
            return Err(format!("no cell is called {glob:?}: `list` names them, and a glob may have `*`"));
        }
    }
    let set = set(globs)?;
    Ok(cells.into_iter().filter(|cell| set.is_match(&cell.name)).collect())
}

fn set(globs: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        // `*` goes over slashes: `*128*` is every cell with 128 in its name.
        let glob =
            GlobBuilder::new(glob).literal_separator(false).build().map_err(|error| error.to_string())?;
        set.add(glob);
    }
    set.build().map_err(|error| error.to_string())
}

fn list(cells: &[Cell]) {
    for cell in cells {
        println!("{} ({} per {})", cell.name, cell.unit, cell.operation);
        for contender in &cell.contenders {
            match contender.work {
                Work::Run(_) | Work::Program(_) => println!("    {}", contender.name),
                Work::NotAvailable(why) => println!("    {}: n/a, {why}", contender.name),
            }
        }
    }
}

fn measure(options: &Run) -> Result<(), String> {
    let mut cells = chosen(&options.cells)?;
    let mut machine = Machine::this();
    let wanted = options.peers.is_empty() || options.peers.iter().any(|peer| peer == go::PEER);
    let go = if wanted { Go::build(options.go.as_deref())? } else { None };
    if let Some(go) = &go {
        go.join(&mut cells);
        machine.versions.push((go::PEER.into(), go.version.clone()));
    }
    let known: BTreeSet<&str> =
        cells.iter().flat_map(|cell| &cell.contenders).map(|contender| contender.peer).collect();
    if let Some(unknown) = options.peers.iter().find(|peer| !known.contains(peer.as_str())) {
        return Err(format!(
            "no peer {unknown:?} in these cells; there are: {}",
            Vec::from_iter(known).join(", ")
        ));
    }
    if !options.peers.is_empty() {
        for cell in &mut cells {
            cell.contenders.retain(|contender| options.peers.iter().any(|peer| peer == contender.peer));
        }
        cells.retain(|cell| !cell.contenders.is_empty());
    }
    let rounds = options.runs.map_or(if options.quick { QUICK } else { FULL }, usize::from);
    let scale = if options.quick { Scale::Quick } else { Scale::Full };
    let save = |results: &Results| {
        if let Some(path) = &options.json {
            results.write_json(path)?;
        }
        options.csv.as_ref().map_or(Ok(()), |path| csv::write(results, path))
    };
    let results = run::all(machine, &cells, Plan { rounds, scale }, save)?;
    let failures = results.failures();
    let lines: String = failures.map(|(cell, name, why)| format!("\n  {cell}: {name}: {why}")).collect();
    if lines.is_empty() { Ok(()) } else { Err(format!("these failed, all else was measured:{lines}")) }
}
