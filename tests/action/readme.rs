//! The snippets that the documents give to new users do what the documents say.

use std::fs;
use std::path::Path;
use std::process::Command;

use clearml_sandbox::{Sandbox, TaskSeed};

use crate::action::job::{Job, Texts, texts};
use crate::action::seeded::{BASE, HEAD, TAG, head, inputs, pair, tagged};
use crate::action::workflow::Workflow;

/// The first YAML block, as a user would copy it.
fn workflow() -> Workflow {
    let readme = document("README.md");
    let (_, rest) = readme.split_once("```yaml\n").unwrap();
    Workflow::read(rest.split_once("```").unwrap().0)
}

/// The secrets that the README's workflow names.
fn secrets(sandbox: &Sandbox) -> Texts {
    texts(&[
        ("ACCESS_KEY", sandbox.access_key()),
        ("SECRET_KEY", sandbox.secret_key()),
        ("CLEARML_API_HOST", &sandbox.url()),
    ])
}

#[test]
fn a_better_model_passes_and_takes_the_tag() {
    let sandbox = pair(0.80, 0.85);
    workflow().run(&secrets(&sandbox)).ended("gate", 0).says("PASSED, improved");
    assert_eq!(tagged(&sandbox, TAG), [HEAD]);
}

#[test]
fn a_model_that_is_worse_by_more_than_the_threshold_fails() {
    let sandbox = pair(100.0, 96.9);
    workflow().run(&secrets(&sandbox)).ended("gate", 1).says("FAILED, degraded").says("threshold 3%");
    assert_eq!(tagged(&sandbox, TAG), [BASE]);
}

#[test]
fn forgotten_secrets_are_named() {
    workflow().run(&texts(&[])).ended("gate", 2).says("CLEARML_API_HOST: is not set");
}

fn document(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The only fenced block of a document that contains this text.
pub(crate) fn block(path: &str, language: &str, with: &str) -> String {
    let text = document(path);
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let found: Vec<&str> = blocks.filter(|block| block.contains(with)).collect();
    assert_eq!(found.len(), 1, "{with}");
    found[0].to_owned()
}

#[test]
fn the_list_of_metrics_is_judged() {
    let metrics: Texts =
        crate::action::yaml::read(&block("docs/how-it-decides.md", "yaml", "CLEARML_METRICS: |")).unwrap();
    let sandbox = Sandbox::start();
    let run = |commit, accuracy, loss| {
        TaskSeed::new("vision/detector", "train")
            .commit(commit)
            .scalar("validation", "accuracy", &[(0, accuracy)])
            .scalar("validation", "loss", &[(0, loss)])
            .scalar("speed", "images/s", &[(0, 90.0)])
    };
    sandbox.add(run(BASE, 0.8, 0.4).tag(TAG));
    sandbox.add(run(HEAD, 0.9, 0.44));
    let mut with = inputs(&sandbox);
    for single in ["CLEARML_SCALAR_TITLE", "CLEARML_SCALAR_SERIES"] {
        with.remove(single);
    }
    with.extend(metrics);
    Job::new().uses(&with, &head()).ended("gate", 0).says("PASSED, tolerated").says("images/s");
}

#[test]
fn the_installer_s_line_gates() {
    let sandbox = pair(0.8, 0.7);
    let job = Job::new();
    let script = block("README.md", "sh", "gate=$(sh install.sh)");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(job.path("the action")).env_clear();
    command.env("PATH", std::env::var("PATH").unwrap()).env("HOME", job.path("home"));
    command.env("CLEARML_GATE_MIRROR", job.path("mirror")).env("COMMIT_ID", HEAD);
    command.env("CLEARML_API_HOST", sandbox.url());
    command.env("CLEARML_API_ACCESS_KEY", sandbox.access_key());
    command.env("CLEARML_API_SECRET_KEY", sandbox.secret_key());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("degraded"));
}
