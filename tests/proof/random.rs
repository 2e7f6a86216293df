//! Random numbers that are the same at each run, how much is tried, and many trials at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// `SplitMix64` (Steele, Lea, Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    /// By `CLEARML_GATE_SEED`, or the same as always.
    pub(crate) fn seeded() -> Self {
        Self(std::env::var("CLEARML_GATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_127))
    }

    /// Evenly below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Whether everything is to be tried that can be.
pub(crate) fn is_all() -> bool {
    std::env::var("CLEARML_GATE_PROOF").is_ok_and(|value| value == "all")
}

/// So many trials at once: most of their time they wait.
const AT_ONCE: usize = 24;

/// Makes every trial.
pub(crate) fn in_parallel<T: Sync>(trials: &[T], make: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    make(trial);
                }
            });
        }
    });
}
