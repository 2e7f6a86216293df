//! Reports to test the renderers with. The caller chooses every text in them.

pub(crate) mod outcomes;

use std::time::Duration;

use crate::clearml::{Cause, Error, Operation};
use crate::gate::outcome::{
    Finding, Judged, JudgedVia, MetricOutcome, Outcome, Report, RunSummary, Side, Spreads, Warning,
};
use crate::model::commit::RecordedCommit;
use crate::model::compare::{Criteria, Direction, Score, Tolerance, Verdict, judge};
use crate::model::metric::{Metric, Metrics, Pick, Role, Zero};
use crate::model::name::{Name, Tag};
use crate::model::run::{Curve, Curves, ScoreFault, TaskId};
use crate::model::select::NearMisses;
use crate::promote::{NotMovedReason, Promotion};
use crate::settings::Settings;

/// The commit under review.
pub(crate) const COMMIT: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
/// The commit of the baseline.
pub(crate) const BASE: &str = "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c";

/// A name without the characters that names cannot have, such as line breaks.
pub(crate) fn name(text: &str) -> Name {
    let text: String = text.chars().filter(|c| !c.is_control() && *c != '\u{fffd}').collect();
    Name::parse(&text).unwrap_or_else(|_| Name::parse("x").unwrap())
}

/// A required metric with a threshold of 3%; higher is better.
pub(crate) fn metric(title: &str, series: &str) -> Metric {
    let tolerance = Tolerance::percent(3.0).unwrap();
    Metric {
        title: name(title),
        series: name(series),
        pick: Pick::Best,
        zero: Zero::Suspect,
        criteria: Criteria { direction: Direction::Max, tolerance, target: None },
        role: Role::Required,
    }
}

/// The same, but informational.
pub(crate) fn informational(title: &str, series: &str) -> Metric {
    Metric { role: Role::Informational, ..metric(title, series) }
}

/// Settings with these metrics; every other name is `text`.
pub(crate) fn settings(metrics: Vec<Metric>, text: &str) -> Settings {
    Settings {
        commit_source: "the head of the pull request",
        project: name(text),
        task_name: name(text),
        tag: Tag::parse(name(text).as_str()).unwrap_or_else(|_| Tag::parse("tag").unwrap()),
        metrics: Metrics::new(metrics).unwrap(),
        in_force: vec![("CLEARML_PROJECT", text.to_owned()), ("CLEARML_SCALAR_THRESHOLD", "3%".to_owned())],
        ..outcomes::resolved(r#"[{"title": "validation", "series": "accuracy"}]"#, &[])
    }
}

/// A run with a link, two hours old.
pub(crate) fn summary(id: &str, commit: &str) -> RunSummary {
    RunSummary {
        id: TaskId(id.to_owned()),
        commit: Some(RecordedCommit::parse(commit).unwrap_or_else(|| RecordedCommit::NotAnId(commit.to_owned()))),
        link: Some("https://app.example.org/projects/1f/tasks/2e/output/log".to_owned()),
        when: 1,
        age: Some(Duration::from_hours(2)),
    }
}

/// The result of comparing a candidate with a baseline.
pub(crate) fn finding(metric: &Metric, baseline: Option<f64>, candidate: f64) -> Finding<'_> {
    let score = |value| Score::new(value).unwrap();
    let outcome = MetricOutcome::Judged(judge(&metric.criteria, baseline.map(score), score(candidate)));
    Finding { metric, outcome, spreads: Spreads::default(), curves: None }
}

/// The result for a run without the metric.
pub(crate) const fn unknown(metric: &Metric) -> Finding<'_> {
    Finding {
        metric,
        outcome: MetricOutcome::Unknown(Side::Candidate, ScoreFault::Missing),
        spreads: Spreads { candidate: None, baseline: None },
        curves: None,
    }
}

/// Curves that rise to these values over this many iterations.
pub(crate) fn curves(baseline: (u32, f64), candidate: (u32, f64)) -> Curves {
    let towards = |(last, end): (u32, f64)| {
        let value = |n: u32| end * (1.0 - 0.6 * (-6.0 * f64::from(n) / f64::from(last.max(1))).exp());
        Curve((0..=last).map(|n| (f64::from(n), value(n))).collect())
    };
    Curves { candidate: towards(candidate), baseline: towards(baseline) }
}

/// A report with the verdict that follows from the findings. With a `text`, commits and ids are that text.
pub(crate) fn judged<'a>(settings: &'a Settings, findings: Vec<Finding<'a>>, text: Option<&str>) -> Report<'a> {
    let judgements = findings.iter().filter(|finding| finding.metric.is_required()).filter_map(Finding::judgement);
    let verdict = Verdict::from_judgements(&judgements.copied().collect::<Vec<_>>(), settings.accept);
    let run = |id, commit| summary(text.unwrap_or(id), text.unwrap_or(commit));
    let moved = || vec![run("4f2a9c1b77e04d0c9b1e5a6d3c2b1a90", BASE).id];
    let promotion = match verdict {
        Verdict::Degraded => Promotion::NotMoved(NotMovedReason::NotPassed),
        _ => Promotion::Moved { from: moved(), also_tagged: Vec::new() },
    };
    let judged = Judged {
        verdict,
        findings,
        candidate: run("8d3e6f5a11c24b7e8f9a0b1c2d3e4f50", COMMIT),
        baseline: Some(RunSummary {
            age: Some(Duration::from_hours(70)),
            ..run("4f2a9c1b77e04d0c9b1e5a6d3c2b1a90", BASE)
        }),
        promotion,
        ineligible: NearMisses { failed: 1, dirty: 2, ..NearMisses::default() },
        via: JudgedVia::Own,
    };
    let warnings = text.map_or_else(Vec::new, |text| vec![Warning::TagSpelledDifferently(text.to_owned())]);
    Report { settings, outcome: Outcome::Judged(judged), warnings }
}

/// An error response with this message.
pub(crate) fn refusal(message: &str) -> Error {
    let cause = Cause::Refused { status: 400, subcode: 12, message: message.to_owned() };
    Error { operation: Operation::AddTag, host: "https://api.example.org".to_owned(), cause }
}
