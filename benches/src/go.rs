//! Go's side of the cells: `benches/go`, built where there is a `go`, and then a contender in each cell that it names.
//!
//! Its program takes a cell's name and `--quick`, and prints the same sample as our `work`.
use crate::registry::{Cell, Contender, Work};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As `--peers` names it.
pub(crate) const PEER: &str = "go";
const NAME: &str = "Go";
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/go");
const NO_UNBOUNDED: &str = "no unbounded channel";

/// The built program, until it is dropped.
pub(crate) struct Go {
    folder: PathBuf,
    program: PathBuf,
    cells: BTreeSet<String>,
    /// "1.27.3".
    pub(crate) version: String,
}

impl Go {
    /// Builds with the `go` that was asked for, else with the one on PATH. `None` when nobody asked and there is none, or it
    /// does not work: the reason is told on stderr.
    pub(crate) fn build(asked: Option<&Path>) -> Result<Option<Go>, String> {
        let go = asked.unwrap_or(Path::new("go"));
        match Go::build_with(go) {
            Ok(built) => Ok(Some(built)),
            Err(error) if asked.is_some() => Err(error),
            Err(error) => {
                eprintln!(
                    "Go is skipped: {error}; `--go PATH` names another (CONTRIBUTING.md says how to get it)"
                );
                Ok(None)
            }
        }
    }

    /// Builds with this `go`.
    pub(crate) fn build_with(go: &Path) -> Result<Go, String> {
        let version = said(Command::new(go).arg("version"))?;
        let version = version.split_whitespace().find_map(|word| word.strip_prefix("go1."));
        let version = version.map_or_else(|| "unknown".into(), |minor| format!("1.{minor}"));
        eprintln!("building the cells in Go {version}");
        let folder = std::env::temp_dir().join(format!("dormouse-bench-go-{}", std::process::id()));
        fs::create_dir_all(&folder)
            .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        let program = folder.join(format!("go-bench{}", std::env::consts::EXE_SUFFIX));
        let mut built = Go { folder, program, cells: BTreeSet::new(), version };
        let mut build = Command::new(go);
        build.args([OsStr::new("build"), OsStr::new("-buildvcs=false"), OsStr::new("-o")]);
        build.arg(&built.program).arg(".").current_dir(SOURCE);
        // Nothing is downloaded, and no workspace of the user takes part.
        build.env("GOTOOLCHAIN", "local").env("GOWORK", "off").env("CGO_ENABLED", "0");
        said(&mut build)?;
        built.cells = said(Command::new(&built.program).arg("--list"))?.lines().map(String::from).collect();
        Ok(built)
    }

    /// Adds Go to the cells that it has.
    pub(crate) fn join(&self, cells: &mut [Cell]) {
        for cell in cells {
            let work = if self.cells.contains(&cell.name) {
                Work::Program(self.program.clone())
            } else if cell.name.split('/').any(|part| part == "unbounded") {
                Work::NotAvailable(NO_UNBOUNDED)
            } else {
                continue;
            };
            cell.contenders.push(Contender { name: NAME.into(), peer: PEER, work });
        }
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        // What stays is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What a command prints when it succeeds, else why it does not.
fn said(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().display().to_string();
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no {program}"),
        _ => format!("{program} cannot be started: {error}"),
    })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(cells: &[&str]) -> Go {
        let folder = std::env::temp_dir().join("dormouse-bench-go-of-a-test");
        let cells = cells.iter().map(|name| name.to_string()).collect();
        Go { program: folder.join("go-bench"), folder, cells, version: "1.0".into() }
    }

    #[test]
    fn go_joins_the_cells_that_it_names() {
        let mut cells = ["a/b", "a/unbounded/8", "a/c"].map(|name| Cell::new(name, "x", "ns"));
        go(&["a/b"]).join(&mut cells);
        let works: Vec<_> = cells.iter().map(|cell| cell.contenders.first().map(|each| &each.work)).collect();
        assert!(matches!(works[..], [Some(Work::Program(_)), Some(Work::NotAvailable(NO_UNBOUNDED)), None]));
    }

    #[test]
    fn a_go_that_was_asked_for_must_be_there() {
        let error = Go::build(Some(Path::new("/nowhere/go"))).err();
        assert_eq!(error.as_deref(), Some("there is no /nowhere/go"));
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let error = said(Command::new("sh").args(["-c", "echo why >&2; exit 1"]));
        assert_eq!(error, Err("sh failed: why".into()));
    }
}
