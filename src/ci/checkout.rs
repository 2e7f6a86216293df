//! What git knows about the checked-out commit.

use super::FoundCommit;
use crate::git::Git;
use crate::model::commit::Commit;

/// The commit that is checked out.
///
/// # Errors
/// A phrase that says why git names none.
pub(super) fn checked_out(git: &Git<'_>) -> Result<FoundCommit, String> {
    let head = git
        .output(&["rev-parse", "--verify", "HEAD"])
        .map_err(|error| format!("is not set, and the checked-out commit is unknown: {error}"))?;
    let commit = Commit::parse(&head).map_err(|problem| format!("is not set, and what git names as HEAD {problem}"))?;
    Ok(FoundCommit { commit, source: "the commit that is checked out" })
}

/// The commit of a reference such as `refs/remotes/origin/PR-7`, if what was built is that commit or a merge of it.
///
/// The reference may have moved on since; then it says nothing about this build.
pub(super) fn built_from(git: &Git<'_>, built: &str, reference: &str) -> Option<Commit> {
    let head = Commit::parse(&git.output(&["rev-parse", "--verify", reference]).ok()?).ok()?;
    let family = git.output(&["rev-list", "--parents", "--max-count=1", built]).ok()?;
    family.split_whitespace().any(|member| member == head.as_str()).then_some(head)
}
