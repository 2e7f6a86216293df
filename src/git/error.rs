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
    /// A symbolic link below a code path leads to something that is not compared, or may do so.
    Link {
        /// The path of the link.
        link: String,
        problem: LinkProblem,
    },
    /// There are more folders than this at the code paths, so they were not searched for links.
    TooManyFolders(usize),
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

/// Why it is unknown whether the target of a link is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkProblem {
    /// It leads to this path, which is outside the code paths; empty for the root.
    LeavesPaths(String),
    /// It leads to this target, which is outside the repository.
    LeavesRepository(String),
    /// It is too long, is not a relative path, or has `..` after a name.
    NotFollowed,
    /// The clone does not have the target: a partial clone without file contents.
    TargetMissing,
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
