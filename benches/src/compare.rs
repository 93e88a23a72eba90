//! What changed between two runs, beyond the noise.
use crate::ranking::{self, percent};
use crate::results::{AGAIN, Results};
use crate::stats::Verdict;

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
            let earlier = ranking::measured(before, &contender.name)?;
            let later = ranking::measured(after, &contender.name)?;
            let note = match earlier.against(later) {
                Verdict::Tie => return Some(None),
                Verdict::Apart => format!("noise {} and {}", percent(earlier.noise), percent(later.noise)),
                Verdict::Unknown => "perhaps: too few rounds tell no noise".into(),
            };
            let (old, new) = (earlier.median, later.median);
            let change = 100.0 * (new / old - 1.0);
            Some(Some(format!(
                "{:<36} {:<30} {old:>10.1} -> {new:>10.1} {} ({change:+.0} %, {note})",
                after.name, contender.name, after.unit
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
            failed: None,
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
        let once: Vec<_> = changes(&results(&[100.0]), &results(&[150.0])).flatten().collect();
        assert!(once.len() == 1 && once[0].contains("too few rounds"), "{once:?}");
    }
}
