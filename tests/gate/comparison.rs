//! Which values give which verdict and exit code.

use clearml_sandbox::{Sandbox, TaskSeed};

use crate::support::{BASE, Gate, HEAD, PROJECT, SERIES, TAG, TASK, TITLE, best, pair, run};

#[track_caller]
fn judge(baseline: f64, candidate: f64, settings: &[(&str, &str)], code: i32, verdict: &str) {
    let (sandbox, ..) = pair(baseline, candidate);
    let gate = settings.iter().fold(Gate::of(&sandbox), |gate, (name, value)| gate.set(name, value));
    let result = if code == 0 { "PASSED" } else { "FAILED" };
    gate.run().expect(code, &format!("{result}, {verdict}:"));
}

#[test]
fn distinguishes_better_equal_and_worse() {
    judge(0.8, 0.85, &[], 0, "improved");
    judge(0.8, 0.8, &[], 0, "unchanged");
    judge(0.8, 0.79, &[], 1, "degraded");
}

#[test]
fn lower_is_better_when_the_settings_say_so() {
    judge(0.8, 0.7, &[("CLEARML_SCALAR_MIN_MAX", "MIN")], 0, "improved");
    judge(0.8, 0.9, &[("CLEARML_SCALAR_MIN_MAX", "min")], 1, "degraded");
}

#[test]
fn a_threshold_is_percent_of_the_baseline() {
    for threshold in ["3", "3%", " 3 % "] {
        judge(100.0, 97.0, &[("CLEARML_SCALAR_THRESHOLD", threshold)], 0, "tolerated");
        judge(100.0, 96.99, &[("CLEARML_SCALAR_THRESHOLD", threshold)], 1, "degraded");
    }
    judge(-100.0, -103.0, &[("CLEARML_SCALAR_THRESHOLD", "3")], 0, "tolerated");
    judge(-100.0, -103.1, &[("CLEARML_SCALAR_THRESHOLD", "3")], 1, "degraded");
}

#[test]
fn a_margin_is_in_the_scalars_own_unit() {
    judge(0.8, 0.7, &[("CLEARML_SCALAR_MARGIN", "0.1")], 0, "tolerated");
    judge(0.8, 0.69, &[("CLEARML_SCALAR_MARGIN", "0.1")], 1, "degraded");
    let zero = [("CLEARML_SCALAR_MARGIN", "0.1"), ("CLEARML_SCALAR_THRESHOLD", "0"), ("CLEARML_SCALAR_ZERO", "valid")];
    judge(0.0, -0.1, &zero, 0, "tolerated");
}

#[test]
fn a_target_holds_whatever_the_baseline_is() {
    judge(0.5, 0.6, &[("CLEARML_SCALAR_TARGET", "0.7")], 1, "degraded");
    judge(0.5, 0.7, &[("CLEARML_SCALAR_TARGET", "0.7")], 0, "improved");
    let sandbox = Sandbox::start();
    let head = sandbox.add(run(HEAD, 0.6));
    Gate::of(&sandbox)
        .set("CLEARML_SCALAR_TARGET", "0.7")
        .run()
        .expect(1, "FAILED, degraded: the model does not reach the target");
    assert_eq!(sandbox.tags(&head), [""; 0]);
}

/// The annotation of a failed check names only the bounds that the value missed.
#[test]
fn the_annotation_names_the_bounds_that_were_missed() {
    let annotation = |baseline: Option<f64>, candidate: f64, target: &str| {
        let sandbox = Sandbox::start();
        baseline.map(|value| sandbox.add(best(value)));
        sandbox.add(run(HEAD, candidate));
        let gate = Gate::of(&sandbox).set("GITHUB_ACTIONS", "true").set("CLEARML_SCALAR_MIN_MAX", "MIN");
        let ran = gate.set("CLEARML_SCALAR_MARGIN", "0.05").set("CLEARML_SCALAR_TARGET", target).run();
        let line = ran.out.lines().find(|line| line.starts_with("::error ")).unwrap_or_default().to_owned();
        line.split_once("validation / accuracy: ").map(|(_, numbers)| numbers.to_owned()).ok_or(line)
    };
    assert_eq!(annotation(Some(0.8), 0.42, "0.4").unwrap(), "0.8 → 0.42, expected: at most 0.4 (target)");
    assert_eq!(annotation(Some(0.8), 0.9, "1").unwrap(), "0.8 → 0.9, expected: at most 0.85 (margin 0.05)");
    let both = "0.8 → 0.9, expected: at most 0.85 (margin 0.05) and at most 0.4 (target)";
    assert_eq!(annotation(Some(0.8), 0.9, "0.4").unwrap(), both);
    assert_eq!(annotation(None, 0.42, "0.4").unwrap(), "0.42, expected: at most 0.4 (target)");
}

#[test]
fn the_best_or_the_last_value_counts() {
    let curve = |commit| TaskSeed::new(PROJECT, TASK).commit(commit);
    let sandbox = Sandbox::start();
    sandbox.add(curve(BASE).scalar(TITLE, SERIES, &[(0, 0.5), (1, 0.9), (2, 0.6)]).tag(TAG));
    sandbox.add(curve(HEAD).scalar(TITLE, SERIES, &[(0, 0.5), (1, 0.8), (2, 0.7)]));
    let gate = || Gate::of(&sandbox).set("CLEARML_PROMOTE", "never");
    gate().run().expect(1, "FAILED, degraded").says("baseline 0.9 ").says("candidate 0.8 ");
    gate()
        .set("CLEARML_SCALAR_VALUE", "last")
        .run()
        .expect(0, "PASSED, improved")
        .says("baseline 0.6 ")
        .says("candidate 0.7 ");
    gate().set("CLEARML_SCALAR_MIN_MAX", "MIN").run().expect(0, "PASSED, unchanged").says("candidate 0.5 ");
}

#[test]
fn a_single_value_is_a_metric_too() {
    let sandbox = Sandbox::start();
    sandbox.add(TaskSeed::new(PROJECT, TASK).commit(BASE).single_value("best_mAP", 0.8).tag(TAG));
    sandbox.add(TaskSeed::new(PROJECT, TASK).commit(HEAD).single_value("best_mAP", 0.9));
    let gate = Gate::of(&sandbox).set("CLEARML_SCALAR_TITLE", "Summary").set("CLEARML_SCALAR_SERIES", "best_mAP");
    gate.run().expect(0, "PASSED, improved");
}
