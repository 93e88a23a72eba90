//! The thread's random choice: which ready arm of a `select!`, which victim to steal from.
//!
//! Each thread has a small generator (xorshift64*, by George Marsaglia and Sebastiano Vigna), seeded differently in
//! each thread and process. A simulator seeds it for the length of a run with [`with_seed`], and then every choice
//! repeats. It is no source of secrets.
use std::cell::Cell;

thread_local!(static STATE: Cell<u64> = const { Cell::new(0) });

/// The next random number.
#[inline]
pub fn next() -> u64 {
    let mut x = STATE.get();
    if x == 0 {
        x = fresh();
    }
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    STATE.set(x);
    x.wrapping_mul(0x2545_F491_4F6C_DD1D)
}

/// A uniform choice below `n`; 0 if `n` is 0. (The bias of the multiply-shift is at most `n` in 2^32.)
#[inline]
pub fn below(n: u32) -> u32 {
    (((next() >> 32) * u64::from(n)) >> 32) as u32
}

/// Runs `f` with this thread's generator started from `seed`; the thread's own state is back afterwards.
pub fn with_seed<R>(seed: u64, f: impl FnOnce() -> R) -> R {
    struct Back(u64);
    impl Drop for Back {
        fn drop(&mut self) {
            STATE.set(self.0);
        }
    }
    let _back = Back(STATE.replace(mix(seed)));
    f()
}

/// Spreads a seed over all bits; never 0 (SplitMix64's finaliser).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) | 1
}

#[cfg(not(dormouse_loom))]
#[cold]
fn fresh() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    mix(RandomState::new().hash_one(0))
}

/// A model must do the same in every execution.
#[cfg(dormouse_loom)]
fn fresh() -> u64 {
    mix(0)
}
