//! What must hold for any event file. Panics where it does not.

use serde_json::Value;

use super::github::{Event, report_event};
use super::{CommitSource, FoundCommit, PullRequestRef, Trigger};
use crate::environment::Environment;

/// The events that have a case of their own, and one that has none.
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
/// The commit in `GITHUB_SHA`.
const RUNNER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000";

/// Reads an event file: the first byte chooses the event, the rest is the file.
///
/// # Panics
/// When one of these properties does not hold.
pub fn event_file(data: &[u8]) {
    let Some((which, payload)) = data.split_first() else { return };
    let name = EVENTS.get(usize::from(*which) % EVENTS.len()).copied().unwrap_or_default();
    let environment: Environment = [("GITHUB_SHA", RUNNER)].into_iter().collect();
    let report = report_event(name, Event::parse(payload), &environment);
    let payload: Value = serde_json::from_slice(payload).unwrap_or_default();
    match report.trigger {
        Ok(Some(trigger)) => check_trigger(name, &trigger, &payload),
        Ok(None) => assert!(name.is_empty(), "the runner's commit was overlooked"),
        Err(error) => {
            let error = error.to_string();
            assert!(error.starts_with("is not set, and ") && error.len() < 300, "{error:?}");
        }
    }
    if let Some(pull_request) = report.pull_request {
        check_pull_request(name, &pull_request, &payload);
    }
}

fn check_trigger(name: &str, trigger: &Trigger, payload: &Value) {
    let is_pull_request = matches!(name, "pull_request" | "pull_request_target");
    let is_closed = text(payload, "/action") == Some("closed");
    match trigger {
        Trigger::Commit(found) => {
            let of_runner = found.source == CommitSource::Variable("GITHUB_SHA");
            let field = head_field(name);
            check_commit(found, if of_runner { Some(RUNNER) } else { text(payload, field) });
            assert!(field.is_empty() || !of_runner, "a temporary merge is judged");
            assert!(!is_pull_request || !is_closed, "a closed pull request is judged as if it were open");
        }
        Trigger::Merged { head, .. } => {
            assert!(is_pull_request && is_closed && flag(payload, "/pull_request/merged"), "nothing was merged");
            check_commit(head, text(payload, "/pull_request/head/sha"));
        }
        Trigger::Pushed { head, branch, to_default } => {
            assert!(name == "push" && !flag(payload, "/deleted") && !branch.is_empty());
            check_commit(head, text(payload, "/after"));
            assert_eq!(text(payload, "/ref"), Some(format!("refs/heads/{branch}").as_str()));
            let default = text(payload, "/repository/default_branch");
            assert_eq!(*to_default == Some(true), default == Some(branch), "the wrong default branch");
        }
        Trigger::MergeGroup { pull_request } => {
            assert!(*pull_request > 0 && matches!(name, "merge_group" | "workflow_run" | "push"));
            let branches = ["/merge_group/head_ref", "/workflow_run/head_branch", "/ref"];
            let is_named = |branch: &str| branch.contains(&format!("{pull_request}-"));
            assert!(branches.iter().any(|field| text(payload, field).is_some_and(is_named)), "no branch names it");
        }
        Trigger::Nothing(_) => assert!(
            (is_pull_request && (is_closed || text(payload, "/pull_request/state") == Some("closed")))
                || (name == "push" && (flag(payload, "/deleted") || text(payload, "/after").is_some())),
            "there is something to gate"
        ),
    }
}

/// The field with the commit of an event. The runner reports the commit of other events.
fn head_field(name: &str) -> &'static str {
    match name {
        "pull_request" | "pull_request_target" | "pull_request_review" | "pull_request_review_comment" => {
            "/pull_request/head/sha"
        }
        "workflow_run" => "/workflow_run/head_sha",
        _ => "",
    }
}

fn check_commit(found: &FoundCommit, expected: Option<&str>) {
    let digits = found.commit.as_str();
    assert!((7..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digits}");
    assert!(
        expected.is_some_and(|expected| expected.trim().eq_ignore_ascii_case(digits)),
        "{digits} is not {expected:?}"
    );
}

fn check_pull_request(name: &str, pull_request: &PullRequestRef, payload: &Value) {
    let number = |field| payload.pointer(field).and_then(Value::as_u64);
    if name.starts_with("pull_request") {
        assert_eq!(pull_request.number, number("/pull_request/number"));
        let repository = |field| text(payload, field).filter(|name| !name.is_empty());
        let (head, base) = ("/pull_request/head/repo/full_name", "/pull_request/base/repo/full_name");
        assert!(
            pull_request.from_fork || repository(head).is_none() || repository(head) == repository(base),
            "a fork was overlooked"
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
