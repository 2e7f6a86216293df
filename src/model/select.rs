//! Candidate and baseline out of the runs, and why the others were not it. Pure.

use std::collections::{BTreeSet, HashSet};

use crate::model::commit::Commit;
use crate::model::metric::Metrics;
use crate::model::run::{Run, Status, TaskId};

/// The runs of the commit under review, newest first.
#[derive(Debug)]
pub(crate) struct AtCommit<'a>(Vec<&'a Run>);

/// What came near: runs of the commit that cannot be the candidate, by the first reason that applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NearMisses {
    /// In the archive.
    pub(crate) archived: usize,
    /// Completed, but with uncommitted changes.
    pub(crate) dirty: usize,
    /// Still running.
    pub(crate) running: usize,
    /// Waiting for a worker.
    pub(crate) queued: usize,
    /// Never started.
    pub(crate) drafts: usize,
    /// Failed.
    pub(crate) failed: usize,
    /// Stopped by hand.
    pub(crate) stopped: usize,
    /// In any other state.
    pub(crate) other: usize,
}

impl<'a> AtCommit<'a> {
    /// Picks the runs of the commits, which hold the same code. `runs` are newest first.
    pub(crate) fn new(runs: &'a [Run], commits: &[Commit]) -> Self {
        let ran = |recorded: &str| commits.iter().any(|commit| commit.matches(recorded));
        Self(runs.iter().filter(|run| run.commit.as_deref().is_some_and(ran)).collect())
    }

    /// Whether nothing ran this commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The distinct commits: more than one when an abbreviated commit is ambiguous.
    pub(crate) fn commits(&self) -> BTreeSet<String> {
        self.0.iter().filter_map(|run| run.commit.as_deref()).map(|commit| commit.trim().to_ascii_lowercase()).collect()
    }

    /// The runs that completed and are not archived: only these can be the candidate, if they are clean.
    pub(crate) fn finished(&self) -> Vec<&'a Run> {
        self.0.iter().copied().filter(|run| is_finished(run)).collect()
    }

    /// The runs that are queued or at work and can become the candidate, since they are clean.
    pub(crate) fn pending(&self, dirty: &HashSet<TaskId>) -> Vec<&'a Run> {
        let is_underway = |run: &Run| matches!(run.status, Status::Queued | Status::Running) && !run.archived;
        let is_pending = |run: &&Run| is_underway(run) && !dirty.contains(&run.id);
        self.0.iter().copied().filter(is_pending).collect()
    }

    /// The newest finished run without uncommitted changes.
    pub(crate) fn candidate(&self, dirty: &HashSet<TaskId>) -> Option<&'a Run> {
        self.clean(dirty).first().copied()
    }

    /// All finished runs without uncommitted changes.
    pub(crate) fn clean(&self, dirty: &HashSet<TaskId>) -> Vec<&'a Run> {
        self.finished().into_iter().filter(|run| !dirty.contains(&run.id)).collect()
    }

    /// Counts the runs that are not the candidate by what disqualifies them.
    pub(crate) fn near_misses(&self, dirty: &HashSet<TaskId>) -> NearMisses {
        let mut near = NearMisses::default();
        for run in &self.0 {
            let count = match &run.status {
                _ if run.archived => &mut near.archived,
                Status::Completed if dirty.contains(&run.id) => &mut near.dirty,
                Status::Completed => continue,
                Status::Running => &mut near.running,
                Status::Queued => &mut near.queued,
                Status::Created => &mut near.drafts,
                Status::Failed => &mut near.failed,
                Status::Stopped => &mut near.stopped,
                Status::Other(_) => &mut near.other,
            };
            *count += 1;
        }
        near
    }
}

/// Whether a run ended well and is not put away.
pub(crate) fn is_finished(run: &Run) -> bool {
    run.status == Status::Completed && !run.archived
}

/// The run to compare with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Baseline<'a> {
    /// No run carries the tag.
    None,
    /// Runs carry it, but none has every metric that counts as a number.
    Unusable(&'a Run),
    /// The best of those that carry it.
    Found(&'a Run),
}

/// The baseline: of several that carry the tag the best, since an interrupted move or a race can leave more than one;
/// of equals the newest.
pub(crate) fn baseline<'a>(runs: &'a [Run], tag: &str, metrics: &Metrics) -> Baseline<'a> {
    match runs.iter().filter(|run| run.has_tag(tag)).max_by(|a, b| metrics.compare(a, b)) {
        None => Baseline::None,
        Some(run) if metrics.are_known_of(run) => Baseline::Found(run),
        Some(run) => Baseline::Unusable(run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compare::Direction;
    use crate::model::testing::{SHA, metrics, run};
    use proptest::prelude::*;

    fn tagged(id: &str, value: Option<f64>) -> Run {
        Run { tags: vec!["best".to_owned()], ..run(id, Status::Completed, value) }
    }

    fn commit() -> Commit {
        Commit::parse(SHA).unwrap()
    }

    #[test]
    fn the_newest_clean_finished_run_is_the_candidate() {
        let runs = [
            run("running", Status::Running, None),
            run("failed", Status::Failed, Some(1.0)),
            run("dirty", Status::Completed, Some(1.0)),
            Run { archived: true, ..run("archived", Status::Completed, Some(1.0)) },
            Run { commit: None, ..run("elsewhere", Status::Completed, Some(1.0)) },
            run("clean", Status::Completed, Some(0.5)),
            run("older", Status::Completed, Some(0.9)),
        ];
        let dirty = HashSet::from([TaskId("dirty".to_owned())]);
        let at = AtCommit::new(&runs, &[commit()]);
        assert_eq!(at.candidate(&dirty).unwrap().id.as_str(), "clean");
        let near = NearMisses { archived: 1, dirty: 1, running: 1, failed: 1, ..NearMisses::default() };
        assert_eq!(at.near_misses(&dirty), near);
    }

    #[test]
    fn clean_runs_that_are_queued_or_at_work_are_waited_for() {
        let runs = [
            run("running", Status::Running, None),
            run("queued", Status::Queued, None),
            run("dirty", Status::Running, None),
            Run { archived: true, ..run("archived", Status::Queued, None) },
            run("completed", Status::Completed, Some(1.0)),
            run("draft", Status::Created, None),
        ];
        let dirty = HashSet::from([TaskId("dirty".to_owned())]);
        let pending = AtCommit::new(&runs, &[commit()]).pending(&dirty);
        assert_eq!(pending.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["running", "queued"]);
    }

    #[test]
    fn an_abbreviated_commit_can_be_several() {
        let of = |recorded: &str| Run { commit: Some(recorded.to_owned()), ..run("r", Status::Completed, None) };
        let other = format!("{}0000", &SHA[..36]);
        let runs = [of(SHA), of(&format!(" {} ", SHA.to_uppercase())), of(&other), of(&"b".repeat(40))];
        let at = |commit: &str| AtCommit::new(&runs, &[Commit::parse(commit).unwrap()]);
        let commits = |commit: &str| at(commit).commits().into_iter().collect::<Vec<_>>();
        assert_eq!(commits(SHA), [SHA]);
        assert_eq!(commits(&SHA[..12]), [other.as_str(), SHA]);
        assert!(!at(SHA).is_empty() && at(&"c".repeat(40)).is_empty());
    }

    #[test]
    fn the_best_of_several_tagged_is_the_baseline() {
        let runs =
            [tagged("a", Some(0.7)), tagged("b", Some(0.9)), tagged("c", None), run("d", Status::Completed, Some(1.0))];
        let id = |direction| match baseline(&runs, "best", &metrics(direction)) {
            Baseline::Found(run) => run.id.as_str(),
            other => panic!("{other:?}"),
        };
        assert_eq!(id(Direction::Max), "b");
        assert_eq!(id(Direction::Min), "a");
        assert!(matches!(baseline(&runs, "BEST", &metrics(Direction::Max)), Baseline::None));
        assert!(matches!(baseline(&runs[2..], "best", &metrics(Direction::Max)), Baseline::Unusable(_)));
    }

    proptest! {
        #[test]
        fn what_is_picked_always_qualifies(states in prop::collection::vec((0u8..4, any::<bool>(), any::<bool>(), any::<bool>()), 0..12)) {
            let runs: Vec<Run> = states.iter().enumerate().map(|(n, &(status, archived, here, _))| Run {
                archived,
                commit: here.then(|| SHA.to_owned()),
                ..run(&n.to_string(), [Status::Completed, Status::Failed, Status::Running, Status::Stopped][usize::from(status)].clone(), None)
            }).collect();
            let dirty: HashSet<TaskId> = runs.iter().zip(&states).filter(|(_, state)| state.3).map(|(run, _)| run.id.clone()).collect();
            let at = AtCommit::new(&runs, &[commit()]);
            let qualifies = |run: &&Run| run.status == Status::Completed && !run.archived && run.commit.is_some() && !dirty.contains(&run.id);
            prop_assert_eq!(at.candidate(&dirty).map(|run| &run.id), runs.iter().find(qualifies).map(|run| &run.id));
            let NearMisses { archived, dirty: unclean, running, queued, drafts, failed, stopped, other } = at.near_misses(&dirty);
            let missed = archived + unclean + running + queued + drafts + failed + stopped + other;
            prop_assert_eq!(missed + runs.iter().filter(qualifies).count(), runs.iter().filter(|run| run.commit.is_some()).count());
        }
    }
}
