//! The document for every outcome.

use super::write::MOST_BYTES;
use super::*;
use crate::exit::Exit;
use crate::model::run::TaskId;
use crate::report::testing::outcomes::{judged, no_score, one_metric, settings, with_verdict, without_verdict};
use crate::settings::Fault;
use crate::text::sanitize::is_misleading;
use proptest::prelude::*;
use serde_json::{Value, json};

fn rendered(report: Report<'_>) -> String {
    render(&RunResult::Gated(report))
}

fn not_started(why: NotStarted<'_>) -> String {
    render(&RunResult::NotStarted(why))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn valid(text: &str) -> Value {
    let schema = parsed(include_str!("../../../docs/report.schema.json"));
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let document = parsed(text);
    let faults: Vec<String> =
        validator.iter_errors(&document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{text}");
    assert!(text.ends_with("}\n") && text.len() <= MOST_BYTES, "{} bytes", text.len());
    document
}

fn problem_of(subject: &str) -> Fault {
    Fault { subject: subject.to_owned(), problem: "is not set".to_owned(), example: Some("train") }
}

#[test]
fn every_outcome_matches_the_schema() {
    for report in with_verdict().into_iter().chain(without_verdict()) {
        let (exit, metrics) = (report.exit(), report.settings.metrics.iter().count());
        let document = valid(&rendered(report));
        assert_eq!(document["exit_code"], json!(exit.code()));
        assert_eq!(document["no_verdict"].is_null(), document["verdict"] != json!("no_verdict"));
        assert_eq!(document["promotion"]["reason"] == json!("no_verdict"), document["verdict"] == json!("no_verdict"));
        assert!(exit != Exit::Passed || document["passed"] == json!(true));
        assert_eq!(document["settings"]["CLEARML_PROJECT"], json!("vision/detector"));
        assert_eq!(document["metrics"].as_array().unwrap().len(), metrics);
    }
}

#[test]
fn contains_no_secret() {
    let text = rendered(with_verdict().remove(0));
    assert!(!text.contains("secret") && !text.contains("ACCESS_KEY"), "{text}");
}

#[test]
fn runs_that_did_not_start_match_the_schema() {
    let faults = [problem_of("CLEARML_TASK_NAME"), Fault { example: None, ..problem_of("clearml.conf") }];
    let document = valid(&not_started(NotStarted::InvalidSettings(&faults)));
    assert_eq!(document["verdict"], json!("no_verdict"));
    assert_eq!(document["exit_code"], json!(2));
    assert_eq!(document["no_verdict"]["kind"], json!("invalid_settings"));
    assert_eq!(
        document["invalid_settings"][0],
        json!({"setting": "CLEARML_TASK_NAME", "problem": "is not set", "example": "train"})
    );
    let document = valid(&not_started(NotStarted::NothingToGate("the pull request was closed")));
    assert_eq!(document["verdict"], json!("nothing_to_gate"));
    assert_eq!(document["reason"], json!("the pull request was closed"));
    assert_eq!((&document["exit_code"], &document["passed"]), (&json!(0), &json!(false)));
}

#[test]
fn numbers_are_not_strings() {
    let document = valid(&rendered(judged(one_metric(), Some(&[100.0]), &[99.5])));
    let metric = &document["metrics"][0];
    let numbers =
        ["candidate_value", "baseline_value", "change", "change_percent", "limit", "threshold", "margin", "target"];
    let texts = numbers.map(|key| metric[key].to_string());
    assert_eq!(texts, ["99.5", "100", "-0.5", "-0.5", "100", "0", "null", "null"]);
    let document = valid(&rendered(judged(one_metric(), Some(&[0.8]), &[0.79])));
    assert_eq!(document["metrics"][0]["change"].to_string(), "-0.01");
    let document = valid(&rendered(judged(one_metric(), Some(&[-f64::MAX]), &[f64::MAX])));
    assert_eq!(document["metrics"][0]["change"], Value::Null);
}

#[test]
fn a_missing_metric_has_a_problem() {
    let document = valid(&rendered(no_score(one_metric(), Side::Baseline, Vec::new())));
    assert_eq!(document["metrics"][0]["problem"], json!({"side": "baseline", "kind": "missing"}));
    assert_eq!(document["baseline"]["started_at"], json!("2026-11-23T12:25:46Z"));
    assert_eq!(document["candidate"], Value::Null);
}

#[test]
fn writes_each_list_of_a_curve_in_one_line() {
    let mut report = judged(one_metric(), Some(&[0.8]), &[0.7]);
    let Outcome::Judged(judged) = &mut report.outcome else { panic!() };
    let candidate = run::Curve(vec![(0.0, 0.5), (10.0, -0.25)]);
    judged.findings[0].curves = Some(run::Curves { candidate, baseline: run::Curve::default() });
    let text = rendered(report);
    assert_eq!(valid(&text)["metrics"][0]["curves"]["baseline"], Value::Null);
    assert!(text.contains("\"iterations\": [0, 10],\n"), "{text}");
    assert!(text.contains("\"values\": [0.5, -0.25]\n"), "{text}");
}

/// The largest report of names that are all this text.
fn largest(name: &str) -> Vec<Report<'static>> {
    let metrics = (0..metric::MOST_METRICS).map(|n| json!({"title": format!("{name}{n}"), "series": name}));
    let settings = settings(&metrics.collect(), &[("CLEARML_TASK_NAME", name)]);
    let values = vec![0.123_456_789_012_345_67; metric::MOST_METRICS];
    let mut judged = judged(settings, Some(&values), &values);
    if let Outcome::Judged(judged) = &mut judged.outcome {
        let curve = || run::Curve(vec![(123_456.789, -0.123_456_789_012_345_67); 48]);
        for finding in judged.findings.iter_mut().take(6) {
            finding.curves = Some(run::Curves { candidate: curve(), baseline: curve() });
        }
        let ids = || vec![TaskId(name.to_owned()); 1000];
        judged.promotion = Promotion::Moved { from: ids(), also_tagged: ids() };
    }
    let known = vec![(name.to_owned(), name.to_owned()); 1000];
    vec![judged, no_score(settings, Side::Candidate, known)]
}

#[test]
fn long_names_do_not_make_the_document_too_large() {
    for c in ["x", "語", "🦀", "\u{202e}", "\u{10ffff}", "\"", "#"] {
        for report in largest(&c.repeat(10_000)) {
            let document = valid(&rendered(report));
            assert!(document["metrics"][0]["title"].as_str().unwrap().ends_with('…'));
        }
    }
}

#[test]
fn keeps_names_of_a_usual_length_in_the_largest_report() {
    let name = "validation accuracy of the model";
    for report in largest(name) {
        assert_eq!(valid(&rendered(report))["metrics"][7]["title"], json!(format!("{name}7")));
    }
}

proptest! {
    #[test]
    fn names_are_not_changed(title in "[^\\p{Cc}\u{fffd}]{0,20}x", key in any::<String>(), line in any::<String>()) {
        let settings = settings(&json!([{"title": &title, "series": "##[group]"}]), &[]);
        let text = rendered(no_score(settings, Side::Candidate, vec![(key.clone(), line.clone())]));
        let document = valid(&text);
        prop_assert_eq!(&document["metrics"][0]["title"], &json!(title));
        prop_assert_eq!(&document["metrics"][0]["series"], &json!("##[group]"));
        prop_assert_eq!(&document["no_verdict"]["reported_metrics"][0], &json!({"title": key, "series": line}));
        prop_assert!(!text.chars().any(|c| c != '\n' && is_misleading(c)) && !text.contains("##"));
    }
}
