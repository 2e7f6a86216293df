//! Which runs the gate finds and treats as clean, even if the server hides, cuts off or leaves out something.

use clearml_sandbox::{At, Effect, Sandbox};
use serde_json::json;

use crate::support::{Gate, HEAD, OTHER, TAG, best, pair, run};

const REQUIREMENTS: &str = "diff --git a/requirements.txt b/requirements.txt\n--- a/requirements.txt\n\
    +++ b/requirements.txt\n@@ -0,0 +1,1 @@\n+clearml\n";
const INIT: &str = "diff --git a/src/train it.py b/src/train it.py\n--- a/src/train it.py\n+++ b/src/train it.py\n\
    @@ -12,0 +13,4 @@\n+try: from allegroai import Task\n+except ImportError: from clearml import Task\n\
    +(__name__ != \"__main__\") or Task.init()\n+\n";
/// The lines that SDKs up to 1.13.2 add.
const OLD_INIT: &str = "diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -0,0 +1,3 @@\n\
    +from clearml import Task\n+Task.init()\n+\n";

const TASKS: &str = "tasks.get_all_ex";

/// How the report begins if the commit has only dirty runs.
const DIRTY: &str = "NO VERDICT: no run of this commit is both completed and free of uncommitted";

/// The baseline, and one run of the commit with this diff.
fn with_diff(diff: &str) -> Sandbox {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox.add(run(HEAD, 0.9).diff(diff));
    sandbox
}

#[test]
fn what_the_sdk_adds_to_a_clean_commit_is_no_uncommitted_change() {
    for diff in [REQUIREMENTS, INIT, OLD_INIT, &format!("{REQUIREMENTS}{INIT}"), &format!("{REQUIREMENTS}{OLD_INIT}")] {
        let sandbox = with_diff(diff);
        Gate::of(&sandbox).set("CLEARML_PROMOTE", "never").run().expect(0, "PASSED, improved");
        let verdict = sandbox.requests().iter().filter(|request| request.endpoint.starts_with("tasks.")).count();
        assert_eq!(verdict, 2, "the runs, and whether they are clean: {diff}");
    }
}

#[test]
fn any_byte_other_than_the_sdk_s_lines_is_an_uncommitted_change() {
    let real =
        "diff --git a/train.py b/train.py\nindex 1..2 100644\n--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-a\n+b\n";
    let both = format!("{REQUIREMENTS}{INIT}");
    let mut diffs = vec![
        real.to_owned(),
        format!("{real}{both}"),
        format!("{both}{real}"),
        format!("{INIT}{REQUIREMENTS}"),
        format!("{INIT}{INIT}"),
        format!("{both}\n"),
        format!("\n{both}"),
        format!(" {both}"),
        format!("{both}+import os\n"),
        both.replacen("+clearml\n", "+clearml\n+other\n", 1),
        both.replacen("+clearml\n", "+ClearML\n", 1),
        both.replacen("+try: from allegroai", "+try: from AllegroAI", 1),
        both.replacen("b/src/train it.py", "b/src/other.py", 1),
        both.replacen("+++ b/src/train it.py", "+++ b/src/train it.py\n+x", 1),
        both.replacen("Task.init()", "Task_init()", 1),
        both.replacen("-12,0", "-12,1", 1),
        both.replacen(",4 @@", ",3 @@", 1),
        OLD_INIT.replacen(",3 @@", ",4 @@", 1),
        both.replace('\n', "\r\n"),
    ];
    // The SDK's lines and the end of the diff must match to the last character.
    diffs.push(both.trim_end_matches('\n').to_owned());
    diffs.extend(both.lines().map(|line| both.replacen(line, &format!("{line} "), 1)));
    for diff in diffs {
        Gate::of(&with_diff(&diff)).run().expect(3, DIRTY).says("1 run of this commit has uncommitted changes");
    }
}

#[test]
fn the_diff_of_a_notebook_is_explained() {
    for ide in ["Jupyter", "VSCode_Jupyter", "PyCharm_Jupyter", "Google_Colab"] {
        let sandbox = with_diff("# In[1]:\nprint(1)\n");
        let notebook = sandbox.add(run(HEAD, 0.9).diff("# In[1]:\nprint(1)\n"));
        sandbox.edit(&notebook, |task| task["runtime"] = json!({"ide": ide}));
        let ran = Gate::of(&sandbox).run().expect(3, DIRTY);
        ran.says("1 run of this commit has uncommitted changes").says("1 run of this commit was a notebook");
    }
    let editor = with_diff("+ a change");
    let id = editor.add(run(HEAD, 0.9).diff("+ a change"));
    editor.edit(&id, |task| task["runtime"] = json!({"ide": "VSCode"}));
    Gate::of(&editor).run().expect(3, DIRTY).says("2 runs of this commit have uncommitted changes");
}

#[test]
fn a_server_that_cuts_pages_short_hides_no_baseline() {
    for cap in 1..=3 {
        let sandbox = Sandbox::start();
        let base = sandbox.add(best(0.9));
        for _ in 0..3 {
            sandbox.add(run(HEAD, 0.2));
        }
        sandbox.page_cap(cap);
        Gate::of(&sandbox).run().expect(1, "FAILED, degraded").says("baseline 0.9 ");
        assert_eq!(sandbox.tagged(TAG), [base]);
    }
}

#[test]
fn a_server_that_cuts_pages_short_hides_no_uncommitted_changes() {
    for cap in 1..=3 {
        let sandbox = Sandbox::start();
        sandbox.add(best(0.8));
        let clean = sandbox.add(run(HEAD, 0.85));
        for _ in 0..4 {
            sandbox.add(run(HEAD, 0.9).diff("+ a change"));
        }
        sandbox.page_cap(cap);
        Gate::of(&sandbox).run().expect(0, "PASSED, improved").says("candidate 0.85 ");
        assert_eq!(sandbox.tagged(TAG), [clean]);
    }
}

/// After a full response there can be more runs on the next page.
#[test]
fn reads_all_runs_from_a_server_that_cuts_pages_short() {
    let sandbox = Sandbox::start();
    let base = sandbox.add(best(0.9));
    for _ in 0..510 {
        sandbox.add(run(HEAD, 0.2).status("failed"));
    }
    sandbox.add(run(HEAD, 0.2));
    sandbox.page_cap(100);
    Gate::of(&sandbox).run().expect(1, "FAILED, degraded").says("baseline 0.9 ");
    assert_eq!(sandbox.tagged(TAG), [base]);
}

/// Servers before 1.2 have no scroll. They ignore its parameters, so the gate reads pages.
#[test]
fn without_a_scroll_the_pages_are_read_until_an_empty_one() {
    let (sandbox, base, _) = pair(0.9, 0.2);
    let forget = || Effect::mangle(|answer| _ = answer["data"].as_object_mut().unwrap().remove("scroll_id"));
    let keep = |from: usize, to: usize| {
        Effect::mangle(move |answer| {
            let tasks = answer["data"]["tasks"].as_array_mut().unwrap();
            *tasks = tasks.drain(..).skip(from).take(to - from).collect();
        })
    };
    // The first page is cut after the candidate.
    sandbox.fault(At::NthOf(TASKS, 1), forget());
    sandbox.fault(At::NthOf(TASKS, 1), keep(0, 1));
    let whole = sandbox.ask(TASKS, &json!({"id": [base]})).unwrap();
    assert_eq!(whole["tasks"].as_array().unwrap().len(), 1);
    let second = json!({"meta": {"result_code": 200}, "data": {"tasks": whole["tasks"]}});
    sandbox.fault(At::NthOf(TASKS, 2), Effect::json(second.to_string()));
    Gate::of(&sandbox).run().expect(1, "FAILED, degraded").says("baseline 0.9 ");
    assert_eq!(sandbox.tagged(TAG), [base]);
    let requests = sandbox.requests().iter().filter(|request| request.endpoint == TASKS).count();
    assert_eq!(requests, 4, "three pages of runs, and whether they are clean");
}

#[test]
fn a_run_that_no_answer_calls_clean_is_not_judged() {
    let (sandbox, base, _) = pair(0.8, 0.9);
    for nth in 2..=4 {
        let empty = |answer: &mut serde_json::Value| answer["data"]["tasks"] = json!([]);
        sandbox.fault(At::NthOf(TASKS, nth), Effect::mangle(empty));
    }
    Gate::of(&sandbox).run().expect(4, "NO VERDICT").says("it leaves out task");
    sandbox.clear_faults();
    // As if the diff appears between the two requests: the later response counts.
    sandbox.add(run(HEAD, 0.95).diff("+ a change"));
    for nth in 2..=3 {
        let leave_out = |answer: &mut serde_json::Value| {
            answer["data"]["tasks"].as_array_mut().unwrap().retain(|task| task.get("runtime").is_none());
        };
        sandbox.fault(At::NthOf(TASKS, nth), Effect::mangle(leave_out));
    }
    sandbox.clear_log();
    let ran = Gate::of(&sandbox).set("CLEARML_PROMOTE", "never").run();
    ran.expect(0, "PASSED, improved").says("candidate 0.9 ");
    assert_eq!(sandbox.tagged(TAG), [base]);
}

#[test]
fn tasks_that_the_server_hides_are_found() {
    let sandbox = Sandbox::start();
    let base = sandbox.add(best(0.9).system_tag("hidden"));
    sandbox.add(run(HEAD, 0.2).system_tag("hidden"));
    Gate::of(&sandbox).run().expect(1, "FAILED, degraded").says("baseline 0.9 ");
    assert_eq!(sandbox.tagged(TAG), [base]);
    Gate::of(&sandbox).set("COMMIT_ID", OTHER).run().expect(3, "NO VERDICT: ClearML has no run of this commit");
}
