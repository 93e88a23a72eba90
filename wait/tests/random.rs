//! The thread's random choice: repeatable from a seed, different without one, near enough to uniform.
use dormouse_wait::random::{below, next, with_seed};
use std::panic::catch_unwind;

fn some(n: usize) -> Vec<u64> {
    (0..n).map(|_| next()).collect()
}

#[test]
fn a_seed_repeats() {
    for seed in [0, 1, u64::MAX] {
        assert_eq!(with_seed(seed, || some(20)), with_seed(seed, || some(20)));
    }
    assert_ne!(with_seed(1, || some(20)), with_seed(2, || some(20)));
}

/// What runs under a seed does not show outside of it, also after a panic.
#[test]
fn the_threads_own_state_is_back() {
    let undisturbed = with_seed(5, || some(4));
    let disturbed = with_seed(5, || {
        let mut got = some(2);
        with_seed(9, || some(7));
        let _ = catch_unwind(|| {
            with_seed(9, || {
                if next() > 0 {
                    panic!("inside")
                }
            })
        });
        got.extend(some(2));
        got
    });
    assert_eq!(disturbed, undisturbed);
}

#[test]
fn threads_differ() {
    let here = some(4);
    let there = std::thread::spawn(|| some(4)).join().unwrap();
    assert_ne!(here, there);
}

#[test]
fn below_is_uniform() {
    assert_eq!((below(0), below(1)), (0, 0));
    with_seed(1, || {
        for sides in [2, 3, 7, 64] {
            let mut counts = vec![0u32; sides as usize];
            for _ in 0..sides * 1000 {
                counts[below(sides) as usize] += 1;
            }
            // Fixed by the seed; five standard deviations.
            assert!(counts.iter().all(|count| (840..1160).contains(count)), "{sides}: {counts:?}");
        }
        assert!((0..1000).any(|_| below(u32::MAX) > u32::MAX / 2));
    });
}
