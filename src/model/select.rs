//! Which runs are judged: the candidate, the baseline, and why other runs of the commit are not eligible. Pure.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::commit::Commit;
use crate::model::metric::Metrics;
use crate::model::name::Tag;
use crate::model::run::{Run, Status, WorkingTree};

/// The runs of the code under review, newest first.
#[derive(Debug)]
pub(crate) struct CommitRuns<'a>(Vec<&'a Run>);

/// The runs of the commit that are not eligible, counted by the first reason that applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct NearMisses {
    pub(crate) archived: usize,
    /// Completed, with uncommitted changes.
    pub(crate) dirty: usize,
    /// Completed, in a notebook.
    pub(crate) notebooks: usize,
    pub(crate) running: usize,
    pub(crate) queued: usize,
    /// Never started.
    pub(crate) drafts: usize,
    pub(crate) failed: usize,
    pub(crate) stopped: usize,
    /// In any other state.
    pub(crate) other: usize,
}

impl<'a> CommitRuns<'a> {
    /// Selects the runs of these commits, which all contain the same code. `runs` are newest first.
    pub(crate) fn new(runs: &'a [Run], commits: &[Commit]) -> Self {
        Self(runs.iter().filter(|run| run.ran_any(commits)).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The distinct commits. There are several when runs of other commits with the same code count.
    pub(crate) fn commits(&self) -> BTreeSet<&'a Commit> {
        self.0.iter().filter_map(|run| run.commit_id()).collect()
    }

    /// The runs that completed and are not archived: the candidate is one of them, if they are clean.
    pub(crate) fn finished(&self) -> Vec<&'a Run> {
        self.0.iter().copied().filter(|run| run.is_finished()).collect()
    }

    /// The queued and running runs that can still become the candidate.
    pub(crate) fn pending(&self) -> Vec<&'a Run> {
        let is_eligible = |run: &&Run| run.is_pending() && !run.working_tree.is_dirty();
        self.0.iter().copied().filter(is_eligible).collect()
    }

    /// The pending runs that can still be one of this many newest clean runs, which exist. A queued run counts as new,
    /// because it starts later.
    pub(crate) fn reruns(&self, newest: usize) -> Vec<&'a Run> {
        let clean = self.clean();
        let oldest = clean.get(newest.saturating_sub(1)).copied();
        let counts = |run: &&Run| {
            run.status == Status::Queued || oldest.is_some_and(|oldest| run.compare_age(oldest) == Ordering::Greater)
        };
        self.pending().into_iter().filter(counts).collect()
    }

    /// The finished runs that are known to be clean.
    pub(crate) fn clean(&self) -> Vec<&'a Run> {
        self.finished().into_iter().filter(|run| run.working_tree == WorkingTree::Clean).collect()
    }

    /// The newest finished clean run.
    pub(crate) fn candidate(&self) -> Option<&'a Run> {
        self.clean().first().copied()
    }

    pub(crate) fn near_misses(&self) -> NearMisses {
        let mut near = NearMisses::default();
        for run in &self.0 {
            let count = match &run.status {
                _ if run.archived => &mut near.archived,
                Status::Completed if run.working_tree == WorkingTree::Dirty => &mut near.dirty,
                Status::Completed if run.working_tree == WorkingTree::Notebook => &mut near.notebooks,
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

/// The runs that have the tag.
#[derive(Debug)]
pub(crate) struct TaggedRuns<'a>(Vec<&'a Run>);

impl<'a> TaggedRuns<'a> {
    pub(crate) fn new(runs: &'a [Run], tag: &Tag) -> Self {
        Self(runs.iter().filter(|run| run.has_tag(tag)).collect())
    }

    pub(crate) fn as_slice(&self) -> &[&'a Run] {
        &self.0
    }

    /// The best of them, since an interrupted move or a race can leave the tag on several runs; of equals the newest. It
    /// may lack the score of a required metric.
    pub(crate) fn baseline(&self, metrics: &Metrics) -> Option<&'a Run> {
        self.0.iter().copied().max_by(|a, b| a.compare(b, metrics))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::commit::RecordedCommit;
    use crate::model::compare::Direction;
    use crate::model::testing::{SHA, metrics, run};
    use proptest::prelude::*;

    fn commit() -> Commit {
        Commit::parse(SHA).unwrap()
    }

    fn dirty(run: Run) -> Run {
        Run { working_tree: WorkingTree::Dirty, ..run }
    }

    fn ids<'a>(runs: &[&'a Run]) -> Vec<&'a str> {
        runs.iter().map(|run| run.id.as_str()).collect()
    }

    #[test]
    fn the_candidate_is_the_newest_clean_finished_run() {
        let completed = |id, value| run(id, Status::Completed, Some(value));
        let runs = [
            run("running", Status::Running, None),
            run("failed", Status::Failed, Some(1.0)),
            dirty(completed("dirty", 1.0)),
            Run { archived: true, ..completed("archived", 1.0) },
            Run { working_tree: WorkingTree::Unchecked, ..completed("unchecked", 1.0) },
            Run { commit: None, ..completed("elsewhere", 1.0) },
            Run { commit: RecordedCommit::parse("main"), ..completed("branch", 1.0) },
            completed("clean", 0.5),
            completed("older", 0.9),
        ];
        let commit_runs = CommitRuns::new(&runs, &[commit()]);
        assert_eq!(commit_runs.candidate().unwrap().id.as_str(), "clean");
        assert_eq!(ids(&commit_runs.clean()), ["clean", "older"]);
        let near = NearMisses { archived: 1, dirty: 1, running: 1, failed: 1, ..NearMisses::default() };
        assert_eq!(commit_runs.near_misses(), near);
    }

    #[test]
    fn queued_and_running_runs_are_pending_unless_they_are_dirty_or_archived() {
        let runs = [
            run("running", Status::Running, None),
            run("queued", Status::Queued, None),
            dirty(run("dirty", Status::Running, None)),
            Run { archived: true, ..run("archived", Status::Queued, None) },
            run("completed", Status::Completed, Some(1.0)),
            run("draft", Status::Created, None),
        ];
        assert_eq!(ids(&CommitRuns::new(&runs, &[commit()]).pending()), ["running", "queued"]);
    }

    #[test]
    fn a_rerun_counts_if_it_can_become_one_of_the_newest_runs() {
        let at = |when, run| Run { when, ..run };
        let runs = [
            at(5, dirty(run("dirty", Status::Running, None))),
            at(4, run("newer", Status::Running, None)),
            at(3, run("first", Status::Completed, Some(1.0))),
            at(2, run("between", Status::Running, None)),
            at(1, run("second", Status::Completed, Some(1.0))),
            at(0, run("older", Status::Running, None)),
            at(0, run("queued", Status::Queued, None)),
        ];
        let reruns = |newest| ids(&CommitRuns::new(&runs, &[commit()]).reruns(newest)).join(" ");
        assert_eq!(reruns(1), "newer queued");
        assert_eq!(reruns(2), "newer between queued");
    }

    #[test]
    fn an_abbreviated_commit_can_match_several_commits() {
        let with =
            |recorded: &str| Run { commit: RecordedCommit::parse(recorded), ..run("r", Status::Completed, None) };
        let other = format!("{}0000", &SHA[..36]);
        let runs = [with(SHA), with(&format!(" {} ", SHA.to_uppercase())), with(&other), with(&"b".repeat(40))];
        let commits = |text: &str| -> Vec<String> {
            let commit = Commit::parse(text).unwrap();
            CommitRuns::new(&runs, &[commit]).commits().into_iter().map(Commit::to_string).collect()
        };
        assert_eq!(commits(SHA), [SHA]);
        assert_eq!(commits(&SHA[..12]), [other.as_str(), SHA]);
        assert_eq!(commits(&"c".repeat(40)), [""; 0]);
    }

    #[test]
    fn the_baseline_is_the_best_tagged_run() {
        let tag = |text| Tag::parse(text).unwrap();
        let tagged = |id, value| Run { tags: vec!["best".to_owned()], ..run(id, Status::Completed, value) };
        let runs =
            [tagged("a", Some(0.7)), tagged("b", Some(0.9)), tagged("c", None), run("d", Status::Completed, Some(1.0))];
        let baseline = |runs, text, direction| {
            TaggedRuns::new(runs, &tag(text)).baseline(&metrics(direction)).map(|run: &Run| run.id.as_str())
        };
        assert_eq!(baseline(&runs, "best", Direction::Max), Some("b"));
        assert_eq!(baseline(&runs, "best", Direction::Min), Some("a"));
        assert_eq!(baseline(&runs, "BEST", Direction::Max), None);
        assert_eq!(baseline(&runs[2..], "best", Direction::Max), Some("c"));
    }

    proptest! {
        #[test]
        fn every_run_of_the_commit_is_eligible_or_a_near_miss(states in prop::collection::vec((0u8..4, any::<bool>(), any::<bool>(), 0usize..3), 0..12)) {
            let statuses = [Status::Completed, Status::Failed, Status::Running, Status::Stopped];
            let trees = [WorkingTree::Clean, WorkingTree::Dirty, WorkingTree::Notebook];
            let runs: Vec<Run> = states.iter().enumerate().map(|(n, &(status, archived, here, tree))| Run {
                archived,
                commit: if here { RecordedCommit::parse(SHA) } else { None },
                working_tree: trees[tree],
                ..run(&n.to_string(), statuses[usize::from(status)].clone(), None)
            }).collect();
            let commit_runs = CommitRuns::new(&runs, &[commit()]);
            let is_eligible = |run: &&Run| run.status == Status::Completed
                && !run.archived && run.commit.is_some() && run.working_tree == WorkingTree::Clean;
            prop_assert_eq!(commit_runs.candidate().map(|run| &run.id), runs.iter().find(is_eligible).map(|run| &run.id));
            let NearMisses { archived, dirty, notebooks, running, queued, drafts, failed, stopped, other } =
                commit_runs.near_misses();
            let missed = archived + dirty + notebooks + running + queued + drafts + failed + stopped + other;
            let here = runs.iter().filter(|run| run.commit.is_some()).count();
            prop_assert_eq!(missed + runs.iter().filter(is_eligible).count(), here);
        }
    }
}
