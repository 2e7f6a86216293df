//! Where the reports go, and what happens if one cannot be written.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use clearml_sandbox::{Sandbox, TaskSeed};
use serde_json::{Value, json};

use crate::support::{BASE, Gate, HEAD, OTHER, PROJECT, Ran, TAG, TASK, pair};

#[test]
fn with_a_dash_standard_output_holds_only_the_document() {
    let (sandbox, ..) = pair(0.8, 0.7);
    let ran = Gate::of(&sandbox).args(&["--json", "-"]).run();
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &json["verdict"]), (1, &Value::from("degraded")));
    assert!(ran.err.starts_with("FAILED, degraded"), "{ran:?}");
    let ran = Gate::of(&sandbox).args(&["--markdown=-", "--json=report.json"]).set("GITHUB_ACTIONS", "true").run();
    assert!(ran.out.starts_with("### ") && !ran.out.contains("\n::"), "{ran:?}");
    assert!(ran.err.contains("\n::error title="), "{ran:?}");
    let ran = Gate::of(&sandbox).args(&["--junit", "-"]).set("CLEARML_SCALAR_THRESHOLD", "x").run();
    assert!(ran.out.starts_with("<?xml") && ran.err.contains("CLEARML_SCALAR_THRESHOLD"), "{ran:?}");
    Gate::of(&sandbox).args(&["--junit", "-", "--json", "-"]).run().expect(2, "").complains("only one of");
}

#[test]
fn a_report_that_cannot_be_written_is_one_warning_and_changes_nothing() {
    let (sandbox, ..) = pair(0.8, 0.7);
    let folder = Gate::bare();
    let folder = folder.path().to_str().unwrap();
    for nowhere in ["/no/such/folder/file", folder] {
        for (name, what) in [("GITHUB_OUTPUT", "step outputs"), ("GITHUB_STEP_SUMMARY", "job summary")] {
            one_warning(Gate::of(&sandbox).set(name, nowhere).run(), what);
        }
        for (flag, what) in [("--json", "JSON"), ("--markdown", "Markdown"), ("--junit", "JUnit")] {
            one_warning(Gate::of(&sandbox).args(&[flag, nowhere]).run(), &format!("{what} report"));
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_one_warning_and_changes_nothing() {
    let (sandbox, ..) = pair(0.8, 0.7);
    one_warning(Gate::of(&sandbox).set("GITHUB_OUTPUT", "/dev/full").run(), "step outputs");
    one_warning(Gate::of(&sandbox).set("GITHUB_STEP_SUMMARY", "/dev/full").run(), "job summary");
    one_warning(Gate::of(&sandbox).args(&["--json", "/dev/full"]).run(), "JSON report");
}

#[test]
fn on_github_the_warning_is_shown_next_to_the_check() {
    let (sandbox, ..) = pair(0.8, 0.7);
    let ran = Gate::of(&sandbox).set("GITHUB_ACTIONS", "true").set("GITHUB_OUTPUT", "/no/such/folder/file").run();
    let ran = ran.expect(1, "FAILED, degraded").says("::error title=clearml-gate%3A FAILED%2C degraded::");
    assert!(ran.err.starts_with("::warning title=clearml-gate::the step outputs could not be written: "), "{ran:?}");
    assert_eq!(ran.err.lines().count(), 1);
}

#[track_caller]
fn one_warning(ran: Ran, what: &str) {
    let ran = ran.expect(1, "FAILED, degraded").complains(&format!("warning: the {what} could not be written: "));
    assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
}

#[test]
fn the_summary_is_appended_to() {
    let (sandbox, ..) = pair(0.8, 0.7);
    let gate = Gate::of(&sandbox);
    let file = gate.path().join("summary");
    fs::write(&file, "an earlier step").unwrap();
    let gate = gate.set("GITHUB_STEP_SUMMARY", file.to_str().unwrap());
    gate.run().expect(1, "FAILED");
    gate.run().expect(1, "FAILED");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("an earlier step\n### "), "{text}");
    assert_eq!(text.matches("FAILED, degraded").count(), 2);
}

#[test]
fn a_closed_pipe_changes_nothing() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    for closed in ["out", "err", "both"] {
        let gate = Gate::of(&sandbox).args(&["--json", "report.json"]);
        let mut command = gate.command();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if closed != "err" {
            drop(child.stdout.take());
        }
        if closed != "out" {
            drop(child.stderr.take());
        }
        assert_eq!(child.wait().unwrap().code(), Some(0), "{closed}");
        assert!(fs::read_to_string(gate.path().join("report.json")).unwrap().contains("\"verdict\""));
    }
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
fn colors_are_used_only_where_they_are_rendered() {
    let (sandbox, ..) = pair(0.8, 0.7);
    let colorful = |gate: Gate| gate.run().out.contains('\u{1b}');
    let gate = || Gate::of(&sandbox).unset("NO_COLOR");
    assert!(!colorful(gate()), "a pipe is not a terminal");
    assert!(colorful(gate().set("GITHUB_ACTIONS", "true")));
    assert!(colorful(gate().set("CLICOLOR_FORCE", "1")));
    assert!(!colorful(gate().set("CLICOLOR_FORCE", "1").set("NO_COLOR", "1")));
    let ran = gate().set("CLICOLOR_FORCE", "1").run();
    assert!(ran.out.starts_with("\u{1b}[1;31mFAILED, degraded\u{1b}[0m: the model"), "{ran:?}");
}

/// Every Linux has `script`, which provides the terminal.
#[test]
#[cfg(target_os = "linux")]
fn a_terminal_gets_colors() {
    let (sandbox, ..) = pair(0.8, 0.7);
    let gate = Gate::of(&sandbox).unset("NO_COLOR").set("TERM", "xterm");
    let inner = gate.command();
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--return", "--command"]).arg(inner.get_program()).arg("/dev/null");
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.current_dir(gate.path()).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{text}");
    assert!(text.contains("\u{1b}[1;31mFAILED, degraded\u{1b}[0m"), "{text}");
}

/// GitHub accepts 65,536 characters for a comment, 1 MiB for a summary and 1 MB for the outputs of a job. The test uses
/// the largest number of metrics, the longest environment variable (128 KiB on Linux), and longer names from ClearML.
#[test]
fn two_hundred_metrics_with_long_names_stay_within_githubs_limits() {
    let name = |n: usize| format!("{n} {}", "é|<`".repeat(45));
    let of_run = |commit: &str| {
        let task = TaskSeed::new(PROJECT, TASK).commit(commit);
        (0..200).fold(task, |run, n| run.scalar(&name(n), &name(n), &[(0, 0.5), (1, 1.0)]))
    };
    let metrics: Vec<Value> = (0..200).map(|n| json!({"title": name(n), "series": name(n)})).collect();
    let sandbox = Sandbox::start();
    sandbox.add(of_run(BASE).tag(TAG));
    sandbox.add(of_run(HEAD));
    let endless = TaskSeed::new(PROJECT, TASK).commit(OTHER);
    sandbox.add((0..200).fold(endless, |run, n| run.scalar(&name(n).repeat(55), &name(n).repeat(55), &[(0, 0.5)])));
    for (commit, code, start) in [(HEAD, 0, "PASSED, unchanged"), (OTHER, 3, "NO VERDICT")] {
        let gate = Gate::of(&sandbox).unset("CLEARML_SCALAR_TITLE").unset("CLEARML_SCALAR_SERIES");
        let file = |name: &str| gate.path().join(name).to_str().unwrap().to_owned();
        let (outputs, summary) = (file("outputs"), file("summary"));
        fs::write(&summary, "x".repeat(1000)).unwrap();
        let gate = gate.set("COMMIT_ID", commit).set("CLEARML_METRICS", &Value::from(metrics.clone()).to_string());
        let gate = gate.set("GITHUB_OUTPUT", &outputs).set("GITHUB_STEP_SUMMARY", &summary);
        let gate = gate.args(&["--markdown", "report.md"]);
        assert_eq!(gate.run().expect(code, start).err, "");
        let markdown = fs::read_to_string(gate.path().join("report.md")).unwrap();
        assert!(markdown.chars().count() < 65_536 - 100, "{}", markdown.len());
        assert!(fs::metadata(&summary).unwrap().len() <= 1024 * 1024);
        assert!(fs::metadata(&outputs).unwrap().len() < 1_000_000);
    }
}
