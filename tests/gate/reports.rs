//! The reports as files that a person can read: one for each way a run can end.

use clearml_sandbox::{At, Effect, Sandbox, TaskSeed};
use expect_test::{ExpectFile, expect_file};

use crate::support::{BASE, Gate, HEAD, OTHER, PROJECT, SERIES, TAG, TASK, TITLE, best, pair, run};

/// Compares a report with its file; what differs from run to run is written as a word.
#[track_caller]
fn shown(expected: &ExpectFile, sandbox: &Sandbox, gate: &Gate) {
    let ran = gate.run();
    let mut text = format!("exit code {}\n\n{}", ran.code, ran.out).replace(&sandbox.url(), "http://sandbox");
    text = without_ages(&text);
    for (n, task) in sandbox.state()["tasks"].as_array().unwrap().iter().enumerate() {
        text = text.replace(task["id"].as_str().unwrap(), &format!("<task {}>", n + 1));
    }
    for project in sandbox.state()["projects"].as_array().unwrap() {
        text = text.replace(project["id"].as_str().unwrap(), "<project>");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 160), "{text}");
    expected.assert_eq(&text);
}

/// The text with the age of every run as a word.
fn without_ages(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| match (line.find("commit "), line.rfind(" ago)")) {
        (Some(start), Some(end)) if start < end => {
            let comma = line[start..end].find(", ").map_or(end, |comma| start + comma);
            format!("{}, <age>{}", &line[..comma], &line[end + " ago".len()..])
        }
        _ => line.to_owned(),
    });
    lines.collect()
}

#[test]
fn verdicts() {
    let (sandbox, ..) = pair(0.8, 0.85);
    shown(&expect_file!["snapshots/improved.txt"], &sandbox, &Gate::of(&sandbox));
    let (sandbox, ..) = pair(0.8, 0.8);
    shown(&expect_file!["snapshots/unchanged.txt"], &sandbox, &Gate::of(&sandbox));
    let (sandbox, ..) = pair(0.8, 0.79);
    shown(
        &expect_file!["snapshots/tolerated.txt"],
        &sandbox,
        &Gate::of(&sandbox).set("CLEARML_SCALAR_THRESHOLD", "3%"),
    );
    let (sandbox, ..) = pair(0.8, 0.79);
    shown(&expect_file!["snapshots/degraded.txt"], &sandbox, &Gate::of(&sandbox));
    let (sandbox, ..) = pair(0.31, 0.42);
    let min = Gate::of(&sandbox)
        .set("CLEARML_SCALAR_MIN_MAX", "MIN")
        .set("CLEARML_SCALAR_MARGIN", "0.05")
        .set("CLEARML_SCALAR_TARGET", "0.4");
    shown(&expect_file!["snapshots/target_missed.txt"], &sandbox, &min);
    let (sandbox, ..) = pair(0.8, 0.7);
    shown(&expect_file!["snapshots/accepted.txt"], &sandbox, &Gate::of(&sandbox).set("CLEARML_ACCEPT", "true"));
    let sandbox = Sandbox::start();
    sandbox.add(run(HEAD, 0.9));
    shown(&expect_file!["snapshots/first.txt"], &sandbox, &Gate::of(&sandbox));
    shown(&expect_file!["snapshots/baseline_itself.txt"], &sandbox, &Gate::of(&sandbox));
}

#[test]
fn no_verdicts() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = || Gate::of(&sandbox);
    shown(&expect_file!["snapshots/no_project.txt"], &sandbox, &gate().set("CLEARML_PROJECT", "vision/detectors"));
    shown(&expect_file!["snapshots/no_task_name.txt"], &sandbox, &gate().set("CLEARML_TASK_NAME", "training"));
    shown(&expect_file!["snapshots/nothing_ran_the_commit.txt"], &sandbox, &gate().set("COMMIT_ID", OTHER));
    shown(&expect_file!["snapshots/no_metric.txt"], &sandbox, &gate().set("CLEARML_SCALAR_SERIES", "precision"));
    let wrong = gate().set("CLEARML_API_SECRET_KEY", "wrong");
    shown(&expect_file!["snapshots/wrong_keys.txt"], &sandbox, &wrong);
    sandbox.add(run("b6589fc0000000000000000000000000000000ff", 0.1));
    shown(&expect_file!["snapshots/ambiguous_commit.txt"], &sandbox, &gate().set("COMMIT_ID", &BASE[..7]));
    sandbox.add(run(OTHER, 0.9).diff("x"));
    sandbox.add(run(OTHER, 0.9).diff("x"));
    sandbox.add(run(OTHER, 0.9).status("in_progress"));
    shown(&expect_file!["snapshots/none_qualifies.txt"], &sandbox, &gate().set("COMMIT_ID", OTHER));
    sandbox.fault(At::Always, Effect::Body { content_type: "text/html".to_owned(), body: "<html>".to_owned() });
    shown(&expect_file!["snapshots/web_page.txt"], &sandbox, &gate());
}

#[test]
fn no_baseline() {
    let sandbox = Sandbox::start();
    sandbox.add(run(HEAD, 0.9));
    shown(&expect_file!["snapshots/no_baseline.txt"], &sandbox, &Gate::of(&sandbox).set("CLEARML_NO_BASELINE", "fail"));
}

#[test]
fn a_tag_that_could_not_be_moved() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let body = r#"{"meta":{"result_code":403,"result_subcode":21,"result_msg":"Forbidden (modification not allowed)"},"data":{}}"#;
    sandbox
        .fault(At::Endpoint("tasks.update_tags"), Effect::Status { code: 403, headers: vec![], body: body.to_owned() });
    shown(&expect_file!["snapshots/not_moved.txt"], &sandbox, &Gate::of(&sandbox));
}

#[test]
fn warnings() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8).diff("x").status("failed"));
    sandbox.add(run(OTHER, 0.7).tag(TAG));
    sandbox.add(run(HEAD, 0.9));
    shown(&expect_file!["snapshots/warnings.txt"], &sandbox, &Gate::of(&sandbox));
}

#[test]
fn hostile_names_do_nothing() {
    let hostile = "\u{1b}[31m::error::x\u{202e}##[add-mask]a";
    let sandbox = Sandbox::start();
    sandbox.project(PROJECT);
    sandbox.add(TaskSeed::new(PROJECT, TASK).commit(HEAD).scalar(
        &format!("{hostile}\n::warning::y"),
        hostile,
        &[(0, 1.0)],
    ));
    sandbox.add(
        TaskSeed::new(PROJECT, TASK)
            .commit(&format!("{hostile}\n::error::z"))
            .scalar(TITLE, SERIES, &[(0, 1.0)])
            .tag(TAG),
    );
    let ran = Gate::of(&sandbox).run();
    assert!(!ran.out.contains('\u{1b}') && !ran.out.contains("##[") && !ran.out.contains('\u{202e}'), "{}", ran.out);
    assert!(ran.out.lines().all(|line| !line.trim_start().starts_with("::")), "{}", ran.out);
    shown(&expect_file!["snapshots/hostile.txt"], &sandbox, &Gate::of(&sandbox));
}

#[test]
fn step_outputs() {
    let (sandbox, ..) = pair(0.8, 0.85);
    let gate = Gate::of(&sandbox);
    let file = gate.path().join("outputs");
    std::fs::write(&file, "earlier=kept\n").unwrap();
    let gate = gate.set("GITHUB_OUTPUT", file.to_str().unwrap());
    gate.run().expect(0, "PASSED, improved");
    let gate = gate.set("CLEARML_SCALAR_THRESHOLD", "x");
    gate.run().expect(2, "");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut shown = String::new();
    let mut delimiter = None;
    for line in text.lines().filter(|line| !line.starts_with("end_")) {
        let (line, end) = line.split_once("<<").map_or((line, delimiter), |(name, end)| (name, Some(end)));
        delimiter = end;
        shown = shown + line + "\n";
    }
    assert!(delimiter.is_some_and(|delimiter| delimiter.starts_with("end_")));
    for (n, task) in sandbox.state()["tasks"].as_array().unwrap().iter().enumerate() {
        shown = shown.replace(task["id"].as_str().unwrap(), &format!("<task {}>", n + 1));
    }
    expect_file!["snapshots/outputs.txt"].assert_eq(&shown.replace(&sandbox.project(PROJECT), "<project>"));
}

#[test]
fn outputs_that_cannot_be_written_are_a_warning() {
    let (sandbox, ..) = pair(0.8, 0.85);
    let gate = Gate::of(&sandbox).set("GITHUB_OUTPUT", "/no/such/folder/outputs");
    gate.run().expect(0, "PASSED, improved").complains("warning: the step outputs could not be written");
}
