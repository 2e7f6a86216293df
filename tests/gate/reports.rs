//! Every way a run can end, and every report of it. The console text of each ending is a snapshot. The other formats are
//! snapshots for the endings in [`IN_EVERY_FORMAT`]; for the rest they are checked against the console text and the schema.

use std::fs;
use std::path::Path;

use clearml_gate::SETTINGS;
use clearml_sandbox::{At, Effect, Sandbox, TaskSeed};
use expect_test::expect_file;
use roxmltree::Document;

use crate::gate::hostile;
use crate::gate::schema::assert_valid;
use crate::support::{BASE, Gate, HEAD, OTHER, PROJECT, Ran, SERIES, TAG, TASK, TITLE, best, commit, git, run};

/// The endings that differ most in Markdown, JSON, JUnit and the step outputs.
const IN_EVERY_FORMAT: &[&str] = &[
    "improved",
    "degraded",
    "first",
    "medians",
    "several_metrics_degraded",
    "no_run_of_commit",
    "unusable_metric",
    "invalid_settings",
    "hostile",
];

/// More endings whose JSON has a part that no other has.
const AS_JSON: &[&str] = &["same_code_at_paths", "project_not_found", "no_eligible_run", "not_moved", "warnings"];

/// Three days after the first seeded run: 2026-01-04, so that ages do not depend on the day of the test.
const NOW: i64 = 1_767_484_800_000_000;

fn sandbox(tasks: impl IntoIterator<Item = TaskSeed>) -> Sandbox {
    let sandbox = Sandbox::builder().now(NOW).start().unwrap();
    for task in tasks {
        sandbox.add(task);
    }
    sandbox
}

/// A run of several epochs whose best value is the last.
fn rising(commit: &str, values: &[f64]) -> TaskSeed {
    let points: Vec<(i64, f64)> = (0..).zip(values.iter().copied()).map(|(n, value)| (n * 10, value)).collect();
    TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, &points)
}

fn pair(candidate: f64) -> Sandbox {
    let baseline = rising(BASE, &[0.31, 0.52, 0.64, 0.71, 0.76, 0.78, 0.8]).tag(TAG).tag("prod");
    let candidate = rising(HEAD, &[0.3, 0.55, 0.66, 0.7, 0.74, candidate - 0.01, candidate]);
    sandbox([baseline, candidate])
}

/// What a run wrote.
struct Written {
    ran: Ran,
    markdown: String,
    json: String,
    junit: String,
    outputs: String,
    summary: String,
}

/// Runs the gate as a step of a workflow that asks for every report.
fn written(gate: Gate) -> Written {
    let path = |name: &str| gate.path().join(name).to_str().unwrap().to_owned();
    let (outputs, summary) = (path("outputs"), path("summary"));
    let gate = gate
        .set("GITHUB_ACTIONS", "true")
        .set("GITHUB_OUTPUT", &outputs)
        .set("GITHUB_STEP_SUMMARY", &summary)
        .args(&["--json", "report.json", "--markdown", "report.md", "--junit", "report.xml"]);
    let ran = gate.run();
    let read = |name: &str| fs::read_to_string(gate.path().join(name)).unwrap_or_default();
    let (markdown, json, junit) = (read("report.md"), read("report.json"), read("report.xml"));
    Written { ran, markdown, json, junit, outputs: read("outputs"), summary: read("summary") }
}

/// Compares the reports of a run with their snapshots, and with each other.
#[track_caller]
fn shown(name: &str, sandbox: &Sandbox, gate: Gate) {
    let Written { ran, markdown, json, junit, outputs, summary } = written(gate);
    assert_eq!(ran.out.lines().filter(|line| line.starts_with("::")).count(), usize::from(ran.err.is_empty()));
    for line in ran.out.lines().filter(|line| !line.starts_with("::") && !line.contains("://")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert_eq!(summary.trim(), markdown.trim());
    let report = assert_valid(&json);
    let text = |field: &str| report[field].as_str().unwrap_or_default();
    assert_eq!(report["exit_code"], ran.code, "{json}");
    let (headline, _) = markdown.split_once('\n').unwrap();
    let (title, _) = ran.out.split_once(':').filter(|_| ran.err.is_empty()).unwrap_or(("NO VERDICT", ""));
    assert!(headline.starts_with("### ") && headline.contains(title), "{title:?} in {headline}");
    if let Some(settings) = report["settings"].as_object().filter(|settings| !settings.is_empty()) {
        let is_replaced = |name: &str| settings.contains_key("CLEARML_METRICS") && name.starts_with("CLEARML_SCALAR_");
        for setting in SETTINGS.iter().filter(|setting| setting.default.is_some() && !is_replaced(setting.name)) {
            assert!(settings.contains_key(setting.name) && markdown.contains(setting.name), "{}", setting.name);
        }
    }
    // JUnit has the result of an enforced gate.
    let enforced = if report["settings"]["CLEARML_ENFORCE"] == "false" { 1 } else { ran.code };
    assert_junit(&junit, enforced, text("verdict"));
    let outputs = readable(&outputs, &[("report-json", &json), ("report-markdown", &markdown)]);
    let names: Vec<&str> = outputs.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert_eq!(names, clearml_gate::OUTPUTS, "{outputs}");
    for line in [format!("verdict={}\n", text("verdict")), format!("\nexit-code={}\n", ran.code)] {
        assert!(outputs.contains(&line), "{line:?} in {outputs}");
    }
    compare(name, "txt", &format!("exit code {}\n\n{}{}", ran.code, ran.out, ran.err), sandbox);
    for (ending, text) in [("md", markdown), ("json", json), ("junit.xml", junit), ("outputs.txt", outputs)] {
        if is_kept(name, ending) {
            compare(name, ending, &text, sandbox);
        }
    }
}

/// Whether there is a snapshot of this format, other than the console text.
fn is_kept(name: &str, ending: &str) -> bool {
    IN_EVERY_FORMAT.contains(&name) || ending == "json" && AS_JSON.contains(&name)
}

fn compare(name: &str, ending: &str, text: &str, sandbox: &Sandbox) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/gate/snapshots/{name}.{ending}"));
    expect_file![file].assert_eq(&unvarying(&without_defaults(text), sandbox));
}

/// The text without settings at their defaults, so a new setting changes no snapshot.
fn without_defaults(text: &str) -> String {
    let defaults = SETTINGS.iter().filter_map(|setting| Some((setting.name, setting.default?)));
    let lines = defaults.flat_map(|(name, default)| {
        [format!("    \"{name}\": \"{default}\",\n"), format!("| {name} | <code>{default}</code> |\n")]
    });
    lines.fold(text.to_owned(), |text, line| text.replace(&line, ""))
}

/// Asserts that a JUnit report has a failure for exit code 1, and an error for a higher one.
#[track_caller]
fn assert_junit(junit: &str, code: i32, verdict: &str) {
    let document = Document::parse(junit).unwrap();
    let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((count("failure") > 0, count("error") > 0), (code == 1, code > 1), "{junit}");
    let property = document.descendants().find(|node| node.attribute("name") == Some("verdict"));
    assert_eq!(property.and_then(|node| node.attribute("value")), Some(verdict), "{junit}");
}

/// The text with fixed values of the same length in place of those that differ from run to run.
fn unvarying(text: &str, sandbox: &Sandbox) -> String {
    let mut text = text.to_owned();
    let state = sandbox.state();
    for (n, task) in state["tasks"].as_array().unwrap().iter().enumerate() {
        text = text.replace(task["id"].as_str().unwrap(), &(n + 1).to_string().repeat(32));
    }
    for project in state["projects"].as_array().unwrap() {
        text = text.replace(project["id"].as_str().unwrap(), &"f".repeat(32));
    }
    // Each renderer escapes an address differently, and none escapes a number.
    text.replace(sandbox.url().rsplit(':').next().unwrap(), "50000")
}

/// The outputs as `name=value`, parsed as by the runner. For a document that has its own snapshot, only the name.
fn readable(outputs: &str, documents: &[(&str, &str)]) -> String {
    let mut lines = outputs.split('\n');
    let mut text = String::new();
    while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
        assert!(delimiter.starts_with("end_") && delimiter.len() > 30, "{delimiter}");
        let value = lines.by_ref().take_while(|line| *line != delimiter).collect::<Vec<_>>().join("\n");
        let value = match documents.iter().find(|(document, _)| *document == name) {
            Some((_, document)) => {
                assert_eq!(value.trim(), document.trim());
                "(the document)".to_owned()
            }
            None => value,
        };
        text.extend([name, "=", &value, "\n"]);
    }
    text
}

#[test]
fn verdicts() {
    let judged = |name: &str, candidate: f64, settings: &[(&str, &str)]| {
        let sandbox = pair(candidate);
        let gate = settings.iter().fold(Gate::of(&sandbox), |gate, (name, value)| gate.set(name, value));
        shown(name, &sandbox, gate);
    };
    judged("improved", 0.85, &[]);
    judged("unchanged", 0.8, &[]);
    judged("tolerated", 0.79, &[("CLEARML_SCALAR_THRESHOLD", "3%"), ("CLEARML_KEEP_BEST", "true")]);
    judged("degraded", 0.75, &[("CLEARML_SCALAR_THRESHOLD", "3%")]);
    judged("not_enforced", 0.75, &[("CLEARML_SCALAR_THRESHOLD", "3%"), ("CLEARML_ENFORCE", "false")]);
    judged("accepted", 0.75, &[("CLEARML_SCALAR_THRESHOLD", "3%"), ("CLEARML_ACCEPT", "true")]);
    let sandbox = pair(0.42);
    let min = Gate::of(&sandbox).set("CLEARML_SCALAR_MIN_MAX", "MIN").set("CLEARML_SCALAR_VALUE", "last");
    shown("target_missed", &sandbox, min.set("CLEARML_SCALAR_MARGIN", "0.05").set("CLEARML_SCALAR_TARGET", "0.4"));
    let sandbox = self::sandbox([rising(HEAD, &[0.5, 0.7, 0.9])]);
    shown("first", &sandbox, Gate::of(&sandbox));
    shown("baseline_itself", &sandbox, Gate::of(&sandbox));
}

#[test]
fn medians_of_several_runs() {
    let runs = |commit: &'static str, values: [f64; 3]| values.map(|value| rising(commit, &[0.3, 0.6, value]));
    let [first, second, third] = runs(BASE, [0.79, 0.8, 0.83]);
    let sandbox = sandbox([first, second.tag(TAG), third].into_iter().chain(runs(HEAD, [0.78, 0.82, 0.81])));
    shown("medians", &sandbox, Gate::of(&sandbox).set("CLEARML_RUNS", "3"));
    let four = Gate::of(&sandbox).set("CLEARML_RUNS", "4");
    shown("too_few_runs", &sandbox, four);
}

#[test]
fn the_same_code_under_another_commit() {
    let repository = Gate::bare();
    let folder = repository.path();
    git(folder, &["init", "--quiet"]);
    fs::write(folder.join("train.py"), "print(1)\n").unwrap();
    let ran = commit(folder, "train");
    git(folder, &["commit", "--quiet", "--amend", "--message", "reworded"]);
    let reworded = git(folder, &["rev-parse", "HEAD"]);
    let baseline = rising(BASE, &[0.3, 0.6, 0.8]).tag(TAG);
    let sandbox = sandbox([baseline, rising(&ran, &[0.3, 0.6, 0.9])]);
    let here = |gate: Gate| gate.set("GIT_DIR", folder.join(".git").to_str().unwrap()).set("COMMIT_ID", &reworded);
    shown("same_code", &sandbox, here(Gate::of(&sandbox)).set("CLEARML_PROMOTE", "merge"));
    shown("same_code_at_paths", &sandbox, here(Gate::of(&sandbox)).set("CLEARML_CODE_PATHS", "train.py"));
}

#[test]
fn an_unfit_baseline() {
    let sandbox = sandbox([best(0.8).diff("x"), run(HEAD, 0.9)]);
    shown("unusable_baseline", &sandbox, Gate::of(&sandbox).set("CLEARML_BASELINE_CHECK", "require"));
}

/// A run with three metrics.
fn measured(commit: &str, accuracy: f64, loss: f64, speed: f64) -> TaskSeed {
    let towards = |value: f64, from: f64| [(0, from), (10, from.midpoint(value)), (20, value)];
    TaskSeed::new(PROJECT, TASK)
        .commit(commit)
        .scalar("val", "accuracy", &towards(accuracy, 0.2))
        .scalar("val", "loss", &towards(loss, 2.0))
        .scalar("speed", "images/s", &[(20, speed)])
}

#[test]
fn several_metrics() {
    let metrics = r#"[
        {"title": "val", "series": "accuracy", "threshold": "1%"},
        {"title": "val", "series": "loss", "min_max": "MIN", "margin": 0.05, "target": 0.5},
        {"title": "speed", "series": "images/s", "value": "last", "warn": true},
        {"title": "size", "series": "MB", "min_max": "MIN", "warn": true}
    ]"#;
    for (name, loss) in [("several_metrics", 0.31), ("several_metrics_degraded", 0.41)] {
        let sandbox = sandbox([measured(BASE, 0.8, 0.3, 25.5).tag(TAG), measured(HEAD, 0.82, loss, 19.0)]);
        let gate = Gate::of(&sandbox).unset("CLEARML_SCALAR_TITLE").unset("CLEARML_SCALAR_SERIES");
        shown(name, &sandbox, gate.set("CLEARML_METRICS", metrics));
    }
}

#[test]
fn no_verdicts() {
    let sandbox = pair(0.9);
    let gate = || Gate::of(&sandbox);
    let with = |name: &str, setting: &str, value: &str| shown(name, &sandbox, gate().set(setting, value));
    with("project_not_found", "CLEARML_PROJECT", "vision/detectors");
    with("task_not_found", "CLEARML_TASK_NAME", "training");
    with("no_run_of_commit", "COMMIT_ID", OTHER);
    with("unusable_metric", "CLEARML_SCALAR_SERIES", "precision");
    with("wrong_keys", "CLEARML_API_SECRET_KEY", "wrong");
    with("clearml_unreachable", "CLEARML_API_HOST", "http://api.clear.ml.invalid");
    with("invalid_settings", "CLEARML_SCALAR_THRESHOLD", "three");
    sandbox.add(run(OTHER, 0.9).diff("x"));
    sandbox.add(run(OTHER, 0.9).diff("x"));
    sandbox.add(run(OTHER, 0.9).status("in_progress"));
    with("no_eligible_run", "COMMIT_ID", OTHER);
    sandbox.fault(At::Always, Effect::Body { content_type: "text/html".to_owned(), body: "<html>".to_owned() });
    shown("web_page", &sandbox, gate());
}

#[test]
fn no_baseline() {
    let sandbox = sandbox([run(HEAD, 0.9)]);
    shown("no_baseline", &sandbox, Gate::of(&sandbox).set("CLEARML_NO_BASELINE", "fail"));
}

#[test]
fn nothing_to_gate() {
    let sandbox = pair(0.9);
    let gate = Gate::of(&sandbox);
    let event = gate.path().join("event.json");
    fs::write(&event, include_str!("events/pull_request_closed.json")).unwrap();
    let gate = gate.set("GITHUB_EVENT_NAME", "pull_request").set("GITHUB_EVENT_PATH", event.to_str().unwrap());
    shown("nothing_to_gate", &sandbox, gate);
}

#[test]
fn a_tag_that_could_not_be_moved() {
    let sandbox = pair(0.9);
    let body = r#"{"meta":{"result_code":403,"result_subcode":21,"result_msg":"Forbidden (modification not allowed)"},"data":{}}"#;
    sandbox
        .fault(At::Endpoint("tasks.update_tags"), Effect::Status { code: 403, headers: vec![], body: body.to_owned() });
    shown("not_moved", &sandbox, Gate::of(&sandbox));
}

#[test]
fn warnings() {
    let sandbox = sandbox([best(0.8).diff("x").status("failed"), run(OTHER, 0.7).tag(TAG), run(HEAD, 0.9)]);
    sandbox.add(run(HEAD, 0.9).status("failed"));
    shown("warnings", &sandbox, Gate::of(&sandbox));
}

#[test]
fn hostile_text() {
    let seed = |commit: &str, value: f64| {
        let seed = TaskSeed::new(PROJECT, TASK).commit(commit);
        seed.scalar(hostile::TEXT, SERIES, &[(0, 0.1), (1, value)])
    };
    let tagged = seed(&hostile::with_lines(hostile::TEXT), 0.9).tag(hostile::TEXT).tag(&hostile::TEXT.to_uppercase());
    let sandbox = sandbox([tagged, seed(HEAD, 0.5)]);
    let gate = Gate::of(&sandbox).set("CLEARML_SCALAR_TITLE", hostile::TEXT).set("CLEARML_BEST_TAGNAME", hostile::TEXT);
    shown("hostile", &sandbox, gate);
}

/// Every snapshot belongs to an ending. Delete one that is not compared.
#[test]
fn no_snapshot_is_left_over() {
    let source = include_str!("reports.rs");
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gate/snapshots")).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let (name, ending) = file.split_once('.').unwrap();
        assert!(source.contains(&format!("(\"{name}\", ")), "{file}");
        assert!(ending == "txt" || is_kept(name, ending), "{file}");
    }
}

/// The report is complete without curves, for any response to the request for them.
#[test]
fn a_report_without_curves_is_whole() {
    let faults = [Effect::status(400), Effect::CutBefore, Effect::Truncated, Effect::Huge(1 << 20)];
    let odd = Effect::mangle(|answer| answer["data"] = serde_json::json!({"metrics": {TITLE: {SERIES: 7}}}));
    for fault in faults.into_iter().chain([odd]) {
        let sandbox = pair(0.85);
        sandbox.fault(At::Endpoint("events.multi_task_scalar_metrics_iter_histogram"), fault);
        let Written { ran, markdown, .. } = written(Gate::of(&sandbox));
        let ran = ran.expect(0, "PASSED, improved").says("moved to the candidate");
        assert!(!ran.out.contains("curves") && ran.err.is_empty(), "{ran:?}");
        assert!(markdown.contains("PASSED, improved") && !markdown.contains("mermaid"), "{markdown}");
    }
}
