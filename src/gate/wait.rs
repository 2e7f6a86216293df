//! Waiting while a run of the code is queued or running: how long, how often to look, and what to show.

use std::thread;
use std::time::{Duration, Instant};

use crate::model::run::{Run, Status};

/// The pause after the first look. Each further one is half as long again, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// A line in a log stays, so the same state is not logged more often than this.
const SAME_STATE: Duration = Duration::from_mins(5);

/// Shows how the wait goes.
pub(crate) trait Progress {
    fn show(&mut self, waiting: &Waiting);
    /// Whether each line overwrites the one before, as on a terminal.
    fn overwrites(&self) -> bool;
}

/// The state of a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) elapsed: Duration,
    pub(crate) limit: Duration,
    /// How many runs of the code are running.
    pub(crate) running: usize,
    /// How many are queued.
    pub(crate) queued: usize,
    /// The last iteration that one of them reported.
    pub(crate) last_iteration: Option<u64>,
}

pub(super) struct Wait<'p> {
    began: Instant,
    limit: Duration,
    pause: Duration,
    progress: &'p mut dyn Progress,
    /// What was shown last, and when.
    shown: Option<(Instant, Waiting)>,
}

impl<'p> Wait<'p> {
    pub(super) fn new(limit: Duration, progress: &'p mut dyn Progress) -> Self {
        Self { began: Instant::now(), limit, pause: FIRST_PAUSE, progress, shown: None }
    }

    /// Pauses before the next look at these runs; false when there is no time left.
    pub(super) fn pause(&mut self, pending: &[&Run]) -> bool {
        let left = self.limit.saturating_sub(self.began.elapsed());
        if left.is_zero() {
            return false;
        }
        self.show(pending);
        thread::sleep(self.pause.min(left));
        self.pause = longer(self.pause);
        true
    }

    fn show(&mut self, pending: &[&Run]) {
        let running = pending.iter().filter(|run| run.status == Status::Running).count();
        let waiting = Waiting {
            elapsed: self.began.elapsed(),
            limit: self.limit,
            running,
            queued: pending.len() - running,
            last_iteration: pending.iter().filter_map(|run| run.last_iteration).max(),
        };
        let is_shown = self.shown.as_ref().is_some_and(|(at, shown)| {
            (shown.running, shown.queued) == (waiting.running, waiting.queued) && at.elapsed() < SAME_STATE
        });
        if self.progress.overwrites() || !is_shown {
            self.progress.show(&waiting);
            self.shown = Some((Instant::now(), waiting));
        }
    }
}

fn longer(pause: Duration) -> Duration {
    (pause * 3 / 2).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::run;

    struct Shown(Vec<Waiting>, bool);

    impl Progress for Shown {
        fn show(&mut self, waiting: &Waiting) {
            self.0.push(waiting.clone());
        }

        fn overwrites(&self) -> bool {
            self.1
        }
    }

    #[test]
    fn a_log_shows_only_what_is_new_and_a_terminal_shows_everything() {
        let running = Run { last_iteration: Some(70), ..run("a", Status::Running, None) };
        let queued = run("b", Status::Queued, None);
        for (overwrites, expected) in [
            (false, [(0, 1, None), (1, 0, Some(70)), (1, 1, Some(70))].as_slice()),
            (true, &[(0, 1, None), (1, 0, Some(70)), (1, 0, Some(70)), (1, 1, Some(70))]),
        ] {
            let mut shown = Shown(Vec::new(), overwrites);
            let mut wait = Wait::new(Duration::from_mins(1), &mut shown);
            for pending in [[&queued].as_slice(), &[&running], &[&running], &[&running, &queued]] {
                wait.show(pending);
            }
            let shown: Vec<_> = shown.0.iter().map(|one| (one.running, one.queued, one.last_iteration)).collect();
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn pauses_grow_to_twenty_seconds() {
        let pauses = std::iter::successors(Some(FIRST_PAUSE), |pause| Some(longer(*pause)));
        let pauses: Vec<u128> = pauses.take(10).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [1000, 1500, 2250, 3375, 5062, 7593, 11390, 17085, 20000, 20000]);
    }
}
