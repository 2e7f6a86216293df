//! All text that a person reads, shared by the renderers: what a verdict means, what is missing, and what to do. Pure.
//!
//! | file | wording for |
//! |---|---|
//! | `tag` | what happened to the tag |
//! | `no_verdict` | why there is no verdict, and what to do |
//! | `ci`, `clearml`, `git`, `github`, `net`, `settings` | the errors of these modules |

/// The address of a file of this project.
macro_rules! page {
    ($path:literal) => {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/", $path)
    };
}

mod ci;
mod clearml;
mod gate;
mod git;
mod github;
pub(crate) mod help;
mod model;
mod net;
mod no_verdict;
pub(crate) mod phrase;
mod settings;
mod tag;

use std::time::Duration;

pub(crate) use gate::waiting;
pub(crate) use no_verdict::{details, summary as no_verdict_summary};
pub(crate) use tag::promotion;

use crate::gate::outcome::{
    Finding, Judged, JudgedVia, MetricOutcome, NotStarted, Outcome, Report, RunResult, RunSummary, Side, Spread,
    Warning,
};
use crate::model::commit::RecordedCommit;
use crate::model::compare::{Comparison, Direction, Judgement, Score, Verdict};
use crate::model::metric::{Metric, Pick};
use crate::model::run::ScoreFault;
use crate::model::select::NearMisses;
use crate::promote::Promotion;
use crate::settings::Settings;
use crate::text::number::{exact, percent, rounded, signed};
use crate::wording::phrase::{Phrase, name, say};

/// How many digits of a commit are shown.
const COMMIT_DIGITS: usize = 12;

pub(crate) const ACCEPTED: &str = "CLEARML_ACCEPT is true";
pub(crate) const SEE_HELP: &str = "Run clearml-gate --help for a list of all settings.";
/// Replaces the link to a baseline that is the candidate.
pub(crate) const SAME_RUN: &str = "same run as the candidate";

pub(crate) const SEARCHED_FOR: &str = "The check searched for:";
pub(crate) const HOW_IT_WAS_CHECKED: &str = "How this was checked";
pub(crate) const HOW_THE_CANDIDATE_IS_FOUND: &str =
    "The candidate is the newest completed run without uncommitted changes that has:";
pub(crate) const INELIGIBLE: &str = "Other runs, not used:";

pub(crate) fn and_more(count: usize) -> String {
    format!("and {count} more")
}

/// Summary of the folded metrics, all of which pass.
pub(crate) fn more_metrics(count: usize) -> String {
    format!("{} that {}", counted(count, "more metric"), if count == 1 { "does not fail" } else { "do not fail" })
}

pub(crate) fn metrics_not_shown(count: usize, failing: usize) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    let which = match failing {
        0 => "none of them fails".to_owned(),
        1 => "1 of them fails".to_owned(),
        _ => format!("{failing} of them fail"),
    };
    format!("{} {verb} not shown because the report is too long; {which}.", counted(count, "more metric"))
}

pub(crate) fn curves_of(metrics: usize) -> String {
    format!("Curves of {metrics} metrics")
}

/// How the run ended, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    /// It passed, but there is something to know or to do.
    Mixed,
    Bad,
    /// There is no verdict.
    Unknown,
}

/// The first line of a report.
#[derive(Debug)]
pub(crate) struct Headline {
    pub(crate) tone: Tone,
    /// Such as `PASSED, improved`.
    pub(crate) result: String,
    pub(crate) meaning: Phrase,
}

pub(crate) fn headline(report: &Report<'_>) -> Headline {
    match &report.outcome {
        Outcome::NoVerdict(why) => Headline {
            tone: Tone::Unknown,
            result: "NO VERDICT".to_owned(),
            meaning: no_verdict::summary(report.settings, why),
        },
        Outcome::Judged(judged) => {
            let failed_move = matches!(judged.promotion, Promotion::Failed { .. });
            let tone = match judged.verdict {
                Verdict::Degraded => Tone::Bad,
                Verdict::Accepted | Verdict::Tolerated => Tone::Mixed,
                _ if failed_move => Tone::Mixed,
                _ => Tone::Good,
            };
            let result = if judged.verdict.passed() { "PASSED" } else { "FAILED" };
            let but = if failed_move { ", BUT MOVING THE TAG FAILED" } else { "" };
            Headline { tone, result: format!("{result}, {}{but}", judged.verdict.name()), meaning: meaning(judged) }
        }
    }
}

/// The first line of a run that did not ask ClearML.
pub(crate) fn not_started(why: NotStarted<'_>) -> Headline {
    match why {
        NotStarted::NothingToGate(reason) => {
            Headline { tone: Tone::Good, result: "NOTHING TO GATE".to_owned(), meaning: say(reason) }
        }
        NotStarted::InvalidSettings(faults) => {
            let meaning = say(counted(faults.len(), "invalid or missing setting"));
            Headline { tone: Tone::Unknown, result: "NO VERDICT".to_owned(), meaning }
        }
    }
}

/// Why the run ended as it did, in one sentence.
pub(crate) fn reason(ended: &RunResult<'_>) -> String {
    let headline = match ended {
        RunResult::Gated(report) => headline(report),
        RunResult::NotStarted(why) => not_started(*why),
    };
    headline.meaning.plain()
}

/// What the verdict means.
fn meaning(judged: &Judged<'_>) -> Phrase {
    let required: Vec<&Finding<'_>> = judged.findings.iter().filter(|finding| finding.metric.is_required()).collect();
    let is_single = required.len() == 1;
    let count = |matches: fn(&Judgement) -> bool| {
        let count = required.iter().filter(|finding| finding.judgement().is_some_and(matches)).count();
        format!("{count} of {} required metrics {}", required.len(), if count == 1 { "is" } else { "are" })
    };
    match judged.verdict {
        Verdict::First => say("there is no baseline to compare with yet"),
        Verdict::Unchanged if is_baseline(judged) => say("this run is the baseline"),
        Verdict::Improved if is_single => say("the model is better than the baseline"),
        Verdict::Improved => {
            say(count(|one| matches!(one, Judgement::Improved(_))) + " better than the baseline, and none is worse")
        }
        Verdict::Unchanged if is_single => say("the model is as good as the baseline"),
        Verdict::Unchanged => say("the model is as good as the baseline in every required metric"),
        Verdict::Tolerated if is_single => say("the model is worse than the baseline, but within the allowed loss"),
        Verdict::Tolerated => {
            let worse = count(|one| matches!(one, Judgement::Tolerated(_)));
            say(worse + " worse than the baseline, but within the allowed loss")
        }
        Verdict::Degraded => failure(&required),
        Verdict::Accepted => failure(&required).say(" (accepted because CLEARML_ACCEPT is true)"),
    }
}

fn failure(required: &[&Finding<'_>]) -> Phrase {
    if let [only] = required {
        let judgement = only.judgement();
        let beyond = judgement.is_some_and(|judgement| judgement.misses_limit(&only.metric.criteria));
        let short = judgement.is_some_and(Judgement::misses_target);
        return say(match (short, beyond) {
            (true, true) => {
                "the model does not reach the target and is worse than the baseline by more than the allowed loss"
            }
            (true, false) => "the model does not reach the target",
            _ => "the model is worse than the baseline by more than the allowed loss",
        });
    }
    let failing = |finding: &&&Finding<'_>| finding.judgement().is_some_and(|judgement| !judgement.passed());
    let names: Vec<Phrase> = required.iter().filter(failing).map(|finding| metric_name(finding.metric)).collect();
    let verb = if names.len() == 1 { "fails" } else { "fail" };
    say(format!("{} of {} required metrics {verb}: ", names.len(), required.len())).listed(names)
}

/// A number with its noun, as in "2 settings".
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The text with a capital first letter.
fn capitalized(text: &str) -> String {
    text[..1].to_ascii_uppercase() + &text[1..]
}

/// Whether the candidate is the baseline itself.
pub(crate) fn is_baseline(judged: &Judged<'_>) -> bool {
    judged.baseline.as_ref().is_some_and(|baseline| baseline.id == judged.candidate.id)
}

/// Title and series.
pub(crate) fn metric_name(metric: &Metric) -> Phrase {
    scalar_name(metric.title.as_str(), metric.series.as_str())
}

fn scalar_name(title: &str, series: &str) -> Phrase {
    name(title).say(" / ").then(name(series))
}

/// Which value of a run counts, and which direction is better.
pub(crate) fn metric_rule(metric: &Metric) -> String {
    let pick = match metric.pick {
        Pick::Best => "best value per run",
        Pick::Last => "last value per run",
    };
    let better = match metric.criteria.direction {
        Direction::Max => "higher is better",
        Direction::Min => "lower is better",
    };
    format!("{pick}, {better}")
}

/// The text of a metric's row; empty where there is nothing to show. Contains no text from outside.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    pub(crate) baseline: String,
    pub(crate) candidate: String,
    pub(crate) change: String,
    /// Such as `at least 0.776`.
    pub(crate) limit: String,
    /// How the limit follows from the baseline.
    pub(crate) tolerance: String,
    pub(crate) target: String,
    pub(crate) verdict: String,
    /// The bounds that the value had to meet; those it missed, if it missed any.
    pub(crate) expected: Vec<String>,
}

impl Cells {
    /// The values, and the bounds that they had to meet or missed.
    pub(crate) fn numbers(&self) -> String {
        let expected = self.expected.join(" and ");
        if expected.is_empty() { self.values() } else { format!("{}, expected: {expected}", self.values()) }
    }

    /// The change from baseline to candidate, or the candidate alone.
    pub(crate) fn values(&self) -> String {
        if self.baseline.is_empty() {
            self.candidate.clone()
        } else {
            format!("{} → {}", self.baseline, self.candidate)
        }
    }

    pub(crate) fn limit_with_tolerance(&self) -> String {
        if self.limit.is_empty() { String::new() } else { format!("{} ({})", self.limit, self.tolerance) }
    }
}

pub(crate) fn cells(finding: &Finding<'_>) -> Cells {
    let criteria = &finding.metric.criteria;
    let bound = match criteria.direction {
        Direction::Max => "at least",
        Direction::Min => "at most",
    };
    let mut cells = Cells {
        tolerance: criteria.tolerance.to_string(),
        target: criteria.target.map_or_else(String::new, |target| format!("{bound} {}", exact(target.get()))),
        ..Cells::default()
    };
    match &finding.outcome {
        MetricOutcome::Judged(judgement) => {
            judgement.name().clone_into(&mut cells.verdict);
            cells.candidate = value(judgement.candidate(), finding.spreads.candidate);
            if let Some(comparison) = judgement.comparison() {
                cells.baseline = value(comparison.baseline, finding.spreads.baseline);
                cells.change = change(comparison);
                cells.limit = format!("{bound} {}", rounded(comparison.limit.get()));
            }
            let target = if cells.target.is_empty() { String::new() } else { format!("{} (target)", cells.target) };
            let bounds =
                [(cells.limit_with_tolerance(), judgement.misses_limit(criteria)), (target, judgement.misses_target())];
            let shown = bounds.into_iter().filter(|(text, missed)| !text.is_empty() && (judgement.passed() || *missed));
            cells.expected = shown.map(|(text, _)| text).collect();
        }
        MetricOutcome::Unknown(side, fault) => {
            let cell = match side {
                Side::Candidate => &mut cells.candidate,
                Side::Baseline => &mut cells.baseline,
            };
            match fault {
                ScoreFault::Missing => "not reported",
                ScoreFault::NotANumber => "not a number",
                ScoreFault::ZeroMayBeNan => "0, may be NaN",
                ScoreFault::NotItsOwn => "may be of another commit",
            }
            .clone_into(cell);
            "unknown".clone_into(&mut cells.verdict);
        }
    }
    if !finding.metric.is_required() {
        cells.verdict.push_str(" (informational)");
    }
    cells
}

fn value(score: Score, spread: Option<Spread>) -> String {
    let value = exact(score.get());
    spread.map_or_else(
        || value.clone(),
        |Spread { runs, low, high }| {
            format!("{value} (median of {runs} runs, {} to {})", exact(low.get()), exact(high.get()))
        },
    )
}

fn change(comparison: &Comparison) -> String {
    let percent = comparison.change_percent().map_or(String::new(), |share| format!(" ({})", percent(share)));
    signed(comparison.change()) + &percent
}

/// Commit and age of a run.
pub(crate) fn origin(run: &RunSummary) -> Phrase {
    let commit =
        run.commit.as_ref().map_or_else(|| say("unknown commit"), |id| say("commit ").then(commit(id.as_str())));
    match run.age {
        Some(age) => commit.say(format!(", {}", ago(age))),
        None => commit,
    }
}

/// The beginning of a commit id.
fn commit(id: &str) -> Phrase {
    name(&id.chars().take(COMMIT_DIGITS).collect::<String>())
}

/// An age, rounded down.
fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    let (count, unit) = match minutes {
        0..2 => return "just now".to_owned(),
        2..120 => (minutes, "minutes"),
        120..2880 => (minutes / 60, "hours"),
        _ => (minutes / 60 / 24, "days"),
    };
    format!("{count} {unit} ago")
}

pub(crate) fn no_baseline(settings: &Settings) -> Phrase {
    say("none, because no run with this name has the tag ").quoted(settings.tag.as_str())
}

/// Which commit was judged in place of the one under review, if it was another one.
pub(crate) fn judged_via(settings: &Settings, judged: &Judged<'_>) -> Option<Phrase> {
    let ran = judged.candidate.commit.as_ref();
    let is_own = ran.and_then(RecordedCommit::id).is_some_and(|id| settings.commit.matches(id));
    if let (JudgedVia::SameCode { .. }, true) = (&judged.via, is_own) {
        return Some(say("also counting runs of other commits with the same code"));
    }
    let ran = ran.map_or_else(|| say("an unknown commit"), |id| commit(id.as_str()));
    in_place(settings, &judged.via, say("using the run of ").then(ran), "has")
}

/// Explains why runs of other commits were considered; `used` says which.
fn in_place(settings: &Settings, judged_via: &JudgedVia, used: Phrase, have: &str) -> Option<Phrase> {
    let lacking = match judged_via {
        JudgedVia::SameCode { has_own_runs: true, .. } => " has too few clean runs; ",
        _ => " has no run; ",
    };
    let no_run = commit(settings.commit.as_str()).say(lacking).then(used);
    match judged_via {
        JudgedVia::Own => None,
        JudgedVia::SameCode { paths, .. } if paths.is_whole_tree() => {
            Some(no_run.say(format!(", which {have} the same code")))
        }
        JudgedVia::SameCode { paths, .. } => {
            Some(no_run.say(format!(", which {have} the same code in ")).sentence(&paths.to_string()))
        }
        JudgedVia::PullRequest(number) => {
            Some(no_run.say(format!(", the head of pull request {number} that it merged")))
        }
    }
}

/// The runs of the code under review that cannot be the candidate, with advice for each kind if there is no verdict.
pub(crate) fn near_misses(near: &NearMisses, judged_via: &JudgedVia, with_advice: bool) -> Vec<Phrase> {
    let of = match judged_via {
        JudgedVia::Own => "of this commit",
        JudgedVia::SameCode { .. } | JudgedVia::PullRequest(_) => "of this code",
    };
    let kinds = [
        (near.running, "is still running", "are still running", "check again when it has completed"),
        (near.queued, "is waiting in a queue", "are waiting in a queue", "check again when it has completed"),
        (
            near.dirty,
            "has uncommitted changes",
            "have uncommitted changes",
            "commit all changes and run the training again",
        ),
        (
            near.notebooks,
            "was a notebook, whose code ClearML keeps in place of the uncommitted changes",
            "were notebooks, whose code ClearML keeps in place of the uncommitted changes",
            "commit the code and run it as a script",
        ),
        (near.failed, "failed", "failed", "fix the problem and run the training again"),
        (near.stopped, "was stopped early", "were stopped early", "let the training finish"),
        (near.drafts, "was never started", "were never started", "start the training"),
        (near.archived, "is archived", "are archived", "restore it, or run the training again"),
        (near.other, "has an unknown status", "have an unknown status", "let the training finish"),
    ];
    let found = kinds.into_iter().filter(|(count, ..)| *count > 0);
    found
        .map(|(count, one, many, advice)| {
            let state = if count == 1 { one } else { many };
            let advice = if with_advice { format!("; {advice}") } else { String::new() };
            say(format!("{} {of} {state}{advice}.", counted(count, "run")))
        })
        .collect()
}

pub(crate) fn warning(warning: &Warning, settings: &Settings) -> Phrase {
    let tag = settings.tag.as_str();
    match warning {
        Warning::BaselineDirty => say("the baseline was run with uncommitted changes, so it cannot be reproduced"),
        Warning::BaselineNotMerged(Some(number)) => {
            say(format!("the baseline comes from pull request {number}, which was not merged"))
        }
        Warning::BaselineNotMerged(None) => say(
            "the baseline is not part of the main branch, which contains neither its commit nor one with the same files",
        ),
        Warning::BaselineOriginUnknown(why) => {
            say("could not determine whether the baseline is part of the main branch: ").sentence(&why.to_string())
        }
        Warning::BaselineUnfinished => say("the baseline did not complete, or is archived"),
        Warning::SeveralTagged(count) => {
            say(format!("{count} runs have the tag ")).quoted(tag).say("; the best of them is the baseline")
        }
        Warning::TagSpelledDifferently(other) => {
            say("no run has the tag ").quoted(tag).say(", but one has ").quoted(other).say(spelling_rule(tag, other))
        }
        Warning::BestAtStart { title, series, direction } => {
            let other = match direction {
                Direction::Max => "MIN",
                Direction::Min => "MAX",
            };
            let question = format!(" is at the start of both runs; did you mean {other} as its direction?");
            say("the best value of ").then(scalar_name(title, series)).say(question)
        }
        Warning::CertificateNotVerified => {
            say("the server's certificate is not verified (CLEARML_API_HOST_VERIFY_CERT is false)")
        }
        Warning::NotEnforced(exit) => say(format!(
            "this does not fail the job because CLEARML_ENFORCE is false; otherwise the exit code would be {}",
            exit.code()
        )),
        Warning::NotEncrypted => say("CLEARML_API_HOST uses http, so credentials are sent unencrypted"),
    }
}

/// What is different about a misspelled tag. Renderers may draw several spaces as one.
fn spelling_rule(tag: &str, other: &str) -> &'static str {
    if tag.to_lowercase() == other.to_lowercase() {
        "; upper and lower case must match"
    } else if tag.split_whitespace().eq(other.split_whitespace()) {
        " with other spaces; the spaces must match"
    } else {
        "; every letter must match"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rounded_down() {
        let ago = |seconds| ago(Duration::from_secs(seconds));
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(119), "just now");
        assert_eq!(ago(120), "2 minutes ago");
        assert_eq!(ago(7200), "2 hours ago");
        assert_eq!(ago(86_400 * 2), "2 days ago");
        assert_eq!(ago(86_400 * 400), "400 days ago");
    }
}
