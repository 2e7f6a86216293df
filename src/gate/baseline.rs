//! The baseline: what is wrong with it, and whether it belongs to the main branch.

use std::collections::HashSet;

use super::{Here, Scores, Session, Stop};
use crate::ci::{Occasion, What};
use crate::clearml::ProjectId;
use crate::commit::Commit;
use crate::github::GitHub;
use crate::report::{NoVerdict, Side, Warning};
use crate::run::{Run, TaskId};
use crate::same_code::{self, CannotTell};
use crate::select::{self, Baseline};
use crate::settings::{BaselineCheck, NoBaseline};

impl<'a> Session<'a> {
    /// The baseline with its scores; `None` where there is none and that is allowed.
    pub(super) fn baseline<'r>(
        &self,
        project: &ProjectId,
        baseline: Baseline<'r>,
        candidate: &Run,
        runs: &[Run],
        dirty: &HashSet<TaskId>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<(&'r Run, Scores)>, Stop<'a>> {
        match baseline {
            Baseline::Found(run) | Baseline::Unusable(run) => {
                let scores = self.scores_of_several(project, Side::Baseline, run)?;
                warnings.extend(self.several_tagged(runs));
                self.check(run, candidate, dirty, warnings)?;
                Ok(Some((run, scores)))
            }
            Baseline::None => {
                warnings.extend(self.another_spelling(runs).map(Warning::TagSpelledDifferently));
                match self.settings.no_baseline {
                    NoBaseline::Pass => Ok(None),
                    NoBaseline::Fail => Err(NoVerdict::NoBaseline.into()),
                }
            }
        }
    }

    fn several_tagged(&self, runs: &[Run]) -> Option<Warning> {
        let tagged = runs.iter().filter(|run| run.carries(self.settings.tag.as_str())).count();
        (tagged > 1).then_some(Warning::SeveralTagged(tagged))
    }

    fn another_spelling(&self, runs: &[Run]) -> Option<String> {
        let wanted = self.settings.tag.as_str();
        runs.iter().flat_map(|run| &run.tags).find(|tag| tag.eq_ignore_ascii_case(wanted)).cloned()
    }

    /// Warns of what is wrong with the baseline, or gives no verdict for it. The candidate itself needs no such check.
    fn check(
        &self,
        baseline: &Run,
        candidate: &Run,
        dirty: &HashSet<TaskId>,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Stop<'a>> {
        if self.settings.baseline_check == BaselineCheck::Off || baseline.id == candidate.id {
            return Ok(());
        }
        let state = [
            (dirty.contains(&baseline.id), Warning::BaselineDirty),
            (!select::is_finished(baseline), Warning::BaselineUnfinished),
        ];
        let mut faults: Vec<Warning> =
            state.into_iter().filter(|(applies, _)| *applies).map(|(_, fault)| fault).collect();
        faults.extend(self.origin(baseline));
        match self.settings.baseline_check {
            BaselineCheck::Require if !faults.is_empty() => Err(NoVerdict::UnfitBaseline { faults }.into()),
            _ => {
                warnings.extend(faults);
                Ok(())
            }
        }
    }

    /// What is wrong with where the baseline comes from, or why that is not known: by git where there is history, else
    /// by the pull request of its commit.
    fn origin(&self, baseline: &Run) -> Option<Warning> {
        let Some(branch) = self.here.occasion.and_then(main_branch) else {
            // Outside of a CI nobody asks; where it is required, that does not make it so.
            let required = self.settings.baseline_check == BaselineCheck::Require;
            let unknown =
                || Warning::BaselineOriginUnknown("which branch is the main one is not known here".to_owned());
            return required.then(unknown);
        };
        let Some(recorded) = baseline.commit.as_deref() else {
            return Some(Warning::BaselineOriginUnknown("it recorded no commit".to_owned()));
        };
        let Here { directory, environment, .. } = self.here;
        let by_git = same_code::belongs_to(directory, environment, recorded, branch);
        if matches!(&by_git, Ok(belongs) if *belongs != same_code::Belongs::No) {
            return None;
        }
        match (self.pulls(recorded, branch), by_git) {
            (Some(Pulls::Merged), _) => None,
            (Some(Pulls::NotMerged(number)), _) => Some(Warning::BaselineNotMerged(Some(number))),
            (None, Ok(_)) => Some(Warning::BaselineNotMerged(None)),
            (None, Err(why)) => Some(Warning::BaselineOriginUnknown(with_advice(&why))),
        }
    }

    /// What GitHub says, if it can be asked and knows the commit.
    fn pulls(&self, recorded: &str, branch: &str) -> Option<Pulls> {
        let forge = self.here.occasion?.forge.as_ref()?;
        let commit = Commit::parse(recorded).ok()?;
        let pulls = GitHub::of(self.here.environment).ok()?.pulls_with(&forge.repository, &commit, branch).ok()?;
        match pulls.first() {
            None => None,
            Some(_) if pulls.iter().any(|pull| pull.merged) => Some(Pulls::Merged),
            Some(first) => Some(Pulls::NotMerged(first.number)),
        }
    }
}

/// Why it is not known, and what to do about it.
fn with_advice(why: &CannotTell) -> String {
    why.advice().map_or_else(|| why.to_string(), |advice| format!("{why}; {advice}"))
}

/// What became of the pull requests of a commit.
enum Pulls {
    Merged,
    NotMerged(u64),
}

/// The branch that the baseline is to be part of.
fn main_branch(occasion: &Occasion) -> Option<&str> {
    match &occasion.what {
        What::Pushed { branch, to_default: Some(true), .. } => Some(branch),
        _ => occasion.change.as_ref()?.base.as_deref(),
    }
}
