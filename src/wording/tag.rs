//! What became of the tag, in words.

use crate::model::run::TaskId;
use crate::promote::{NotMovedReason, Promotion};
use crate::settings::Settings;
use crate::wording::phrase::{Phrase, say};

/// What happened to the tag, line by line.
pub(crate) fn promotion(settings: &Settings, promotion: &Promotion) -> Vec<Phrase> {
    let tag = || Phrase::default().quoted(settings.tag.as_str());
    match promotion {
        Promotion::AlreadyTagged { also_tagged } => vec![also_on(tag().say(" is on the candidate already"), also_tagged)],
        Promotion::Superseded { by } => vec![
            tag().say(" moved to the candidate and on to ").then(ids(by)).say(" by another run at work at the same time"),
        ],
        Promotion::Moved { from, also_tagged } => {
            let moved = match from.as_slice() {
                [] => tag().say(" is on the candidate now"),
                from => tag().say(" moved to the candidate from ").then(ids(from)),
            };
            vec![also_on(moved, also_tagged)]
        }
        Promotion::NotMoved(NotMovedReason::NotPassed) => vec![tag().say(" stays where it is")],
        Promotion::NotMoved(NotMovedReason::PromoteNever) => vec![tag().say(" stays where it is (CLEARML_PROMOTE is never)")],
        Promotion::NotMoved(NotMovedReason::NotMergedYet) => {
            vec![tag().say(" stays where it is until the change is on the main branch (CLEARML_PROMOTE is merge)")]
        }
        Promotion::NotMoved(NotMovedReason::MainBranchUnknown) => vec![
            tag().say(" stays where it is: CLEARML_PROMOTE is merge, and this CI does not tell whether this is the main branch"),
            say("Set CLEARML_PROMOTE to pass in the job that runs on the main branch, and to never elsewhere."),
        ],
        Promotion::NotMoved(NotMovedReason::KeepBest) => {
            vec![tag().say(" stays on the better model (CLEARML_KEEP_BEST is true)")]
        }
        Promotion::NotMoved(NotMovedReason::RecentlyMoved) => vec![
            tag().say(" stays where it is for now: the candidate's tags were changed a moment ago, and so were those of the best, so another run may be moving it"),
            say("Run the check again in a few minutes to move it."),
        ],
        Promotion::Failed { error, candidate_may_have_tag } => {
            let state = if *candidate_may_have_tag { "the candidate may carry it beside the former best" } else { "it is where it was" };
            vec![
                tag().say(" could not be moved; ").say(state),
                Phrase::default().line(&error.to_string()),
                say(error.advice()).say(" Then run the check again to finish."),
            ]
        }
    }
}

/// What is said of the tag, with those that carry it as well.
fn also_on(said: Phrase, left: &[TaskId]) -> Phrase {
    if left.is_empty() {
        return said;
    }
    said.say("; also on ").then(ids(left)).say(", left alone for now: another run may be moving it")
}

fn ids(ids: &[TaskId]) -> Phrase {
    Phrase::default().listed(ids.iter().map(|id| Phrase::default().bare(id.as_str())))
}
