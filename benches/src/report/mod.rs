//! Pages of a run: one HTML file with everything in it, plots alone for README, and Markdown for the repository.
mod analysis;
mod html;
mod markdown;
mod plot;

use crate::results::Results;
use analysis::Report;
use std::fs;
use std::path::{Path, PathBuf};

/// What to make of a run, and where.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What `run --json` wrote.
    file: PathBuf,
    /// Makes `index.html` in this directory: one page that needs no other file.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["svg", "markdown"])]
    html: Option<PathBuf>,
    /// Makes a plot per group of cells in this directory.
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
    /// Writes the tables as Markdown, with the plots where `--svg` puts them.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// Makes what the options ask for, and says where it is.
pub(crate) fn make(options: &Options) -> Result<(), String> {
    let results = Results::read(&options.file)?;
    let report = Report::new(&results);
    if report.groups.is_empty() {
        return Err(format!("{} has no cells: nothing to report", options.file.display()));
    }
    if let Some(directory) = &options.html {
        make_directory(directory)?;
        write(&directory.join("index.html"), &html::page(&report)?)?;
    }
    if let Some(directory) = &options.svg {
        make_directory(directory)?;
        for group in &report.groups {
            write(&directory.join(group.file()), &plot::file(group)?)?;
        }
    }
    if let Some(file) = &options.markdown {
        let plots = options.svg.as_deref().map(|directory| relative(directory, file));
        write(file, &markdown::page(&report, plots.as_deref()))?;
    }
    Ok(())
}

fn make_directory(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path)
        .map_err(|error| format!("the directory {} cannot be made: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}

/// How a file names a directory: from its own directory when that is above, else as it is.
fn relative(directory: &Path, file: &Path) -> PathBuf {
    let above = file.parent().unwrap_or(Path::new(""));
    directory.strip_prefix(above).unwrap_or(directory).to_path_buf()
}

#[cfg(test)]
mod tests;
