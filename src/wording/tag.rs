//! Wording: what happened to the tag.

use super::phrase::{self, Phrase, quoted, say, sentence};
use crate::model::run::TaskId;
use crate::promote::{NotMovedReason, Promotion};
use crate::settings::Settings;

/// What happened to the tag, and what to do about it, line by line.
pub(crate) fn promotion(settings: &Settings, promotion: &Promotion) -> Vec<Phrase> {
    let tag = quoted(settings.tag.as_str());
    match promotion {
        Promotion::AlreadyTagged { also_tagged } => {
            vec![also_on(tag.say(" was already on the candidate"), also_tagged)]
        }
        Promotion::Moved { from, also_tagged } => {
            let moved = if from.is_empty() {
                tag.say(" is now on the candidate")
            } else {
                tag.say(" moved to the candidate from ").then(ids(from))
            };
            vec![also_on(moved, also_tagged)]
        }
        Promotion::Superseded { by } => {
            vec![tag.say(" moved to the candidate, then to ").then(ids(by)).say(" by a concurrent gate")]
        }
        Promotion::NotMoved(reason) => not_moved(tag, *reason),
        Promotion::Failed { error, candidate_may_have_tag } => {
            let state = if *candidate_may_have_tag {
                " could not be moved completely: the candidate may already have it"
            } else {
                " could not be moved; no tag was changed"
            };
            vec![
                tag.say(state),
                sentence(&error.to_string()),
                say(error.advice()).say(" Then check again to finish the move."),
            ]
        }
    }
}

fn not_moved(tag: Phrase, reason: NotMovedReason) -> Vec<Phrase> {
    let (why, advice) = match reason {
        NotMovedReason::NotPassed => (" was not moved because the check failed", None),
        NotMovedReason::PromoteNever => (" was not moved (CLEARML_PROMOTE is never)", None),
        NotMovedReason::NotMergedYet => {
            (" moves only after the change is merged into the main branch (CLEARML_PROMOTE is merge)", None)
        }
        NotMovedReason::MainBranchUnknown => (
            " was not moved: CLEARML_PROMOTE is merge, but this CI does not report whether this is the main branch",
            Some("Set CLEARML_PROMOTE to pass in the job that runs on the main branch, and to never in all others."),
        ),
        NotMovedReason::KeepBest => (" stays on the better run (CLEARML_KEEP_BEST is true)", None),
        NotMovedReason::RecentlyMoved => (
            " was not moved: the tags of both runs changed a moment ago, so another gate may be moving it",
            Some("Check again in a few minutes."),
        ),
    };
    [Some(tag.say(why)), advice.map(say)].into_iter().flatten().collect()
}

fn also_on(moved: Phrase, others: &[TaskId]) -> Phrase {
    if others.is_empty() {
        return moved;
    }
    moved
        .say("; it is also on ")
        .then(ids(others))
        .say(", where it stays for now because another gate may be moving it")
}

fn ids(ids: &[TaskId]) -> Phrase {
    phrase::listed(ids.iter().map(|id| phrase::name(id.as_str())))
}
