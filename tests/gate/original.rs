//! The failures of the action that this one replaces. Each test fails on that action's behavior.

use clearml_sandbox::{Sandbox, TaskSeed};

use crate::support::{BASE, Gate, HEAD, OTHER, PROJECT, SERIES, TAG, TASK, TITLE, best, pair, run};

#[test]
fn it_could_not_start_because_of_what_was_installed_around_it() {
    let (sandbox, ..) = pair(0.8, 0.9);
    // The path is empty: no interpreter, no package, no git.
    Gate::of(&sandbox).set("PATH", "").run().expect(0, "PASSED, improved");
}

#[test]
fn it_printed_worse_and_exited_0() {
    let (sandbox, ..) = pair(0.8, 0.7);
    Gate::of(&sandbox).run().expect(1, "FAILED, degraded");
}

#[test]
fn it_wiped_every_tag_of_the_former_best() {
    let (sandbox, base, _) = pair(0.8, 0.9);
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tags(&base), ["prod", "team-a"]);
}

#[test]
fn it_took_the_task_name_for_a_pattern() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox.add(TaskSeed::new(PROJECT, "train_smoketest").commit(HEAD).scalar(TITLE, SERIES, &[(0, 0.99)]));
    Gate::of(&sandbox).run().expect(3, "NO VERDICT: ClearML has no run of this commit");
}

#[test]
fn it_took_an_empty_commit_for_every_commit() {
    let (sandbox, ..) = pair(0.8, 0.9);
    Gate::of(&sandbox).set("COMMIT_ID", "").run().complains("COMMIT_ID").expect(2, "");
    for pattern in [".", ".*", " ", "^"] {
        Gate::of(&sandbox).set("COMMIT_ID", pattern).run().complains("COMMIT_ID").expect(2, "");
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn it_averaged_peaks_away() {
    let sandbox = Sandbox::start();
    let spike: Vec<(i64, f64)> = (0..20_000).map(|n| (n, if n == 7777 { 5.0 } else { 0.1 })).collect();
    sandbox.add(best(1.3));
    sandbox.add(TaskSeed::new(PROJECT, TASK).commit(HEAD).scalar(TITLE, SERIES, &spike));
    Gate::of(&sandbox).run().expect(0, "PASSED, improved").says("candidate 5 ");
}

#[test]
fn it_inverted_the_threshold_on_negative_values() {
    let (sandbox, ..) = pair(-100.0, -105.0);
    Gate::of(&sandbox).set("CLEARML_SCALAR_THRESHOLD", "10").run().expect(0, "PASSED, tolerated").says("at least -110");
}

#[test]
fn it_gave_the_tag_to_a_first_candidate_without_the_metric() {
    let sandbox = Sandbox::start();
    sandbox.add(TaskSeed::new(PROJECT, TASK).commit(HEAD));
    Gate::of(&sandbox).run().expect(3, "NO VERDICT");
    assert_eq!(sandbox.tagged(TAG), [""; 0]);
}

#[test]
fn it_did_not_see_published_runs() {
    let sandbox = Sandbox::start();
    sandbox.add(run(HEAD, 0.9).status("published"));
    Gate::of(&sandbox).run().expect(0, "PASSED, first");
}

#[test]
fn it_left_a_second_best_with_its_tag() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox.add(run(OTHER, 0.7).tag(TAG));
    let head = sandbox.add(run(HEAD, 0.9));
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
fn it_needed_seconds_and_a_package_index_before_its_first_request() {
    let (sandbox, ..) = pair(0.8, 0.9);
    // There is no home, no package index and no cache. The first request is the log-in.
    Gate::of(&sandbox).unset("HOME").unset("USERPROFILE").run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.requests()[0].endpoint, "auth.login");
}

#[test]
fn its_ten_inputs_and_the_commit_are_all_that_is_needed() {
    let sandbox = Sandbox::start();
    sandbox.add(run(BASE, 0.50).tag("champion"));
    let head = sandbox.add(run(HEAD, 0.51));
    let gate = Gate::bare()
        .set("CLEARML_API_ACCESS_KEY", sandbox.access_key())
        .set("CLEARML_API_SECRET_KEY", sandbox.secret_key())
        .set("CLEARML_API_HOST", &sandbox.url())
        .set("CLEARML_PROJECT", PROJECT)
        .set("CLEARML_TASK_NAME", TASK)
        .set("CLEARML_SCALAR_TITLE", TITLE)
        .set("CLEARML_SCALAR_SERIES", SERIES)
        .set("CLEARML_SCALAR_MIN_MAX", "MIN")
        .set("CLEARML_BEST_TAGNAME", "champion")
        .set("CLEARML_SCALAR_THRESHOLD", "3")
        .set("COMMIT_ID", HEAD);
    gate.run().expect(0, "PASSED, tolerated");
    assert_eq!(sandbox.tagged("champion"), [head]);
}
