//! Waiting while a run of the commit is queued or at work: how long, how often to look, and what is told meanwhile.

use std::thread;
use std::time::{Duration, Instant};

use crate::model::run::{Run, Status};
use crate::text::duration::span;

/// The pause after the first look; each further one is half as long again, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// In a log a line stands for ever, so that nothing new is told no more often than this.
const SPARSE: Duration = Duration::from_mins(5);

/// Somebody who is told how the waiting goes.
pub(crate) trait Progress {
    /// Takes a line that replaces the one before, on a terminal.
    fn show(&mut self, line: &str);
    /// Whether lines replace one another, or stay.
    fn replaces(&self) -> bool;
}

/// The wait of one gate.
pub(super) struct Wait<'p> {
    began: Instant,
    most: Duration,
    pause: Duration,
    progress: &'p mut dyn Progress,
    told: Option<(Instant, String)>,
}

impl<'p> Wait<'p> {
    pub(super) fn new(most: Duration, progress: &'p mut dyn Progress) -> Self {
        Self { began: Instant::now(), most, pause: FIRST_PAUSE, progress, told: None }
    }

    /// Waits a while for these runs; false when there is no time left.
    pub(super) fn goes_on(&mut self, pending: &[&Run]) -> bool {
        let left = self.most.saturating_sub(self.began.elapsed());
        if left.is_zero() {
            return false;
        }
        self.tell(pending);
        thread::sleep(self.pause.min(left));
        self.pause = longer(self.pause);
        true
    }

    fn tell(&mut self, pending: &[&Run]) {
        let state = state(pending);
        let is_news = self.told.as_ref().is_none_or(|(at, told)| *told != state || at.elapsed() >= SPARSE);
        if self.progress.replaces() || is_news {
            let line =
                format!("waiting, {} of {}: {state}{}", span(self.began.elapsed()), span(self.most), how_far(pending));
            self.progress.show(&line);
            self.told = Some((Instant::now(), state));
        }
    }
}

fn longer(pause: Duration) -> Duration {
    (pause * 3 / 2).min(LONGEST_PAUSE)
}

/// How many runs are at work and in a queue.
fn state(pending: &[&Run]) -> String {
    let (running, queued): (Vec<_>, Vec<_>) = pending.iter().partition(|run| run.status == Status::Running);
    let runs = |runs: &[&&Run]| format!("{} {}", runs.len(), if runs.len() == 1 { "run" } else { "runs" });
    match (running.is_empty(), queued.is_empty()) {
        (false, true) => format!("{} at work", runs(&running)),
        (true, _) => format!("{} in a queue", runs(&queued)),
        (false, false) => format!("{} at work, {} in a queue", runs(&running), queued.len()),
    }
}

fn how_far(pending: &[&Run]) -> String {
    let last = pending.iter().filter_map(|run| run.last_iteration).max();
    last.map_or_else(String::new, |iteration| format!(", last iteration {iteration}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::run;

    struct Shown(Vec<String>, bool);

    impl Progress for Shown {
        fn show(&mut self, line: &str) {
            self.0.push(line.to_owned());
        }

        fn replaces(&self) -> bool {
            self.1
        }
    }

    #[test]
    fn a_log_is_told_only_what_is_new_and_a_terminal_everything() {
        let (running, queued) = (run("a", Status::Running, None), run("b", Status::Queued, None));
        for (replaces, expected) in
            [(false, ["in a queue", "at work"].as_slice()), (true, &["in a queue", "at work", "at work"])]
        {
            let mut shown = Shown(Vec::new(), replaces);
            let mut wait = Wait::new(Duration::from_mins(1), &mut shown);
            for run in [&queued, &running, &running] {
                wait.tell(&[run]);
            }
            assert_eq!(shown.0.len(), expected.len(), "{:?}", shown.0);
            assert!(shown.0.iter().zip(expected).all(|(line, state)| line.ends_with(state)), "{:?}", shown.0);
        }
    }

    #[test]
    fn looks_become_rarer_and_never_rarer_than_every_twenty_seconds() {
        let pauses = std::iter::successors(Some(FIRST_PAUSE), |pause| Some(longer(*pause)));
        let pauses: Vec<u128> = pauses.take(10).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [1000, 1500, 2250, 3375, 5062, 7593, 11390, 17085, 20000, 20000]);
    }

    #[test]
    fn what_is_waited_for_is_said() {
        let running = Run { last_iteration: Some(70), ..run("a", Status::Running, None) };
        let queued = run("b", Status::Queued, None);
        assert_eq!(state(&[&running]), "1 run at work");
        assert_eq!(state(&[&queued, &queued]), "2 runs in a queue");
        assert_eq!(state(&[&running, &queued]), "1 run at work, 1 in a queue");
        assert_eq!(how_far(&[&running, &queued]), ", last iteration 70");
    }
}
