//! Waiting for runs and for the server: how long, how often to look, and what to show.

use std::thread;
use std::time::{Duration, Instant};

use crate::gate::outcome::NoVerdict;
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
    pub(crate) awaited: Awaited,
}

/// What a wait is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// A run of the code, which has none.
    AnyRun,
    /// The end of runs of the code.
    Runs {
        running: usize,
        queued: usize,
        /// The last iteration that one of them reported.
        last_iteration: Option<u64>,
    },
    /// The server, which cannot be reached.
    Server,
}

impl Awaited {
    fn runs(pending: &[&Run]) -> Self {
        let running = pending.iter().filter(|run| run.status == Status::Running).count();
        Self::Runs {
            running,
            queued: pending.len() - running,
            last_iteration: pending.iter().filter_map(|run| run.last_iteration).max(),
        }
    }

    /// The part that makes a new line in a log. Iterations change all the time.
    const fn without_iteration(self) -> Self {
        match self {
            Self::Runs { running, queued, .. } => Self::Runs { running, queued, last_iteration: None },
            other => other,
        }
    }
}

pub(super) struct Wait<'p> {
    began: Instant,
    limit: Duration,
    pause: Duration,
    progress: &'p mut dyn Progress,
    /// What was shown last, and when.
    shown: Option<(Instant, Awaited)>,
}

impl<'p> Wait<'p> {
    pub(super) fn new(limit: Duration, progress: &'p mut dyn Progress) -> Self {
        Self { began: Instant::now(), limit, pause: FIRST_PAUSE, progress, shown: None }
    }

    /// Pauses before the next look at these runs; false when there are none, or when no time is left.
    pub(super) fn for_runs(&mut self, pending: &[&Run]) -> bool {
        !pending.is_empty() && self.pause(Awaited::runs(pending), Duration::ZERO)
    }

    /// Pauses before the next look for a run; false when no time is left.
    pub(super) fn for_any_run(&mut self) -> bool {
        self.pause(Awaited::AnyRun, Duration::ZERO)
    }

    /// Pauses before the server is asked again; false when it answered, when another attempt would fail as well, or when
    /// no time is left. `was_reached` is whether this server has answered before.
    pub(super) fn for_server(&mut self, why: &NoVerdict<'_>, was_reached: bool) -> bool {
        let NoVerdict::Failed(error) = why else { return false };
        error.retry_after(was_reached).is_some_and(|pause| self.pause(Awaited::Server, pause))
    }

    fn pause(&mut self, awaited: Awaited, at_least: Duration) -> bool {
        let left = self.limit.saturating_sub(self.began.elapsed());
        if left.is_zero() || left < at_least {
            return false;
        }
        self.show(awaited);
        thread::sleep(self.pause.min(left).max(at_least));
        self.pause = longer(self.pause);
        true
    }

    fn show(&mut self, awaited: Awaited) {
        let is_shown = self.shown.is_some_and(|(at, shown)| {
            shown.without_iteration() == awaited.without_iteration() && at.elapsed() < SAME_STATE
        });
        if self.progress.overwrites() || !is_shown {
            self.progress.show(&Waiting { elapsed: self.began.elapsed(), limit: self.limit, awaited });
            self.shown = Some((Instant::now(), awaited));
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
        let later = Run { last_iteration: Some(80), ..run("a", Status::Running, None) };
        let queued = run("b", Status::Queued, None);
        let runs = |running, queued, last_iteration| Awaited::Runs { running, queued, last_iteration };
        let (first, last) = (runs(0, 1, None), runs(1, 1, Some(70)));
        let (once, twice) = (runs(1, 0, Some(70)), runs(1, 0, Some(80)));
        for (overwrites, expected) in [
            (false, [first, once, last, Awaited::Server, Awaited::AnyRun].as_slice()),
            (true, &[first, once, twice, last, Awaited::Server, Awaited::Server, Awaited::AnyRun]),
        ] {
            let mut shown = Shown(Vec::new(), overwrites);
            let mut wait = Wait::new(Duration::from_mins(1), &mut shown);
            for pending in [[&queued].as_slice(), &[&running], &[&later], &[&running, &queued]] {
                wait.show(Awaited::runs(pending));
            }
            for awaited in [Awaited::Server, Awaited::Server, Awaited::AnyRun] {
                wait.show(awaited);
            }
            assert_eq!(shown.0.iter().map(|one| one.awaited).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn pauses_grow_to_twenty_seconds() {
        let pauses = std::iter::successors(Some(FIRST_PAUSE), |pause| Some(longer(*pause)));
        let pauses: Vec<u128> = pauses.take(10).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [1000, 1500, 2250, 3375, 5062, 7593, 11390, 17085, 20000, 20000]);
    }
}
