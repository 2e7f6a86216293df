//! A value counts only if the commit under review reported it. A continued task keeps the extremes of earlier runs.

use clearml_sandbox::{Sandbox, TaskSeed};
use serde_json::json;

use crate::support::{BASE, Gate, HEAD, OTHER, PROJECT, SERIES, TAG, TASK, TITLE};

const GOOD: &[(i64, f64)] = &[(0, 0.7), (1, 0.9), (2, 0.93)];
const BAD: &[(i64, f64)] = &[(0, 0.5), (1, 0.55), (2, 0.6)];
/// How the report begins if the values may be from another commit.
const CONTINUED: &str = "NO VERDICT: the candidate continues an earlier run";

fn curve(commit: &str, values: &[(i64, f64)]) -> TaskSeed {
    TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, values)
}

fn with_baseline() -> Sandbox {
    let sandbox = Sandbox::start();
    sandbox.train(&curve(BASE, &[(0, 0.7), (1, 0.8)]).tag(TAG));
    sandbox
}

/// How often the log of a run was requested.
fn logs_read(sandbox: &Sandbox) -> usize {
    sandbox.requests().iter().filter(|request| request.endpoint == "events.get_task_log").count()
}

#[test]
fn the_best_value_of_a_continued_run_is_no_verdict() {
    for from in [None, Some(0), Some(100)] {
        let sandbox = with_baseline();
        let id = sandbox.train(&curve(OTHER, GOOD));
        sandbox.continue_last(&id, from, &curve(HEAD, BAD));
        let ran = Gate::of(&sandbox).run().expect(3, CONTINUED);
        ran.says("continue_last_task").says("validation / accuracy").says("CLEARML_SCALAR_VALUE").says(&id);
        assert_eq!((sandbox.tags(&id), logs_read(&sandbox)), (vec![], 1));
    }
}

#[test]
fn the_last_value_of_a_continued_run_is_its_own() {
    for from in [None, Some(0)] {
        let sandbox = with_baseline();
        let id = sandbox.train(&curve(OTHER, GOOD));
        sandbox.continue_last(&id, from, &curve(HEAD, BAD));
        let last = Gate::of(&sandbox).set("CLEARML_SCALAR_VALUE", "last").run();
        last.expect(1, "FAILED, degraded").says("candidate 0.6 ");
    }
}

#[test]
fn a_last_value_from_before_is_no_verdict() {
    let sandbox = with_baseline();
    let id = sandbox.train(&curve(OTHER, GOOD));
    sandbox.continue_last(&id, None, &TaskSeed::new(PROJECT, TASK).commit(HEAD));
    Gate::of(&sandbox).set("CLEARML_SCALAR_VALUE", "last").run().expect(3, CONTINUED);
}

#[test]
fn a_run_that_was_published_and_reopened_is_continued() {
    let sandbox = with_baseline();
    let id = sandbox.train(&curve(OTHER, GOOD).status("published"));
    sandbox.continue_last(&id, None, &curve(HEAD, BAD));
    Gate::of(&sandbox).run().expect(3, CONTINUED).says("published");
    let last = Gate::of(&sandbox).set("CLEARML_SCALAR_VALUE", "last").run();
    last.expect(1, "FAILED, degraded").says("candidate 0.6 ");
    assert_eq!(logs_read(&sandbox), 0);
    assert!(sandbox.publish(&id));
    Gate::of(&sandbox).run().expect(3, CONTINUED);
}

#[test]
fn a_continued_run_with_the_tag_is_not_compared_with_itself() {
    let sandbox = Sandbox::start();
    let id = sandbox.train(&curve(BASE, GOOD).tag(TAG));
    sandbox.continue_last(&id, None, &curve(HEAD, BAD));
    Gate::of(&sandbox).run().expect(3, CONTINUED);
}

/// There is no log if it was cleared, if no SDK made the run, or if the server is too old to return the oldest line.
#[test]
fn without_a_log_a_late_start_is_no_verdict() {
    let late = || curve(HEAD, GOOD).created(1_767_000_000_000_000).started(1_767_000_002_001_000);
    let sandbox = with_baseline();
    sandbox.add(late().no_log());
    let ran = Gate::of(&sandbox).run();
    let ran = ran.expect(3, "NO VERDICT: could not determine").says("whether the candidate continues an earlier run");
    ran.says("no log");
    let old = Sandbox::builder().api_version("2.8").start().unwrap();
    old.add(late());
    Gate::of(&old).run().expect(3, "NO VERDICT: could not determine");
    assert_eq!(logs_read(&old), 0);
    Gate::of(&old).set("CLEARML_SCALAR_VALUE", "last").run().expect(0, "PASSED, first").says("candidate 0.93 ");
}

/// A client other than the SDK, which logs nothing, continues the task.
#[test]
fn a_task_that_was_edited_and_started_again_is_no_verdict() {
    let sandbox = with_baseline();
    let id = sandbox.add(curve(OTHER, GOOD).no_log());
    sandbox.advance_clock(std::time::Duration::from_secs(2));
    let script = json!({"version_num": HEAD, "diff": ""});
    sandbox.ask("tasks.edit", &json!({"task": id, "script": script, "force": true})).unwrap();
    sandbox.ask("tasks.started", &json!({"task": id, "force": true})).unwrap();
    sandbox.ask("tasks.completed", &json!({"task": id, "force": true})).unwrap();
    Gate::of(&sandbox).run().expect(3, "NO VERDICT: could not determine");
}

#[test]
fn two_processes_that_share_a_task_are_no_verdict() {
    let sandbox = Sandbox::start();
    let first: &[(i64, f64)] = &[(0, 0.9), (1, 1.0), (2, 1.1), (3, 1.11)];
    sandbox.two_at_once(&curve(OTHER, first), &curve(HEAD, &[(0, 0.1), (1, 0.12), (2, 0.14)]));
    for value in ["best", "last"] {
        let ran = Gate::of(&sandbox).set("CLEARML_SCALAR_VALUE", value).run();
        let ran = ran.expect(3, "NO VERDICT: two processes reported to the candidate's task");
        ran.says("reuse_last_task_id");
    }
    assert_eq!(sandbox.tagged(TAG), [""; 0]);
}

/// Sandboxes with an ordinary run of [`HEAD`], whose values are its own, and whether the gate must read its log.
fn ordinary() -> Vec<(&'static str, Sandbox, bool)> {
    let case = |name, reads_log, act: &dyn Fn(&Sandbox)| {
        let sandbox = with_baseline();
        act(&sandbox);
        (name, sandbox, reads_log)
    };
    let good = || curve(HEAD, GOOD);
    vec![
        case("fresh", false, &|sandbox| _ = sandbox.train(&good())),
        case("reset in place", true, &|sandbox| {
            let last = sandbox.train(&curve(OTHER, GOOD));
            assert_eq!(sandbox.reuse(&last, &good()), last);
        }),
        case("continued, then reset in place", true, &|sandbox| {
            let last = sandbox.train(&curve(BASE, GOOD));
            sandbox.continue_last(&last, None, &curve(OTHER, GOOD));
            assert_eq!(sandbox.reuse(&last, &good()), last);
        }),
        case("agent", false, &|sandbox| {
            let draft = sandbox.clone_task(&sandbox.train(&curve(OTHER, GOOD)));
            assert!(sandbox.run_by_agent(&draft, &good()));
        }),
        case("agent, published", true, &|sandbox| {
            let draft = sandbox.clone_task(&sandbox.train(&curve(OTHER, GOOD)));
            assert!(sandbox.run_by_agent(&draft, &good()) && sandbox.publish(&draft));
        }),
        case("agent, preempted and resumed", false, &|sandbox| {
            let draft = sandbox.clone_task(&sandbox.train(&curve(OTHER, GOOD)));
            assert!(sandbox.run_by_agent(&draft, &curve(HEAD, BAD).status("stopped")));
            assert!(sandbox.run_by_agent(&draft, &curve(HEAD, &[(3, 0.93)])));
        }),
        case("agent, enqueued again", false, &|sandbox| {
            let id = sandbox.train(&curve(HEAD, BAD));
            assert!(sandbox.run_by_agent(&id, &good()));
        }),
        case("reset and run again", true, &|sandbox| {
            let id = sandbox.train(&curve(OTHER, GOOD));
            sandbox.reset(&id);
            assert_eq!(sandbox.reuse(&id, &good()), id);
        }),
        case("late single value", false, &|sandbox| {
            let id = sandbox.train(&good());
            sandbox.advance_clock(std::time::Duration::from_mins(5));
            let late = json!({
                "type": "training_stats_scalar", "task": id, "iter": -2_147_483_648_i64, "metric": "Summary",
                "variant": "final", "value": 0.9, "timestamp": 1,
            });
            sandbox.ask("events.add_batch", &late).unwrap();
        }),
        case("published", false, &|sandbox| _ = sandbox.train(&good().status("published"))),
    ]
}

#[test]
fn ordinary_runs_raise_no_alarm() {
    for (name, sandbox, reads_log) in ordinary() {
        let ran = Gate::of(&sandbox).set("CLEARML_PROMOTE", "never").run();
        assert!(ran.code == 0 && ran.out.starts_with("PASSED, improved"), "{name}: {ran:#?}");
        assert_eq!(logs_read(&sandbox), usize::from(reads_log), "{name}");
    }
}
