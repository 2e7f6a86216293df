//! The verdicts as a workflow sees them: the failed step, its exit code, the outputs, the log.

use clearml_gate::OUTPUTS;

use crate::action::job::{Job, TOKEN, texts};
use crate::action::seeded::{BASE, HEAD, TAG, head, inputs, pair, tagged};

#[test]
fn a_better_model_passes_and_the_action_has_every_output() {
    let sandbox = pair(0.8, 0.9);
    let job = Job::new();
    let done = job.uses(&inputs(&sandbox), &head()).ended("gate", 0).says("PASSED, improved");
    assert_eq!(done.ids(), ["install", "gate"]);
    assert_eq!(done.outputs.keys().len(), OUTPUTS.len());
    assert_eq!(done.outputs, done.last().outputs);
    let done = done.has(&[("verdict", "improved"), ("passed", "true"), ("promoted", "true"), ("exit-code", "0")]);
    done.has(&[("candidate-value", "0.9"), ("baseline-value", "0.8"), ("limit", "0.8")]);
    assert_eq!(tagged(&sandbox, TAG), [HEAD]);
}

#[test]
fn a_worse_model_fails_the_step_with_the_binarys_exit_code_and_outputs() {
    let sandbox = pair(0.8, 0.7);
    let done = Job::new().uses(&inputs(&sandbox), &head()).ended("gate", 1).says("FAILED, degraded");
    done.has(&[("verdict", "degraded"), ("passed", "false"), ("promoted", "false"), ("exit-code", "1")]);
    assert_eq!(tagged(&sandbox, TAG), [BASE]);
}

#[test]
fn a_commit_without_a_run_gives_no_verdict() {
    let sandbox = pair(0.8, 0.9);
    let commit = texts(&[("COMMIT_ID", "c0ffee0000c0ffee0000c0ffee0000c0ffee0000")]);
    let done = Job::new().uses(&inputs(&sandbox), &commit).ended("gate", 3).says("NO VERDICT");
    done.has(&[("verdict", "no_verdict"), ("passed", "false"), ("exit-code", "3"), ("candidate-task", "")]);
}

#[test]
fn wrong_settings_are_a_usage_error_and_send_nothing_to_clearml() {
    let sandbox = pair(0.8, 0.9);
    let mut with = inputs(&sandbox);
    with.insert("CLEARML_SCALAR_MIN_MAX".to_owned(), "HIGHER".to_owned());
    let done = Job::new().uses(&with, &head()).ended("gate", 2).says("CLEARML_SCALAR_MIN_MAX");
    done.has(&[("passed", "false"), ("exit-code", "2")]);
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn keys_that_clearml_rejects_have_their_own_exit_code() {
    let sandbox = pair(0.8, 0.9);
    let mut with = inputs(&sandbox);
    with.insert("CLEARML_API_SECRET_KEY".to_owned(), "not-the-secret".to_owned());
    Job::new().uses(&with, &head()).ended("gate", 4).has(&[("passed", "false"), ("exit-code", "4")]);
}

#[test]
fn a_pull_request_from_a_fork_without_secrets_reports_what_is_missing() {
    let sandbox = pair(0.8, 0.9);
    let mut with = inputs(&sandbox);
    for secret in ["CLEARML_API_ACCESS_KEY", "CLEARML_API_SECRET_KEY"] {
        with.insert(secret.to_owned(), String::new());
    }
    let done = Job::new().uses(&with, &head()).ended("gate", 2);
    done.says("CLEARML_API_ACCESS_KEY").says("CLEARML_API_SECRET_KEY");
}

#[test]
fn no_secret_is_printed_and_none_reaches_the_installer() {
    let sandbox = pair(0.8, 0.7);
    let done = Job::new().uses(&inputs(&sandbox), &head()).ended("gate", 1);
    for secret in [sandbox.access_key(), sandbox.secret_key(), TOKEN] {
        assert!(!done.log().contains(secret));
        assert!(!done.steps[0].environment.values().any(|value| value.contains(secret)));
        assert!(done.steps[1].environment.values().any(|value| value == secret));
    }
}
