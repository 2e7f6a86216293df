//! Several metrics, and a loss that is accepted on purpose.

use clearml_sandbox::{Sandbox, TaskSeed};

use crate::support::{BASE, Gate, HEAD, PROJECT, TAG, TASK, pair};

/// A run with an accuracy, a loss and a speed.
fn measured(commit: &str, accuracy: f64, loss: f64, speed: f64) -> TaskSeed {
    TaskSeed::new(PROJECT, TASK)
        .commit(commit)
        .scalar("val", "accuracy", &[(0, accuracy)])
        .scalar("val", "loss", &[(0, loss)])
        .scalar("speed", "fps", &[(0, speed)])
}

const METRICS: &str = r#"[
    {"title": "val", "series": "accuracy", "threshold": "1%"},
    {"title": "val", "series": "loss", "min_max": "MIN", "margin": 0.05},
    {"title": "speed", "series": "fps", "warn": true}
]"#;

fn gate(sandbox: &Sandbox) -> Gate {
    let gate = Gate::of(sandbox).unset("CLEARML_SCALAR_TITLE").unset("CLEARML_SCALAR_SERIES");
    gate.set("CLEARML_METRICS", METRICS)
}

fn sandbox_with(candidate: TaskSeed) -> (Sandbox, String, String) {
    let sandbox = Sandbox::start();
    let base = sandbox.add(measured(BASE, 0.8, 0.3, 25.0).tag(TAG));
    let head = sandbox.add(candidate);
    (sandbox, base, head)
}

#[test]
fn the_tag_moves_only_when_all_metrics_that_count_pass() {
    let (sandbox, base, _) = sandbox_with(measured(HEAD, 0.9, 0.36, 30.0));
    gate(&sandbox).run().expect(1, "FAILED, degraded: 1 of 2 required metrics fails: val / loss");
    assert_eq!(sandbox.tagged(TAG), [base]);
    let (sandbox, _, head) = sandbox_with(measured(HEAD, 0.9, 0.34, 30.0));
    gate(&sandbox).run().expect(0, "PASSED, tolerated: 1 of 2 required metrics is worse");
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
fn a_metric_that_only_warns_does_not_fail_the_check() {
    let (sandbox, _, head) = sandbox_with(measured(HEAD, 0.8, 0.3, 1.0));
    gate(&sandbox).run().expect(0, "PASSED, unchanged").says("speed / fps: degraded (informational)");
    assert_eq!(sandbox.tagged(TAG), [head]);
    let without = TaskSeed::new(PROJECT, TASK).commit(HEAD).scalar("val", "accuracy", &[(0, 0.9)]).scalar(
        "val",
        "loss",
        &[(0, 0.3)],
    );
    let (sandbox, ..) = sandbox_with(without);
    gate(&sandbox)
        .run()
        .expect(0, "PASSED, improved")
        .says("speed / fps: unknown (informational)")
        .says("not reported");
}

#[test]
fn every_missing_metric_is_named() {
    let (sandbox, base, _) = sandbox_with(TaskSeed::new(PROJECT, TASK).commit(HEAD).scalar("val", "f1", &[(0, 1.0)]));
    let ran = gate(&sandbox).run().expect(3, "NO VERDICT: the candidate did not report val / accuracy, val / loss");
    ran.says("It reported val / f1.");
    assert_eq!(sandbox.tagged(TAG), [base]);
}

#[test]
fn the_first_metric_decides_which_of_two_tagged_runs_is_the_best() {
    let (sandbox, ..) = sandbox_with(measured(HEAD, 0.85, 0.3, 1.0));
    sandbox.add(measured("c0ffee0000c0ffee0000c0ffee0000c0ffee0000", 0.9, 0.9, 1.0).tag(TAG));
    gate(&sandbox).run().expect(1, "FAILED, degraded").says("0.9 → 0.85");
}

/// How often the events of a metric were requested.
fn event_lookups(sandbox: &Sandbox) -> usize {
    sandbox.requests().iter().filter(|request| request.endpoint == "events.scalar_metrics_iter_raw").count()
}

#[test]
fn a_metric_that_only_warns_does_not_choose_the_best_tagged_run() {
    let without_speed = |commit: &str, accuracy: f64| {
        let run = TaskSeed::new(PROJECT, TASK).commit(commit).scalar("val", "accuracy", &[(0, accuracy)]);
        run.scalar("val", "loss", &[(0, 0.3)])
    };
    let sandbox = Sandbox::start();
    for (commit, accuracy) in [(BASE, 0.8), ("c0ffee0000c0ffee0000c0ffee0000c0ffee0000", 0.7)] {
        sandbox.add(without_speed(commit, accuracy).tag(TAG));
    }
    sandbox.add(measured(HEAD, 0.9, 0.3, 1.0));
    gate(&sandbox).run().expect(0, "PASSED, improved").says("2 runs have the tag");
    assert_eq!(event_lookups(&sandbox), 1, "the baseline's, for the report");
}

#[test]
fn too_many_event_requests_give_no_verdict() {
    let sandbox = Sandbox::start();
    for n in 0..60 {
        sandbox.add(TaskSeed::new(PROJECT, TASK).commit(&format!("{n:040x}")).tag(TAG));
    }
    sandbox.add(measured(HEAD, 0.9, 0.3, 1.0));
    gate(&sandbox).run().expect(3, "NO VERDICT: the baseline did not report val / accuracy");
    assert_eq!(event_lookups(&sandbox), 50);
}

#[test]
fn fifty_metrics_take_as_many_requests_as_one() {
    let all = |commit: &str| {
        (0..50).fold(TaskSeed::new(PROJECT, TASK).commit(commit), |run, n| run.scalar("m", &n.to_string(), &[(0, 1.0)]))
    };
    let sandbox = Sandbox::start();
    sandbox.add(all(BASE).tag(TAG));
    sandbox.add(all(HEAD));
    let list: Vec<String> = (0..50).map(|n| format!(r#"{{"title": "m", "series": "{n}"}}"#)).collect();
    let gate = gate(&sandbox).set("CLEARML_METRICS", &format!("[{}]", list.join(",")));
    gate.set("CLEARML_PROMOTE", "never").run().expect(0, "PASSED, unchanged");
    assert_eq!(sandbox.requests().len(), 5, "four to the verdict and one for the curves");
}

#[test]
fn a_list_contradicts_the_settings_of_a_single_metric() {
    let (sandbox, ..) = sandbox_with(measured(HEAD, 0.9, 0.3, 30.0));
    let defaults = gate(&sandbox).set("CLEARML_SCALAR_MIN_MAX", "MAX").set("CLEARML_SCALAR_THRESHOLD", "0");
    defaults.run().expect(0, "PASSED, improved");
    let both = gate(&sandbox).set("CLEARML_SCALAR_TITLE", "val").set("CLEARML_SCALAR_MARGIN", "1").run();
    both.expect(2, "")
        .complains("CLEARML_METRICS: cannot be combined with CLEARML_SCALAR_TITLE, CLEARML_SCALAR_MARGIN");
    let bad = gate(&sandbox).set("CLEARML_METRICS", r#"[{"title": "val"}, 3]"#).run().expect(2, "");
    bad.complains("metric 1: \"series\" is missing")
        .complains("metric 2: is not a JSON object")
        .complains("Example: [{");
}

#[test]
fn an_accepted_loss_passes_and_moves_the_tag() {
    let (sandbox, _, head) = pair(0.8, 0.7);
    let gate = Gate::of(&sandbox).set("CLEARML_ACCEPT", "true").set("CLEARML_KEEP_BEST", "true");
    gate.run().expect(0, "PASSED, accepted").says("(accepted because CLEARML_ACCEPT is true)");
    assert_eq!(sandbox.tagged(TAG), [head]);
    Gate::of(&sandbox).set("CLEARML_ACCEPT", "perhaps").run().expect(2, "").complains("CLEARML_ACCEPT");
}

#[test]
fn nothing_is_accepted_without_a_verdict() {
    let sandbox = Sandbox::start();
    sandbox.add(measured(HEAD, 0.8, 0.3, 1.0).diff("x"));
    gate(&sandbox).set("CLEARML_ACCEPT", "true").run().expect(3, "NO VERDICT");
}
