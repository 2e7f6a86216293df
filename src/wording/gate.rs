//! Wording: progress while the gate waits, and why something about the baseline is unknown.

use std::fmt;

use super::counted;
use crate::gate::outcome::OriginUnknown;
use crate::gate::{Awaited, Waiting};
use crate::git::GitError;
use crate::text::duration;

/// One line about a wait in progress.
pub(crate) fn waiting(waiting: &Waiting) -> String {
    let Waiting { elapsed, limit, awaited } = waiting;
    format!("waiting, {} of {}: {awaited}", duration::format(*elapsed), duration::format(*limit))
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Runs { running, queued, last_iteration } = self else {
            return f.write_str(match self {
                Self::Server => "ClearML cannot be reached",
                _ => "this commit has no run yet",
            });
        };
        match (running, queued) {
            (running, 0) => write!(f, "{} running", counted(*running, "run"))?,
            (0, queued) => write!(f, "{} queued", counted(*queued, "run"))?,
            (running, queued) => write!(f, "{} running, {queued} queued", counted(*running, "run"))?,
        }
        last_iteration.map_or(Ok(()), |iteration| write!(f, ", last iteration {iteration}"))
    }
}

impl fmt::Display for OriginUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMainBranch => f.write_str("outside CI, the main branch is unknown"),
            Self::NoCommit => f.write_str("it recorded no commit"),
            Self::NotACommit => f.write_str("what it recorded is not a commit id"),
            Self::Git { error, github: None } => f.write_str(&with_advice(error)),
            Self::Git { error, github: Some(github) } => write!(f, "{}; {github}", with_advice(error)),
            Self::GitHub(error) => write!(
                f,
                "the branch has neither its commit nor one with the same files, and GitHub does not say what became of \
                 its pull request; {error}"
            ),
        }
    }
}

fn with_advice(error: &GitError) -> String {
    error.advice().map_or_else(|| error.to_string(), |advice| format!("{error}; {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_wait_says_what_is_running_and_queued() {
        let waiting_for = |awaited| {
            let (elapsed, limit) = (Duration::from_secs(3), Duration::from_mins(30));
            waiting(&Waiting { elapsed, limit, awaited })
        };
        let line = |running, queued, last_iteration| waiting_for(Awaited::Runs { running, queued, last_iteration });
        assert_eq!(waiting_for(Awaited::AnyRun), "waiting, 3 s of 30 min: this commit has no run yet");
        assert_eq!(waiting_for(Awaited::Server), "waiting, 3 s of 30 min: ClearML cannot be reached");
        assert_eq!(line(1, 0, Some(70)), "waiting, 3 s of 30 min: 1 run running, last iteration 70");
        assert_eq!(line(0, 2, None), "waiting, 3 s of 30 min: 2 runs queued");
        assert_eq!(line(1, 1, None), "waiting, 3 s of 30 min: 1 run running, 1 queued");
    }
}
