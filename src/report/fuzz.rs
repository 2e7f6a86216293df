//! Renders reports with arbitrary texts and numbers, and checks what must be true for every report.

use std::time::Duration;

use serde_json::{Value, json};

use super::outputs::{self, Documents, OUTPUTS};
use super::text::Color;
use crate::ci::{CiContext, CommitSource, FoundCommit, NoCommit, Trigger};
use crate::clearml::links;
use crate::clearml::{self, Cause, Error, Operation};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::gate::outcome::{
    Finding, Judged, JudgedVia, MetricOutcome, Mixed, NoVerdict, NotStarted, OriginUnknown, Outcome, Report, RunResult,
    RunSummary, SameCodeUnknown, Side, Spread, Spreads, Warning,
};
use crate::git::{CodePaths, GitError};
use crate::github;
use crate::model::commit::{Commit, RecordedCommit};
use crate::model::compare::{Direction, Judgement, Score, Verdict, judge};
use crate::model::metric::Metric;
use crate::model::run::{Curve, Curves, ScoreFault, TaskId};
use crate::model::select::NearMisses;
use crate::net::http::{ConnectionProblem, Failure, Unexpected};
use crate::net::tls::TlsProblem;
use crate::net::url::Host;
use crate::promote::{NotMovedReason, Promotion};
use crate::settings::flags::Flags;
use crate::settings::{self, Settings};

const ACCESS: &str = "ACCESSKEYFORTESTS";
const SECRET: &str = "secret+key/for=tests";
const COMMIT: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
/// The characters that GitHub allows in a comment.
const ROOM: usize = 65_536;
/// These start a command to a CI anywhere in a line.
const CI_COMMANDS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// Renders a report with the texts and numbers in the input. `is_xml` decides whether a text is a valid XML document.
///
/// # Panics
/// If a check fails.
pub fn report(data: &[u8], is_xml: impl Fn(&str) -> bool) {
    let mut input = Input::new(data);
    let environment = environment(&mut input);
    let commit = Commit::parse(COMMIT).map_err(|problem| NoCommit::Invalid { text: COMMIT.to_owned(), problem });
    let commit = commit.map(|commit| FoundCommit { commit, source: CommitSource::Variable("COMMIT_ID") });
    let context = commit.map(|found| CiContext { trigger: Trigger::Commit(found), pull_request: None, forge: None });
    match settings::resolve(&Flags::default(), &environment, &context) {
        Ok(settings) => {
            let outcome = if input.flag() {
                Outcome::NoVerdict(no_verdict(&mut input, &settings))
            } else {
                Outcome::Judged(judged(&mut input, &settings))
            };
            let warnings = warnings(&mut input);
            check(&RunResult::Gated(Report { settings: &settings, outcome, warnings }), &is_xml);
        }
        Err(faults) => check(&RunResult::NotStarted(NotStarted::InvalidSettings(&faults)), &is_xml),
    }
}

fn check(ended: &RunResult<'_>, is_xml: &impl Fn(&str) -> bool) {
    let (text, annotation, json, junit) = (ended.text(Color::Off), ended.annotation(), ended.json(), ended.junit());
    let markdown = ended.markdown(ROOM);
    is_harmless_log(&text, &annotation);
    is_colored(&ended.text(Color::On), &text);
    is_json(&json, ended);
    is_markdown(ended, &markdown);
    assert!(is_xml(&junit), "invalid XML: {junit}");
    assert!(junit_is_dated(&junit), "invalid time: {junit}");
    let outputs = outputs::render(ended, Documents { json: json.clone(), markdown: markdown.clone() });
    are_outputs(&outputs, ended);
    for document in [&text, &annotation, &json, &junit, &markdown, &outputs] {
        assert!(!document.contains(ACCESS) && !document.contains(SECRET), "a secret leaked");
    }
}

/// No control character except line breaks, and no command to a CI except the annotation.
fn is_harmless_log(text: &str, annotation: &str) {
    assert!(text.ends_with('\n') && annotation.ends_with('\n'));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "a control character: {text:?}");
    assert!(!annotation.trim_end_matches('\n').contains(char::is_control), "a control character: {annotation:?}");
    let log = format!("{text}{annotation}");
    assert!(!CI_COMMANDS.iter().any(|command| log.contains(command)), "a command to a CI: {log}");
    let commands = log.lines().filter(|line| line.trim_start().starts_with("::"));
    assert_eq!(commands.collect::<Vec<_>>(), [annotation.trim_end_matches('\n')], "a command besides the annotation");
}

fn is_colored(colored: &str, text: &str) {
    let mut bare = colored.to_owned();
    for color in ["\u{1b}[1;31m", "\u{1b}[1;32m", "\u{1b}[1;33m", "\u{1b}[0m"] {
        bare = bare.replace(color, "");
    }
    assert_eq!(bare, text, "colors change the text");
}

fn is_json(json: &str, ended: &RunResult<'_>) {
    let read: Value = serde_json::from_str(json).unwrap_or_default();
    let exit = read.get("exit_code").and_then(Value::as_u64);
    assert_eq!(exit, Some(u64::from(ended.exit().code())), "invalid JSON or wrong exit code: {json}");
    let passed = read.get("passed").and_then(Value::as_bool);
    assert_eq!(passed, Some(is_passed(ended)), "wrong `passed` in the JSON");
}

fn is_passed(ended: &RunResult<'_>) -> bool {
    matches!(ended, RunResult::Gated(Report { outcome: Outcome::Judged(judged), .. }) if judged.verdict.passed())
}

fn is_markdown(ended: &RunResult<'_>, markdown: &str) {
    for (text, room) in [(markdown, ROOM), (&ended.markdown(3000), 3000)] {
        assert!(text.len() <= room, "{} bytes do not fit into {room}", text.len());
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "a control character: {text:?}");
    }
}

/// The time of a suite, if any, has the form that the JUnit schema requires.
fn junit_is_dated(junit: &str) -> bool {
    let head = junit.lines().nth(2).unwrap_or_default();
    let time = head.split_once(" timestamp=\"").and_then(|(_, rest)| rest.split_once('"'));
    let is_time = |time: &str| time.len() == 19 && crate::text::timestamp::parse(time).is_some();
    time.is_none_or(|(time, _)| is_time(time))
}

/// The runner reads exactly the known names, in their order.
fn are_outputs(file: &str, ended: &RunResult<'_>) {
    let mut lines = file.split('\n');
    let mut outputs = Vec::new();
    while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        outputs.push((name, value.join("\n")));
    }
    assert!(outputs.iter().map(|(name, _)| *name).eq(OUTPUTS), "unknown or missing outputs: {file}");
    let value = |wanted: &str| outputs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
    assert_eq!(value("passed"), Some(is_passed(ended).to_string().as_str()));
    assert_eq!(value("exit-code"), Some(ended.exit().code().to_string().as_str()));
}

/// The input: bytes for choices up to the first 0xff, then texts separated by 0xff, which is not valid in UTF-8.
struct Input<'a> {
    choices: std::iter::Copied<std::slice::Iter<'a, u8>>,
    texts: Vec<String>,
    next: usize,
}

impl<'a> Input<'a> {
    fn new(data: &'a [u8]) -> Self {
        let mut pieces = data.split(|&byte| byte == 0xff);
        let choices = pieces.next().unwrap_or_default().iter().copied();
        let hide = |text: String| text.replace(ACCESS, "").replace(SECRET, "");
        let texts = pieces.map(|piece| hide(String::from_utf8_lossy(piece).into_owned())).collect();
        Self { choices, texts, next: 0 }
    }

    fn byte(&mut self) -> u8 {
        self.choices.next().unwrap_or_default()
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// The next text; after the last one, the first again.
    fn text(&mut self) -> String {
        let text = self.texts.get(self.next % self.texts.len().max(1)).cloned();
        self.next += 1;
        text.unwrap_or_else(|| "x".to_owned())
    }

    /// Usually a valid name.
    fn name(&mut self) -> String {
        let text = self.text();
        if self.byte() > 250 {
            return text;
        }
        let text: String = text.chars().filter(|c| !c.is_control() && *c != '\u{fffd}').collect();
        if text.trim().is_empty() { "x".to_owned() } else { text }
    }

    fn number(&mut self) -> f64 {
        const ODD: [f64; 8] = [0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-7, 1e21, -1e300];
        let byte = self.byte();
        ODD.get(usize::from(byte)).copied().unwrap_or_else(|| f64::from(i16::from(byte) - 100) / 64.0)
    }

    #[expect(clippy::expect_used, reason = "a bug in this code should stop the fuzzing")]
    fn score(&mut self) -> Score {
        let number = self.number();
        Score::new(number).expect("every number above is finite")
    }

    /// Microseconds.
    fn time(&mut self) -> u64 {
        match self.byte() {
            0 => 0,
            255 => u64::MAX,
            254 => 253_402_300_799_999_999,
            byte => 1_795_436_746_313_000 + u64::from(byte) * 3_600_000_000,
        }
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> T) -> Vec<T> {
        let count = match self.byte() {
            byte @ 0..=250 => usize::from(byte % 4),
            _ => 150,
        };
        (0..count).map(|_| item(self)).collect()
    }

    fn maybe<T>(&mut self, item: impl Fn(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| item(self))
    }
}

fn environment(input: &mut Input<'_>) -> Environment {
    let count = match input.byte() {
        byte @ 0..=250 => 1 + usize::from(byte % 3),
        _ => 120,
    };
    let metrics: Vec<Value> = (0..count).map(|n| metric(input, n)).collect();
    let switch = |on: bool| on.to_string();
    let pairs = [
        ("CLEARML_API_ACCESS_KEY", ACCESS.to_owned()),
        ("CLEARML_API_SECRET_KEY", SECRET.to_owned()),
        ("CLEARML_API_HOST", "https://api.example.org".to_owned()),
        ("CLEARML_PROJECT", input.name()),
        ("CLEARML_TASK_NAME", input.name()),
        ("CLEARML_METRICS", Value::Array(metrics).to_string()),
        ("CLEARML_BEST_TAGNAME", input.name()),
        ("CLEARML_ACCEPT", switch(input.flag())),
        ("CLEARML_ENFORCE", switch(!input.flag())),
    ];
    pairs.into_iter().collect()
}

fn metric(input: &mut Input<'_>, n: usize) -> Value {
    let (title, series, informational) = (input.name(), input.name(), n > 0 && input.flag());
    // Makes the names of many metrics unique.
    let series = if n > 2 { format!("{n}{series}") } else { series };
    let min_max = if input.flag() { "MIN" } else { "MAX" };
    let amount = json!(input.number().abs());
    let (threshold, margin) = if input.flag() { (Value::Null, amount) } else { (amount, Value::Null) };
    let target = input.maybe(Input::number);
    json!({
        "title": title, "series": series, "warn": informational, "min_max": min_max, "threshold": threshold, "margin": margin,
        "target": target,
    })
}

fn judged<'a>(input: &mut Input<'_>, settings: &'a Settings) -> Judged<'a> {
    let has_baseline = input.flag();
    let findings: Vec<_> = settings.metrics.iter().map(|metric| finding(input, metric, has_baseline)).collect();
    let counting = findings.iter().filter(|finding| finding.metric.is_required()).filter_map(Finding::judgement);
    let counting: Vec<Judgement> = counting.copied().collect();
    Judged {
        verdict: Verdict::from_judgements(&counting, settings.accept),
        findings,
        candidate: summary(input),
        baseline: has_baseline.then(|| summary(input)),
        promotion: promotion(input),
        ineligible: near_misses(input),
        via: judged_via(input),
    }
}

fn finding<'a>(input: &mut Input<'_>, metric: &'a Metric, has_baseline: bool) -> Finding<'a> {
    let outcome = if !metric.is_required() && input.flag() {
        MetricOutcome::Unknown(side(input), fault(input))
    } else {
        let baseline = has_baseline.then(|| input.score());
        MetricOutcome::Judged(judge(&metric.criteria, baseline, input.score()))
    };
    let spread = |input: &mut Input<'_>| Spread { runs: input.below(9), low: input.score(), high: input.score() };
    let spreads = Spreads { candidate: input.maybe(spread), baseline: input.maybe(spread) };
    let curve = |input: &mut Input<'_>| {
        let mut points = input.list(|input| (input.number(), input.number()));
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Curve(points)
    };
    let curves = input.maybe(|input| Curves { candidate: curve(input), baseline: curve(input) });
    Finding { metric, outcome, spreads, curves }
}

fn side(input: &mut Input<'_>) -> Side {
    if input.flag() { Side::Baseline } else { Side::Candidate }
}

fn fault(input: &mut Input<'_>) -> ScoreFault {
    match input.below(4) {
        0 => ScoreFault::Missing,
        1 => ScoreFault::NotANumber,
        2 => ScoreFault::ZeroMayBeNan,
        _ => ScoreFault::NotItsOwn,
    }
}

fn summary(input: &mut Input<'_>) -> RunSummary {
    let (id, project) = (input.text(), input.text());
    let link = Host::parse("app.example.org").ok().map(|web| links::task(&web, (2, 31), &project, &id));
    RunSummary {
        id: TaskId(id),
        commit: RecordedCommit::parse(&input.text()),
        link: link.filter(|_| input.flag()),
        when: input.time(),
        age: input.maybe(Input::time).map(Duration::from_micros),
    }
}

fn promotion(input: &mut Input<'_>) -> Promotion {
    let ids = |input: &mut Input<'_>| input.list(|input| TaskId(input.text()));
    match input.below(10) {
        0 => Promotion::AlreadyTagged { also_tagged: ids(input) },
        1 => Promotion::Moved { from: ids(input), also_tagged: ids(input) },
        2 => Promotion::NotMoved(NotMovedReason::NotPassed),
        3 => Promotion::NotMoved(NotMovedReason::PromoteNever),
        4 => Promotion::NotMoved(NotMovedReason::NotMergedYet),
        5 => Promotion::NotMoved(NotMovedReason::MainBranchUnknown),
        6 => Promotion::NotMoved(NotMovedReason::KeepBest),
        7 => Promotion::NotMoved(NotMovedReason::RecentlyMoved),
        8 => Promotion::Superseded { by: ids(input) },
        _ => Promotion::Failed { error: error(input), candidate_may_have_tag: input.flag() },
    }
}

fn error(input: &mut Input<'_>) -> Error {
    let cause = match input.below(6) {
        0 => Cause::Failure(Failure::UnknownHost),
        1 => Cause::Failure(Failure::Unreachable(ConnectionProblem::Refused.into())),
        2 => Cause::Failure(Failure::Untrusted(tls_problem(input))),
        3 => Cause::Failure(Failure::Unexpected(Unexpected::LargerThan(1 << 20))),
        4 => Cause::Unexpected(clearml::Unexpected::TaskGone(TaskId(input.text()))),
        _ => Cause::Refused { status: 400, subcode: 12, message: input.text() },
    };
    Error { operation: Operation::LogIn, host: "https://api.example.org".to_owned(), cause }
}

fn tls_problem(input: &mut Input<'_>) -> TlsProblem {
    match input.below(9) {
        0 => TlsProblem::Expired(input.maybe(Input::time)),
        1 => TlsProblem::NotYetValid(input.maybe(Input::time)),
        2 => TlsProblem::WrongName(input.list(Input::text)),
        3 => TlsProblem::UnknownAuthority,
        4 => TlsProblem::OldProtocol,
        5 => TlsProblem::NotTls,
        6 => TlsProblem::EmptyStore,
        7 => TlsProblem::AuthorityCertificate,
        _ => TlsProblem::Other(input.text()),
    }
}

fn near_misses(input: &mut Input<'_>) -> NearMisses {
    NearMisses {
        archived: input.below(3),
        dirty: input.below(3),
        notebooks: input.below(3),
        running: input.below(3),
        failed: input.below(3),
        ..NearMisses::default()
    }
}

fn judged_via(input: &mut Input<'_>) -> JudgedVia {
    match input.below(3) {
        0 => JudgedVia::Own,
        1 => JudgedVia::SameCode {
            paths: CodePaths::parse(&input.text()).unwrap_or_default(),
            has_own_runs: input.byte().is_multiple_of(2),
        },
        _ => JudgedVia::PullRequest(u64::from(input.byte())),
    }
}

fn no_verdict<'a>(input: &mut Input<'_>, settings: &'a Settings) -> NoVerdict<'a> {
    let texts = |input: &mut Input<'_>| input.list(Input::text);
    match input.below(10) {
        0 => NoVerdict::ProjectNotFound { similar: texts(input) },
        1 => NoVerdict::TaskNotFound { similar: texts(input) },
        2 => NoVerdict::NoRunOfCommit {
            newest_clean: input.maybe(summary),
            same_code_unknown: input.maybe(same_code_unknown),
            pull_request_unknown: input.maybe(github_error),
        },
        3 => NoVerdict::NoEligibleRun {
            near: near_misses(input),
            judged_via: judged_via(input),
            ran: input.list(|_| settings.commit.clone()),
            same_code_unknown: input.maybe(same_code_unknown),
        },
        4 => NoVerdict::UnusableMetric {
            side: side(input),
            run: summary(input),
            faults: settings.metrics.iter().map(|metric| (metric, fault(input))).collect(),
            known: input.list(|input| (input.text(), input.text())),
        },
        5 => NoVerdict::NoBaseline,
        6 => NoVerdict::UnusableBaseline { faults: warnings(input) },
        7 => NoVerdict::TooFewRuns { side: side(input), have: input.below(5), wanted: 5 },
        8 => NoVerdict::MixedValues {
            run: summary(input),
            mixed: if input.flag() { Mixed::Continued } else { Mixed::TwoProcesses },
            metrics: settings.metrics.iter().collect(),
        },
        _ => NoVerdict::Failed(error(input)),
    }
}

fn github_error(input: &mut Input<'_>) -> github::Error {
    github::Error::Refused { status: 400, message: input.text() }
}

fn same_code_unknown(input: &mut Input<'_>) -> SameCodeUnknown {
    match input.below(3) {
        0 => SameCodeUnknown::CommitsMissing { missing: 1, all: 2 },
        1 => SameCodeUnknown::GitError(GitError::Failed(input.text())),
        _ => SameCodeUnknown::GitError(GitError::PathMissing { path: input.text(), similar: vec![input.text()] }),
    }
}

fn warnings(input: &mut Input<'_>) -> Vec<Warning> {
    input.list(|input| match input.below(10) {
        0 => Warning::BaselineDirty,
        1 => Warning::BaselineUnfinished,
        2 => Warning::BaselineNotMerged(input.maybe(|input| u64::from(input.byte()))),
        3 => Warning::BaselineOriginUnknown(OriginUnknown::Git {
            error: GitError::Failed(input.text()),
            github: input.maybe(github_error),
        }),
        4 => Warning::SeveralTagged(input.below(200)),
        5 => Warning::TagSpelledDifferently(input.text()),
        6 => Warning::CertificateNotVerified,
        7 => Warning::NotEncrypted,
        8 => Warning::BestAtStart { title: input.text(), series: input.text(), direction: Direction::Max },
        _ => Warning::NotEnforced(Exit::Degraded),
    })
}
