//! Sandboxes to gate against, and the inputs that a workflow would pass.

use clearml_sandbox::{Sandbox, TaskSeed};

use crate::action::job::{Texts, texts};

pub(crate) const TAG: &str = "Best Performance";
pub(crate) const BASE: &str = "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c";
pub(crate) const HEAD: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";

/// A project, a task, a title and a series with names that a shell, cmd or an expression could read as code.
pub(crate) const HOSTILE: [&str; 4] =
    ["a \"project\"; $(touch touched) & 'b'/%PATH%", "`touch touched` ${{ x }}", "accuracy | \\ > x", "!*? #"];

/// A baseline and a candidate with plain names.
pub(crate) fn pair(baseline: f64, candidate: f64) -> Sandbox {
    named(["vision/detector", "train", "validation", "accuracy"], TAG, baseline, candidate)
}

pub(crate) fn named(names: [&str; 4], tag: &str, baseline: f64, candidate: f64) -> Sandbox {
    let [project, task, title, series] = names;
    let run = |commit, value| TaskSeed::new(project, task).commit(commit).scalar(title, series, &[(0, value)]);
    let sandbox = Sandbox::start();
    sandbox.add(run(BASE, baseline).tag(tag));
    sandbox.add(run(HEAD, candidate));
    sandbox
}

/// The required inputs, for the plain names.
pub(crate) fn inputs(sandbox: &Sandbox) -> Texts {
    texts(&[
        ("CLEARML_API_ACCESS_KEY", sandbox.access_key()),
        ("CLEARML_API_SECRET_KEY", sandbox.secret_key()),
        ("CLEARML_API_HOST", &sandbox.url()),
        ("CLEARML_PROJECT", "vision/detector"),
        ("CLEARML_TASK_NAME", "train"),
        ("CLEARML_SCALAR_TITLE", "validation"),
        ("CLEARML_SCALAR_SERIES", "accuracy"),
    ])
}

/// The `env:` of a workflow's step, as users of the original write it.
pub(crate) fn head() -> Texts {
    texts(&[("COMMIT_ID", HEAD)])
}

/// The commits of the runs that have the tag.
pub(crate) fn tagged(sandbox: &Sandbox, tag: &str) -> Vec<String> {
    let commit = |id: &String| sandbox.task(id)["script"]["version_num"].as_str().unwrap().to_owned();
    sandbox.tagged(tag).iter().map(commit).collect()
}
