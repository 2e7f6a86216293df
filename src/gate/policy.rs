//! Whether the tag may move: by the settings, the verdict, and whether the change is merged. Pure.

use crate::ci::Trigger;
use crate::model::compare::Verdict;
use crate::promote::NotMovedReason;
use crate::settings::Promote;

/// Whether the commit under review is on the main branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is: its pull request was merged there, or it was pushed there.
    Merged,
    /// It may be: the CI does not say which branch is the main one.
    MaybeMerged,
    /// It is not, or this is not a CI.
    NotMerged,
}

impl Phase {
    pub(super) const fn from_trigger(trigger: Option<&Trigger>) -> Self {
        match trigger {
            Some(Trigger::Merged { into_default: is_main, .. } | Trigger::Pushed { to_default: is_main, .. }) => {
                match is_main {
                    Some(true) => Self::Merged,
                    Some(false) => Self::NotMerged,
                    None => Self::MaybeMerged,
                }
            }
            _ => Self::NotMerged,
        }
    }
}

/// What the settings say about the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) promote: Promote,
    pub(super) keep_best: bool,
    pub(super) accept: bool,
}

impl Policy {
    /// Whether the tag may move.
    ///
    /// # Errors
    /// Why it stays where it is.
    pub(super) const fn check(self, phase: Phase, verdict: Verdict) -> Result<(), NotMovedReason> {
        Err(match (verdict, self.promote, phase) {
            (Verdict::Degraded, ..) => NotMovedReason::NotPassed,
            (_, Promote::Never, _) => NotMovedReason::PromoteNever,
            // Checked before the phase, because a merge would not move the tag either.
            (Verdict::Tolerated, ..) if self.keep_best && !self.accept => NotMovedReason::KeepBest,
            (_, Promote::OnMerge, Phase::NotMerged) => NotMovedReason::NotMergedYet,
            (_, Promote::OnMerge, Phase::MaybeMerged) => NotMovedReason::MainBranchUnknown,
            (_, Promote::OnPass, _) | (_, Promote::OnMerge, Phase::Merged) => return Ok(()),
        })
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
    const PHASES: [Phase; 3] = [Phase::NotMerged, Phase::MaybeMerged, Phase::Merged];
    const PROMOTES: [Promote; 3] = [Promote::OnPass, Promote::OnMerge, Promote::Never];

    proptest! {
        #[test]
        fn the_tag_moves_only_after_a_pass_and_as_the_settings_say(v in 0usize..6, p in 0usize..3, m in 0usize..3, keep_best: bool, accept: bool) {
            let (verdict, phase, promote) = (VERDICTS[v], PHASES[p], PROMOTES[m]);
            let moves = Policy { promote, keep_best, accept }.check(phase, verdict).is_ok();
            prop_assert!(!moves || (verdict.passed() && promote != Promote::Never));
            prop_assert!(!moves || promote == Promote::OnPass || phase == Phase::Merged);
            prop_assert!(!(moves && verdict == Verdict::Tolerated && keep_best && !accept));
            prop_assert!(moves || verdict != Verdict::Improved || promote != Promote::OnPass);
        }
    }
}
