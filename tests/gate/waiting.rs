//! Waiting for runs and for the server, and a gate that blocks nothing.

use std::thread;
use std::time::{Duration, Instant};

use clearml_gate::Limits;
use clearml_sandbox::{At, Effect, Sandbox, TaskSeed, Workspace};
use serde_json::json;

use crate::support::{BASE, Gate, HEAD, NOBODY, PROJECT, TAG, TASK, TITLE, best, judge_with, pair, run, settings};

/// Changes the workspace at the nth attempt.
fn at_look(sandbox: &Sandbox, look: usize, change: impl Fn(&mut Workspace) + Send + 'static) {
    let mut looks = 0;
    sandbox.on_request(move |request, workspace| {
        // The first request of an attempt lists the runs of the commit.
        if request.body["_any_"]["pattern"].as_str().is_some_and(|pattern| pattern.contains(HEAD)) {
            looks += 1;
            if looks == look {
                change(workspace);
            }
        }
    });
}

/// A running run of the commit. At the nth attempt it gets this status.
fn ends_at_look(look: usize, status: &'static str) -> (Sandbox, String) {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    let head = sandbox.add(run(HEAD, 0.9).status("in_progress"));
    let id = head.clone();
    at_look(&sandbox, look, move |workspace| workspace.edit(&id, |task| task["status"] = json!(status)));
    (sandbox, head)
}

#[test]
fn a_run_that_ends_well_in_time_is_judged() {
    let (sandbox, head) = ends_at_look(3, "completed");
    let ran = Gate::of(&sandbox).set("CLEARML_WAIT", "1m").run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tagged(TAG), [head]);
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(lines.len(), 1, "the log repeats nothing: {lines:?}");
    assert!(lines[0].starts_with("waiting, 0 s of 1 min: 1 run running, last iteration 0"), "{lines:?}");
}

/// With a slow server, the time of one attempt does not reduce the time of the next.
#[test]
fn every_attempt_gets_the_same_time_limit() {
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
    // A name that no run or project has is a typo.
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = Gate::of(&sandbox).set("CLEARML_WAIT", "2h").set("CLEARML_TASK_NAME", "trian");
    gate.run().expect(3, "NO VERDICT: this project has no task named \"trian\"").says("Did you mean \"train\"?");
    gate.set("CLEARML_PROJECT", "vision/detectro").run().expect(3, "NO VERDICT: there is no project named");
}

#[test]
fn waits_for_a_run_to_appear() {
    let sandbox = Sandbox::start();
    let base = sandbox.add(best(0.8));
    let gate = || Gate::of(&sandbox).set("CLEARML_WAIT", "2s");
    let ran = gate().run().expect(3, NOBODY).says("The check waited 2 s (CLEARML_WAIT).");
    assert_eq!(ran.err, "waiting, 0 s of 2 s: this commit has no run yet\n");
    assert_eq!(sandbox.tagged(TAG), [base]);
    at_look(&sandbox, 2, |workspace| drop(workspace.add(run(HEAD, 0.9))));
    gate().set("CLEARML_WAIT", "1m").run().expect(0, "PASSED, improved");
}

#[test]
fn waits_for_as_many_runs_as_requested() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox.add(run(BASE, 0.8));
    sandbox.add(run(BASE, 0.8));
    sandbox.add(run(HEAD, 0.9));
    let second = sandbox.add(run(HEAD, 0.8).status("in_progress"));
    let third = sandbox.add(run(HEAD, 0.7).status("queued"));
    let gate = Gate::of(&sandbox).set("CLEARML_RUNS", "3").set("CLEARML_PROMOTE", "never");
    gate.run().expect(3, "NO VERDICT: this code has 1 clean run, but CLEARML_RUNS requires 3");
    let all = [second.clone(), third.clone()];
    at_look(&sandbox, 2, move |workspace| {
        for id in &all {
            workspace.edit(id, |task| task["status"] = json!("completed"));
        }
    });
    let status = |status: &str| [&second, &third].map(|id| sandbox.edit(id, |task| task["status"] = json!(status)));
    let gate = gate.set("CLEARML_WAIT", "1m");
    let ran = gate.run().expect(0, "PASSED, unchanged").says("0.8 (median of 3 runs, 0.7 to 0.9)");
    assert!(ran.err.starts_with("waiting, 0 s of 1 min: 1 run running, 1 queued"), "{}", ran.err);
    // No run is pending, so the gate does not wait.
    status("failed");
    gate.set("CLEARML_WAIT", "2h").run().expect(3, "NO VERDICT: this code has 1 clean run");
}

/// A candidate that is worse than the baseline, and a rerun in this state.
fn worse_with_rerun(rerun: TaskSeed) -> (Sandbox, String) {
    let (sandbox, ..) = pair(0.8, 0.7);
    let rerun = sandbox.add(rerun);
    (sandbox, rerun)
}

#[test]
fn a_rerun_can_change_a_degraded() {
    for status in ["in_progress", "queued"] {
        let (sandbox, rerun) = worse_with_rerun(run(HEAD, 0.9).status(status));
        let id = rerun.clone();
        at_look(&sandbox, 2, move |workspace| workspace.edit(&id, |task| task["status"] = json!("completed")));
        Gate::of(&sandbox).set("CLEARML_WAIT", "1m").run().expect(0, "PASSED, improved").says("candidate 0.9 ");
        assert_eq!(sandbox.tagged(TAG), [rerun]);
    }
    // A rerun that fails or takes too long changes nothing.
    let (sandbox, rerun) = worse_with_rerun(run(HEAD, 0.9).status("in_progress"));
    let gate = || Gate::of(&sandbox).set("CLEARML_WAIT", "1s");
    let ran = gate().run().expect(1, "FAILED, degraded");
    assert_eq!(ran.err, "waiting, 0 s of 1 s: 1 run running, last iteration 0\n");
    at_look(&sandbox, 2, move |workspace| workspace.edit(&rerun, |task| task["status"] = json!("failed")));
    gate().set("CLEARML_WAIT", "2h").run().expect(1, "FAILED, degraded");
}

#[test]
fn a_rerun_can_report_the_missing_metric() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox.add(TaskSeed::new(PROJECT, TASK).commit(HEAD).scalar(TITLE, "loss", &[(0, 1.0)]));
    let rerun = sandbox.add(run(HEAD, 0.9).status("in_progress"));
    at_look(&sandbox, 2, move |workspace| workspace.edit(&rerun, |task| task["status"] = json!("completed")));
    Gate::of(&sandbox).set("CLEARML_WAIT", "1m").run().expect(0, "PASSED, improved");
}

#[test]
fn does_not_wait_if_no_newer_run_can_change_a_degraded() {
    let waits_for = |rerun: TaskSeed| {
        let (sandbox, _) = worse_with_rerun(rerun);
        let ran = Gate::of(&sandbox).set("CLEARML_WAIT", "2h").run().expect(1, "FAILED, degraded");
        assert_eq!(ran.err, "");
    };
    waits_for(run(HEAD, 0.9).status("in_progress").diff("x"));
    waits_for(run(HEAD, 0.9).status("in_progress").system_tag("archived"));
    // It started before the candidate, so it cannot replace it.
    waits_for(run(HEAD, 0.9).status("in_progress").created(1).started(1));
    // The baseline is the problem, and a run of the candidate's code cannot change that.
    let (sandbox, _) = worse_with_rerun(run(HEAD, 0.9).status("in_progress"));
    let gate = Gate::of(&sandbox).set("CLEARML_WAIT", "2h").set("CLEARML_BASELINE_CHECK", "require");
    gate.run().expect(3, "NO VERDICT: the baseline does not meet");
}

/// Limits are a hundredth of the real ones: an attempt gives up after 0.6 s, and the server is down for 1 s.
#[test]
fn a_server_that_restarts_is_waited_for() {
    let limits = Limits::REAL.divided_by(100);
    let outage = |sandbox: &Sandbox, wait: &str| {
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_secs(1));
                sandbox.clear_faults();
            });
            Gate::of(sandbox).set("CLEARML_WAIT", wait).run_within(limits)
        })
    };
    for at in [At::Always, At::From(3), At::From(4)] {
        let (sandbox, _, head) = pair(0.8, 0.9);
        let unavailable = || sandbox.fault(at, Effect::status(503));
        unavailable();
        outage(&sandbox, "0").expect(5, "NO VERDICT: could not reach");
        sandbox.clear_log();
        unavailable();
        let ran = outage(&sandbox, "1m").expect(0, "PASSED, improved");
        assert_eq!(ran.err.lines().collect::<Vec<_>>(), ["waiting, 0 s of 1 min: ClearML cannot be reached"]);
        assert_eq!(sandbox.tagged(TAG), [head]);
    }
}

#[test]
fn an_outage_longer_than_the_wait_ends_it() {
    let (sandbox, base, _) = pair(0.8, 0.9);
    sandbox.fault(At::Always, Effect::status(503));
    let began = Instant::now();
    let ran = Gate::of(&sandbox).set("CLEARML_WAIT", "2s").run_within(Limits::REAL.divided_by(100));
    ran.expect(5, "NO VERDICT: could not reach");
    assert!((Duration::from_secs(2)..Duration::from_secs(15)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(sandbox.tagged(TAG), [base]);
}

#[test]
fn nobody_waits_for_a_server_that_answers_or_does_not_exist() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = || Gate::of(&sandbox).set("CLEARML_WAIT", "2h");
    gate().set("CLEARML_API_SECRET_KEY", "wrong").run().expect(4, "NO VERDICT: ClearML at");
    let unknown = gate().set("CLEARML_API_HOST", "http://api.clear.ml.invalid").run();
    unknown.expect(5, "NO VERDICT: could not reach").says("the host name could not be resolved");
    let headers = vec![("Retry-After".to_owned(), "36000".to_owned())];
    sandbox.fault(At::Always, Effect::Status { code: 503, headers, body: String::new() });
    gate().run().expect(5, "NO VERDICT: could not reach").says("asks to wait 36000 s");
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
