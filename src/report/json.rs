//! The report as JSON, for machines: docs/report.schema.json says what it holds, and changes with `VERSION` alone. Pure.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use super::{Finding, Judged, NoVerdict, NotStarted, Outcome, Report, Said, Seen, Side, Stood, Warning, words};
use crate::exit::Exit;
use crate::judge::{Comparison, Direction, Judgement, Score};
use crate::metric::{self, Pick};
use crate::plain::is_misleading;
use crate::promote::{KeptBecause, Promotion};
use crate::run::{self, ScoreFault, TaskId};
use crate::select::NearMisses;
use crate::settings::{Fault, Settings};
use crate::timestamp;

/// Goes up when something is taken away or changes its meaning.
const VERSION: u8 = 1;
/// The bytes of a document. GitHub takes 1 MB for all outputs of a job and counts two bytes a character.
const MOST_BYTES: usize = 400_000;
/// The characters of a text from outside: the first of these with which the document fits, else the last.
const LONGEST: [usize; 3] = [1000, 100, 10];
/// The characters of a sentence.
const LONGEST_SENTENCE: usize = 2000;
/// The items of a list whose length is up to the server.
const MOST_ITEMS: usize = 100;
/// Whole numbers up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;
const MICROS: u64 = 1_000_000;

/// The whole report; ends with a line break.
pub(crate) fn render(report: &Report<'_>) -> String {
    fitting(|room| of_report(report, room))
}

/// The same for a run that never asked ClearML.
pub(crate) fn not_started(why: NotStarted<'_>) -> String {
    fitting(|room| of_no_report(why, room))
}

fn fitting(document: impl Fn(Room) -> Document) -> String {
    let mut text = String::new();
    for longest in LONGEST {
        text = written(&document(Room { longest }));
        if text.len() <= MOST_BYTES {
            break;
        }
    }
    text
}

/// How much of a text from outside there is room for.
#[derive(Debug, Clone, Copy)]
struct Room {
    longest: usize,
}

impl Room {
    fn text(self, text: &str) -> String {
        up_to(text, self.longest)
    }

    fn list<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        texts.into_iter().take(MOST_ITEMS).map(|text| self.text(text)).collect()
    }

    fn ids(self, ids: &[TaskId]) -> Vec<String> {
        self.list(ids.iter().map(TaskId::as_str))
    }
}

fn sentence(text: &str) -> String {
    up_to(text, LONGEST_SENTENCE)
}

fn up_to(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

/// The report; the order of the fields is the order of the keys.
#[derive(Serialize)]
struct Document {
    version: u8,
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
    rejected: Rejected,
    instead: Option<Instead>,
    no_verdict: Option<Undecided>,
    warnings: Vec<Warned>,
    settings: Values,
    faults: Vec<Faulty>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Metric {
    title: String,
    series: String,
    min_max: &'static str,
    value: &'static str,
    threshold: Option<Number>,
    margin: Option<Number>,
    target: Option<Number>,
    warn: bool,
    verdict: Option<&'static str>,
    candidate: Option<Number>,
    baseline: Option<Number>,
    change: Option<Number>,
    change_percent: Option<Number>,
    limit: Option<Number>,
    problem: Option<Problem>,
    spread: Option<Spreads>,
    curves: Option<Curves>,
}

#[derive(Serialize)]
struct Spreads {
    candidate: Option<Spread>,
    baseline: Option<Spread>,
}

#[derive(Serialize)]
struct Spread {
    runs: usize,
    low: Number,
    high: Number,
}

#[derive(Serialize)]
struct Problem {
    side: &'static str,
    kind: &'static str,
}

#[derive(Serialize)]
struct Curves {
    candidate: Option<Curve>,
    baseline: Option<Curve>,
}

#[derive(Serialize)]
struct Curve {
    iterations: Vec<Number>,
    values: Vec<Number>,
}

#[derive(Serialize)]
struct Run {
    id: String,
    url: Option<String>,
    commit: Option<String>,
    started: Option<String>,
}

#[derive(Serialize, Default)]
struct Promoted {
    state: &'static str,
    because: Option<&'static str>,
    from: Vec<String>,
    left: Vec<String>,
    error: Option<String>,
    candidate_may_carry_it: bool,
}

#[derive(Serialize)]
struct Instead {
    kind: &'static str,
    paths: Option<String>,
    pull_request: Option<u64>,
}

#[derive(Serialize)]
struct Rejected {
    archived: usize,
    dirty: usize,
    running: usize,
    queued: usize,
    drafts: usize,
    failed: usize,
    stopped: usize,
    other: usize,
}

#[derive(Serialize, Default)]
struct Undecided {
    kind: &'static str,
    details: Vec<String>,
    similar: Vec<String>,
    commits: Vec<String>,
    reported: Vec<Reported>,
    newest_clean_run: Option<Run>,
}

#[derive(Serialize)]
struct Reported {
    title: String,
    series: String,
}

#[derive(Serialize)]
struct Warned {
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Faulty {
    subject: String,
    problem: String,
    example: Option<&'static str>,
}

/// The settings by their names, in the order of the table.
struct Values(Vec<(&'static str, String)>);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A number as people write it: 100 and not 100.0; `null` where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64(self.0)
    }
}

impl Number {
    /// Without the last digits, which are but the noise of having been computed.
    fn computed(value: f64) -> Self {
        Self(format!("{value:.11e}").parse().unwrap_or(value))
    }
}

impl From<Score> for Number {
    fn from(score: Score) -> Self {
        Self(score.get())
    }
}

fn of_report(report: &Report<'_>, room: Room) -> Document {
    let settings = report.settings;
    let shared = Document {
        reason: sentence(&words::reason(report).plain()),
        commit: Some(settings.commit.as_str().to_owned()),
        commit_source: Some(settings.commit_source),
        project: Some(room.text(settings.project.as_str())),
        task_name: Some(room.text(settings.task_name.as_str())),
        tag: Some(room.text(settings.tag.as_str())),
        warnings: report.warnings.iter().map(|warning| warned(warning, settings)).collect(),
        settings: Values(settings.in_force.iter().map(|(name, value)| (*name, room.text(value))).collect()),
        ..empty("no verdict", report.exit())
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
        verdict: judged.verdict.name(),
        passed: judged.verdict.passed(),
        metrics: judged.findings.iter().map(|finding| found(finding, room)).collect(),
        candidate: Some(run(&judged.candidate, room)),
        baseline: judged.baseline.as_ref().map(|baseline| run(baseline, room)),
        promotion: promoted(&judged.promotion, room),
        rejected: rejected(&judged.rejected),
        instead: instead(&judged.stood, room),
        ..shared
    }
}

/// Whose runs were judged instead of those of the commit under review.
fn instead(stood: &Stood, room: Room) -> Option<Instead> {
    match stood {
        Stood::ForItself => None,
        Stood::SameCode(paths) => {
            let paths = (!paths.is_whole_tree()).then(|| room.text(&paths.to_string()));
            Some(Instead { kind: "same_code", paths, pull_request: None })
        }
        Stood::PullRequest(number) => Some(Instead { kind: "pull_request", paths: None, pull_request: Some(*number) }),
    }
}

fn with_no_verdict(shared: Document, settings: &Settings, why: &NoVerdict<'_>, room: Room) -> Document {
    let metrics = settings.metrics.iter().map(|metric| not_judged(metric, why, room)).collect();
    let details = words::explain(settings, why).details.iter().map(|detail| sentence(&detail.plain())).collect();
    let mut document = Document { metrics, ..shared };
    let mut undecided = Undecided { kind: kind(why), details, ..Undecided::default() };
    match why {
        NoVerdict::NoProject { similar } | NoVerdict::NoTaskOfThatName { similar } => {
            undecided.similar = room.list(similar.iter().map(String::as_str));
        }
        NoVerdict::NothingRanTheCommit { newest_clean, .. } => {
            undecided.newest_clean_run = newest_clean.as_ref().map(|seen| run(seen, room));
        }
        NoVerdict::NoneQualifies { near, .. } => document.rejected = rejected(near),
        NoVerdict::AmbiguousCommit { commits } => {
            undecided.commits = room.list(commits.iter().map(String::as_str));
        }
        NoVerdict::NoScore { side, run: seen, known, .. } => {
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
        | NoVerdict::UnfitBaseline { .. }
        | NoVerdict::TooFewRuns { .. }
        | NoVerdict::Failed(_) => {}
    }
    Document { no_verdict: Some(undecided), ..document }
}

/// The word for what is missing.
pub(super) const fn kind(why: &NoVerdict<'_>) -> &'static str {
    match why {
        NoVerdict::NoProject { .. } => "no_project",
        NoVerdict::NoTaskOfThatName { .. } => "no_task_of_that_name",
        NoVerdict::NothingRanTheCommit { .. } => "nothing_ran_the_commit",
        NoVerdict::NoneQualifies { .. } => "none_qualifies",
        NoVerdict::AmbiguousCommit { .. } => "ambiguous_commit",
        NoVerdict::NoScore { .. } => "no_score",
        NoVerdict::NoBaseline => "no_baseline",
        NoVerdict::UnfitBaseline { .. } => "unfit_baseline",
        NoVerdict::TooFewRuns { .. } => "too_few_runs",
        NoVerdict::Failed(error) if error.is_unreachable() => "unreachable",
        NoVerdict::Failed(_) => "refused",
    }
}

fn found(finding: &Finding<'_>, room: Room) -> Metric {
    let metric = asked(finding.metric, room);
    let curves = finding.curves.as_ref().map(curves);
    let spread = spreads(&finding.spreads);
    match &finding.said {
        Said::Judged(judgement) => Metric { spread, curves, ..judged(metric, judgement) },
        Said::Unknown(side, fault) => Metric { spread, curves, problem: Some(problem(*side, *fault)), ..metric },
    }
}

fn spreads(super::Spreads { candidate, baseline }: &super::Spreads) -> Option<Spreads> {
    let of = |spread: &super::Spread| Spread { runs: spread.runs, low: spread.low.into(), high: spread.high.into() };
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
    let NoVerdict::NoScore { side, faults, .. } = why else { return asked(metric, room) };
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
        warn: !metric.counts(),
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

fn run(seen: &Seen, room: Room) -> Run {
    // In whole seconds, since many readers of dates take no fraction.
    let started = (seen.when > 0).then(|| timestamp::format(seen.when / MICROS * MICROS));
    Run {
        id: room.text(seen.id.as_str()),
        url: seen.link.as_deref().map(|link| room.text(link)),
        commit: seen.commit.as_deref().map(|commit| room.text(commit)),
        started,
    }
}

fn promoted(promotion: &Promotion, room: Room) -> Promoted {
    let nothing = Promoted::default();
    match promotion {
        Promotion::Holds { left } => Promoted { state: "holds", left: room.ids(left), ..nothing },
        Promotion::Superseded { by } => Promoted { state: "superseded", left: room.ids(by), ..nothing },
        Promotion::Moved { from, left } => {
            Promoted { state: "moved", from: room.ids(from), left: room.ids(left), ..nothing }
        }
        Promotion::Kept(because) => Promoted { state: "kept", because: Some(kept(*because)), ..nothing },
        Promotion::Failed { error, added } => Promoted {
            state: "failed",
            error: Some(sentence(&crate::plain::line(&error.to_string()))),
            candidate_may_carry_it: *added,
            ..nothing
        },
    }
}

const fn kept(because: KeptBecause) -> &'static str {
    match because {
        KeptBecause::NotPassed => "not_passed",
        KeptBecause::Never => "never",
        KeptBecause::UntilMerged => "until_merged",
        KeptBecause::PerhapsNotMain => "perhaps_not_main",
        KeptBecause::KeepBest => "keep_best",
        KeptBecause::JustTaken => "just_taken",
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
    Warned { kind, text: sentence(&words::warning(warning, settings).plain()) }
}

fn faulty(fault: &Fault, room: Room) -> Faulty {
    Faulty { subject: room.text(&fault.subject), problem: sentence(&fault.problem), example: fault.example }
}

fn written(document: &Document) -> String {
    // Nothing in the document can fail to become JSON: its keys are strings, and what is not a number becomes null.
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    harmless(&with_numbers_in_rows(&text))
}

/// The elements of a list of numbers in one line instead of one each. A line never begins with a number otherwise.
fn with_numbers_in_rows(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within = false;
    for line in text.lines() {
        let item = line.trim_start();
        let is_number = item.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        match (within, is_number) {
            (true, true) => out.extend([" ", item]),
            (false, true) | (true, false) => out.push_str(item),
            (false, false) => out.extend([if out.is_empty() { "" } else { "\n" }, line]),
        }
        within = is_number;
    }
    out.push('\n');
    out
}

/// The document with everything invisible or misleading escaped, since it may land in a log. Such characters occur in
/// strings alone, where an escape means the same.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && (is_misleading(c) || (c == '#' && out.ends_with('#'))) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::ci;
    use crate::clearml::{Cause, Error};
    use crate::cli::Flags;
    use crate::environment::Environment;
    use crate::http::Failure;
    use crate::judge::{Verdict, judge};
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
        let schema = parsed(include_str!("../../docs/report.schema.json"));
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

        #[test]
        fn escapes_change_no_string(texts in any::<BTreeMap<String, String>>()) {
            let text = serde_json::to_string_pretty(&texts).unwrap();
            let read: BTreeMap<String, String> = serde_json::from_str(&harmless(&with_numbers_in_rows(&text))).unwrap();
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn a_number_is_read_back_as_it_was(value in prop::num::f64::NORMAL) {
            let text = serde_json::to_string(&Number(value)).unwrap();
            prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), value.to_bits());
        }

        #[test]
        fn a_computed_number_is_hardly_rounded(value in prop::num::f64::NORMAL) {
            prop_assert!((Number::computed(value).0 / value - 1.0).abs() < 1e-11);
        }

        #[test]
        fn a_cut_text_says_so(text in any::<String>(), longest in 0usize..20) {
            let cut = up_to(&text, longest);
            prop_assert!(cut == text || (cut.ends_with('…') && cut.chars().count() == longest + 1));
        }
    }
}
