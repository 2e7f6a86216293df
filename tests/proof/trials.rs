//! How much is tried, by which seed, and many trials at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::Random;

/// Random numbers by `CLEARML_GATE_SEED`, or the same as always.
pub(crate) fn seeded() -> Random {
    Random::new(std::env::var("CLEARML_GATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_127))
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
