//! Moves the tag: what to change (`plan`, pure), and the requests (`apply`).
//!
//! The gate adds the tag to the candidate, reads again which runs have it, and only then removes it from the others.
//! ClearML has no compare-and-swap, so concurrent gates must not undo each other. These rules decide which run may take
//! the tag from which, so that they cannot:
//!
//! 1. **A new candidate** takes the tag from the runs that had it when the candidate was judged, unless anything about them
//!    changed before the second read. So a run that loses the tag got it before the run that takes it, and the run that got
//!    it last cannot lose it. A run that got the tag in between belongs to another gate and keeps it.
//! 2. **A candidate that may just have lost the tag** does not get it back yet: a removal that another gate decided on
//!    earlier may still be on its way. This is the case when the candidate's tags changed within `RECENT` and those of a
//!    tagged run within `SETTLED`. With this rule, the order in rule 1 has no gap between the read and the removal.
//! 3. **A candidate that already has the tag** (a move was interrupted, or gates raced) takes it from runs whose tags nobody
//!    changed recently, if its own changed recently: an unfinished move is finished at once. If nobody touched any of them
//!    for `SETTLED`, no gate can be running, and the best run takes the tag from the others. Otherwise nothing changes now,
//!    and the next check decides.
//!
//! The numbers rest on one fact: a gate changes nothing later than `Limits::moving` after it read the runs. `SETTLED`
//! exceeds `RECENT` by more than the lifetime of a gate, so no two concurrent gates can draw opposite conclusions from
//! rule 3.
//!
//! Servers before API 2.27 do not report when tags changed. There, rule 2 cannot be kept. For rule 3 the gate watches for
//! as long as another gate could be running, and only continues if nothing changed.
//!
//! The tests try every order of two and three gates on a model (`interleavings`), and over HTTP in `tests/proof`.

mod apply;
#[cfg(test)]
mod interleavings;
mod plan;

use serde::Serialize;

use crate::clearml::Error;
use crate::model::run::TaskId;
pub(crate) use apply::Move;
pub(crate) use plan::plan;

/// What happened to the tag.
#[derive(Debug, Clone)]
pub(crate) enum Promotion {
    /// The candidate already had it; nothing was written.
    AlreadyTagged {
        /// Other tasks that keep it for now, because another gate may be moving it.
        also_tagged: Vec<TaskId>,
    },
    /// The candidate has it now.
    Moved {
        from: Vec<TaskId>,
        /// Other tasks that keep it for now, because another gate may be moving it.
        also_tagged: Vec<TaskId>,
    },
    /// The candidate got it, and a concurrent gate moved it on.
    Superseded {
        /// The tasks that have it now.
        by: Vec<TaskId>,
    },
    /// It stays where it is, on purpose.
    NotMoved(NotMovedReason),
    /// It should have moved and could not.
    Failed { error: Error, candidate_may_have_tag: bool },
}

/// Why the tag stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NotMovedReason {
    /// The check did not pass.
    NotPassed,
    /// The settings never move it.
    PromoteNever,
    /// The settings move it at the merge, and the change is not merged.
    NotMergedYet,
    /// The settings move it at the merge, and the CI does not say whether this is the main branch.
    MainBranchUnknown,
    /// The candidate is worse than the best, and the settings keep the best.
    KeepBest,
    /// The candidate may just have lost it, to a gate that may still be running.
    RecentlyMoved,
}
