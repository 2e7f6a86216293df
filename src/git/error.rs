//! Why something about commits cannot be told, worded for the person who has to mend it.

use std::fmt;
use std::time::Duration;

use crate::model::commit::Commit;

/// Why something cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GitError {
    /// The working directory is in no repository.
    NoRepository,
    /// There is no git to ask.
    NoGit,
    /// Git refuses a repository of another user, at this place.
    NotOwned(String),
    /// What should be a commit id is none.
    NoCommitId,
    /// The commit is not in this clone; or the id is abbreviated and begins several.
    CommitMissing(Commit),
    /// A branch or a tag is called like the commit.
    CommitAmbiguous(Commit),
    /// The commit is here and its tree is not: a partial clone without trees.
    TreeMissing(Commit),
    /// The commit has nothing at the path.
    PathMissing {
        /// The path as it was configured.
        path: String,
        /// What is there under a similar name.
        similar: Vec<String>,
    },
    /// On the way to the path, or at it, is something that git does not look into.
    Barred {
        /// The path as it was configured.
        path: String,
        /// Where the way ends; the path itself, or the beginning of it.
        at: String,
        /// What is there.
        by: Barrier,
    },
    /// No branch can have this name.
    NoBranchName,
    /// The branch is not in this clone.
    BranchMissing(String),
    /// Only a part of the branch's history is in this clone, and the commit is not in that part.
    HistoryCut(String),
    /// Git took longer than this.
    TimedOut(Duration),
    /// Anything else, in git's words.
    Odd(String),
}

/// What git does not look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// A file where a folder should be.
    File,
    /// A symbolic link. The link is all that git keeps, so an equal link says nothing of what it leads to.
    Link,
    /// A submodule, whose files are in another repository.
    Submodule,
}

impl GitError {
    /// What to do about it, as a sentence without its first capital and its full stop.
    pub(crate) const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NoRepository => Some(
                "check the repository out before this step, with its whole history \
                 (actions/checkout with fetch-depth: 0), and run it in there",
            ),
            Self::NoGit => Some("install git in the image that this step runs in"),
            Self::NotOwned(_) => {
                Some("let git trust the folder in an earlier step: git config --global --add safe.directory <folder>")
            }
            Self::CommitMissing(_) | Self::HistoryCut(_) => {
                Some("check the repository out with its whole history (actions/checkout with fetch-depth: 0)")
            }
            Self::BranchMissing(_) => Some(
                "check the repository out with all branches (actions/checkout with fetch-depth: 0), or fetch this one",
            ),
            Self::CommitAmbiguous(_) => Some("give the whole id, or rename the branch or tag of that name"),
            Self::TreeMissing(_) => Some("check the repository out without filter: tree:0"),
            Self::PathMissing { .. } => {
                Some("paths start at the repository's root and are no patterns; upper and lower case differ")
            }
            Self::Barred { by: Barrier::Submodule, .. } => {
                Some("name the submodule itself: the commit it stands at is then compared")
            }
            Self::Barred { by: Barrier::Link, .. } => Some("name what the link leads to"),
            Self::Barred { by: Barrier::File, .. } | Self::NoCommitId | Self::NoBranchName | Self::Odd(_) => None,
            Self::TimedOut(_) => Some("see whether `git status` hangs there as well"),
        }
    }
}

/// One sentence, without its first capital and its full stop.
impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRepository => f.write_str("the working directory is in no git repository"),
            Self::NoGit => f.write_str("git is not installed"),
            Self::NotOwned(place) => write!(f, "git refuses the repository at {place}: it belongs to another user"),
            Self::NoCommitId => f.write_str("what was recorded is no commit id"),
            Self::CommitMissing(commit) if commit.is_full() => write!(f, "commit {commit} is not in this clone"),
            Self::CommitMissing(commit) => write!(f, "{commit} begins no commit in this clone, or several"),
            Self::CommitAmbiguous(commit) => write!(f, "{commit} is also the name of something else in this clone"),
            Self::TreeMissing(commit) => write!(f, "this clone has the commit {commit} without its tree"),
            Self::PathMissing { path, similar } if similar.is_empty() => {
                write!(f, "the commit has nothing at the path {path}")
            }
            Self::PathMissing { path, similar } => {
                write!(f, "the commit has nothing at the path {path}; it has {}", similar.join(", "))
            }
            Self::Barred { path, at, by } if path == at => write!(f, "the path {path} is {by}"),
            Self::Barred { path, at, by } => write!(f, "the path {path} leads through {at}, which is {by}"),
            Self::NoBranchName => f.write_str("no branch can have the name that the main branch is said to have"),
            Self::BranchMissing(branch) => write!(f, "the branch {branch} is not in this clone"),
            Self::HistoryCut(branch) => {
                write!(f, "only a part of the history of {branch} is in this clone, and the commit is not in that part")
            }
            Self::TimedOut(limit) => write!(f, "git gave no answer within {} s", limit.as_secs_f64()),
            Self::Odd(said) => write!(f, "git could not tell: {said}"),
        }
    }
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Link => "a symbolic link",
            Self::Submodule => "a submodule",
        })
    }
}
