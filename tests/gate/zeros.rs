//! Zeros that may mean NaN: the SDK sends NaN and infinity as 0.0, and on the server they look like a real 0.

use clearml_sandbox::{Sandbox, TaskSeed};

use crate::support::{BASE, Gate, HEAD, OTHER, PROJECT, SERIES, TAG, TASK, TITLE};

fn curve(commit: &str, values: &[(i64, f64)]) -> TaskSeed {
    TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, values)
}

const HEALTHY: &[(i64, f64)] = &[(0, 0.9), (1, 0.5), (2, 0.31)];
const DIVERGED: &[(i64, f64)] = &[(0, 0.9), (1, 1.7), (2, f64::NAN), (3, f64::INFINITY)];

fn minimum(sandbox: &Sandbox, commit: &str) -> Gate {
    Gate::of(sandbox).set("COMMIT_ID", commit).set("CLEARML_SCALAR_MIN_MAX", "MIN")
}

#[test]
fn a_loss_that_diverged_is_no_verdict_and_gets_no_tag() {
    let sandbox = Sandbox::start();
    let base = sandbox.train(&curve(BASE, HEALTHY).tag(TAG));
    let diverged = sandbox.train(&curve(HEAD, DIVERGED));
    let later = sandbox.train(&curve(OTHER, &[(0, 0.9), (1, 0.29)]));
    let ran = minimum(&sandbox, HEAD).run();
    let ran = ran.expect(3, "NO VERDICT: the candidate reported exactly 0 for validation / accuracy");
    let ran =
        ran.says("which may be NaN").says("reports NaN and infinity as 0").says("Logger.set_reporting_nan_value(1e30)");
    ran.says("CLEARML_SCALAR_ZERO").says(&diverged);
    assert_eq!(sandbox.tagged(TAG), [base]);
    minimum(&sandbox, OTHER).run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tagged(TAG), [later]);
}

#[test]
fn a_baseline_of_zero_fails_no_later_model() {
    let sandbox = Sandbox::start();
    let diverged = sandbox.train(&curve(BASE, DIVERGED).tag(TAG));
    sandbox.train(&curve(HEAD, HEALTHY));
    let ran = minimum(&sandbox, HEAD).run();
    let ran = ran.expect(3, "NO VERDICT: the baseline reported exactly 0 for validation / accuracy");
    ran.says(&diverged).says("move the tag to another run").says("CLEARML_SCALAR_ZERO");
    assert_eq!(sandbox.tagged(TAG), [diverged]);
}

#[test]
fn the_first_run_is_held_to_the_same() {
    let sandbox = Sandbox::start();
    let head = sandbox.train(&curve(HEAD, DIVERGED));
    minimum(&sandbox, HEAD).run().expect(3, "NO VERDICT: the candidate reported exactly 0");
    assert_eq!(sandbox.tags(&head), [""; 0]);
}

#[test]
fn only_a_zero_that_decides_is_suspect() {
    let rising: &[(i64, f64)] = &[(0, 0.1), (1, 0.9), (2, f64::NAN)];
    let negative: &[(i64, f64)] = &[(0, -5.0), (1, -4.0), (2, f64::NAN)];
    let zeros: &[(i64, f64)] = &[(0, f64::NAN), (1, f64::NAN)];
    for (direction, value, values, code) in [
        ("MAX", "best", rising, 0),
        ("MIN", "best", rising, 3),
        ("MAX", "last", rising, 3),
        ("MIN", "last", rising, 3),
        ("MAX", "best", negative, 3),
        ("MIN", "best", negative, 0),
        ("MAX", "last", HEALTHY, 0),
        ("MAX", "best", zeros, 3),
        ("MIN", "best", zeros, 3),
    ] {
        let sandbox = Sandbox::start();
        sandbox.train(&curve(HEAD, values));
        let gate = Gate::of(&sandbox).set("CLEARML_SCALAR_MIN_MAX", direction).set("CLEARML_SCALAR_VALUE", value);
        let start = if code == 0 { "PASSED, first" } else { "NO VERDICT: the candidate reported exactly 0" };
        gate.run().expect(code, start);
    }
}

#[test]
fn a_metric_that_can_be_zero_is_judged_as_it_is() {
    let sandbox = Sandbox::start();
    sandbox.train(&curve(BASE, HEALTHY).tag(TAG));
    let head = sandbox.train(&curve(HEAD, &[(0, 0.2), (1, 0.1), (2, 0.0)]));
    let gate = || minimum(&sandbox, HEAD).set("CLEARML_PROMOTE", "never");
    gate().run().expect(3, "NO VERDICT");
    gate().set("CLEARML_SCALAR_ZERO", "Valid").run().expect(0, "PASSED, improved").says("candidate 0 ");
    gate().set("CLEARML_SCALAR_ZERO", "maybe").run().expect(2, "").complains("suspect or valid");
    let list = |zero: &str| format!(r#"[{{"title": "{TITLE}", "series": "{SERIES}", "min_max": "MIN"{zero}}}]"#);
    let listed = |zero| {
        let gate = gate().unset("CLEARML_SCALAR_TITLE").unset("CLEARML_SCALAR_SERIES").unset("CLEARML_SCALAR_MIN_MAX");
        gate.set("CLEARML_METRICS", &list(zero))
    };
    listed("").run().expect(3, "NO VERDICT");
    listed(r#", "zero": "suspect""#).run().expect(3, "NO VERDICT");
    listed(r#", "zero": "valid""#).run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tags(&head), [""; 0]);
}

#[test]
fn a_metric_that_only_warns_is_unknown_when_it_is_zero() {
    let sandbox = Sandbox::start();
    let both = |commit, loss: f64| curve(commit, &[(0, 0.9)]).scalar("train", "loss", &[(0, 0.7), (1, loss)]);
    sandbox.train(&both(BASE, 0.5).tag(TAG));
    sandbox.train(&both(HEAD, f64::NAN));
    let gate = Gate::of(&sandbox).unset("CLEARML_SCALAR_TITLE").unset("CLEARML_SCALAR_SERIES");
    let list = format!(
        r#"[{{"title": "{TITLE}", "series": "{SERIES}"}}, {{"title": "train", "series": "loss", "min_max": "MIN", "warn": true}}]"#
    );
    let ran = gate.set("CLEARML_METRICS", &list).run();
    ran.expect(0, "PASSED, unchanged").says("0, may be NaN");
}

#[test]
fn of_several_runs_one_zero_is_enough() {
    let sandbox = Sandbox::start();
    for values in [HEALTHY, DIVERGED, HEALTHY] {
        sandbox.train(&curve(HEAD, values));
    }
    minimum(&sandbox, HEAD).set("CLEARML_RUNS", "3").run().expect(3, "NO VERDICT: the candidate reported exactly 0");
}
