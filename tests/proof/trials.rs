//! How many trials to make, the seed that draws them, and many of them at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::support::Random;

const DEFAULT_SEED: u64 = 20_261_127;

/// Random numbers from `CLEARML_GATE_SEED`, or from a fixed seed. Prints the seed, so that a failure can be repeated.
pub(crate) fn seeded() -> Random {
    let given = std::env::var("CLEARML_GATE_SEED").ok();
    let seed = given.map_or(DEFAULT_SEED, |seed| seed.parse().unwrap());
    println!("CLEARML_GATE_SEED={seed}");
    Random::new(seed)
}

/// How much to try, by `CLEARML_GATE_PROOF`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extent {
    /// Not set: some seconds, for `cargo test`.
    Small,
    /// `large`: about a minute, for `.ci/run`.
    Large,
    /// `all`: about half an hour.
    All,
}

impl Extent {
    pub(crate) fn asked() -> Self {
        match std::env::var("CLEARML_GATE_PROOF").as_deref() {
            Err(_) | Ok("") => Self::Small,
            Ok("large") => Self::Large,
            Ok("all") => Self::All,
            Ok(other) => panic!("CLEARML_GATE_PROOF is {other:?}; use \"large\" or \"all\""),
        }
    }

    pub(crate) const fn pick<T: Copy>(self, [small, large, all]: [T; 3]) -> T {
        match self {
            Self::Small => small,
            Self::Large => large,
            Self::All => all,
        }
    }
}

/// The size of a sample that leaves nothing out.
pub(crate) const EVERYTHING: usize = usize::MAX;

/// A sample of this size, spread over the whole list, because neighbors are alike.
pub(crate) fn sample<T: Clone>(random: &mut Random, trials: &[T], size: usize) -> Vec<T> {
    let (size, all) = (size.min(trials.len()), trials.len());
    let stretch = |n: usize| (n * all / size, (n + 1) * all / size);
    (0..size).map(stretch).map(|(start, end)| trials[start + random.below(end - start)].clone()).collect()
}

/// The number of trials at once. A trial mostly waits.
const AT_ONCE: usize = 24;

/// Only one search runs at a time. Two would compete for the processor, and requests would time out for that reason alone.
static SEARCHING: Mutex<()> = Mutex::new(());

/// Makes every trial.
pub(crate) fn in_parallel<T: Sync>(trials: &[T], make: impl Fn(&T) + Sync) {
    let _alone = SEARCHING.lock().unwrap_or_else(PoisonError::into_inner);
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
