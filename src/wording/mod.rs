//! What is said, in one place for all renderers: the verdict's meaning, what is missing and what to do about it. Pure.
//!
//! | file | what it words |
//! |---|---|
//! | `tag` | what became of the tag |
//! | `no_verdict` | why there is none, and what to do |

mod ci;
mod clearml;
mod gate;
mod git;
mod github;
mod net;
mod no_verdict;
pub(crate) mod phrase;
mod settings;
mod tag;

use std::time::Duration;

pub(crate) use gate::waiting;
pub(crate) use no_verdict::explain;
pub(crate) use tag::promotion;

use crate::gate::outcome::{
    Finding, Judged, JudgedVia, MetricOutcome, Outcome, Report, RunSummary, Side, Spread, Warning,
};
use crate::model::compare::{Comparison, Direction, Judgement, Score, Shortfall, Verdict};
use crate::model::metric::{Metric, Pick};
use crate::model::run::ScoreFault;
use crate::model::select::NearMisses;
use crate::promote::Promotion;
use crate::settings::Settings;
use crate::text::number::{exact, percent, rounded, signed};
use crate::wording::phrase::{Phrase, say};

/// How many digits of a commit are shown.
const COMMIT_DIGITS: usize = 12;

/// How the run ended, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// It passed, and there is something to know or to do.
    Mixed,
    /// It failed.
    Bad,
    /// There is no verdict.
    Unknown,
}

/// The first line of a report.
#[derive(Debug)]
pub(crate) struct Headline {
    /// How the run ended, at a glance.
    pub(crate) tone: Tone,
    /// `PASSED, improved` and the like.
    pub(crate) result: String,
    /// What that means.
    pub(crate) meaning: Phrase,
}

/// The first line of a report.
pub(crate) fn headline(report: &Report<'_>) -> Headline {
    match &report.outcome {
        Outcome::NoVerdict(why) => Headline {
            tone: Tone::Unknown,
            result: "NO VERDICT".to_owned(),
            meaning: explain(report.settings, why).what,
        },
        Outcome::Judged(judged) => {
            let failed = matches!(judged.promotion, Promotion::Failed { .. });
            let tone = match judged.verdict {
                Verdict::Degraded => Tone::Bad,
                Verdict::Accepted | Verdict::Tolerated => Tone::Mixed,
                _ if failed => Tone::Mixed,
                _ => Tone::Good,
            };
            let result = if judged.verdict.passed() { "PASSED" } else { "FAILED" };
            let but = if failed { ", BUT THE TAG WAS NOT MOVED" } else { "" };
            Headline { tone, result: format!("{result}, {}{but}", judged.verdict.name()), meaning: meaning(judged) }
        }
    }
}

/// Why the run ended as it did, in one sentence.
pub(crate) fn reason(report: &Report<'_>) -> Phrase {
    headline(report).meaning
}

/// What the verdict means.
fn meaning(judged: &Judged<'_>) -> Phrase {
    let counting: Vec<&Finding<'_>> = judged.findings.iter().filter(|finding| finding.metric.is_required()).collect();
    match counting.as_slice() {
        [only] => of_one_metric(judged, only),
        all => of_several_metrics(judged, all),
    }
}

fn of_one_metric(judged: &Judged<'_>, finding: &Finding<'_>) -> Phrase {
    let beyond = "the model is worse than the best so far by more than is allowed";
    let short = "the model does not reach the target";
    let is_short = matches!(finding.judgement(), Some(Judgement::Degraded(Shortfall::BelowTarget { .. })));
    let fails = if is_short { short } else { beyond };
    match judged.verdict {
        Verdict::First => say("there is no best model yet to compare with"),
        Verdict::Improved => say("the model is better than the best so far"),
        Verdict::Unchanged if is_baseline(judged) => say("this run is the best so far"),
        Verdict::Unchanged => say("the model is as good as the best so far"),
        Verdict::Tolerated => say("the model is worse than the best so far, within what is allowed"),
        Verdict::Degraded => say(fails),
        Verdict::Accepted => say(format!("{fails}, and that is accepted (CLEARML_ACCEPT is true)")),
    }
}

fn of_several_metrics(judged: &Judged<'_>, all: &[&Finding<'_>]) -> Phrase {
    let those = |which: fn(&Judgement) -> bool| {
        let found: Vec<_> = all.iter().filter(|finding| finding.judgement().is_some_and(which)).collect();
        let names = found.iter().map(|finding| metric_name(finding.metric)).collect::<Vec<_>>();
        (format!("{} of {} metrics", names.len(), all.len()), if names.len() == 1 { "is" } else { "are" }, names)
    };
    let failing = || {
        let (count, verb, names) = those(|one| !one.passed());
        let fail = if verb == "is" { "fails" } else { "fail" };
        say(format!("{count} {fail}: ")).listed(names.into_iter())
    };
    match judged.verdict {
        Verdict::First => say("there is no best model yet to compare with"),
        Verdict::Improved => {
            let (count, verb, _) = those(|one| matches!(one, Judgement::Improved(_)));
            say(format!("{count} {verb} better than the best so far, and none is worse"))
        }
        Verdict::Unchanged if is_baseline(judged) => say("this run is the best so far"),
        Verdict::Unchanged => say("the model is as good as the best so far in every metric"),
        Verdict::Tolerated => {
            let (count, verb, _) = those(|one| matches!(one, Judgement::Tolerated(_)));
            say(format!("{count} {verb} worse than the best so far, within what is allowed"))
        }
        Verdict::Degraded => failing(),
        Verdict::Accepted => failing().say("; that is accepted (CLEARML_ACCEPT is true)"),
    }
}

/// Whether the run under review carries the tag itself.
pub(crate) fn is_baseline(judged: &Judged<'_>) -> bool {
    judged.baseline.as_ref().is_some_and(|baseline| baseline.id == judged.candidate.id)
}

/// Title and series.
pub(crate) fn metric_name(metric: &Metric) -> Phrase {
    Phrase::default().bare(metric.title.as_str()).say(" / ").bare(metric.series.as_str())
}

/// How a metric is read and compared.
pub(crate) const fn metric_rule(metric: &Metric) -> (&'static str, &'static str) {
    let pick = match metric.pick {
        Pick::Best => "best value of a run",
        Pick::Last => "last value of a run",
    };
    let better = match metric.criteria.direction {
        Direction::Max => "higher is better",
        Direction::Min => "lower is better",
    };
    (pick, better)
}

const fn bound(direction: Direction) -> &'static str {
    match direction {
        Direction::Max => "at least",
        Direction::Min => "at most",
    }
}

/// What a metric's row shows: numbers and the tool's own words; empty where there is nothing to show.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    /// The baseline's value.
    pub(crate) baseline: String,
    /// The candidate's value.
    pub(crate) candidate: String,
    /// The change with its percentage.
    pub(crate) change: String,
    /// The bound, without where it comes from.
    pub(crate) limit: String,
    /// Where the bound comes from.
    pub(crate) tolerance: String,
    /// The value to reach.
    pub(crate) target: String,
    /// The judgement.
    pub(crate) verdict: String,
}

/// The cells of a finding.
pub(crate) fn cells(finding: &Finding<'_>) -> Cells {
    let criteria = &finding.metric.criteria;
    let bound = bound(criteria.direction);
    let mut cells = Cells {
        tolerance: criteria.tolerance.to_string(),
        target: criteria.target.map_or_else(String::new, |target| format!("{bound} {}", exact(target.get()))),
        ..Cells::default()
    };
    match &finding.outcome {
        MetricOutcome::Judged(judgement) => {
            judgement.name().clone_into(&mut cells.verdict);
            cells.candidate = shown(judgement.candidate()) + &apart(finding.spreads.candidate);
            if let Some(comparison) = judgement.comparison() {
                cells.baseline = shown(comparison.baseline) + &apart(finding.spreads.baseline);
                cells.change = change(comparison);
                cells.limit = format!("{bound} {}", rounded(comparison.limit.get()));
            }
        }
        MetricOutcome::Unknown(side, fault) => {
            let what = fault_word(*fault).to_owned();
            match side {
                Side::Candidate => cells.candidate = what,
                Side::Baseline => cells.baseline = what,
            }
            "unknown".clone_into(&mut cells.verdict);
        }
    }
    if !finding.metric.is_required() {
        cells.verdict.push_str(", only told");
    }
    cells
}

/// What a median was made of.
fn apart(spread: Option<Spread>) -> String {
    spread.map_or_else(String::new, |Spread { runs, low, high }| {
        format!(" (median of {runs} runs, {} to {})", shown(low), shown(high))
    })
}

fn shown(score: Score) -> String {
    exact(score.get())
}

fn change(comparison: &Comparison) -> String {
    let percent = comparison.change_percent().map_or(String::new(), |share| format!(" ({})", percent(share)));
    format!("{}{percent}", signed(comparison.change()))
}

const fn fault_word(fault: ScoreFault) -> &'static str {
    match fault {
        ScoreFault::Missing => "not reported",
        ScoreFault::NotANumber => "not a number",
    }
}

/// Commit and age of a run.
pub(crate) fn origin(run: &RunSummary) -> Phrase {
    let commit =
        run.commit.as_ref().map_or_else(|| say("commit unknown"), |id| say("commit ").then(commit(id.as_str())));
    run.age.map_or(commit.clone(), |age| commit.say(format!(", {}", ago(age))))
}

/// The beginning of a commit; what is not a commit stays recognisable as such.
fn commit(id: &str) -> Phrase {
    Phrase::default().bare(&id.chars().take(COMMIT_DIGITS).collect::<String>())
}

/// A time span as people say it, rounded down.
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

/// Which commit was run instead of the one under review; `None` when that one was.
pub(crate) fn judged_via(settings: &Settings, judged: &Judged<'_>) -> Option<Phrase> {
    let ran = judged.candidate.commit.as_ref().map_or_else(|| say("an unknown commit"), |id| commit(id.as_str()));
    in_place(settings, &judged.judged_via, ran)
}

/// Which commits were looked at in place of the one under review, if it was not that one.
fn in_place(settings: &Settings, judged_via: &JudgedVia, ran: Phrase) -> Option<Phrase> {
    let under_review = commit(settings.commit.as_str());
    match judged_via {
        JudgedVia::Own => None,
        JudgedVia::SameCode(paths) if paths.is_whole_tree() => Some(
            Phrase::default().then(under_review).say(" was not run; its code is that of ").then(ran).say(", which was"),
        ),
        JudgedVia::SameCode(paths) => Some(
            Phrase::default()
                .then(under_review)
                .say(" was not run; it holds the same as ")
                .then(ran)
                .say(", which was, at ")
                .line(&paths.to_string()),
        ),
        JudgedVia::PullRequest(number) => Some(
            Phrase::default()
                .then(under_review)
                .say(format!(" was not run; it merged pull request {number}, whose head "))
                .then(ran)
                .say(" was"),
        ),
    }
}

/// The runs of the code under review that cannot be the candidate, kind by kind.
pub(crate) fn near_misses(near: &NearMisses, judged_via: &JudgedVia) -> Vec<Phrase> {
    let whose = match judged_via {
        JudgedVia::Own => "at this commit",
        JudgedVia::SameCode(_) | JudgedVia::PullRequest(_) => "of this code",
    };
    let kinds = [
        (near.running, "still running", "run the check again when it has completed"),
        (near.queued, "waiting in a queue", "run the check again when it has completed"),
        (near.dirty, "completed with uncommitted changes", "commit everything and run it again"),
        (near.failed, "failed", "mend it and run it again"),
        (near.stopped, "was stopped before its end", "run it to its end"),
        (near.drafts, "was never started", "start it"),
        (near.archived, "is archived", "restore it, or run it again"),
        (near.other, "is in another state", "run it to its end"),
    ];
    kinds
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, todo)| {
            say(format!("{count} {} {whose}: {what}; {todo}.", if count == 1 { "run" } else { "runs" }))
        })
        .collect()
}

/// A warning as a sentence.
pub(crate) fn warning(warning: &Warning, settings: &Settings) -> Phrase {
    let tag = settings.tag.as_str();
    match warning {
        Warning::BaselineDirty => say("the baseline was run with uncommitted changes, so nobody can run it again"),
        Warning::BaselineNotMerged(Some(number)) => {
            say(format!("the baseline comes from pull request {number}, which was not merged"))
        }
        Warning::BaselineNotMerged(None) => say(
            "the baseline is not part of the main branch: neither its commit nor one with the same files is in there",
        ),
        Warning::BaselineOriginUnknown(why) => {
            say("whether the baseline is part of the main branch is not known: ").line(&why.to_string())
        }
        Warning::BaselineUnfinished => say("the baseline did not complete, or is archived"),
        Warning::SeveralTagged(count) => {
            say(format!("{count} tasks carry the tag ")).quoted(tag).say("; the best of them is the baseline")
        }
        Warning::TagSpelledDifferently(other) => say("no task carries the tag ")
            .quoted(tag)
            .say(", but one carries ")
            .quoted(other)
            .say("; tags are compared exactly"),
        Warning::CertificateNotVerified => {
            say("the server's certificate is not verified (CLEARML_API_HOST_VERIFY_CERT is false)")
        }
        Warning::NotEnforced(exit) => say(format!(
            "CLEARML_ENFORCE is false, so this blocks nothing; enforced, it would end with exit code {}",
            exit.code()
        )),
        Warning::NotEncrypted => say("the API host is plain http on another machine: the keys travel unencrypted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_as_people_say_them() {
        let said = |seconds| ago(Duration::from_secs(seconds));
        assert_eq!(said(0), "just now");
        assert_eq!(said(119), "just now");
        assert_eq!(said(120), "2 minutes ago");
        assert_eq!(said(7200), "2 hours ago");
        assert_eq!(said(86_400 * 2), "2 days ago");
        assert_eq!(said(86_400 * 400), "400 days ago");
    }
}
