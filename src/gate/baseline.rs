//! The baseline: its scores, what is wrong with it, and whether it belongs to the main branch.

use super::{GateContext, GateResult, Scores, Session};
use crate::ci::{CiContext, Trigger};
use crate::gate::outcome::{NoVerdict, OriginUnknown, Side, Warning};
use crate::git::Git;
use crate::github::{self, GitHub, Pull};
use crate::model::commit::{Commit, RecordedCommit};
use crate::model::run::Run;
use crate::model::select::TaggedRuns;
use crate::settings::{BaselineCheck, NoBaseline, Settings};
use crate::text::similar::misspelling;

impl<'a> Session<'a> {
    /// The baseline with its scores; `None` where there is none and the settings allow that.
    pub(super) fn baseline<'r>(
        &self,
        runs: &[Run],
        tagged: &TaggedRuns<'r>,
        (candidate, candidate_scores): (&Run, &Scores),
        warnings: &mut Vec<Warning>,
    ) -> GateResult<'a, Option<(&'r Run, Scores)>> {
        let Settings { metrics, baseline_check, no_baseline, .. } = self.settings;
        let Some(baseline) = tagged.baseline(metrics) else {
            return match no_baseline {
                NoBaseline::Pass => Ok(None),
                NoBaseline::Fail => {
                    warnings.extend(self.misspelled_tag(runs));
                    Err(NoVerdict::NoBaseline.into())
                }
            };
        };
        let scores = if baseline.id == candidate.id {
            candidate_scores.clone()
        } else {
            self.scores_with_reruns(Side::Baseline, baseline)?
        };
        let count = tagged.as_slice().len();
        warnings.extend((count > 1).then_some(Warning::SeveralTagged(count)));
        if *baseline_check == BaselineCheck::Require {
            let faults = self.baseline_faults(baseline, candidate);
            if !faults.is_empty() {
                return Err(NoVerdict::UnusableBaseline { faults }.into());
            }
        }
        Ok(Some((baseline, scores)))
    }

    /// The tag of a run that is probably a misspelling of the tag that no run has. One more request, if the newest runs are
    /// not known yet; its failure changes nothing.
    pub(super) fn misspelled_tag(&self, runs: &[Run]) -> Option<Warning> {
        let tag = self.settings.tag.as_str();
        let newest = self.newest.get();
        let known = runs.iter().chain(newest.into_iter().flatten()).flat_map(|run| &run.tags);
        let mut found = misspelling(tag, known.map(String::as_str)).map(str::to_owned);
        if found.is_none() && newest.is_none() {
            let tags = self.client.newest_tags(self.scope()).unwrap_or_default();
            found = misspelling(tag, tags.iter().map(String::as_str)).map(str::to_owned);
        }
        found.map(Warning::TagSpelledDifferently)
    }

    /// What is wrong with the baseline, where that is only a warning. Call it after the tag has moved: git and GitHub take
    /// time, and the answer changes nothing.
    pub(super) fn baseline_warnings(&self, baseline: &Run, candidate: &Run) -> Vec<Warning> {
        match self.settings.baseline_check {
            BaselineCheck::Warn => self.baseline_faults(baseline, candidate),
            BaselineCheck::Require | BaselineCheck::Off => Vec::new(),
        }
    }

    fn baseline_faults(&self, baseline: &Run, candidate: &Run) -> Vec<Warning> {
        if baseline.id == candidate.id {
            return Vec::new();
        }
        let dirty = baseline.working_tree.is_dirty().then_some(Warning::BaselineDirty);
        let unfinished = (!baseline.is_finished()).then_some(Warning::BaselineUnfinished);
        [dirty, unfinished, self.origin_fault(baseline)].into_iter().flatten().collect()
    }

    /// Why the baseline is not, or may not be, part of the main branch. Git decides where it has the history, otherwise the
    /// pull request of the commit.
    fn origin_fault(&self, baseline: &Run) -> Option<Warning> {
        let unknown = |why| Some(Warning::BaselineOriginUnknown(why));
        let Some(branch) = self.context.ci.and_then(main_branch) else {
            // Outside of a CI the branch only matters where the check is required.
            let is_required = self.settings.baseline_check == BaselineCheck::Require;
            return if is_required { unknown(OriginUnknown::NoMainBranch) } else { None };
        };
        let commit = match &baseline.commit {
            Some(RecordedCommit::Id(commit)) => commit,
            Some(RecordedCommit::NotAnId(_)) => return unknown(OriginUnknown::NotACommit),
            None => return unknown(OriginUnknown::NoCommit),
        };
        let GateContext { directory, environment, .. } = self.context;
        let git_error = match Git::new(directory, environment).branch_contains(branch, commit) {
            Ok(true) => return None,
            Ok(false) => None,
            Err(error) => Some(error),
        };
        match (self.pull_request(commit, branch), git_error) {
            (Ok(Some(pull)), _) if pull.merged => None,
            (Ok(Some(pull)), _) => Some(Warning::BaselineNotMerged(Some(pull.number))),
            (Ok(None), None) => Some(Warning::BaselineNotMerged(None)),
            (Ok(None), Some(error)) => unknown(OriginUnknown::Git { error, github: None }),
            (Err(error), None) => unknown(OriginUnknown::GitHub(error)),
            (Err(github), Some(error)) => unknown(OriginUnknown::Git { error, github: Some(github) }),
        }
    }

    /// A pull request of the commit: a merged one, if there is one; `None` if GitHub knows of none or cannot be asked.
    fn pull_request(&self, commit: &Commit, branch: &str) -> Result<Option<Pull>, github::Error> {
        let Some(forge) = self.context.ci.and_then(|context| context.forge.as_ref()) else { return Ok(None) };
        let github = GitHub::new(forge, self.context.environment);
        match github.and_then(|github| github.pulls_with(&forge.repository, commit, branch)) {
            // Of pull requests that are equal in this the first counts.
            Ok(pulls) => Ok(pulls.into_iter().min_by_key(|pull| !pull.merged)),
            // No token was given, or the commit is in no pull request.
            Err(github::Error::NoToken | github::Error::NotFound | github::Error::Refused { status: 422, .. }) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The branch that the baseline should be part of.
fn main_branch(context: &CiContext) -> Option<&str> {
    match &context.trigger {
        Trigger::Pushed { branch, to_default: Some(true), .. } => Some(branch),
        _ => context.pull_request.as_ref()?.base.as_deref(),
    }
}
