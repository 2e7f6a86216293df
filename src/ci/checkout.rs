//! What git knows of the commit that is checked out.

use std::io;
use std::path::Path;
use std::process::Output;

use super::FoundCommit;
use crate::environment::Environment;
use crate::git;
use crate::model::commit::Commit;

/// The commit that is checked out.
///
/// # Errors
/// A phrase that says why git names none.
pub(super) fn checked_out(environment: &Environment, directory: &Path) -> Result<FoundCommit, String> {
    let output = git(environment, directory, &["rev-parse", "--verify", "HEAD"]).map_err(|error| {
        format!("is not set, and git could not be asked for the commit that is checked out: {error}")
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it failed without a word");
        return Err(format!("is not set, and git names no commit here ({said})"));
    }
    let commit = Commit::parse(&String::from_utf8_lossy(&output.stdout))
        .map_err(|problem| format!("is not set, and what git names as HEAD {problem}"))?;
    Ok(FoundCommit { commit, source: "the commit that is checked out" })
}

/// The commit of a reference such as `refs/remotes/origin/PR-7`, if what was built is that commit or a merge of it.
///
/// The reference may have moved on since; then it says nothing about this build.
pub(super) fn built_from(environment: &Environment, directory: &Path, built: &str, reference: &str) -> Option<Commit> {
    let ask = |args: &[&str]| {
        let output = git(environment, directory, args).ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let head = Commit::parse(&ask(&["rev-parse", "--verify", reference])?).ok()?;
    let family = ask(&["rev-list", "--parents", "--max-count=1", built])?;
    family.split_whitespace().any(|member| member == head.as_str()).then_some(head)
}

fn git(environment: &Environment, directory: &Path, args: &[&str]) -> io::Result<Output> {
    git::git(directory, environment).args(args).output()
}
