//! Random numbers that the seed of a run decides.
use super::here;
use std::cell::Cell;
use std::fmt;
use std::ops::Range;

/// A stream of random numbers (SplitMix64, by Guy Steele, Doug Lea and Christine Flood).
#[derive(Debug)]
pub(super) struct Stream(Cell<u64>);

impl Stream {
    /// One of several independent streams of a seed.
    pub(super) fn new(seed: u64, number: u64) -> Stream {
        let stream = Stream(Cell::new(seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93)));
        Stream(Cell::new(stream.next()))
    }

    pub(super) fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform below `n`, which is not 0 (Lemire's multiply-shift; its bias is at most n in 2^64).
    pub(super) fn below(&self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    pub(super) fn chance(&self, probability: f64) -> bool {
        // 53 random bits are a uniform float below 1.
        ((self.next() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }
}

/// The random numbers of the simulated run that this thread is in: the seed decides them, so a replay sees the same.
///
/// They are no source of secrets. Got by [`rng`].
#[derive(Clone, Copy)]
pub struct Rng(());

/// The random numbers of this simulated run.
///
/// # Panics
/// Outside of a simulated run.
///
/// ```
/// use dormouse_executor::sim;
/// let roll = || sim::Builder::new().seed(7).run(async { sim::rng().range(1..7) });
/// assert_eq!(roll(), roll());
/// ```
#[track_caller]
pub fn rng() -> Rng {
    here::with("rng", |_| Rng(()))
}

impl Rng {
    /// Uniform among all numbers.
    ///
    /// # Panics
    /// This method and the others panic outside of a simulated run.
    #[track_caller]
    pub fn next_u64(&self) -> u64 {
        here::with("Rng", |here| here.rng.next())
    }

    /// Uniform in `range`.
    ///
    /// # Panics
    /// If `range` is empty.
    #[track_caller]
    pub fn range(&self, range: Range<u64>) -> u64 {
        assert!(range.start < range.end, "`Rng::range` of an empty range: {range:?}");
        here::with("Rng", |here| range.start + here.rng.below(range.end - range.start))
    }

    /// True with this probability: from 0.0, never, to 1.0, always.
    ///
    /// # Panics
    /// If `probability` is not from 0.0 to 1.0.
    #[track_caller]
    pub fn chance(&self, probability: f64) -> bool {
        assert!((0.0..=1.0).contains(&probability), "a probability is from 0.0 to 1.0, not {probability}");
        here::with("Rng", |here| here.rng.chance(probability))
    }

    /// One of `items`, each as likely; `None` if there are none.
    #[track_caller]
    pub fn pick<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        match items.len() {
            0 => None,
            len => Some(&items[self.range(0..len as u64) as usize]),
        }
    }

    /// Puts `items` into a random order, each as likely (the Fisher-Yates shuffle).
    #[track_caller]
    pub fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.range(0..last as u64 + 1) as usize);
        }
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng")
    }
}
