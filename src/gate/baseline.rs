//! The baseline: what is wrong with it, and whether it belongs to the main branch.

use std::collections::HashSet;

use super::{GateContext, GateError, Scores, Session};
use crate::ci::{CiContext, Trigger};
use crate::clearml::ProjectId;
use crate::gate::outcome::{NoVerdict, Side, Warning};
use crate::git::{self, GitError};
use crate::github::{self, GitHub, Pull};
use crate::model::commit::Commit;
use crate::model::run::{Run, TaskId};
use crate::model::select::{self, Baseline};
use crate::settings::{BaselineCheck, NoBaseline};

/// What git says of a commit that may have come to the main branch by a rebase, or by a squash onto newer commits.
const UNSEEN: &str = "neither its commit nor one with the same files is in there, and what became of its pull request \
                      GitHub does not tell";

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
    ) -> Result<Option<(&'r Run, Scores)>, GateError<'a>> {
        match baseline {
            Baseline::Found(run) | Baseline::Unusable(run) => {
                let scores = self.scores_of_several(project, Side::Baseline, run)?;
                warnings.extend(self.several_tagged(runs));
                if self.settings.baseline_check == BaselineCheck::Require {
                    let faults = self.faults(run, candidate, dirty);
                    if !faults.is_empty() {
                        return Err(NoVerdict::UnusableBaseline { faults }.into());
                    }
                }
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
        let tagged = runs.iter().filter(|run| run.has_tag(self.settings.tag.as_str())).count();
        (tagged > 1).then_some(Warning::SeveralTagged(tagged))
    }

    fn another_spelling(&self, runs: &[Run]) -> Option<String> {
        let wanted = self.settings.tag.as_str();
        runs.iter().find_map(|run| run.spelling_of(wanted)).map(str::to_owned)
    }

    /// What is only to be warned of. For after the tag has moved: git and GitHub take their time, and change nothing.
    pub(super) fn about_the_baseline(&self, baseline: &Run, candidate: &Run, dirty: &HashSet<TaskId>) -> Vec<Warning> {
        match self.settings.baseline_check {
            BaselineCheck::Warn => self.faults(baseline, candidate, dirty),
            BaselineCheck::Require | BaselineCheck::Off => Vec::new(),
        }
    }

    /// What is wrong with the baseline. The candidate itself needs no such check.
    fn faults(&self, baseline: &Run, candidate: &Run, dirty: &HashSet<TaskId>) -> Vec<Warning> {
        if baseline.id == candidate.id {
            return Vec::new();
        }
        let state = [
            (dirty.contains(&baseline.id), Warning::BaselineDirty),
            (!select::is_finished(baseline), Warning::BaselineUnfinished),
        ];
        let state = state.into_iter().filter(|(applies, _)| *applies).map(|(_, fault)| fault);
        state.chain(self.origin(baseline)).collect()
    }

    /// What is wrong with where the baseline comes from, or why that is not known: by git where there is history, else
    /// by the pull request of its commit.
    fn origin(&self, baseline: &Run) -> Option<Warning> {
        let Some(branch) = self.context.ci.and_then(main_branch) else {
            // Outside of a CI nobody asks; where it is required, that does not make it so.
            let required = self.settings.baseline_check == BaselineCheck::Require;
            let unknown =
                || Warning::BaselineOriginUnknown("which branch is the main one is not known here".to_owned());
            return required.then(unknown);
        };
        let Some(recorded) = baseline.commit.as_deref() else {
            return Some(Warning::BaselineOriginUnknown("it recorded no commit".to_owned()));
        };
        let GateContext { directory, environment, .. } = self.context;
        let by_git = git::belongs_to(directory, environment, recorded, branch);
        if matches!(&by_git, Ok(belongs) if *belongs != git::Belongs::No) {
            return None;
        }
        Some(match (self.pulls(recorded, branch), by_git) {
            (Ok(Some(Pulls::Merged)), _) => return None,
            (Ok(Some(Pulls::NotMerged(number))), _) => Warning::BaselineNotMerged(Some(number)),
            (Ok(None), Ok(_)) => Warning::BaselineNotMerged(None),
            (Ok(None), Err(why)) => Warning::BaselineOriginUnknown(with_advice(&why)),
            (Err(error), Ok(_)) => Warning::BaselineOriginUnknown(format!("{UNSEEN}; {error}")),
            (Err(error), Err(why)) => Warning::BaselineOriginUnknown(format!("{}; {error}", with_advice(&why))),
        })
    }

    /// What GitHub says, if there is one to be asked and it knows the commit.
    fn pulls(&self, recorded: &str, branch: &str) -> Result<Option<Pulls>, github::Error> {
        let forge = self.context.ci.and_then(|context| context.forge.as_ref());
        let (Some(forge), Ok(commit)) = (forge, Commit::parse(recorded)) else { return Ok(None) };
        let asked = GitHub::new(forge, self.context.environment);
        match asked.and_then(|github| github.pulls_with(&forge.repository, &commit, branch)) {
            Ok(pulls) => Ok(Pulls::of(&pulls)),
            // Nobody means to ask, or the commit is in no pull request.
            Err(github::Error::NoToken | github::Error::NotFound | github::Error::Refused { status: 422, .. }) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Why it is not known, and what to do about it.
fn with_advice(why: &GitError) -> String {
    why.advice().map_or_else(|| why.to_string(), |advice| format!("{why}; {advice}"))
}

/// What became of the pull requests of a commit.
enum Pulls {
    Merged,
    NotMerged(u64),
}

impl Pulls {
    fn of(pulls: &[Pull]) -> Option<Self> {
        let first = pulls.first()?;
        let is_merged = pulls.iter().any(|pull| pull.merged);
        Some(if is_merged { Self::Merged } else { Self::NotMerged(first.number) })
    }
}

/// The branch that the baseline is to be part of.
fn main_branch(context: &CiContext) -> Option<&str> {
    match &context.trigger {
        Trigger::Pushed { branch, to_default: Some(true), .. } => Some(branch),
        _ => context.pull_request.as_ref()?.base.as_deref(),
    }
}
