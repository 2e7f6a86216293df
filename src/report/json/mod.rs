//! The report as JSON, described in docs/report.schema.json. Pure.

#[cfg(test)]
mod tests;
mod write;

use serde::{Serialize, Serializer};

use write::{MOST_ITEMS, Room, fitting, sentence};

use crate::gate::outcome::{
    Finding, Judged, JudgedVia, MetricOutcome, NoVerdict, NotStarted, Outcome, Report, RunResult, RunSummary, Side,
    Spreads,
};
use crate::model::compare::{Comparison, Direction, Score};
use crate::model::metric::{self, Pick};
use crate::model::run::{self, ScoreFault};
use crate::model::select::NearMisses;
use crate::promote::{NotMovedReason, Promotion};
use crate::settings::Settings;
use crate::text::{number, sanitize, timestamp};
use crate::wording;

/// Increases when a key is removed or changes its meaning.
const SCHEMA_VERSION: u8 = 1;
const MICROS: u64 = 1_000_000;

/// The order of the fields is the order of the keys.
#[derive(Serialize, Default)]
struct Document {
    schema_version: u8,
    tool: Tool,
    verdict: &'static str,
    passed: bool,
    exit_code: u8,
    reason: String,
    commit: Option<String>,
    commit_source: Option<&'static str>,
    project: Option<String>,
    task_name: Option<String>,
    tag: Option<String>,
    metrics: Vec<Metric>,
    candidate: Option<Run>,
    baseline: Option<Run>,
    promotion: Promoted,
    ineligible_runs: NearMisses,
    judged_via: Option<Via>,
    no_verdict: Option<Unjudged>,
    warnings: Vec<Warning>,
    settings: Values,
    invalid_settings: Vec<InvalidSetting>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

impl Default for Tool {
    fn default() -> Self {
        Self { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

#[derive(Serialize)]
struct Metric {
    title: String,
    series: String,
    min_max: Direction,
    value_used: Pick,
    threshold: Option<f64>,
    margin: Option<f64>,
    target: Option<Score>,
    informational: bool,
    verdict: Option<&'static str>,
    candidate_value: Option<Score>,
    baseline_value: Option<Score>,
    change: Option<f64>,
    change_percent: Option<f64>,
    limit: Option<f64>,
    problem: Option<Problem>,
    spread: Option<Spreads>,
    curves: Option<Curves>,
}

#[derive(Serialize)]
struct Problem {
    side: Side,
    kind: ScoreFault,
}

#[derive(Serialize)]
struct Curves {
    candidate: Option<Curve>,
    baseline: Option<Curve>,
}

#[derive(Serialize)]
struct Curve {
    iterations: Vec<f64>,
    values: Vec<f64>,
}

#[derive(Serialize)]
struct Run {
    id: String,
    url: Option<String>,
    commit: Option<String>,
    started_at: Option<String>,
}

#[derive(Serialize, Default)]
struct Promoted {
    state: &'static str,
    reason: Option<Reason>,
    removed_from: Vec<String>,
    also_tagged: Vec<String>,
    error: Option<String>,
    candidate_may_have_tag: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Reason {
    NotMoved(NotMovedReason),
    /// There is no verdict, or nothing to gate.
    NotJudged(&'static str),
}

#[derive(Serialize)]
struct Via {
    kind: &'static str,
    paths: Option<String>,
    pull_request: Option<u64>,
}

#[derive(Serialize, Default)]
struct Unjudged {
    kind: &'static str,
    details: Vec<String>,
    similar_names: Vec<String>,
    reported_metrics: Vec<Reported>,
    newest_clean_run: Option<Run>,
}

#[derive(Serialize)]
struct Reported {
    title: String,
    series: String,
}

#[derive(Serialize)]
struct Warning {
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct InvalidSetting {
    setting: String,
    problem: String,
    example: Option<&'static str>,
}

/// The settings by name, in the order of the table.
#[derive(Default)]
struct Values(Vec<(&'static str, String)>);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Ends with a line break.
pub(crate) fn render(ended: &RunResult<'_>) -> String {
    fitting(|room| {
        let mut document = Document {
            schema_version: SCHEMA_VERSION,
            verdict: ended.verdict(),
            passed: ended.passed(),
            exit_code: ended.exit().code(),
            reason: sentence(&wording::reason(ended)),
            promotion: Promoted {
                state: "not_moved",
                reason: Some(Reason::NotJudged(ended.verdict())),
                ..Promoted::default()
            },
            ..Document::default()
        };
        match ended {
            RunResult::Gated(report) => document.add_report(report, room),
            RunResult::NotStarted(NotStarted::NothingToGate(_)) => {}
            RunResult::NotStarted(NotStarted::InvalidSettings(faults)) => {
                document.no_verdict = Some(Unjudged { kind: "invalid_settings", ..Unjudged::default() });
                let invalid = faults.iter().map(|fault| InvalidSetting {
                    setting: room.text(&fault.subject),
                    problem: sentence(&fault.problem),
                    example: fault.example,
                });
                document.invalid_settings = invalid.collect();
            }
        }
        document
    })
}

impl Document {
    fn add_report(&mut self, report: &Report<'_>, room: Room) {
        let settings = report.settings;
        self.commit = Some(settings.commit.as_str().to_owned());
        self.commit_source = Some(settings.commit_source);
        self.project = Some(room.text(settings.project.as_str()));
        self.task_name = Some(room.text(settings.task_name.as_str()));
        self.tag = Some(room.text(settings.tag.as_str()));
        let warnings = report.warnings.iter();
        let text = |warning| sentence(&wording::warning(warning, settings).plain());
        self.warnings = warnings.map(|warning| Warning { kind: warning.code(), text: text(warning) }).collect();
        self.settings = Values(settings.in_force.iter().map(|(name, value)| (*name, room.text(value))).collect());
        match &report.outcome {
            Outcome::Judged(judged) => self.add_judged(judged, room),
            Outcome::NoVerdict(why) => self.add_no_verdict(settings, why, room),
        }
    }

    fn add_judged(&mut self, judged: &Judged<'_>, room: Room) {
        self.metrics = judged.findings.iter().map(|finding| judged_metric(finding, room)).collect();
        self.candidate = Some(run(&judged.candidate, room));
        self.baseline = judged.baseline.as_ref().map(|baseline| run(baseline, room));
        self.promotion = promoted(&judged.promotion, room);
        self.ineligible_runs = judged.ineligible.clone();
        self.judged_via = match &judged.via {
            JudgedVia::Own => None,
            JudgedVia::SameCode { paths, .. } => {
                let paths = (!paths.is_whole_tree()).then(|| room.text(&paths.to_string()));
                Some(Via { kind: "same_code", paths, pull_request: None })
            }
            JudgedVia::PullRequest(number) => {
                Some(Via { kind: "pull_request", paths: None, pull_request: Some(*number) })
            }
        };
    }

    fn add_no_verdict(&mut self, settings: &Settings, why: &NoVerdict<'_>, room: Room) {
        let details = wording::details(settings, why).iter().map(|detail| sentence(&detail.plain())).collect();
        let mut unjudged = Unjudged { kind: why.code(), details, ..Unjudged::default() };
        let metrics = settings.metrics.iter();
        let metrics = metrics.map(|metric| Metric { problem: problem(metric, why), ..unjudged_metric(metric, room) });
        self.metrics = metrics.collect();
        match why {
            NoVerdict::ProjectNotFound { similar } | NoVerdict::TaskNotFound { similar } => {
                unjudged.similar_names = room.list(similar.iter().map(String::as_str));
            }
            NoVerdict::NoRunOfCommit { newest_clean, .. } => {
                unjudged.newest_clean_run = newest_clean.as_ref().map(|newest| run(newest, room));
            }
            NoVerdict::NoEligibleRun { near, .. } => self.ineligible_runs = near.clone(),
            NoVerdict::UnusableMetric { side, run: unusable, known, .. } => {
                let unusable = Some(run(unusable, room));
                match side {
                    Side::Candidate => self.candidate = unusable,
                    Side::Baseline => self.baseline = unusable,
                }
                let reported = known.iter().take(MOST_ITEMS);
                let reported = reported.map(|(title, series)| (room.text(title), room.text(series)));
                unjudged.reported_metrics = reported.map(|(title, series)| Reported { title, series }).collect();
            }
            NoVerdict::MixedValues { run: mixed, .. } => self.candidate = Some(run(mixed, room)),
            NoVerdict::NoBaseline
            | NoVerdict::UnusableBaseline { .. }
            | NoVerdict::TooFewRuns { .. }
            | NoVerdict::Failed(_) => {}
        }
        self.no_verdict = Some(unjudged);
    }
}

fn judged_metric(finding: &Finding<'_>, room: Room) -> Metric {
    let Spreads { candidate, baseline } = finding.spreads;
    let metric = Metric {
        spread: (candidate.is_some() || baseline.is_some()).then_some(finding.spreads),
        curves: finding.curves.as_ref().map(curves),
        ..unjudged_metric(finding.metric, room)
    };
    let judgement = match &finding.outcome {
        MetricOutcome::Judged(judgement) => judgement,
        MetricOutcome::Unknown(side, kind) => {
            return Metric { problem: Some(Problem { side: *side, kind: *kind }), ..metric };
        }
    };
    let comparison = judgement.comparison();
    Metric {
        verdict: Some(judgement.name()),
        candidate_value: Some(judgement.candidate()),
        baseline_value: comparison.map(|comparison| comparison.baseline),
        change: comparison.map(|comparison| computed(comparison.change())),
        change_percent: comparison.and_then(Comparison::change_percent).map(computed),
        limit: comparison.map(|comparison| computed(comparison.limit.get())),
        ..metric
    }
}

fn unjudged_metric(metric: &metric::Metric, room: Room) -> Metric {
    let criteria = &metric.criteria;
    Metric {
        title: room.text(metric.title.as_str()),
        series: room.text(metric.series.as_str()),
        min_max: criteria.direction,
        value_used: metric.pick,
        threshold: criteria.tolerance.as_percent(),
        margin: criteria.tolerance.as_absolute(),
        target: criteria.target,
        informational: !metric.is_required(),
        verdict: None,
        candidate_value: None,
        baseline_value: None,
        change: None,
        change_percent: None,
        limit: None,
        problem: None,
        spread: None,
        curves: None,
    }
}

fn problem(metric: &metric::Metric, why: &NoVerdict<'_>) -> Option<Problem> {
    match why {
        NoVerdict::UnusableMetric { side, faults, .. } => {
            let (_, kind) = faults.iter().find(|(faulty, _)| *faulty == metric)?;
            Some(Problem { side: *side, kind: *kind })
        }
        NoVerdict::MixedValues { metrics, .. } => {
            let is_affected = metrics.contains(&metric);
            is_affected.then_some(Problem { side: Side::Candidate, kind: ScoreFault::NotItsOwn })
        }
        _ => None,
    }
}

/// Without the last digits, which are noise of the computation.
fn computed(value: f64) -> f64 {
    number::to_digits(value, 12)
}

fn curves(curves: &run::Curves) -> Curves {
    let curve = |curve: &run::Curve| {
        let (iterations, values): (Vec<_>, Vec<_>) = curve.0.iter().copied().unzip();
        (!values.is_empty()).then_some(Curve { iterations, values })
    };
    Curves { candidate: curve(&curves.candidate), baseline: curve(&curves.baseline) }
}

fn run(run: &RunSummary, room: Room) -> Run {
    Run {
        id: room.text(run.id.as_str()),
        url: run.link.as_deref().map(|link| room.text(link)),
        commit: run.commit.as_ref().map(|commit| room.text(commit.as_str())),
        // In whole seconds, because many date parsers accept no fraction.
        started_at: (run.when > 0).then(|| timestamp::format(run.when / MICROS * MICROS)),
    }
}

fn promoted(promotion: &Promotion, room: Room) -> Promoted {
    let nothing = Promoted::default();
    match promotion {
        Promotion::AlreadyTagged { also_tagged } => {
            Promoted { state: "already_tagged", also_tagged: room.ids(also_tagged), ..nothing }
        }
        Promotion::Superseded { by } => Promoted { state: "superseded", also_tagged: room.ids(by), ..nothing },
        Promotion::Moved { from, also_tagged } => {
            let (removed_from, also_tagged) = (room.ids(from), room.ids(also_tagged));
            Promoted { state: "moved", removed_from, also_tagged, ..nothing }
        }
        Promotion::NotMoved(reason) => {
            Promoted { state: "not_moved", reason: Some(Reason::NotMoved(*reason)), ..nothing }
        }
        Promotion::Failed { error, candidate_may_have_tag } => Promoted {
            state: "failed",
            error: Some(sentence(&sanitize::sentence(&error.to_string()))),
            candidate_may_have_tag: *candidate_may_have_tag,
            ..nothing
        },
    }
}
