//! Moving the tag: what to change (`plan`, pure), and changing it (`apply`).
//!
//! The tag is added to the candidate, who carries it is asked again, and only then it is taken from others. ClearML has no
//! compare-and-swap, so gates at work at once must not undo one another. They cannot, because of who may take the tag
//! from whom:
//!
//! 1. **A new candidate** supersedes those that carried the tag when it was judged, unless anything about them changed by
//!    the second look. So whoever loses the tag got it before the one who takes it, and of all that carry it the one that
//!    got it last cannot lose it. What came in between belongs to another gate and is left alone.
//! 2. **A candidate that may have lost the tag a moment ago** does not get it back yet: a removal that was decided on before
//!    may still be under way and would hit it. That is so when its tags were changed within `RECENT`, and those of one
//!    that carries the tag within `SETTLED`. With that, the order of rule 1 has no gap between look and removal.
//! 3. **A candidate that carries the tag already** (a move was interrupted, or gates raced) supersedes those whose tags
//!    nobody has changed lately, if its own have been: an unfinished move is finished at once. When nobody has touched any of
//!    them for `SETTLED`, no gate can be at work, and the best takes the tag from the others. Otherwise nothing is
//!    concluded, and the next run finds out.
//!
//! Behind the numbers stands that a gate changes nothing later than `Limits::moving` after it judged; `SETTLED` exceeds
//! `RECENT` by more than a gate lives, so that no two at once can draw opposite conclusions from rule 3.
//!
//! Servers before API 2.27 do not tell when tags were changed. There rule 2 cannot be kept, and for rule 3 the gate watches
//! for as long as another one could be at work (`Limits::until_others_finish`) whether anything moves.
//!
//! The rules are held by trying all orders of two and of three gates on a model (`model`), and over HTTP in `tests/proof`.

mod apply;
#[cfg(test)]
mod model;
mod plan;

use crate::clearml::Error;
use crate::model::run::TaskId;
pub(crate) use apply::Move;
pub(crate) use plan::plan;

/// What became of the tag.
#[derive(Debug, Clone)]
pub(crate) enum Promotion {
    /// The candidate carried it before; nothing was written.
    AlreadyTagged {
        /// Tasks that carry it as well and were left alone, since another gate may be at work on them.
        also_tagged: Vec<TaskId>,
    },
    /// The candidate carries it now.
    Moved {
        /// The tasks it was taken from.
        from: Vec<TaskId>,
        /// Tasks that carry it as well and were left alone, since another gate may be at work on them.
        also_tagged: Vec<TaskId>,
    },
    /// The candidate got it, and another gate, at work at the same time, moved it on.
    Superseded {
        /// The tasks that carry it now.
        by: Vec<TaskId>,
    },
    /// It stays where it is, on purpose.
    NotMoved(NotMovedReason),
    /// It should have moved, and could not.
    Failed {
        /// What went wrong.
        error: Error,
        /// Whether the candidate may carry it nevertheless.
        candidate_may_have_tag: bool,
    },
}

/// Why a tag was not to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotMovedReason {
    /// The check did not pass.
    NotPassed,
    /// The settings say that the tag never moves.
    PromoteNever,
    /// The settings say that the tag moves at the merge, and this is none.
    NotMergedYet,
    /// The same, and this CI does not tell whether this is the main branch.
    MainBranchUnknown,
    /// The candidate is worse than the best, and the settings say to keep that.
    KeepBest,
    /// The candidate lost it a moment ago, and the gate that took it may still be at work.
    RecentlyMoved,
}
