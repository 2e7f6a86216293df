//! A workflow written for the action that this one replaces. Only its `uses:` line is changed.

use std::fs;
use std::path::Path;

use clearml_sandbox::Sandbox;

use crate::action::job::{Done, Texts, texts};
use crate::action::seeded::{BASE, HEAD, named, tagged};
use crate::action::workflow::Workflow;

const TAG: &str = "Best Model";

fn workflow() -> Workflow {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/original-workflow.yml");
    Workflow::read(&fs::read_to_string(file).unwrap())
}

fn run(secrets: &Texts) -> Done {
    workflow().run(secrets)
}

fn secrets(sandbox: &Sandbox) -> Texts {
    texts(&[
        ("ACCESS_KEY", sandbox.access_key()),
        ("SECRET_KEY", sandbox.secret_key()),
        ("CLEARML_API_HOST", &sandbox.url()),
    ])
}

fn sandbox(candidate: f64) -> Sandbox {
    named(["vision/detector", "train", "validation", "accuracy"], TAG, 100.0, candidate)
}

#[test]
fn the_workflow_runs_this_action_on_the_same_events() {
    let workflow = workflow();
    let trigger = workflow.on["pull_request"].as_ref().unwrap();
    assert_eq!(trigger.types, ["assigned", "opened", "edited", "reopened", "synchronize"]);
    let step = workflow.step();
    assert!(workflow.job().runs_on.as_str().unwrap().starts_with("ubuntu-"));
    let home = env!("CARGO_PKG_REPOSITORY").strip_prefix("https://github.com/").unwrap();
    assert_eq!(step.uses.split_once('@').unwrap().0, home);
    assert_eq!(step.with.len(), 10);
    assert_eq!(step.env.keys().collect::<Vec<_>>(), ["COMMIT_ID"]);
}

#[test]
fn a_loss_within_the_threshold_passes_and_gets_the_tag() {
    let sandbox = sandbox(97.0);
    let done = run(&secrets(&sandbox)).ended("gate", 0).says("PASSED, tolerated");
    done.has(&[("passed", "true"), ("promoted", "true"), ("limit", "97"), ("exit-code", "0")]);
    assert_eq!(tagged(&sandbox, TAG), [HEAD]);
}

#[test]
fn a_greater_loss_fails_the_check() {
    let sandbox = sandbox(96.9);
    let done = run(&secrets(&sandbox)).ended("gate", 1).says("FAILED, degraded");
    done.has(&[("passed", "false"), ("promoted", "false"), ("exit-code", "1")]);
    assert_eq!(tagged(&sandbox, TAG), [BASE]);
}

#[test]
fn a_pull_request_from_a_fork_reports_the_missing_settings() {
    let done = run(&texts(&[])).ended("gate", 2);
    done.says("CLEARML_API_ACCESS_KEY").says("CLEARML_API_SECRET_KEY").says("CLEARML_API_HOST");
}
