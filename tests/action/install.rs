//! What the action does if it can or cannot install its binary. If anything fails, nothing runs and nothing passes.

use crate::action::job::{Done, Job, texts};
use crate::action::seeded::{head, inputs, pair};

/// Runs the action against a sandbox whose candidate would pass.
fn tried(job: &Job) -> Done {
    let sandbox = pair(0.8, 0.9);
    let done = job.uses(&inputs(&sandbox), &head());
    assert_eq!(sandbox.requests().is_empty(), done.last().code != 0, "{}", done.log());
    done
}

#[test]
fn the_installed_binary_runs_and_is_cached() {
    let job = Job::new();
    let cached = |hit| {
        let done = tried(&job).ended("gate", 0);
        let installed = &done.steps[0].outputs;
        assert_eq!(installed["cache-hit"], hit);
        assert!(installed["bin"].starts_with(job.path("tool cache").to_str().unwrap()), "{installed:?}");
        assert_eq!(done.last().environment["CLEARML_GATE_BIN"], installed["bin"]);
        // Later steps of the job find the binary by its name.
        assert!(std::path::Path::new(done.steps[0].path.trim_end()).join("clearml-gate").is_file());
    };
    cached("false");
    cached("true");
}

#[test]
fn a_binary_that_is_not_the_pinned_one_is_never_run() {
    let job = Job::new();
    let trace = job.path("trace");
    job.release.tamper(&trace);
    let done = tried(&job).ended("install", 6).says("checksum").has_no_outputs();
    assert_eq!(done.ids(), ["install"]);
    assert!(!trace.exists());
}

#[test]
fn a_cached_binary_that_was_tampered_with_is_never_run() {
    let job = Job::new();
    let bin = tried(&job).ended("gate", 0).steps[0].outputs["bin"].clone();
    let trace = job.path("trace");
    std::fs::write(bin, format!("#!/bin/sh\necho ran >\"{}\"\n", trace.display())).unwrap();
    let done = tried(&job).ended("gate", 0);
    assert_eq!(done.steps[0].outputs["cache-hit"], "false");
    assert!(!trace.exists());
}

#[test]
fn a_platform_without_a_binary_fails_and_says_how_to_build_it() {
    let job = Job::new();
    job.release.withdraw();
    let done = tried(&job).ended("install", 3).says("cargo install").has_no_outputs();
    assert_eq!(done.ids(), ["install"]);
}

#[test]
fn a_repository_without_a_release_fails_and_says_how_to_build_it() {
    let job = Job::new();
    job.release.retract();
    tried(&job).ended("install", 3).says("no release yet").says("cargo install").has_no_outputs();
}

#[test]
fn a_mirror_without_the_binary_fails() {
    let job = Job::new().set("CLEARML_GATE_MIRROR", "no such folder");
    tried(&job).ended("install", 5).says("no such folder").has_no_outputs();
}

#[test]
fn a_shell_that_reports_success_without_starting_fails() {
    let job = Job::new().with_dead_shells(1);
    let done = job.uses(&texts(&[]), &texts(&[])).ended("gate", 2).has_no_outputs();
    assert_eq!(done.ids(), ["install", "gate"]);
    done.says("::error title=clearml-gate::No binary was installed");
}
