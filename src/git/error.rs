//! Why git gave no answer, as data. The words are in `wording::git`.

use std::time::Duration;

use crate::model::commit::Commit;

/// Why git gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GitError {
    /// The working directory is not inside a repository.
    NoRepository,
    /// Git is not installed.
    NoGit,
    /// Git refuses the repository in this folder because another user owns it.
    NotOwned(String),
    /// The commit is not in this clone, or an abbreviated id matches several commits.
    CommitMissing(Commit),
    /// A branch or a tag has the name of the commit.
    CommitAmbiguous(Commit),
    /// The commit is in this clone, but its tree is not: a partial clone without trees.
    TreeMissing(Commit),
    /// The commit has nothing at the path.
    PathMissing {
        /// The path as it was configured.
        path: String,
        /// Paths with a similar name that the commit has.
        similar: Vec<String>,
    },
    /// Something on the way to the path, or at the path, cannot be looked into.
    PathBlocked {
        /// The path as it was configured.
        path: String,
        /// The path up to the blocker.
        at: String,
        by: Blocker,
    },
    /// The branch is not in this clone.
    BranchMissing(String),
    /// This clone has only part of the branch's history, and the commit is not in that part.
    HistoryCut(String),
    /// Git took longer than this.
    TimedOut(Duration),
    /// Git printed something that is not part of its format.
    UnexpectedOutput(String),
    /// Any other failure, in git's words; empty if it printed none.
    Failed(String),
}

/// What git does not look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocker {
    /// A file where a folder should be.
    File,
    /// A symbolic link. Git stores only the link, so an equal link says nothing about its target.
    Link,
    /// A submodule, whose files are in another repository.
    Submodule,
}
