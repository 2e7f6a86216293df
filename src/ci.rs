//! Which commit is judged: given, from the CI's event, or checked out.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::commit::Commit;
use crate::environment::Environment;

/// The part of GitHub's pull request payload that is used.
#[derive(Deserialize)]
struct PullRequestEvent {
    pull_request: PullRequest,
}

#[derive(Deserialize)]
struct PullRequest {
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
}

/// Finds the commit to judge: the flag, `COMMIT_ID`, the pull request's head, or the commit that is checked out.
///
/// On a GitHub pull request the checkout is a test merge that nobody ran, so its head is taken from the event instead.
///
/// # Errors
/// A phrase that says why there is none and how to give one.
pub(crate) fn commit(flag: Option<&str>, environment: &Environment, directory: &Path) -> Result<Commit, String> {
    if let Some(given) = flag.or_else(|| environment.get("COMMIT_ID")) {
        return Commit::parse(given).map_err(|problem| format!("{given:?} {problem}"));
    }
    match environment.get("GITHUB_EVENT_NAME") {
        Some("pull_request" | "pull_request_target") => pull_request_head(environment),
        _ => checked_out(environment, directory),
    }
}

fn pull_request_head(environment: &Environment) -> Result<Commit, String> {
    let path = environment.get("GITHUB_EVENT_PATH").ok_or("is not set, and GITHUB_EVENT_PATH is not either")?;
    // The payload's content stays out of the message: it may hold what nobody meant to print.
    let text =
        std::fs::read(path).map_err(|error| format!("is not set, and the event file cannot be read: {error}"))?;
    let event: PullRequestEvent =
        serde_json::from_slice(&text).map_err(|_| "is not set, and the event file holds no pull_request.head.sha")?;
    Commit::parse(&event.pull_request.head.sha)
        .map_err(|problem| format!("is not set, and pull_request.head.sha in the event file {problem}"))
}

fn checked_out(environment: &Environment, directory: &Path) -> Result<Commit, String> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--verify", "HEAD"]).current_dir(directory);
    if let Some(path) = environment.get("PATH") {
        git.env("PATH", path);
    }
    let output = git.output().map_err(|error| {
        format!("is not set, and git could not be asked for the commit that is checked out: {error}")
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it failed without a word");
        return Err(format!("is not set, and git names no commit here ({said})"));
    }
    Commit::parse(&String::from_utf8_lossy(&output.stdout))
        .map_err(|problem| format!("is not set, and what git names as HEAD {problem}"))
}
