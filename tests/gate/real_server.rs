//! The gate against responses that were captured from a real server.

use std::fs;
use std::path::Path;

use clearml_sandbox::{At, Effect, Sandbox};
use serde_json::{Value, json};

use crate::support::Gate;

/// The project, and the clean run of the commit, in the captures.
const PROJECT: &str = "b385639d18854050adf3e3c1e1665b26";
const CANDIDATE: &str = "6d83158266244df5adb46745d3fe1c87";
const BASELINE: &str = "d4052f9873964475aac49372c608c1c3";

fn captured(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/captures").join(format!("{name}.json"));
    let capture: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    capture["response"]["body"].clone()
}

/// A server that sends one response after the other.
fn serving(answers: Vec<Value>) -> Sandbox {
    let sandbox = Sandbox::start();
    for (n, answer) in answers.into_iter().enumerate() {
        sandbox.fault(At::Request(n + 1), Effect::json(answer.to_string()));
    }
    sandbox
}

fn gate(sandbox: &Sandbox) -> Gate {
    Gate::of(sandbox)
        .set("CLEARML_PROJECT", "my_project")
        .set("CLEARML_TASK_NAME", "my_task")
        .set("CLEARML_SCALAR_TITLE", "Performance Metrics")
        .set("CLEARML_SCALAR_SERIES", "mAP")
}

/// The captured queries request a page. The gate requests a scroll, whose response also has an id.
fn in_a_scroll(mut answer: Value) -> Value {
    answer["data"]["scroll_id"] = captured("180-s-scroll-first")["data"]["scroll_id"].clone();
    answer
}

/// The captured response that says whether the candidate and the baseline have an empty diff.
fn clean() -> Value {
    let mut answer = in_a_scroll(captured("114-t-diff-empty"));
    answer["data"]["tasks"].as_array_mut().unwrap().retain(|task| task["id"] == CANDIDATE || task["id"] == BASELINE);
    answer
}

/// The captured response that says which tasks have another diff.
fn dirty() -> Value {
    in_a_scroll(captured("115-t-diff-nonempty"))
}

/// Adds the project, which the captured candidate-and-best query did not request and the gate checks.
fn in_their_project(mut answer: Value) -> Value {
    for task in answer["data"]["tasks"].as_array_mut().unwrap() {
        task["project"] = json!({"id": PROJECT});
    }
    answer
}

#[test]
fn the_captured_answers_give_the_expected_verdict() {
    let runs = in_a_scroll(in_their_project(captured("168-recommended-single-call")));
    let mut tagged = runs.clone();
    for task in tagged["data"]["tasks"].as_array_mut().unwrap() {
        if task["id"] == CANDIDATE {
            task["tags"] = json!(["Best Performance", "team-b"]);
        }
    }
    let sandbox = serving(vec![
        captured("01-auth-login-basic"),
        captured("55-proj-ex-name-anchored"),
        runs,
        clean(),
        dirty(),
        captured("201-tags-add-completed"),
        tagged,
        captured("203-tags-remove"),
    ]);
    let ran = gate(&sandbox).run().expect(0, "PASSED, improved").says("baseline 0.8 ").says("candidate 0.85 ");
    let ran = ran.says("+0.05 (+6.25%)").says(&format!("moved to the candidate from {BASELINE}"));
    ran.says(&format!("https://app.example.org/projects/{PROJECT}/tasks/{CANDIDATE}/output/log"));
    let bodies: Vec<Value> = sandbox.requests()[5..].iter().map(|request| request.body.clone()).collect();
    assert_eq!(bodies[0], json!({"ids": [CANDIDATE], "add_tags": ["Best Performance"]}));
    assert_eq!(bodies[2], json!({"ids": [BASELINE], "remove_tags": ["Best Performance"]}));
}

#[test]
fn a_real_answer_to_a_query_without_any_filter_gives_the_same_verdict() {
    let sandbox = serving(vec![
        captured("01-auth-login-basic"),
        captured("55-proj-ex-name-anchored"),
        in_a_scroll(captured("21-empty-body-post")),
        clean(),
        dirty(),
    ]);
    let ran = gate(&sandbox).set("CLEARML_PROMOTE", "never").run().expect(0, "PASSED, improved");
    ran.says("baseline 0.8 ").says("candidate 0.85 ").says(CANDIDATE);
}

#[test]
fn real_refusals_are_understood() {
    let refused = |capture: &str, at: usize, code: u16| {
        let before = ["01-auth-login-basic", "55-proj-ex-name-anchored"].iter().take(at - 1);
        let sandbox = serving(before.map(|name| captured(name)).collect());
        let body = captured(capture).to_string();
        sandbox.fault(At::Request(at), Effect::Status { code, headers: vec![], body });
        gate(&sandbox).run().expect(4, "NO VERDICT: ClearML at")
    };
    refused("10-bad-secret-login", 1, 401).says("failed to locate provided credentials");
    refused("67-proj-ex-bad-regex", 2, 400).says("Malformed regular expression").says("code 21");
    refused("28-unknown-only-field", 3, 400).says("code 14");
}

#[test]
fn the_seeded_workspace_of_the_captures_gives_the_same_verdicts() {
    let state = include_str!("../sandbox/seeded-state.json");
    let commit = |commit: &str| {
        let sandbox = Sandbox::builder().state_json(state).start().unwrap();
        gate(&sandbox).set("COMMIT_ID", commit).run()
    };
    commit("a94a8fe5ccb19ba61c4c0873d391e987982fbbd3").expect(0, "PASSED, improved").says("candidate 0.85 ");
    commit("d3b07384d113edec49eaa6238ad5ff00d3b07384").expect(0, "PASSED, improved").says("candidate 0.82 ");
    commit("c0ffee0000c0ffee0000c0ffee0000c0ffee0000").expect(1, "FAILED, degraded").says("candidate 0.7 ");
    commit("b6589fc6ab0dc82cf12099d1c2d40ab994e8410c").expect(0, "PASSED, unchanged");
    let near = commit("ffffffffffffffffffffffffffffffffffffffff").expect(3, "NO VERDICT");
    near.says("still running").says("was stopped");
    commit("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee").expect(3, "NO VERDICT").says("is archived");
    commit("3333333333333333333333333333333333333333").expect(3, "NO VERDICT: the candidate did not report");
}
