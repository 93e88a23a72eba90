//! Medians, noise, and what counts as a tie.

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

/// How far medians of the same thing are apart: the median's likely error, as a part of it, twice.
///
/// The error of a median of n samples is about 1.25 times that of their mean; their deviation is taken from the median
/// absolute deviation, which a single slow round does not move (Rousseeuw and Croux, 1993: times 1.4826). At least 1 %.
pub(crate) fn noise(values: &[f64]) -> f64 {
    let Some(middle) = median(values).filter(|middle| *middle > 0.0) else { return 0.01 };
    let deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let deviation = 1.4826 * median(&deviations).unwrap_or(0.0);
    let error = 1.25 * deviation / (values.len() as f64).sqrt();
    (2.0 * error / middle).max(0.01)
}

/// Is the difference of two medians, each with its noise, no more than chance may make?
pub(crate) fn is_tie(a: (f64, f64), b: (f64, f64)) -> bool {
    let ((a, a_noise), (b, b_noise)) = (a, b);
    (a - b).abs() <= (a * a_noise).hypot(b * b_noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.0));
        assert_eq!(range(&[3.0, 1.0, 2.0]), Some((1.0, 3.0)));
    }

    #[test]
    fn one_slow_round_is_no_noise() {
        assert_eq!(noise(&[10.0, 10.0, 10.0, 10.0, 90.0]), 0.01);
        assert!(noise(&[8.0, 9.0, 10.0, 11.0, 12.0]) > 0.1);
    }

    #[test]
    fn ties() {
        assert!(is_tie((100.0, 0.05), (104.0, 0.05)));
        assert!(!is_tie((100.0, 0.01), (104.0, 0.01)));
        assert!(is_tie((100.0, 0.01), (100.0, 0.01)));
    }
}
