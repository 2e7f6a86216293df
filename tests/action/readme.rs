//! The workflow that the README tells a new user to copy: it does what the README says.

use std::fs;
use std::path::Path;

use clearml_sandbox::Sandbox;

use crate::job::{Texts, texts};
use crate::seeded::{BASE, HEAD, TAG, pair, tagged};
use crate::workflow::Workflow;

/// The first YAML block, as somebody would copy it.
fn workflow() -> Workflow {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
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
    workflow().run(&secrets(&sandbox)).ended("gate", 1).says("FAILED, degraded").says("threshold 3 %");
    assert_eq!(tagged(&sandbox, TAG), [BASE]);
}

#[test]
fn forgotten_secrets_are_named() {
    workflow().run(&texts(&[])).ended("gate", 2).says("CLEARML_API_HOST: is not set");
}
