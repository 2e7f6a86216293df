//! Reports for every outcome, with settings parsed from environment variables.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{COMMIT, finding, refusal, summary, unknown};
use crate::ci;
use crate::clearml::{Cause, Error};
use crate::environment::Environment;
use crate::gate::outcome::{Finding, JudgedVia, MetricOutcome, NoVerdict, Outcome, Report, RunSummary, Side, Warning};
use crate::model::metric::Metric;
use crate::model::run::{ScoreFault, TaskId};
use crate::model::select::NearMisses;
use crate::net::http::Failure;
use crate::promote::{NotMovedReason, Promotion};
use crate::settings::Settings;
use crate::settings::flags::Flags;

/// Settings with these metrics, as in `CLEARML_METRICS`.
pub(crate) fn settings(metrics: &Value, others: &[(&str, &str)]) -> &'static Settings {
    Box::leak(Box::new(resolved(&metrics.to_string(), others)))
}

pub(super) fn resolved(metrics: &str, others: &[(&str, &str)]) -> Settings {
    let given = [
        ("CLEARML_API_HOST", "https://api.example.org"),
        ("CLEARML_API_ACCESS_KEY", "access"),
        ("CLEARML_API_SECRET_KEY", "secret"),
        ("CLEARML_PROJECT", "vision/detector"),
        ("CLEARML_TASK_NAME", "train"),
        ("CLEARML_METRICS", metrics),
        ("COMMIT_ID", COMMIT),
    ];
    let environment: Environment = given.into_iter().chain(others.iter().copied()).collect();
    let context = ci::detect(None, &environment, Path::new("."));
    crate::settings::resolve(&Flags::default(), &environment, &context).unwrap()
}

/// Settings with one metric and defaults.
pub(crate) fn one_metric() -> &'static Settings {
    settings(&json!([{"title": "validation", "series": "accuracy"}]), &[])
}

/// A run with this id, one hour old.
fn ran(id: &str) -> RunSummary {
    RunSummary { when: 1_795_436_746_313_000, age: Some(Duration::from_hours(1)), ..summary(id, COMMIT) }
}

/// A judged report with one value for each metric; NaN means that the candidate did not report it.
pub(crate) fn judged(settings: &'static Settings, baseline: Option<&[f64]>, candidate: &[f64]) -> Report<'static> {
    let of_metric = |(n, metric): (usize, &'static Metric)| match (candidate[n], baseline.map(|values| values[n])) {
        (new, _) if !new.is_finite() => unknown(metric),
        (_, Some(old)) if !old.is_finite() => {
            Finding { outcome: MetricOutcome::Unknown(Side::Baseline, ScoreFault::NotANumber), ..unknown(metric) }
        }
        (new, old) => finding(metric, old, new),
    };
    let findings = settings.metrics.iter().enumerate().map(of_metric).collect();
    let mut report = super::judged(settings, findings, None);
    if let Outcome::Judged(judged) = &mut report.outcome {
        judged.candidate = ran("new");
        judged.baseline = baseline.map(|_| ran("old"));
        judged.ineligible = NearMisses { running: 1, ..NearMisses::default() };
    }
    report
}

/// The same report with another promotion.
pub(crate) fn with_promotion(mut report: Report<'static>, promotion: Promotion) -> Report<'static> {
    if let Outcome::Judged(judged) = &mut report.outcome {
        judged.promotion = promotion;
    }
    report
}

/// A report without verdict.
fn undecided(settings: &'static Settings, why: NoVerdict<'static>) -> Report<'static> {
    Report { settings, outcome: Outcome::NoVerdict(why), warnings: vec![Warning::NotEncrypted] }
}

/// A report for a run with none of the metrics.
pub(crate) fn no_score(settings: &'static Settings, side: Side, known: Vec<(String, String)>) -> Report<'static> {
    let faults = settings.metrics.iter().map(|metric| (metric, ScoreFault::Missing)).collect();
    undecided(settings, NoVerdict::UnusableMetric { side, run: ran("new"), faults, known })
}

/// A report for each reason without a verdict.
pub(crate) fn without_verdict() -> Vec<Report<'static>> {
    let settings = one_metric();
    let names = || vec!["near".to_owned(), "nearer".to_owned()];
    let unreachable = Error { cause: Cause::Failure(Failure::UnknownHost), ..refusal("") };
    let reasons = [
        NoVerdict::ProjectNotFound { similar: names() },
        NoVerdict::TaskNotFound { similar: Vec::new() },
        NoVerdict::NoRunOfCommit {
            newest_clean: Some(ran("newest")),
            same_code_unknown: None,
            pull_request_unknown: None,
        },
        NoVerdict::NoRunOfCommit { newest_clean: None, same_code_unknown: None, pull_request_unknown: None },
        NoVerdict::NoEligibleRun {
            near: NearMisses { dirty: 2, ..NearMisses::default() },
            judged_via: JudgedVia::Own,
            ran: Vec::new(),
            same_code_unknown: None,
        },
        NoVerdict::NoBaseline,
        NoVerdict::Failed(refusal("no")),
        NoVerdict::Failed(unreachable),
    ];
    let known = || vec![("validation".to_owned(), "loss".to_owned())];
    let scores = [no_score(settings, Side::Candidate, known()), no_score(settings, Side::Baseline, Vec::new())];
    reasons.into_iter().map(|why| undecided(settings, why)).chain(scores).collect()
}

/// A report for each verdict and each kind of promotion.
pub(crate) fn with_verdict() -> Vec<Report<'static>> {
    let strict = one_metric();
    let accepting = settings(&json!([{"title": "a", "series": "b"}]), &[("CLEARML_ACCEPT", "true")]);
    let several = settings(
        &json!([
            {"title": "a", "series": "b", "margin": 0.05, "target": 0.5},
            {"title": "loss", "series": "c", "min_max": "MIN", "value": "last"},
            {"title": "info", "series": "d", "warn": true},
        ]),
        &[],
    );
    let moved = || judged(strict, Some(&[0.8]), &[0.9]);
    let failed = |candidate_may_have_tag| Promotion::Failed { error: refusal("no"), candidate_may_have_tag };
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
        with_promotion(moved(), Promotion::AlreadyTagged { also_tagged: Vec::new() }),
        with_promotion(moved(), Promotion::Superseded { by: vec![TaskId("next".to_owned())] }),
        with_promotion(moved(), Promotion::NotMoved(NotMovedReason::RecentlyMoved)),
        with_promotion(moved(), Promotion::NotMoved(NotMovedReason::PromoteNever)),
        with_promotion(moved(), Promotion::NotMoved(NotMovedReason::KeepBest)),
        with_promotion(moved(), failed(true)),
        with_promotion(moved(), failed(false)),
    ]
}
