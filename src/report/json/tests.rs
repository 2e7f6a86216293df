//! What the document says of every report; the fixtures serve the other machine-readable reports as well.

use std::path::Path;
use std::time::Duration;

use super::write::MOST_BYTES;
use super::*;
use crate::ci;
use crate::clearml::{Cause, Error};
use crate::cli::Flags;
use crate::environment::Environment;
use crate::http::Failure;
use crate::judge::{Score, Verdict, judge};
use crate::plain::is_misleading;
use crate::run::TaskId;
use proptest::prelude::*;
use serde_json::{Value, json};

const HEAD: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";

/// Settings with these metrics, in the form of their setting.
pub(crate) fn settings(metrics: &Value, others: &[(&str, &str)]) -> &'static Settings {
    let metrics = metrics.to_string();
    let given = [
        ("CLEARML_API_HOST", "https://api.example.org"),
        ("CLEARML_API_ACCESS_KEY", "access"),
        ("CLEARML_API_SECRET_KEY", "secret"),
        ("CLEARML_PROJECT", "vision/detector"),
        ("CLEARML_TASK_NAME", "train"),
        ("CLEARML_METRICS", metrics.as_str()),
        ("COMMIT_ID", HEAD),
    ];
    let environment: Environment = given.into_iter().chain(others.iter().copied()).collect();
    let occasion = ci::occasion(None, &environment, Path::new("."));
    Box::leak(Box::new(crate::settings::resolve(&Flags::default(), &environment, &occasion).unwrap()))
}

pub(crate) fn one_metric() -> &'static Settings {
    settings(&json!([{"title": "validation", "series": "accuracy"}]), &[])
}

pub(crate) fn seen(id: &str) -> Seen {
    Seen {
        id: TaskId(id.to_owned()),
        commit: Some(HEAD.to_owned()),
        link: Some(format!("https://app.example.org/projects/p/tasks/{id}/output/log")),
        when: 1_795_436_746_313_000,
        age: Some(Duration::from_hours(1)),
    }
}

/// A judged report of one value a metric; what is not a number was not reported.
pub(crate) fn judged(settings: &'static Settings, baseline: Option<&[f64]>, candidate: &[f64]) -> Report<'static> {
    let said = |n: usize, metric: &metric::Metric| {
        let old = baseline.map(|values| Score::new(values[n]));
        match (Score::new(candidate[n]), old) {
            (None, _) => Said::Unknown(Side::Candidate, ScoreFault::Missing),
            (_, Some(None)) => Said::Unknown(Side::Baseline, ScoreFault::NotANumber),
            (Some(new), old) => Said::Judged(judge(&metric.criteria, old.flatten(), new)),
        }
    };
    let findings = settings.metrics.iter().enumerate();
    let findings: Vec<Finding<'_>> = findings
        .map(|(n, metric)| Finding {
            metric,
            said: said(n, metric),
            spreads: crate::report::Spreads::default(),
            curves: None,
        })
        .collect();
    let counting = findings.iter().filter(|finding| finding.metric.counts()).filter_map(Finding::judgement);
    let verdict = Verdict::of(&counting.copied().collect::<Vec<_>>(), settings.accept);
    let promotion = if verdict.passed() {
        Promotion::Moved { from: vec![TaskId("old".to_owned())], left: Vec::new() }
    } else {
        Promotion::Kept(KeptBecause::NotPassed)
    };
    let judged = Judged {
        verdict,
        findings,
        candidate: seen("new"),
        baseline: baseline.map(|_| seen("old")),
        promotion,
        rejected: NearMisses { running: 1, ..NearMisses::default() },
        stood: Stood::ForItself,
    };
    Report { settings, outcome: Outcome::Judged(judged), warnings: Vec::new() }
}

pub(crate) fn with_promotion(mut report: Report<'static>, promotion: Promotion) -> Report<'static> {
    if let Outcome::Judged(judged) = &mut report.outcome {
        judged.promotion = promotion;
    }
    report
}

pub(crate) fn refused(message: &str) -> Error {
    let cause = Cause::Refused { status: 403, subcode: 21, message: message.to_owned() };
    Error { operation: "to add the tag", host: "https://api.example.org".to_owned(), cause }
}

pub(crate) fn undecided(settings: &'static Settings, why: NoVerdict<'static>) -> Report<'static> {
    Report { settings, outcome: Outcome::NoVerdict(why), warnings: vec![Warning::NotEncrypted] }
}

pub(crate) fn no_score(settings: &'static Settings, side: Side, known: Vec<(String, String)>) -> Report<'static> {
    let faults = settings.metrics.iter().map(|metric| (metric, ScoreFault::Missing)).collect();
    undecided(settings, NoVerdict::NoScore { side, run: seen("new"), faults, known })
}

/// A report for each reason to have no verdict.
pub(crate) fn without_verdict() -> Vec<Report<'static>> {
    let settings = one_metric();
    let names = || vec!["near".to_owned(), "nearer".to_owned()];
    let unreachable = Error { cause: Cause::Failure(Failure::UnknownHost), ..refused("") };
    let reasons = [
        NoVerdict::NoProject { similar: names() },
        NoVerdict::NoTaskOfThatName { similar: Vec::new() },
        NoVerdict::NothingRanTheCommit { newest_clean: Some(seen("newest")), unclear: None, unasked: None },
        NoVerdict::NothingRanTheCommit { newest_clean: None, unclear: None, unasked: None },
        NoVerdict::NoneQualifies {
            near: NearMisses { dirty: 2, ..NearMisses::default() },
            stood: Stood::ForItself,
            ran: Vec::new(),
        },
        NoVerdict::AmbiguousCommit { commits: names() },
        NoVerdict::NoBaseline,
        NoVerdict::Failed(refused("no")),
        NoVerdict::Failed(unreachable),
    ];
    let known = || vec![("validation".to_owned(), "loss".to_owned())];
    let scores = [no_score(settings, Side::Candidate, known()), no_score(settings, Side::Baseline, Vec::new())];
    reasons.into_iter().map(|why| undecided(settings, why)).chain(scores).collect()
}

/// A report for each verdict and each end of a promotion.
pub(crate) fn with_verdict() -> Vec<Report<'static>> {
    let strict = one_metric();
    let accepting = settings(&json!([{"title": "a", "series": "b"}]), &[("CLEARML_ACCEPT", "true")]);
    let several = settings(
        &json!([
            {"title": "a", "series": "b", "margin": 0.05, "target": 0.5},
            {"title": "loss", "series": "c", "min_max": "MIN", "value": "last"},
            {"title": "told", "series": "d", "warn": true},
        ]),
        &[],
    );
    let moved = || judged(strict, Some(&[0.8]), &[0.9]);
    let failed = |added| Promotion::Failed { error: refused("no"), added };
    vec![
        judged(strict, None, &[0.9]),
        moved(),
        judged(strict, Some(&[0.8]), &[0.8]),
        judged(strict, Some(&[0.8]), &[0.7]),
        judged(strict, Some(&[0.0]), &[-1.0]),
        judged(strict, Some(&[-f64::MAX]), &[f64::MAX]),
        judged(accepting, Some(&[0.8]), &[0.7]),
        judged(several, Some(&[0.8, 0.1, 0.3]), &[0.78, 0.1, 0.2]),
        judged(several, Some(&[0.8, 0.1, 0.3]), &[0.78, 0.2, 0.4]),
        judged(several, Some(&[0.8, 0.1, f64::NAN]), &[0.4, 0.1, 0.2]),
        judged(several, None, &[0.8, 0.1, f64::NAN]),
        with_promotion(moved(), Promotion::Holds { left: Vec::new() }),
        with_promotion(moved(), Promotion::Superseded { by: vec![TaskId("next".to_owned())] }),
        with_promotion(moved(), Promotion::Kept(KeptBecause::JustTaken)),
        with_promotion(moved(), Promotion::Kept(KeptBecause::Never)),
        with_promotion(moved(), Promotion::Kept(KeptBecause::KeepBest)),
        with_promotion(moved(), failed(true)),
        with_promotion(moved(), failed(false)),
    ]
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
fn every_ending_is_of_the_schema() {
    for report in with_verdict().iter().chain(&without_verdict()) {
        let document = valid(&render(report));
        let exit = report.exit();
        assert_eq!(document["exit_code"], json!(exit.code()));
        assert_eq!(document["no_verdict"].is_null(), document["verdict"] != json!("no verdict"));
        assert!(exit != Exit::Passed || document["passed"] == json!(true));
        assert_eq!(document["settings"]["CLEARML_PROJECT"], json!("vision/detector"));
        assert_eq!(document["metrics"].as_array().unwrap().len(), report.settings.metrics.iter().count());
    }
}

#[test]
fn nothing_secret_is_told() {
    let text = render(&with_verdict()[0]);
    assert!(!text.contains("secret") && !text.contains("ACCESS_KEY"), "{text}");
}

#[test]
fn settings_at_fault_and_nothing_to_gate_are_of_the_schema() {
    let faults = [problem_of("CLEARML_TASK_NAME"), Fault { example: None, ..problem_of("clearml.conf") }];
    let document = valid(&not_started(NotStarted::Faults(&faults)));
    assert_eq!(document["verdict"], json!("no verdict"));
    assert_eq!(document["exit_code"], json!(2));
    assert_eq!(document["no_verdict"]["kind"], json!("settings"));
    assert_eq!(
        document["faults"][0],
        json!({"subject": "CLEARML_TASK_NAME", "problem": "is not set", "example": "train"})
    );
    let document = valid(&not_started(NotStarted::Nothing("the pull request was closed")));
    assert_eq!(document["verdict"], json!("nothing to gate"));
    assert_eq!(document["reason"], json!("the pull request was closed"));
    assert_eq!((&document["exit_code"], &document["passed"]), (&json!(0), &json!(false)));
}

#[test]
fn numbers_are_numbers() {
    let document = valid(&render(&judged(one_metric(), Some(&[100.0]), &[99.5])));
    let metric = &document["metrics"][0];
    let numbers = ["candidate", "baseline", "change", "change_percent", "limit", "threshold", "margin", "target"];
    let said = numbers.map(|key| metric[key].to_string());
    assert_eq!(said, ["99.5", "100", "-0.5", "-0.5", "100", "0", "null", "null"]);
    let document = valid(&render(&judged(one_metric(), Some(&[0.8]), &[0.79])));
    assert_eq!(document["metrics"][0]["change"].to_string(), "-0.01");
    let document = valid(&render(&judged(one_metric(), Some(&[-f64::MAX]), &[f64::MAX])));
    assert_eq!(document["metrics"][0]["change"], Value::Null);
}

#[test]
fn missing_metrics_have_a_problem() {
    let document = valid(&render(&no_score(one_metric(), Side::Baseline, Vec::new())));
    assert_eq!(document["metrics"][0]["problem"], json!({"side": "baseline", "kind": "missing"}));
    assert_eq!(document["baseline"]["started"], json!("2026-11-23T12:25:46Z"));
    assert_eq!(document["candidate"], Value::Null);
}

#[test]
fn a_curve_is_two_rows() {
    let mut report = judged(one_metric(), Some(&[0.8]), &[0.7]);
    let Outcome::Judged(judged) = &mut report.outcome else { panic!() };
    let candidate = run::Curve(vec![(0.0, 0.5), (10.0, -0.25)]);
    judged.findings[0].curves = Some(run::Curves { candidate, baseline: run::Curve::default() });
    let text = render(&report);
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
        judged.promotion = Promotion::Moved { from: ids(), left: ids() };
    }
    let known = vec![(name.to_owned(), name.to_owned()); 1000];
    vec![judged, no_score(settings, Side::Candidate, known)]
}

#[test]
fn the_document_is_small_whatever_the_names() {
    for c in ["x", "語", "🦀", "\u{202e}", "\u{10ffff}", "\"", "#"] {
        for report in largest(&c.repeat(10_000)) {
            let document = valid(&render(&report));
            assert!(document["metrics"][0]["title"].as_str().unwrap().ends_with('…'));
        }
    }
}

#[test]
fn names_of_a_usual_length_are_whole_in_the_largest_report() {
    let name = "validation accuracy of the model";
    for report in largest(name) {
        assert_eq!(valid(&render(&report))["metrics"][7]["title"], json!(format!("{name}7")));
    }
}

proptest! {
    #[test]
    fn names_are_given_as_they_are(title in "[^\\p{Cc}\u{fffd}]{0,20}x", key in any::<String>(), line in any::<String>()) {
        let settings = settings(&json!([{"title": &title, "series": "##[group]"}]), &[]);
        let text = render(&no_score(settings, Side::Candidate, vec![(key.clone(), line.clone())]));
        let document = valid(&text);
        prop_assert_eq!(&document["metrics"][0]["title"], &json!(title));
        prop_assert_eq!(&document["metrics"][0]["series"], &json!("##[group]"));
        prop_assert_eq!(&document["no_verdict"]["reported"][0], &json!({"title": key, "series": line}));
        prop_assert!(!text.chars().any(|c| c != '\n' && is_misleading(c)) && !text.contains("##"));
    }
}
