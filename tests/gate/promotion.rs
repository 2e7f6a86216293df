//! Which run has the tag in the end, even if something goes wrong.

use std::process::Stdio;
use std::time::Duration;

use clearml_gate::Limits;
use clearml_sandbox::{At, Effect, Sandbox};

use crate::support::{
    BASE, Gate, HEAD, OTHER, TAG, assert_carriers, best, judge, judge_with, pair, run, settings, unbroken,
};

#[test]
fn a_better_candidate_takes_the_tag_and_nothing_else_changes() {
    let (sandbox, base, head) = pair(0.8, 0.9);
    sandbox.edit(&head, |task| task["tags"] = serde_json::json!(["mine"]));
    let before = sandbox.state();
    let ran = Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    ran.says(&format!("\"{TAG}\" moved to the candidate from {base}"));
    assert_eq!(sandbox.tags(&base), ["prod", "team-a"]);
    let mut tags = sandbox.tags(&head);
    tags.sort();
    assert_eq!(tags, [TAG, "mine"]);
    assert_eq!(without_tags(before), without_tags(sandbox.state()));
}

/// The workspace without the fields that a move of the tag may change.
fn without_tags(mut state: serde_json::Value) -> serde_json::Value {
    for task in state["tasks"].as_array_mut().unwrap() {
        let task = task.as_object_mut().unwrap();
        for field in ["tags", "last_change", "last_changed_by"] {
            task.remove(field);
        }
    }
    state
}

/// The last request, for both curves.
const PICTURE: &str = "events.multi_task_scalar_metrics_iter_histogram";

fn endpoints(sandbox: &Sandbox) -> Vec<String> {
    sandbox.requests().iter().map(|request| request.endpoint.clone()).collect()
}

#[test]
fn four_requests_make_a_verdict_and_seven_move_the_tag_on_one_connection() {
    let (sandbox, ..) = pair(0.8, 0.9);
    Gate::of(&sandbox)
        .set("CLEARML_PROMOTE", "never")
        .run()
        .expect(0, "PASSED, improved")
        .says("CLEARML_PROMOTE is never");
    let verdict = ["auth.login", "projects.get_all_ex", "tasks.get_all_ex", "tasks.get_all_ex"];
    assert_eq!(endpoints(&sandbox), [&verdict[..], &[PICTURE]].concat());
    sandbox.clear_log();
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    let requests = sandbox.requests();
    let promotion = ["tasks.update_tags", "tasks.get_all_ex", "tasks.update_tags"];
    assert_eq!(endpoints(&sandbox), [&verdict[..], &promotion, &[PICTURE]].concat());
    assert!(requests.iter().all(|request| request.connection == requests[0].connection));
}

#[test]
fn a_failed_or_impossible_verdict_writes_nothing() {
    let (sandbox, ..) = pair(0.8, 0.7);
    let before = sandbox.state();
    Gate::of(&sandbox).run().expect(1, "FAILED, degraded").says("was not moved because the check failed");
    Gate::of(&sandbox).set("COMMIT_ID", OTHER).run().expect(3, "NO VERDICT");
    assert_eq!(sandbox.state(), before);
}

#[test]
fn the_baseline_judged_again_is_unchanged_and_writes_nothing() {
    let sandbox = Sandbox::start();
    sandbox.add(run(HEAD, 0.8).tag(TAG));
    let before = sandbox.state();
    Gate::of(&sandbox).run().expect(0, "PASSED, unchanged: this run is the baseline").says("same run as the candidate");
    assert_eq!(sandbox.state(), before);
    assert_eq!(endpoints(&sandbox).len(), 5);
}

#[test]
fn a_tolerated_candidate_takes_the_tag_unless_the_best_is_kept() {
    let (sandbox, base, head) = pair(100.0, 98.0);
    let gate = || Gate::of(&sandbox).set("CLEARML_SCALAR_THRESHOLD", "3");
    gate().set("CLEARML_KEEP_BEST", "true").run().expect(0, "PASSED, tolerated").says("CLEARML_KEEP_BEST");
    assert_eq!(sandbox.tagged(TAG), [base]);
    gate().run().expect(0, "PASSED, tolerated");
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
fn keeping_the_best_still_moves_the_tag_to_an_equal_one() {
    let (sandbox, _, head) = pair(0.8, 0.8);
    Gate::of(&sandbox).set("CLEARML_KEEP_BEST", "true").run().expect(0, "PASSED, unchanged");
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
fn the_tag_is_added_before_it_is_removed() {
    for cut in 5..=7 {
        for effect in [Effect::CutBefore, Effect::CutAfter] {
            let (sandbox, ..) = pair(0.8, 0.9);
            // If every later request fails too, it is as if the process dies.
            sandbox.fault(At::Request(cut), effect);
            sandbox.fault(
                At::Endpoint("tasks.update_tags"),
                Effect::Status { code: 400, headers: vec![], body: refusal() },
            );
            let _ = Gate::of(&sandbox).run();
            assert!(!sandbox.tagged(TAG).is_empty(), "request {cut}");
        }
    }
}

fn refusal() -> String {
    r#"{"meta":{"result_code":400,"result_subcode":0,"result_msg":"no"},"data":{}}"#.to_owned()
}

#[test]
fn an_interrupted_move_is_finished_by_the_next_run() {
    let (sandbox, base, head) = pair(0.8, 0.9);
    sandbox.fault(At::NthOf("tasks.update_tags", 2), Effect::Status { code: 403, headers: vec![], body: refusal() });
    let ran = Gate::of(&sandbox).run().expect(4, "PASSED, improved").says("BUT MOVING THE TAG FAILED");
    ran.says("the candidate may already have it").says("Then check again");
    assert_eq!(sandbox.tagged(TAG).len(), 2);
    sandbox.clear_faults();
    Gate::of(&sandbox).run().expect(0, "PASSED, unchanged").says(&format!("moved to the candidate from {base}"));
    assert_eq!(sandbox.tagged(TAG), [head]);
    assert_eq!(sandbox.tags(&base), ["prod", "team-a"]);
}

#[test]
fn a_lost_answer_to_a_removal_is_checked() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    sandbox.fault(At::Request(7), Effect::CutAfter);
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tagged(TAG), [head]);
    assert_eq!(endpoints(&sandbox)[6..], ["tasks.update_tags", "tasks.get_all_ex", PICTURE]);
}

#[test]
fn a_tag_that_another_gate_gave_meanwhile_is_left_alone() {
    let (sandbox, base, head) = pair(0.8, 0.9);
    let other = sandbox.add(run(OTHER, 0.95));
    let raced = other.clone();
    sandbox.on_request(move |request, workspace| {
        if request.n == 6 {
            workspace.edit(&raced, |task| task["tags"] = serde_json::json!([TAG]));
        }
    });
    Gate::of(&sandbox)
        .run()
        .expect(0, "PASSED, improved")
        .says("where it stays for now because another gate may be moving it")
        .says(&other);
    assert_carriers(&sandbox, &[&head, &other]);
    assert_eq!(sandbox.tags(&base), ["prod", "team-a"]);
}

#[test]
fn reports_and_leaves_a_tag_that_another_gate_moved() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    let other = sandbox.add(run(OTHER, 0.95));
    let next = other.clone();
    sandbox.on_request(move |request, workspace| {
        if request.n == 6 {
            for id in workspace.tagged(TAG) {
                workspace.edit(&id, |task| task["tags"] = serde_json::json!([]));
            }
            workspace.edit(&next, |task| task["tags"] = serde_json::json!([TAG]));
        }
    });
    let ran = Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    ran.says(&format!("moved to the candidate, then to {other} by a concurrent gate"));
    assert_carriers(&sandbox, &[&other]);
    assert_eq!(sandbox.tags(&head), [""; 0]);
}

#[test]
fn a_server_that_does_not_keep_the_tag_is_found_out() {
    let (sandbox, base, _) = pair(0.8, 0.9);
    let body = r#"{"meta":{"result_code":200},"data":{"updated":1}}"#.to_owned();
    sandbox.fault(At::NthOf("tasks.update_tags", 1), Effect::json(body));
    Gate::of(&sandbox).run().expect(4, "PASSED, improved").says("does not have the tag");
    assert_eq!(sandbox.tagged(TAG), [base]);
}

#[test]
fn rewrites_the_whole_list_of_tags_on_an_old_server() {
    let sandbox = Sandbox::builder().api_version("2.20").server_version("1.6.0").start().unwrap();
    let base = sandbox.add(best(0.8));
    let head = sandbox.add(run(HEAD, 0.9).tag("mine"));
    Gate::of(&sandbox).run().expect(0, "PASSED, improved").says(&format!("/experiments/{head}/"));
    assert_eq!(sandbox.tags(&base), ["prod", "team-a"]);
    let mut tags = sandbox.tags(&head);
    tags.sort();
    assert_eq!(tags, [TAG, "mine"]);
}

/// An old server does not say when tags were changed, so the gate watches for as long as another gate could run.
/// `other_gate` says whether there is one, which tags its own run in that time, and whether it removes the tag from the
/// baseline.
#[track_caller]
fn after_watching(other_gate: Option<bool>, carriers: fn([&str; 5]) -> Vec<&str>) {
    let limits = Limits { moving: Duration::from_secs(1), request: Duration::from_secs(1), ..Limits::REAL };
    let sandbox = Sandbox::builder().api_version("2.20").start().unwrap();
    let base = sandbox.add(best(0.8));
    let [worse, better] = [0.7, 0.95].map(|value| sandbox.add(run(BASE, value).tag(TAG)));
    let head = sandbox.add(run(HEAD, 0.9).tag(TAG));
    let other = sandbox.add(run(OTHER, 0.85));
    let (mut looks, next, loser) = (0, other.clone(), base.clone());
    sandbox.on_request(move |request, workspace| {
        looks += usize::from(request.endpoint == "tasks.get_all_ex");
        let Some(takes) = other_gate.filter(|_| looks > 2) else { return };
        workspace.edit(&next, |task| task["tags"] = serde_json::json!([TAG]));
        if takes {
            workspace.edit(&loser, |task| task["tags"] = serde_json::json!([]));
        }
    });
    let tolerant = ("CLEARML_SCALAR_THRESHOLD", "10%".to_owned());
    let ran = judge_with([settings(&sandbox.url(), HEAD), vec![tolerant]].concat(), limits);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_carriers(&sandbox, &carriers([&base, &worse, &better, &head, &other]));
}

#[test]
fn on_an_old_server_an_interrupted_move_is_finished_when_nothing_moves() {
    after_watching(None, |[_, _, better, head, _]| vec![better, head]);
}

#[test]
fn removes_no_tag_on_an_old_server_while_another_gate_moves_it() {
    after_watching(Some(false), |all| all.to_vec());
    after_watching(Some(true), |[_, worse, better, head, other]| vec![worse, better, head, other]);
}

/// The versions before and after each relevant change of the API: raw scalars (2.16), when a metric had its extremes
/// (2.23), changing tags one by one and `filters` (2.27), first values and counts (2.31). The sandbox returns an error
/// for a request that its version does not support.
#[test]
fn every_version_of_the_api_is_judged_and_gets_its_tag() {
    for version in ["2.13", "2.15", "2.16", "2.22", "2.23", "2.26", "2.27", "2.30", "2.31", "2.34"] {
        let sandbox = Sandbox::builder().api_version(version).start().unwrap();
        let base = sandbox.add(best(0.8));
        let head = sandbox.add(run(HEAD, 0.9).tag("mine"));
        sandbox.add(run(OTHER, 0.7));
        let gate = || Gate::of(&sandbox);
        gate().set("COMMIT_ID", OTHER).run().expect(1, "FAILED, degraded");
        assert_eq!(sandbox.tagged(TAG), [base.as_str()], "{version}");
        gate().set("CLEARML_SCALAR_VALUE", "last").run().expect(0, "PASSED, improved");
        assert_eq!(sandbox.tagged(TAG), [head], "{version}");
        assert_eq!(sandbox.tags(&base), ["prod", "team-a"], "{version}");
    }
}

#[test]
fn writes_nothing_if_the_candidate_has_the_tag_and_no_run_loses_it() {
    for better in [None, Some(0.95)] {
        let sandbox = Sandbox::start();
        let head = sandbox.add(run(HEAD, 0.9).tag(TAG));
        better.map(|value| sandbox.add(best(value)));
        let before = sandbox.task(&head);
        let ran = Gate::of(&sandbox).set("CLEARML_SCALAR_THRESHOLD", "50").run();
        ran.expect(0, "PASSED").says("was already on the candidate");
        assert_eq!(sandbox.task(&head), before);
        assert!(sandbox.requests().iter().all(|request| !request.endpoint.contains("update")));
    }
}

/// Other gates rely on this when they compare dates.
#[test]
fn a_gate_that_is_held_up_for_too_long_leaves_the_removal_to_the_next_run() {
    let (sandbox, base, head) = pair(0.8, 0.9);
    sandbox.fault(At::Request(6), Effect::Delay(Duration::from_millis(300)));
    let limits = Limits { moving: Duration::from_millis(100), ..Limits::REAL };
    let held_up = judge(&sandbox.url(), HEAD, limits);
    assert_eq!(held_up.code, 0, "{}", held_up.err);
    assert_carriers(&sandbox, &[&base, &head]);
    assert_eq!(judge(&sandbox.url(), HEAD, Limits::REAL).code, 0);
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
fn the_pauses_between_attempts_to_move_the_tag_grow() {
    let (sandbox, base, _) = pair(0.8, 0.9);
    sandbox.fault(At::Endpoint("tasks.update_tags"), Effect::status(503));
    let limits =
        Limits { retry_budget: Duration::from_secs(3), first_pause: Duration::from_millis(100), ..Limits::REAL };
    assert_eq!(judge(&sandbox.url(), HEAD, limits).code, 4);
    assert_eq!(sandbox.tagged(TAG), [base]);
    let attempts = endpoints(&sandbox).iter().filter(|endpoint| *endpoint == "tasks.update_tags").count();
    assert!((3..=6).contains(&attempts), "{attempts}");
}

#[test]
fn a_refusal_after_a_lost_answer_does_not_deny_a_tag_that_is_there() {
    let (sandbox, base, head) = pair(0.8, 0.9);
    sandbox.fault(At::NthOf("tasks.update_tags", 1), Effect::CutAfter);
    sandbox.fault(At::NthOf("tasks.update_tags", 2), Effect::status(403));
    let ran = Gate::of(&sandbox).run().expect(4, "PASSED, improved");
    ran.says("the candidate may already have it");
    assert_carriers(&sandbox, &[&base, &head]);
}

#[test]
fn a_tag_in_another_case_is_reported_and_is_no_baseline() {
    let sandbox = Sandbox::start();
    let other = sandbox.add(run(BASE, 0.99).tag(&TAG.to_lowercase()));
    let note = format!("no run has the tag \"{TAG}\", but one has \"{}\"", TAG.to_lowercase());
    let head = sandbox.add(run(HEAD, 0.5));
    Gate::of(&sandbox)
        .set("CLEARML_NO_BASELINE", "fail")
        .run()
        .expect(3, "NO VERDICT: no run with this name")
        .says(&note);
    Gate::of(&sandbox).run().expect(0, "PASSED, first").says(&note);
    assert_eq!((sandbox.tags(&other), sandbox.tags(&head)), (vec![TAG.to_lowercase()], vec![TAG.to_owned()]));
    let ran = Gate::of(&sandbox).run().expect(0, "PASSED, unchanged");
    assert!(!unbroken(&ran.out).contains("one carries"), "{}", ran.out);
}

#[test]
fn the_tag_outside_of_project_and_name_is_not_touched() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let elsewhere = sandbox.add(clearml_sandbox::TaskSeed::new("vision/detector/sub", "train").commit(BASE).tag(TAG));
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tags(&elsewhere), [TAG]);
}

#[test]
fn gates_that_run_at_the_same_time_keep_the_tag() {
    for round in 0..8 {
        let (sandbox, base, _) = pair(0.8, 0.9);
        sandbox.add(run(OTHER, 0.95));
        // Before every removal, another run must also have the tag.
        sandbox.on_request(move |request, workspace| {
            assert!(!workspace.tagged(TAG).is_empty(), "round {round}, before request {}", request.n);
        });
        let gates = [HEAD, OTHER].map(|commit| Gate::of(&sandbox).set("COMMIT_ID", commit));
        let quiet = |gate: &Gate| gate.command().stdout(Stdio::null()).spawn().unwrap();
        let children: Vec<_> = gates.iter().map(quiet).collect();
        for mut child in children {
            assert!(child.wait().unwrap().code().is_some_and(|code| code <= 1));
        }
        assert!(!sandbox.tagged(TAG).is_empty() && !sandbox.tagged(TAG).contains(&base));
        let newest = sandbox.add(run("d00d000000000000000000000000000000000000", 0.99));
        Gate::of(&sandbox)
            .set("COMMIT_ID", "d00d000000000000000000000000000000000000")
            .run()
            .expect(0, "PASSED, improved");
        assert_eq!(sandbox.tagged(TAG), [newest]);
    }
}
