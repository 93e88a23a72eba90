//! What changed between two runs, beyond the noise.
use crate::results::Results;
use crate::run::AGAIN;
use crate::stats;

/// Prints each contender of each cell whose median changed, and how many did not.
pub(crate) fn print(old: &Results, new: &Results) {
    if old.machine != new.machine {
        println!("the machines, compilers or versions differ: what changed may be theirs");
    }
    let mut same = 0;
    for line in changes(old, new) {
        match line {
            Some(line) => println!("{line}"),
            None => same += 1,
        }
    }
    println!("{same} without a change beyond the noise");
}

/// A line for each contender that is in both; `None` where nothing changed.
fn changes<'r>(old: &'r Results, new: &'r Results) -> impl Iterator<Item = Option<String>> + 'r {
    let pairs = new
        .cells
        .iter()
        .filter_map(|cell| Some((old.cells.iter().find(|each| each.name == cell.name)?, cell)));
    pairs.flat_map(|(before, after)| {
        let contenders = after.contenders.iter().filter(|contender| !contender.name.ends_with(AGAIN));
        contenders.filter_map(|contender| {
            let earlier = before.contenders.iter().find(|each| each.name == contender.name)?.measured()?;
            let later = contender.measured()?;
            if stats::is_tie(earlier, later) {
                return Some(None);
            }
            let percent = 100.0 * (later.0 / earlier.0 - 1.0);
            Some(Some(format!(
                "{:<36} {:<30} {:>10.1} -> {:>10.1} {} ({percent:+.0} %, noise {:.0} and {:.0} %)",
                after.name,
                contender.name,
                earlier.0,
                later.0,
                after.unit,
                100.0 * earlier.1,
                100.0 * later.1
            )))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::results::{CellResult, ContenderResult};

    fn results(values: &[f64]) -> Results {
        let contender = ContenderResult {
            name: "a".into(),
            peer: "a".into(),
            values: values.into(),
            cpu: values.into(),
            peak_rss: vec![],
            not_available: None,
        };
        let cell = CellResult {
            name: "c".into(),
            operation: "x".into(),
            unit: "ns".into(),
            contenders: vec![contender],
        };
        Results { machine: Machine::this(), date: 0, quick: false, rounds: values.len(), cells: vec![cell] }
    }

    #[test]
    fn only_changes_beyond_the_noise() {
        let (old, new) = (results(&[100.0, 102.0, 98.0]), results(&[150.0, 152.0, 149.0]));
        let lines: Vec<_> = changes(&old, &new).flatten().collect();
        assert!(lines.len() == 1 && lines[0].contains("+50 %"), "{lines:?}");
        assert_eq!(changes(&old, &old).flatten().count(), 0);
    }
}
