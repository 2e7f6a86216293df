//! Waiting for a run that is queued or at work, and a gate that blocks nothing.

use std::time::{Duration, Instant};

use clearml_gate::Limits;
use clearml_sandbox::{At, Effect, Sandbox};
use serde_json::json;

use crate::support::{Gate, HEAD, NOBODY, TAG, best, judge_with, pair, run, settings};

/// A run of the commit that is at work, and becomes something else at the nth look.
fn ends_at_look(look: usize, status: &'static str) -> (Sandbox, String) {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    let head = sandbox.add(run(HEAD, 0.9).status("in_progress"));
    let (id, mut looks) = (head.clone(), 0);
    sandbox.on_request(move |request, workspace| {
        let fields = request.body["only_fields"].as_array().map_or(0, Vec::len);
        if request.endpoint == "tasks.get_all_ex" && fields > 1 {
            looks += 1;
            if looks == look {
                workspace.edit(&id, |task| task["status"] = json!(status));
            }
        }
    });
    (sandbox, head)
}

#[test]
fn a_run_that_ends_well_in_time_is_judged() {
    let (sandbox, head) = ends_at_look(3, "completed");
    let ran = Gate::of(&sandbox).set("CLEARML_WAIT", "1m").run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tagged(TAG), [head]);
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(lines.len(), 1, "a log is told only what is new: {lines:?}");
    assert!(lines[0].starts_with("waiting, 0 s of 1 min: 1 run running, last iteration 0"), "{lines:?}");
}

/// However slow the server: what one look took is not missing at the next.
#[test]
fn each_look_has_as_much_time_as_the_first() {
    let (sandbox, _) = ends_at_look(3, "completed");
    sandbox.fault(At::Endpoint("tasks.get_all_ex"), Effect::Delay(Duration::from_millis(700)));
    let more = vec![("CLEARML_WAIT", "1m".to_owned()), ("CLEARML_PROMOTE", "never".to_owned())];
    let limits = Limits { total: Duration::from_millis(2500), ..Limits::REAL };
    let ran = judge_with([settings(&sandbox.url(), HEAD), more].concat(), limits);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_run_that_fails_ends_the_wait_at_once() {
    let (sandbox, _) = ends_at_look(2, "failed");
    let began = Instant::now();
    Gate::of(&sandbox).set("CLEARML_WAIT", "2h").run().expect(3, "NO VERDICT").says("1 run of this commit failed");
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn nobody_waits_for_longer_than_asked() {
    let (sandbox, _) = ends_at_look(usize::MAX, "completed");
    let began = Instant::now();
    let ran = Gate::of(&sandbox).set("CLEARML_WAIT", "2s").run().expect(3, "NO VERDICT");
    ran.says("1 run of this commit is still running").says("The check waited 2 s (CLEARML_WAIT).");
    assert!(began.elapsed() >= Duration::from_secs(2) && began.elapsed() < Duration::from_secs(30));
}

#[test]
fn nobody_waits_for_what_cannot_be_judged() {
    let wait = |sandbox: &Sandbox| Gate::of(sandbox).set("CLEARML_WAIT", "2h").run().expect(3, "NO VERDICT");
    let sandbox = Sandbox::start();
    sandbox.add(run(HEAD, 0.9).status("in_progress").diff("x"));
    sandbox.add(run(HEAD, 0.9).status("failed"));
    wait(&sandbox);
    let (sandbox, ..) = pair(0.8, 0.9);
    let other = Gate::of(&sandbox).set("COMMIT_ID", "c0ffee0000c0ffee0000c0ffee0000c0ffee0000");
    other.set("CLEARML_WAIT", "2h").run().expect(3, NOBODY);
}

#[test]
fn a_finished_run_is_not_kept_waiting_by_another() {
    let (sandbox, ..) = pair(0.8, 0.9);
    sandbox.add(run(HEAD, 0.7).status("queued"));
    let ran = Gate::of(&sandbox).set("CLEARML_WAIT", "2h").run().expect(0, "PASSED, improved");
    assert_eq!(ran.err, "");
}

#[test]
fn without_a_wait_the_report_says_how_to() {
    let (sandbox, _) = ends_at_look(usize::MAX, "completed");
    Gate::of(&sandbox).run().expect(3, "NO VERDICT").says("set CLEARML_WAIT, for example to 30m");
}

#[test]
fn what_is_not_enforced_blocks_nothing_and_says_so() {
    let (sandbox, base, _) = pair(0.8, 0.7);
    let gate = || Gate::of(&sandbox).set("CLEARML_ENFORCE", "false");
    gate().run().expect(0, "FAILED, degraded").says("otherwise the exit code would be 1");
    gate().set("CLEARML_SCALAR_SERIES", "f1").run().expect(0, "NO VERDICT").says("exit code would be 3");
    gate().set("CLEARML_API_SECRET_KEY", "wrong").run().expect(0, "NO VERDICT").says("exit code would be 4");
    gate().set("CLEARML_SCALAR_TARGET", "x").run().expect(2, "");
    assert_eq!(sandbox.tagged(TAG), [base]);
    let (sandbox, ..) = pair(0.8, 0.9);
    sandbox.fault(At::Endpoint("tasks.update_tags"), Effect::status(403));
    let gate = Gate::of(&sandbox).set("CLEARML_ENFORCE", "false");
    gate.run().expect(0, "PASSED, improved, BUT MOVING THE TAG FAILED").says("exit code would be 4");
    let (sandbox, ..) = pair(0.8, 0.9);
    let ran = Gate::of(&sandbox).set("CLEARML_ENFORCE", "false").run().expect(0, "PASSED, improved");
    assert!(!ran.out.contains("CLEARML_ENFORCE"), "{}", ran.out);
}
