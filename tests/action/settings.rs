//! How settings reach the binary: an input overrides the caller's variable, and a variable the binary's default.

use serde_json::json;

use crate::action::job::{Job, texts};
use crate::action::seeded::{BASE, HEAD, HOSTILE, TAG, head, inputs, named, pair, tagged};

const NOBODYS: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000";

#[test]
fn inputs_are_enough() {
    let sandbox = pair(0.8, 0.9);
    let mut with = inputs(&sandbox);
    with.insert("COMMIT_ID".to_owned(), HEAD.to_owned());
    let job = Job::new();
    let mirror = job.path("mirror");
    with.insert("CLEARML_GATE_MIRROR".to_owned(), mirror.to_str().unwrap().to_owned());
    job.unset("CLEARML_GATE_MIRROR").uses(&with, &texts(&[])).ended("gate", 0);
}

#[test]
fn a_missing_or_empty_input_does_not_hide_the_variable_of_the_job() {
    let sandbox = pair(0.8, 0.9);
    let mut with = inputs(&sandbox);
    let project = with.remove("CLEARML_PROJECT").unwrap();
    with.insert("CLEARML_TASK_NAME".to_owned(), String::new());
    let job = Job::new().set("CLEARML_PROJECT", &project).set("CLEARML_TASK_NAME", "train").set("COMMIT_ID", HEAD);
    job.set("CLEARML_PROMOTE", "never").uses(&with, &texts(&[])).ended("gate", 0).has(&[("promoted", "false")]);
    assert_eq!(tagged(&sandbox, TAG), [BASE]);
}

#[test]
fn the_step_overrides_the_job_and_an_input_overrides_both() {
    let sandbox = pair(0.8, 0.9);
    let job = Job::new().set("COMMIT_ID", NOBODYS);
    job.uses(&inputs(&sandbox), &texts(&[])).ended("gate", 3);
    job.uses(&inputs(&sandbox), &head()).ended("gate", 0);
    let mut with = inputs(&sandbox);
    with.insert("COMMIT_ID".to_owned(), NOBODYS.to_owned());
    job.uses(&with, &head()).ended("gate", 3);
}

#[test]
fn without_any_commit_the_head_of_the_pull_request_is_judged() {
    let sandbox = pair(0.8, 0.9);
    let event = json!({"pull_request": {"head": {"sha": HEAD}, "title": "${{ secrets.X }} $(touch touched)"}});
    let job = Job::new().event("pull_request", &event);
    job.uses(&inputs(&sandbox), &texts(&[])).ended("gate", 0).says(&HEAD[..12]);
}

#[test]
fn inputs_get_their_defaults() {
    // Lower, without tolerance, tagged "Best Performance": this verdict needs each of the three defaults.
    let sandbox = pair(0.8, 0.799);
    let done = Job::new().uses(&inputs(&sandbox), &head()).ended("gate", 1);
    let variable = |name: &str| done.last().environment[name].as_str();
    assert_eq!(variable("CLEARML_SCALAR_MIN_MAX"), "MAX");
    assert_eq!(variable("CLEARML_SCALAR_THRESHOLD"), "0");
    assert_eq!(variable("CLEARML_BEST_TAGNAME"), TAG);
}

#[test]
fn names_that_look_like_code_arrive_as_they_are_and_run_nothing() {
    let sandbox = named(HOSTILE, "%TAG% $TAG '`\"", 0.8, 0.9);
    let mut with = inputs(&sandbox);
    let names = ["CLEARML_PROJECT", "CLEARML_TASK_NAME", "CLEARML_SCALAR_TITLE", "CLEARML_SCALAR_SERIES"];
    with.extend(names.map(str::to_owned).into_iter().zip(HOSTILE.map(str::to_owned)));
    with.insert("CLEARML_BEST_TAGNAME".to_owned(), "%TAG% $TAG '`\"".to_owned());
    let job = Job::new();
    job.uses(&with, &head()).ended("gate", 0).has(&[("verdict", "improved"), ("promoted", "true")]);
    assert_eq!(std::fs::read_dir(job.path("workspace")).unwrap().count(), 0);
}

#[test]
fn steps_get_only_variables_that_a_runner_sets() {
    let sandbox = pair(0.8, 0.9);
    let done = Job::new().uses(&inputs(&sandbox), &head()).ended("gate", 0);
    let odd = |name: &&String| name.starts_with("INPUT_") || name.starts_with("CARGO");
    assert_eq!(done.steps.iter().flat_map(|ran| ran.environment.keys()).find(odd), None);
}
