//! The report as JSON, for machines: docs/report.schema.json says what it holds, and changes with `VERSION` alone. Pure.
//!
//! | file | what it does |
//! |---|---|
//! | `document` | the shape that is promised |
//! | `write` | its text |

mod document;
#[cfg(test)]
mod tests;
mod write;

use document::{
    Curve, Curves, Document, Faulty, Instead, Metric, Number, Problem, Promoted, Rejected, Reported, Run, Spread,
    Spreads, Tool, Undecided, Values, Warned,
};
use write::{MOST_ITEMS, Room, fitting, sentence};

use crate::exit::Exit;
use crate::gate::outcome::{
    Finding, Judged, JudgedVia, MetricOutcome, NoVerdict, NotStarted, Outcome, Report, RunSummary, Side, Warning,
};
use crate::model::commit::Commit;
use crate::model::compare::{Comparison, Direction, Judgement};
use crate::model::metric::{self, Pick};
use crate::model::run::{self, ScoreFault};
use crate::model::select::NearMisses;
use crate::promote::{NotMovedReason, Promotion};
use crate::settings::{Fault, Settings};
use crate::text::timestamp;
use crate::wording;

/// Goes up when something is taken away or changes its meaning.
const VERSION: u8 = 1;
const MICROS: u64 = 1_000_000;

/// The whole report; ends with a line break.
pub(crate) fn render(report: &Report<'_>) -> String {
    fitting(|room| of_report(report, room))
}

/// The same for a run that never asked ClearML.
pub(crate) fn not_started(why: NotStarted<'_>) -> String {
    fitting(|room| of_no_report(why, room))
}

fn of_report(report: &Report<'_>, room: Room) -> Document {
    let settings = report.settings;
    let shared = Document {
        reason: sentence(&wording::reason(report).plain()),
        commit: Some(settings.commit.as_str().to_owned()),
        commit_source: Some(settings.commit_source),
        project: Some(room.text(settings.project.as_str())),
        task_name: Some(room.text(settings.task_name.as_str())),
        tag: Some(room.text(settings.tag.as_str())),
        warnings: report.warnings.iter().map(|warning| warned(warning, settings)).collect(),
        settings: Values(settings.in_force.iter().map(|(name, value)| (*name, room.text(value))).collect()),
        ..empty(report.outcome.result(), report.exit())
    };
    match &report.outcome {
        Outcome::Judged(judged) => with_judged(shared, judged, room),
        Outcome::NoVerdict(why) => with_no_verdict(shared, settings, why, room),
    }
}

fn of_no_report(why: NotStarted<'_>, room: Room) -> Document {
    let document = |exit| Document { reason: sentence(&why.reason()), ..empty(why.result(), exit) };
    match why {
        NotStarted::Nothing(_) => document(Exit::Passed),
        NotStarted::Faults(faults) => Document {
            no_verdict: Some(Undecided { kind: "settings", ..Undecided::default() }),
            faults: faults.iter().map(|fault| faulty(fault, room)).collect(),
            ..document(Exit::Usage)
        },
    }
}

fn empty(verdict: &'static str, exit: Exit) -> Document {
    Document {
        version: VERSION,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        verdict,
        passed: false,
        exit_code: exit.code(),
        reason: String::new(),
        commit: None,
        commit_source: None,
        project: None,
        task_name: None,
        tag: None,
        metrics: Vec::new(),
        candidate: None,
        baseline: None,
        promotion: Promoted { state: "none", ..Promoted::default() },
        rejected: rejected(&NearMisses::default()),
        instead: None,
        no_verdict: None,
        warnings: Vec::new(),
        settings: Values(Vec::new()),
        faults: Vec::new(),
    }
}

fn with_judged(shared: Document, judged: &Judged<'_>, room: Room) -> Document {
    Document {
        passed: judged.verdict.passed(),
        metrics: judged.findings.iter().map(|finding| found(finding, room)).collect(),
        candidate: Some(run(&judged.candidate, room)),
        baseline: judged.baseline.as_ref().map(|baseline| run(baseline, room)),
        promotion: promoted(&judged.promotion, room),
        rejected: rejected(&judged.ineligible),
        instead: instead(&judged.judged_via, room),
        ..shared
    }
}

/// Whose runs were judged instead of those of the commit under review.
fn instead(judged_via: &JudgedVia, room: Room) -> Option<Instead> {
    match judged_via {
        JudgedVia::Own => None,
        JudgedVia::SameCode(paths) => {
            let paths = (!paths.is_whole_tree()).then(|| room.text(&paths.to_string()));
            Some(Instead { kind: "same_code", paths, pull_request: None })
        }
        JudgedVia::PullRequest(number) => {
            Some(Instead { kind: "pull_request", paths: None, pull_request: Some(*number) })
        }
    }
}

fn with_no_verdict(shared: Document, settings: &Settings, why: &NoVerdict<'_>, room: Room) -> Document {
    let metrics = settings.metrics.iter().map(|metric| not_judged(metric, why, room)).collect();
    let details = wording::explain(settings, why).details.iter().map(|detail| sentence(&detail.plain())).collect();
    let mut document = Document { metrics, ..shared };
    let mut undecided = Undecided { kind: kind(why), details, ..Undecided::default() };
    match why {
        NoVerdict::ProjectNotFound { similar } | NoVerdict::TaskNotFound { similar } => {
            undecided.similar = room.list(similar.iter().map(String::as_str));
        }
        NoVerdict::NoRunOfCommit { newest_clean, .. } => {
            undecided.newest_clean_run = newest_clean.as_ref().map(|seen| run(seen, room));
        }
        NoVerdict::NoEligibleRun { near, .. } => document.rejected = rejected(near),
        NoVerdict::AmbiguousCommit { commits } => {
            undecided.commits = room.list(commits.iter().map(Commit::as_str));
        }
        NoVerdict::UnusableMetric { side, run: seen, known, .. } => {
            let seen = Some(run(seen, room));
            match side {
                Side::Candidate => document.candidate = seen,
                Side::Baseline => document.baseline = seen,
            }
            let reported =
                |(title, series): &(String, String)| Reported { title: room.text(title), series: room.text(series) };
            undecided.reported = known.iter().take(MOST_ITEMS).map(reported).collect();
        }
        NoVerdict::NoBaseline
        | NoVerdict::UnusableBaseline { .. }
        | NoVerdict::TooFewRuns { .. }
        | NoVerdict::Failed(_) => {}
    }
    Document { no_verdict: Some(undecided), ..document }
}

/// The word for what is missing.
pub(super) const fn kind(why: &NoVerdict<'_>) -> &'static str {
    match why {
        NoVerdict::ProjectNotFound { .. } => "no_project",
        NoVerdict::TaskNotFound { .. } => "no_task_of_that_name",
        NoVerdict::NoRunOfCommit { .. } => "nothing_ran_the_commit",
        NoVerdict::NoEligibleRun { .. } => "none_qualifies",
        NoVerdict::AmbiguousCommit { .. } => "ambiguous_commit",
        NoVerdict::UnusableMetric { .. } => "no_score",
        NoVerdict::NoBaseline => "no_baseline",
        NoVerdict::UnusableBaseline { .. } => "unfit_baseline",
        NoVerdict::TooFewRuns { .. } => "too_few_runs",
        NoVerdict::Failed(error) if error.is_unreachable() => "unreachable",
        NoVerdict::Failed(_) => "refused",
    }
}

fn found(finding: &Finding<'_>, room: Room) -> Metric {
    let metric = asked(finding.metric, room);
    let curves = finding.curves.as_ref().map(curves);
    let spread = spreads(&finding.spreads);
    match &finding.outcome {
        MetricOutcome::Judged(judgement) => Metric { spread, curves, ..judged(metric, judgement) },
        MetricOutcome::Unknown(side, fault) => {
            Metric { spread, curves, problem: Some(problem(*side, *fault)), ..metric }
        }
    }
}

fn spreads(crate::gate::outcome::Spreads { candidate, baseline }: &crate::gate::outcome::Spreads) -> Option<Spreads> {
    let of = |spread: &crate::gate::outcome::Spread| Spread {
        runs: spread.runs,
        low: spread.low.into(),
        high: spread.high.into(),
    };
    let any = candidate.is_some() || baseline.is_some();
    any.then(|| Spreads { candidate: candidate.as_ref().map(of), baseline: baseline.as_ref().map(of) })
}

fn judged(metric: Metric, judgement: &Judgement) -> Metric {
    let comparison = judgement.comparison();
    Metric {
        verdict: Some(judgement.name()),
        candidate: Some(judgement.candidate().into()),
        baseline: comparison.map(|comparison| comparison.baseline.into()),
        change: comparison.map(|comparison| Number::computed(comparison.change())),
        change_percent: comparison.and_then(Comparison::change_percent).map(Number::computed),
        limit: comparison.map(|comparison| Number::computed(comparison.limit.get())),
        ..metric
    }
}

fn not_judged(metric: &metric::Metric, why: &NoVerdict<'_>, room: Room) -> Metric {
    let NoVerdict::UnusableMetric { side, faults, .. } = why else { return asked(metric, room) };
    let fault = faults.iter().find(|(faulty, _)| *faulty == metric);
    Metric { problem: fault.map(|(_, fault)| problem(*side, *fault)), ..asked(metric, room) }
}

/// What was asked of a metric, with nothing said yet.
fn asked(metric: &metric::Metric, room: Room) -> Metric {
    let criteria = &metric.criteria;
    Metric {
        title: room.text(metric.title.as_str()),
        series: room.text(metric.series.as_str()),
        min_max: match criteria.direction {
            Direction::Max => "MAX",
            Direction::Min => "MIN",
        },
        value: match metric.pick {
            Pick::Best => "best",
            Pick::Last => "last",
        },
        threshold: criteria.tolerance.as_percent().map(Number),
        margin: criteria.tolerance.as_absolute().map(Number),
        target: criteria.target.map(Number::from),
        warn: !metric.is_required(),
        verdict: None,
        candidate: None,
        baseline: None,
        change: None,
        change_percent: None,
        limit: None,
        problem: None,
        spread: None,
        curves: None,
    }
}

const fn problem(side: Side, fault: ScoreFault) -> Problem {
    Problem {
        side: match side {
            Side::Candidate => "candidate",
            Side::Baseline => "baseline",
        },
        kind: match fault {
            ScoreFault::Missing => "missing",
            ScoreFault::NotANumber => "not_a_number",
        },
    }
}

fn curves(curves: &run::Curves) -> Curves {
    Curves { candidate: curve(&curves.candidate), baseline: curve(&curves.baseline) }
}

fn curve(curve: &run::Curve) -> Option<Curve> {
    let (iterations, values): (Vec<_>, Vec<_>) = curve.0.iter().map(|&(x, y)| (Number(x), Number(y))).unzip();
    (!values.is_empty()).then_some(Curve { iterations, values })
}

fn run(seen: &RunSummary, room: Room) -> Run {
    // In whole seconds, since many readers of dates take no fraction.
    let started = (seen.when > 0).then(|| timestamp::format(seen.when / MICROS * MICROS));
    Run {
        id: room.text(seen.id.as_str()),
        url: seen.link.as_deref().map(|link| room.text(link)),
        commit: seen.commit.as_ref().map(|commit| room.text(commit.as_str())),
        started,
    }
}

fn promoted(promotion: &Promotion, room: Room) -> Promoted {
    let nothing = Promoted::default();
    match promotion {
        Promotion::AlreadyTagged { also_tagged } => Promoted { state: "holds", left: room.ids(also_tagged), ..nothing },
        Promotion::Superseded { by } => Promoted { state: "superseded", left: room.ids(by), ..nothing },
        Promotion::Moved { from, also_tagged } => {
            Promoted { state: "moved", from: room.ids(from), left: room.ids(also_tagged), ..nothing }
        }
        Promotion::NotMoved(because) => Promoted { state: "kept", because: Some(kept(*because)), ..nothing },
        Promotion::Failed { error, candidate_may_have_tag } => Promoted {
            state: "failed",
            error: Some(sentence(&crate::text::plain::line(&error.to_string()))),
            candidate_may_carry_it: *candidate_may_have_tag,
            ..nothing
        },
    }
}

const fn kept(because: NotMovedReason) -> &'static str {
    match because {
        NotMovedReason::NotPassed => "not_passed",
        NotMovedReason::PromoteNever => "never",
        NotMovedReason::NotMergedYet => "until_merged",
        NotMovedReason::MainBranchUnknown => "perhaps_not_main",
        NotMovedReason::KeepBest => "keep_best",
        NotMovedReason::RecentlyMoved => "just_taken",
    }
}

const fn rejected(near: &NearMisses) -> Rejected {
    let NearMisses { archived, dirty, running, queued, drafts, failed, stopped, other } = *near;
    Rejected { archived, dirty, running, queued, drafts, failed, stopped, other }
}

fn warned(warning: &Warning, settings: &Settings) -> Warned {
    let kind = match warning {
        Warning::BaselineDirty => "baseline_dirty",
        Warning::BaselineUnfinished => "baseline_unfinished",
        Warning::BaselineNotMerged(_) => "baseline_not_merged",
        Warning::BaselineOriginUnknown(_) => "baseline_origin_unknown",
        Warning::SeveralTagged(_) => "several_tagged",
        Warning::TagSpelledDifferently(_) => "tag_spelled_differently",
        Warning::CertificateNotVerified => "certificate_not_verified",
        Warning::NotEncrypted => "not_encrypted",
        Warning::NotEnforced(_) => "not_enforced",
    };
    Warned { kind, text: sentence(&wording::warning(warning, settings).plain()) }
}

fn faulty(fault: &Fault, room: Room) -> Faulty {
    Faulty { subject: room.text(&fault.subject), problem: sentence(&fault.problem), example: fault.example }
}
