//! Names, commits, and runs in a sandbox.

use clearml_sandbox::{Sandbox, TaskSeed};

pub(crate) const PROJECT: &str = "vision/detector";
pub(crate) const TASK: &str = "train";
pub(crate) const TITLE: &str = "validation";
pub(crate) const SERIES: &str = "accuracy";
pub(crate) const TAG: &str = "Best Performance";

/// Commits without a common prefix.
pub(crate) const BASE: &str = "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c";
pub(crate) const HEAD: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
pub(crate) const OTHER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000";

/// A clean, completed run of a commit with one value.
pub(crate) fn run(commit: &str, value: f64) -> TaskSeed {
    TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, &[(0, value)])
}

/// The same for the base commit, with the tag and two tags of other people.
pub(crate) fn best(value: f64) -> TaskSeed {
    run(BASE, value).tag(TAG).tag("prod").tag("team-a")
}

/// A sandbox with a baseline and a candidate, and their ids.
pub(crate) fn pair(baseline: f64, candidate: f64) -> (Sandbox, String, String) {
    let sandbox = Sandbox::start();
    let base = sandbox.add(best(baseline));
    let head = sandbox.add(run(HEAD, candidate));
    (sandbox, base, head)
}

/// How the report begins if no run has the commit.
pub(crate) const NOBODY: &str = "NO VERDICT: ClearML has no run of this commit";

/// Asserts that exactly these tasks have the tag, in any order.
#[track_caller]
pub(crate) fn assert_carriers(sandbox: &Sandbox, expected: &[&str]) {
    let (mut carriers, mut expected) = (sandbox.tagged(TAG), expected.to_vec());
    carriers.sort();
    expected.sort_unstable();
    assert_eq!(carriers, expected);
}

/// A stored task as `tasks.get_all_ex` returns it, with references as objects.
pub(crate) fn as_answered(mut task: serde_json::Value) -> serde_json::Value {
    let project = task["project"].take();
    task["project"] = serde_json::json!({"id": project});
    task
}
