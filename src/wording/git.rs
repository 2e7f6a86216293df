//! Why git gave no answer, and what to do about it.

use std::fmt;

use crate::git::{Blocker, CodePaths, GitError, LinkProblem, PathError, PathProblem};

impl GitError {
    /// What to do about it, as a sentence without its capital letter and its full stop.
    pub(crate) const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NoRepository => Some(
                "check out the repository with its whole history in an earlier step (actions/checkout with \
                 fetch-depth: 0), and run the gate inside it",
            ),
            Self::NoGit => Some("install git in the image of this step; a git inside the checkout is not used"),
            Self::NotOwned(_) => {
                Some("let git trust the folder in an earlier step: git config --global --add safe.directory <folder>")
            }
            Self::CommitMissing(_) | Self::HistoryCut(_) => {
                Some("check out the repository with its whole history (actions/checkout with fetch-depth: 0)")
            }
            Self::BranchMissing(_) => Some(
                "check out the repository with all branches (actions/checkout with fetch-depth: 0), or fetch this one",
            ),
            Self::CommitAmbiguous(_) => Some("use the full id, or rename the branch or tag of that name"),
            Self::TreeMissing(_) => Some("check out the repository without filter: tree:0"),
            Self::PathMissing { .. } => {
                Some("paths start at the repository's root, are not patterns, and are case-sensitive")
            }
            Self::PathBlocked { by: Blocker::Submodule, .. } => {
                Some("use the path of the submodule itself: the gate then compares its commit")
            }
            Self::PathBlocked { by: Blocker::Link, .. } => Some("use the path that the link points to"),
            Self::Link { problem, .. } => Some(problem.advice()),
            Self::TooManyFolders(_) => Some("list fewer paths in CLEARML_CODE_PATHS"),
            Self::TimedOut(_) => Some("check whether `git status` hangs there too"),
            Self::PathBlocked { by: Blocker::File, .. } | Self::UnexpectedOutput(_) | Self::Failed(_) => None,
        }
    }
}

impl LinkProblem {
    const fn advice(&self) -> &'static str {
        match self {
            Self::LeavesPaths(_) => "add the target of the link to CLEARML_CODE_PATHS",
            Self::LeavesRepository(_) => {
                "move what it leads to into the repository and add it to CLEARML_CODE_PATHS, or train this commit"
            }
            Self::NotFollowed => {
                "give the link a short relative target with / between names and .. only at its start, or train this commit"
            }
            Self::TargetMissing => "check out the repository without filter: blob:none",
        }
    }
}

/// One sentence, without its capital letter and its full stop.
impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRepository => f.write_str("the working directory is not inside a git repository"),
            Self::NoGit => f.write_str("git is not installed"),
            Self::NotOwned(folder) => write!(f, "git refuses the repository {folder} because another user owns it"),
            Self::CommitMissing(commit) if commit.is_full() => write!(f, "commit {commit} is not in this clone"),
            Self::CommitMissing(commit) => write!(f, "{commit} matches no commit in this clone, or more than one"),
            Self::CommitAmbiguous(commit) => write!(f, "{commit} is also the name of something else in this clone"),
            Self::TreeMissing(commit) => write!(f, "this clone has commit {commit} without its tree"),
            Self::PathMissing { path, similar } if similar.is_empty() => {
                write!(f, "the commit has nothing at the path {path}")
            }
            Self::PathMissing { path, similar } => {
                write!(f, "the commit has nothing at the path {path}; similar paths: {}", similar.join(", "))
            }
            Self::PathBlocked { path, at, by } if path == at => write!(f, "the path {path} is {by}"),
            Self::PathBlocked { path, at, by } => write!(f, "the path {path} goes through {at}, which is {by}"),
            Self::Link { link, problem } => match problem {
                LinkProblem::LeavesPaths(path) if path.is_empty() => {
                    write!(f, "the link {link} leads to the repository's root, which is outside the code paths")
                }
                LinkProblem::LeavesPaths(path) => {
                    write!(f, "the link {link} leads to {path}, which is outside the code paths")
                }
                LinkProblem::LeavesRepository(target) => {
                    write!(f, "the link {link} leads to {target}, which is outside the repository")
                }
                LinkProblem::NotFollowed => write!(f, "the target of the link {link} cannot be followed"),
                LinkProblem::TargetMissing => write!(f, "this clone does not have the target of the link {link}"),
            },
            Self::TooManyFolders(most) => {
                write!(f, "the code paths contain more than {most} folders, too many to check the links in them")
            }
            Self::BranchMissing(branch) => write!(f, "the branch {branch} is not in this clone"),
            Self::HistoryCut(branch) => {
                write!(f, "this clone has only part of the history of {branch}, and the commit is not in that part")
            }
            Self::TimedOut(limit) => write!(f, "git did not answer within {} s", limit.as_secs_f64()),
            Self::UnexpectedOutput(output) => write!(f, "git printed unexpected output: {output:?}"),
            Self::Failed(message) if message.is_empty() => f.write_str("git failed without an error message"),
            Self::Failed(message) => write!(f, "git failed: {message}"),
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Link => "a symbolic link",
            Self::Submodule => "a submodule",
        })
    }
}

impl fmt::Display for CodePaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole_tree() {
            f.write_str("the whole tree")
        } else {
            f.write_str(&self.iter().collect::<Vec<_>>().join(", "))
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.problem {
            PathProblem::NotUtf8 => "is not valid UTF-8",
            PathProblem::ControlCharacter => "contains a control character",
            PathProblem::Backslash => "contains a backslash; separate folders with /",
            PathProblem::Absolute => "is absolute; paths start at the repository's root, as in src/train.py",
            PathProblem::ParentFolder => "contains ..; paths start at the repository's root and lead straight down",
        };
        write!(f, "the path {:?} {problem}", self.path)
    }
}
