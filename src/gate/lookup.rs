//! Reads the runs of the code under review.

use std::time::Instant;

use super::{GateResult, Session};
use crate::clearml::{Error, PAGE_SIZE};
use crate::gate::outcome::{JudgedVia, NoVerdict, SameCodeUnknown};
use crate::github;
use crate::model::commit::Commit;
use crate::model::metric::Metric;
use crate::model::run::{Run, TaskId, WorkingTree};
use crate::model::select::{CommitRuns, TaggedRuns};
use crate::settings::Settings;
use crate::text::similar::nearest;

/// The runs that matter, as ClearML returned them at one time: those of the code under review and those with the tag.
pub(super) struct Snapshot {
    /// Just before the request for the runs.
    pub(super) read_at: Instant,
    pub(super) runs: Vec<Run>,
    /// The commits whose runs are judged: the one under review, or others in its place.
    pub(super) commits: Vec<Commit>,
    pub(super) judged_via: JudgedVia,
    /// Why runs of the same code under other commits could not be searched.
    pub(super) same_code_unknown: Option<SameCodeUnknown>,
    /// Why the merged pull request could not be looked up.
    pub(super) pull_request_unknown: Option<github::Error>,
}

impl Snapshot {
    pub(super) fn commit_runs(&self) -> CommitRuns<'_> {
        CommitRuns::new(&self.runs, &self.commits)
    }
}

impl<'a> Session<'a> {
    /// The runs of the commit. If they are too few, together with those of the same code. If there are none, those of the
    /// pull request that this commit merged.
    pub(super) fn find_runs(&self) -> GateResult<'a, Snapshot> {
        let Settings { commit, code_paths, runs, .. } = self.settings;
        let snapshot = self.read_runs(vec![commit.clone()], JudgedVia::Own)?;
        let commit_runs = snapshot.commit_runs();
        if commit_runs.clean().len() >= *runs {
            return Ok(snapshot);
        }
        let has_runs = !commit_runs.is_empty();
        let same_code_unknown = match self.same_code(commit)? {
            Ok(others) if others.is_empty() => None,
            Ok(others) => {
                let own = has_runs.then(|| commit.clone());
                let judged_via = JudgedVia::SameCode { paths: code_paths.clone(), has_own_runs: has_runs };
                return self.read_runs(own.into_iter().chain(others).collect(), judged_via);
            }
            Err(unknown) => Some(unknown),
        };
        if has_runs {
            return Ok(Snapshot { same_code_unknown, ..snapshot });
        }
        match self.merged_pull_request() {
            Ok(Some(pull)) => {
                let merged = self.read_runs(vec![pull.head], JudgedVia::PullRequest(pull.number))?;
                Ok(Snapshot { same_code_unknown, ..merged })
            }
            Ok(None) => Ok(Snapshot { same_code_unknown, ..snapshot }),
            Err(error) => Ok(Snapshot { same_code_unknown, pull_request_unknown: Some(error), ..snapshot }),
        }
    }

    fn read_runs(&self, commits: Vec<Commit>, judged_via: JudgedVia) -> GateResult<'a, Snapshot> {
        let Settings { tag, metrics, .. } = self.settings;
        let read_at = Instant::now();
        let mut runs = self.client.of_commits_or_tagged(self.scope(), &commits, tag)?;
        for run in runs.iter_mut().filter(|run| run.has_tag(tag)) {
            // Which of the tagged runs is the best depends on the values of all of them.
            run.readings = self.readings(run, Metric::is_required)?;
        }
        let commit_runs = CommitRuns::new(&runs, &commits);
        // Without a run there is no verdict, so the working trees do not matter.
        if !commit_runs.is_empty() {
            let baseline = TaggedRuns::new(&runs, tag).baseline(metrics).filter(|run| run.has_scores(metrics));
            let baseline = baseline.map(|run| run.id.clone());
            self.check_working_trees(&mut runs, &commits, baseline.as_ref())?;
        }
        Ok(Snapshot { read_at, runs, commits, judged_via, same_code_unknown: None, pull_request_unknown: None })
    }

    /// Finds out which of the runs that matter are clean: the baseline first, then from the newest, until there are enough
    /// clean runs.
    pub(super) fn check_working_trees(
        &self,
        runs: &mut [Run],
        commits: &[Commit],
        baseline: Option<&TaskId>,
    ) -> Result<(), Error> {
        let commit_runs = CommitRuns::new(runs, commits);
        let mut unchecked = commit_runs.finished();
        if !self.settings.wait.is_zero() {
            unchecked.extend(commit_runs.pending());
        }
        let others = unchecked.iter().map(|run| &run.id).filter(|id| Some(*id) != baseline);
        let ids: Vec<TaskId> = baseline.into_iter().chain(others).cloned().collect();
        for page in ids.chunks(PAGE_SIZE) {
            let trees = self.client.working_trees(page)?;
            for run in runs.iter_mut() {
                run.working_tree = trees.get(&run.id).copied().unwrap_or(run.working_tree);
            }
            if CommitRuns::new(runs, commits).clean().len() >= self.settings.runs {
                break;
            }
        }
        Ok(())
    }

    /// Why no run can be the candidate, with the closest matches.
    pub(super) fn no_candidate(&self, snapshot: Snapshot) -> Result<NoVerdict<'a>, Error> {
        let commit_runs = snapshot.commit_runs();
        if !commit_runs.is_empty() {
            let ran = commit_runs.commits().into_iter().cloned().collect();
            let near = commit_runs.near_misses();
            let Snapshot { judged_via, same_code_unknown, .. } = snapshot;
            return Ok(NoVerdict::NoEligibleRun { near, judged_via, ran, same_code_unknown });
        }
        let newest = self.newest()?;
        if newest.is_empty() {
            let similar = nearest(self.settings.task_name.as_str(), self.client.task_names(&self.project)?);
            return Ok(NoVerdict::TaskNotFound { similar });
        }
        let finished: Vec<&Run> = newest.iter().filter(|run| run.is_finished()).collect();
        let ids: Vec<TaskId> = finished.iter().map(|run| run.id.clone()).collect();
        let trees = self.client.working_trees(&ids)?;
        let is_clean = |run: &&Run| trees.get(&run.id) == Some(&WorkingTree::Clean);
        let newest_clean = finished.into_iter().filter(is_clean).find(|run| run.commit.is_some());
        Ok(NoVerdict::NoRunOfCommit {
            newest_clean: newest_clean.map(|run| self.summary(run)),
            same_code_unknown: snapshot.same_code_unknown,
            pull_request_unknown: snapshot.pull_request_unknown,
        })
    }

    /// The newest runs of the task name, of any commit; requested once.
    pub(super) fn newest(&self) -> Result<&[Run], Error> {
        if self.newest.get().is_none() {
            let _ = self.newest.set(self.client.newest(self.scope())?);
        }
        Ok(self.newest.get().map_or(&[], Vec::as_slice))
    }
}
