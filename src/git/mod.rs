//! Whether two commits have the same code, and whether a branch contains a commit, read from git's objects.
//!
//! | file | responsibility |
//! |---|---|
//! | `paths` | which paths are the code |
//! | `same_code` | whether two commits have the same objects at these paths |
//! | `links` | whether a symbolic link leads out of these paths |
//! | `history` | whether a branch contains a commit |
//! | `objects` | reads commits, trees and the targets of links through `git cat-file` |
//! | `process` | runs git: what it must not do, how long it may take, what its failures mean |
//! | `variables` | the environment of git, without secrets and without programs of the code under review |
//! | `error` | why git gave no answer |
//!
//! An object id in git is a hash of the content, so equal ids mean equal code; only ids are compared. In doubt, commits
//! are different or there is an error; they are never the same. Errors contain text from outside as it is; renderers
//! escape it.
//!
//! Git runs in the working directory. `GIT_DIR` and similar variables that name folders have their usual meaning. Nothing is fetched,
//! and git decides whether it trusts a folder (`safe.directory`).

mod error;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod history;
mod links;
mod objects;
mod paths;
mod process;
mod same_code;
#[cfg(test)]
mod tests;
mod variables;

pub(crate) use error::{Blocker, GitError, LinkProblem};
pub(crate) use paths::{CodePaths, PathError, PathProblem};
pub(crate) use process::Git;
pub(crate) use same_code::Identity;
