//! What must hold of any event file, whoever wrote it. Panics where it does not.

use serde_json::Value;

use super::github::{Event, tell};
use super::{PullRequestRef, Trigger};
use crate::environment::Environment;
use crate::model::commit::Commit;

/// The events that are read in a way of their own, and one that is not.
const EVENTS: [&str; 9] = [
    "pull_request",
    "pull_request_target",
    "pull_request_review",
    "pull_request_review_comment",
    "merge_group",
    "workflow_run",
    "push",
    "issue_comment",
    "schedule",
];
/// The commit that the runner names.
const RUNNER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000";

/// Reads an event: the first byte chooses which, the rest is the payload.
///
/// # Panics
/// Where something of that does not hold.
pub fn event_file(data: &[u8]) {
    let Some((which, payload)) = data.split_first() else { return };
    let name = EVENTS.get(usize::from(*which) % EVENTS.len()).copied().unwrap_or_default();
    let environment: Environment = [("GITHUB_SHA", RUNNER)].into_iter().collect();
    let told = tell(name, Event::parse(payload), &environment);
    let payload: Value = serde_json::from_slice(payload).unwrap_or_default();
    match told.trigger {
        Ok(Some(trigger)) => is_as_told(name, &trigger, &payload),
        Ok(None) => assert!(name.is_empty(), "the runner's commit was not seen"),
        Err(why) => assert!(why.starts_with("is not set, and ") && why.len() < 300, "{why:?}"),
    }
    if let Some(pull_request) = told.pull_request {
        is_the_change(name, &pull_request, &payload);
    }
}

fn is_as_told(name: &str, trigger: &Trigger, payload: &Value) {
    let is_pull_request = matches!(name, "pull_request" | "pull_request_target");
    let is_closed = text(payload, "/action") == Some("closed");
    match trigger {
        Trigger::Commit(found) => {
            is_told(&found.commit, text(payload, head(name)).unwrap_or_default(), found.source == "GITHUB_SHA");
            assert!(head(name).is_empty() || found.source != "GITHUB_SHA", "a commit that nobody ran");
            assert!(!is_pull_request || !is_closed, "a pull request that is closed was judged as if it were open");
        }
        Trigger::Merged { head: found, .. } => {
            assert!(is_pull_request && is_closed && flag(payload, "/pull_request/merged"), "nothing was merged");
            is_told(&found.commit, text(payload, "/pull_request/head/sha").unwrap_or_default(), false);
        }
        Trigger::Pushed { head, branch, to_default } => {
            assert!(name == "push" && !flag(payload, "/deleted") && !branch.is_empty());
            is_told(&head.commit, text(payload, "/after").unwrap_or_default(), false);
            assert_eq!(text(payload, "/ref"), Some(format!("refs/heads/{branch}").as_str()));
            let default = text(payload, "/repository/default_branch");
            assert_eq!(*to_default == Some(true), default == Some(branch), "another branch is taken for the main one");
        }
        Trigger::MergeGroup { pull_request } => {
            assert!(*pull_request > 0 && matches!(name, "merge_group" | "workflow_run" | "push"));
            let branches = ["/merge_group/head_ref", "/workflow_run/head_branch", "/ref"];
            let is_named = |branch: &str| branch.contains(&format!("{pull_request}-"));
            assert!(branches.iter().any(|at| text(payload, at).is_some_and(is_named)), "a pull request out of nowhere");
        }
        Trigger::Nothing(_) => assert!(
            (is_pull_request && (is_closed || text(payload, "/pull_request/state") == Some("closed")))
                || (name == "push" && (flag(payload, "/deleted") || text(payload, "/after").is_some())),
            "nothing to gate where there is something"
        ),
    }
}

/// Where the payload tells the commit of an event; the runner tells it of others.
fn head(name: &str) -> &'static str {
    match name {
        "pull_request" | "pull_request_target" | "pull_request_review" | "pull_request_review_comment" => {
            "/pull_request/head/sha"
        }
        "workflow_run" => "/workflow_run/head_sha",
        _ => "",
    }
}

fn is_told(commit: &Commit, told: &str, by_the_runner: bool) {
    let digits = commit.as_str();
    assert!((7..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "no commit");
    let told = if by_the_runner { RUNNER } else { told };
    assert!(told.trim().eq_ignore_ascii_case(digits), "{digits} was not told");
}

fn is_the_change(name: &str, pull_request: &PullRequestRef, payload: &Value) {
    let number = |at| payload.pointer(at).and_then(Value::as_u64);
    if name.starts_with("pull_request") {
        assert_eq!(pull_request.number, number("/pull_request/number"));
        let repository = |whose| text(payload, whose).filter(|name| !name.is_empty());
        let (from, to) = ("/pull_request/head/repo/full_name", "/pull_request/base/repo/full_name");
        assert!(
            pull_request.from_fork || repository(from).is_none() || repository(from) == repository(to),
            "a hidden fork"
        );
    }
    if name == "issue_comment" {
        assert_eq!(pull_request.number, number("/issue/number"));
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    (!pointer.is_empty()).then(|| value.pointer(pointer).and_then(Value::as_str))?
}

fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer) == Some(&Value::Bool(true))
}
