//! Whether two commits hold the same code, and whether a commit belongs to a branch: what git's objects say.
//!
//! | file | what it knows |
//! |---|---|
//! | `paths` | which paths are the code |
//! | `same_code` | whether two commits hold the same objects there |
//! | `history` | whether a commit belongs to a branch |
//! | `objects` | the conversation with `git cat-file` |
//! | `process` | how git is run: what it must not do, how long it may take, what its failures mean |
//! | `error` | why something cannot be told, and what to do about it |
//!
//! An id of git is a hash of what it names, so equal ids are equal code; nothing is read but ids. Every doubt makes
//! commits different or an error, never the same. Texts from outside are in the errors as they are: whoever shows them
//! has to escape them.
//!
//! Git is asked in the working directory, and `GIT_DIR` and its like mean to it what they always mean: whoever sets them
//! names another repository, as for any git command beside this tool. Nothing is fetched, and whether git trusts a
//! folder (`safe.directory`) is left to git.

mod error;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod history;
mod objects;
mod paths;
mod process;
mod same_code;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::environment::Environment;
use crate::model::commit::Commit;

pub(crate) use error::GitError;
pub(crate) use history::Belongs;
pub(crate) use paths::CodePaths;
use process::Git;
pub(crate) use process::git;
pub(crate) use same_code::Identity;

/// Compares the code of a commit with that of others, in their order, by one git process for all of them.
///
/// The others are texts as runs recorded them; only what reads as a commit id reaches git.
///
/// # Errors
/// What keeps all of them from being compared: no repository, the commit or one of the paths not in it, and such.
pub(crate) fn compare(
    directory: &Path,
    environment: &Environment,
    of: &Commit,
    others: &[&str],
    paths: &CodePaths,
) -> Result<Vec<Identity>, GitError> {
    same_code::compare(&Git::new(directory, environment), of, others, paths)
}

/// Whether a commit is in the history of a branch, or holds the same tree as a commit that is: what a squash or a rebase
/// left of it, provided that the branch had not moved on before.
///
/// The branch is the one of `origin`, since a clone made by a CI has no other or an old one, else the local one. The
/// answer is about the branch as this clone knows it.
///
/// # Errors
/// What keeps it from being known; above all a history that this clone holds in part only.
pub(crate) fn belongs_to(
    directory: &Path,
    environment: &Environment,
    commit: &str,
    branch: &str,
) -> Result<Belongs, GitError> {
    history::belongs_to(&Git::new(directory, environment), commit, branch)
}
