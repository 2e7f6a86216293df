//! Whether the tag may move: by the settings, the verdict, and where in the life of a change this run is. Pure.

use crate::ci::Trigger;
use crate::model::compare::Verdict;
use crate::promote::NotMovedReason;
use crate::settings::Promote;

/// Where in the life of a change a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The change is on the main branch now: its pull request was merged there, or the branch was pushed to.
    Merged,
    /// It may be: the CI does not tell which branch is the main one.
    PerhapsMerged,
    /// It is not, or this is no CI.
    Before,
}

impl Moment {
    /// By what the CI told.
    pub(super) const fn from_trigger(trigger: Option<&Trigger>) -> Self {
        match trigger {
            Some(Trigger::Merged { into_default: is_main, .. } | Trigger::Pushed { to_default: is_main, .. }) => {
                match is_main {
                    Some(true) => Self::Merged,
                    Some(false) => Self::Before,
                    None => Self::PerhapsMerged,
                }
            }
            _ => Self::Before,
        }
    }
}

/// What the settings say about the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) promote: Promote,
    pub(super) keep_best: bool,
    pub(super) accept: bool,
}

/// Why the tag stays where it is; `None` when it is to move.
pub(super) fn kept(rules: Rules, moment: Moment, verdict: Verdict) -> Option<NotMovedReason> {
    match (verdict, rules.promote, moment) {
        (Verdict::Degraded, ..) => Some(NotMovedReason::NotPassed),
        (_, Promote::Never, _) => Some(NotMovedReason::PromoteNever),
        // Before the moment: a merge would not move it either.
        (Verdict::Tolerated, ..) if rules.keep_best && !rules.accept => Some(NotMovedReason::KeepBest),
        (_, Promote::OnMerge, Moment::Before) => Some(NotMovedReason::NotMergedYet),
        (_, Promote::OnMerge, Moment::PerhapsMerged) => Some(NotMovedReason::MainBranchUnknown),
        (_, Promote::OnPass, _) | (_, Promote::OnMerge, Moment::Merged) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VERDICTS: [Verdict; 6] = [
        Verdict::First,
        Verdict::Improved,
        Verdict::Unchanged,
        Verdict::Tolerated,
        Verdict::Degraded,
        Verdict::Accepted,
    ];
    const MOMENTS: [Moment; 3] = [Moment::Before, Moment::PerhapsMerged, Moment::Merged];
    const PROMOTES: [Promote; 3] = [Promote::OnPass, Promote::OnMerge, Promote::Never];

    proptest! {
        #[test]
        fn the_tag_moves_for_no_failure_and_never_when_never(v in 0usize..6, m in 0usize..3, p in 0usize..3, keep_best: bool, accept: bool) {
            let (verdict, moment, promote) = (VERDICTS[v], MOMENTS[m], PROMOTES[p]);
            let moves = kept(Rules { promote, keep_best, accept }, moment, verdict).is_none();
            prop_assert!(!moves || (verdict.passed() && promote != Promote::Never));
            prop_assert!(!moves || promote == Promote::OnPass || moment == Moment::Merged);
            prop_assert!(!(moves && verdict == Verdict::Tolerated && keep_best && !accept));
            prop_assert!(moves || verdict != Verdict::Improved || promote != Promote::OnPass);
        }
    }
}
