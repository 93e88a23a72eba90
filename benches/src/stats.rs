//! Medians, noise, and what counts as a tie.
//!
//! The error of a median of n samples is about 1.25 times that of their mean (for large n and no outliers), which is their
//! deviation by the root of n. The deviation is taken from the median absolute deviation, which a single slow round does not
//! move (Rousseeuw and Croux, 1993: times 1.4826; Croux and Rousseeuw, 1992, for few samples). From three or five samples it
//! is often far too small, by chance: so nobody's error is taken as less than the middle one of all contenders of the cell,
//! who are measured in turn on the same machine. `WIDE` such errors were needed for samples of one and the same distribution,
//! made up at random, to tie in 93 of 100 cells with three rounds and in 96 with five (the tests below make them again).

/// Errors on each side of a median.
const WIDE: f64 = 2.5;

/// No figure of a benchmark is surer than this.
const LEAST: f64 = 0.01;

/// From fewer, nothing can be said about noise.
pub(crate) const FEWEST: usize = 3;

/// The middle of the values, the lower one of two; `None` without any.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// The least and the most of the values.
pub(crate) fn range(values: &[f64]) -> Option<(f64, f64)> {
    let least = values.iter().copied().min_by(f64::total_cmp)?;
    Some((least, values.iter().copied().max_by(f64::total_cmp)?))
}

/// A median, and how far it may be off, as a part of it: `None` if that cannot be known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) median: f64,
    pub(crate) noise: Option<f64>,
}

/// What the difference of two medians says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No more than chance may make.
    Tie,
    /// More than that.
    Apart,
    /// The noise is not known.
    Unknown,
}

impl Measured {
    pub(crate) fn against(self, other: Measured) -> Verdict {
        let (Some(mine), Some(others)) = (self.noise, other.noise) else { return Verdict::Unknown };
        let chance = (self.median * mine).hypot(other.median * others);
        if (self.median - other.median).abs() <= chance { Verdict::Tie } else { Verdict::Apart }
    }

    /// The same, where a thing was this far from itself when it was measured twice: for two such things, that is a tie.
    pub(crate) fn at_least(self, apart: Option<f64>) -> Measured {
        let least = apart.unwrap_or(0.0) / 2_f64.sqrt();
        Measured { noise: self.noise.map(|noise| noise.max(least)), ..self }
    }
}

/// The noise of the contenders of one cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    /// The middle one; `None` if nobody's is known.
    middle: Option<f64>,
}

impl Noise {
    /// From the samples of each contender.
    pub(crate) fn among<'v>(contenders: impl Iterator<Item = &'v [f64]>) -> Noise {
        let errors: Vec<_> = contenders.filter_map(error).collect();
        Noise { middle: median(&errors) }
    }

    /// A contender's median, with its noise.
    pub(crate) fn of(self, values: &[f64]) -> Option<Measured> {
        let noise = error(values).zip(self.middle).map(|(own, middle)| own.max(middle).max(LEAST));
        Some(Measured { median: median(values)?, noise })
    }
}

/// How far the median may be off, as a part of it, from its samples alone.
fn error(values: &[f64]) -> Option<f64> {
    /// By the number of samples, from `FEWEST`.
    const FEW: [f64; 7] = [1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107];
    let few = *FEW.get(values.len().checked_sub(FEWEST)?).unwrap_or(&1.0);
    let middle = median(values).filter(|middle| *middle > 0.0)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let deviation = few * 1.4826 * median(&deviations)?;
    Some(WIDE * 1.25 * deviation / (values.len() as f64).sqrt() / middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn measured(median: f64, noise: f64) -> Measured {
        Measured { median, noise: Some(noise) }
    }

    #[test]
    fn the_middle_and_the_ends() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.0));
        assert_eq!(range(&[3.0, 1.0, 2.0]), Some((1.0, 3.0)));
    }

    #[test]
    fn one_slow_round_is_no_noise() {
        assert_eq!(error(&[10.0, 10.0, 10.0, 10.0, 90.0]), Some(0.0));
        assert!(error(&[8.0, 9.0, 10.0, 11.0, 12.0]) > Some(0.2));
    }

    #[test]
    fn ties() {
        assert_eq!(measured(100.0, 0.05).against(measured(104.0, 0.05)), Verdict::Tie);
        assert_eq!(measured(100.0, 0.01).against(measured(104.0, 0.01)), Verdict::Apart);
        assert_eq!(measured(100.0, 0.01).against(measured(100.0, 0.01)), Verdict::Tie);
    }

    #[test]
    fn noise_is_never_taken_from_too_few_samples_nor_as_nothing() {
        let equal: [&[f64]; 2] = [&[100.0; 5], &[101.0; 5]];
        let noise = Noise::among(equal.into_iter());
        assert_eq!(noise.of(equal[0]), Some(measured(100.0, LEAST)));
        for few in [&[100.0][..], &[100.0, 100.0]] {
            let found = Noise::among([few].into_iter()).of(few).expect("a median");
            assert_eq!(found, Measured { median: 100.0, noise: None });
            assert_eq!(found.against(measured(500.0, 0.01)), Verdict::Unknown);
        }
    }

    #[test]
    fn nobody_is_surer_than_the_middle_one() {
        let lucky: &[f64] = &[100.0, 100.0, 100.0, 90.0, 120.0];
        let usual: &[f64] = &[90.0, 95.0, 100.0, 105.0, 110.0];
        let alone = Noise::among([lucky].into_iter()).of(lucky).expect("a median").noise;
        let among = Noise::among([lucky, usual, usual].into_iter());
        assert_eq!(alone, Some(LEAST));
        assert_eq!(among.of(lucky).expect("a median").noise, among.of(usual).expect("a median").noise);
    }

    #[test]
    fn what_is_as_far_apart_as_a_thing_from_itself_is_a_tie() {
        let (first, again) = (measured(100.0, 0.01), measured(120.0, 0.01));
        assert_eq!(first.against(again), Verdict::Apart);
        assert_eq!(first.at_least(Some(0.2)).against(again.at_least(Some(0.2))), Verdict::Tie);
        assert_eq!(first.at_least(None), first);
    }

    /// xorshift64*.
    struct Random(u64);

    impl Random {
        /// 0 to 1.
        fn part(&mut self) -> f64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// About normal, 3 % wide; every tenth is a slow one.
        fn sample(&mut self, middle: f64) -> f64 {
            let normal = (0..12).map(|_| self.part()).sum::<f64>() - 6.0;
            let slow = if self.part() < 0.1 { 1.3 } else { 1.0 };
            middle * (1.0 + 0.03 * normal) * slow
        }

        fn samples(&mut self, middle: f64, rounds: usize) -> Vec<f64> {
            (0..rounds).map(|_| self.sample(middle)).collect()
        }
    }

    /// In how many of 1,000 made-up cells of ten contenders do the first two tie?
    fn ties_of(first: f64, second: f64, rounds: usize) -> usize {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut ties = 0;
        for _ in 0..1_000 {
            let middles = [first, second].into_iter().chain([300.0; 8]);
            let cell: Vec<_> = middles.map(|middle| random.samples(middle, rounds)).collect();
            let noise = Noise::among(cell.iter().map(Vec::as_slice));
            let [a, b] = [0, 1].map(|n| noise.of(&cell[n]).expect("a median"));
            ties += usize::from(a.against(b) == Verdict::Tie);
        }
        ties
    }

    #[test]
    fn the_same_ties_with_itself() {
        for (rounds, least) in [(3, 920), (5, 960), (9, 970)] {
            let ties = ties_of(100.0, 100.0, rounds);
            assert!(ties >= least, "{ties} of 1000 with {rounds} rounds");
        }
    }

    #[test]
    fn what_differs_by_a_fifth_does_not() {
        for (rounds, most) in [(3, 260), (5, 70), (9, 10)] {
            let ties = ties_of(100.0, 120.0, rounds);
            assert!(ties <= most, "{ties} of 1000 with {rounds} rounds");
        }
    }
}
