//! What is said, in one place for all renderers: the verdict's meaning, what is missing and what to do about it. Pure.

use std::time::Duration;

use super::number::{exact, percent, rounded, signed};
use super::phrase::{Phrase, say};
use super::{Finding, Judged, NoVerdict, Outcome, Report, Said, Seen, Side, Spread, Stood, Unclear, Warning};
use crate::judge::{Comparison, Direction, Judgement, Score, Shortfall, Verdict};
use crate::metric::{Metric, Pick};
use crate::promote::{KeptBecause, Promotion};
use crate::run::{ScoreFault, TaskId};
use crate::select::NearMisses;
use crate::settings::Settings;
use crate::span::span;

/// How many digits of a commit are shown.
const COMMIT_DIGITS: usize = 12;

/// How the run ended, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
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
pub(super) struct Headline {
    /// How the run ended, at a glance.
    pub(super) tone: Tone,
    /// `PASSED, improved` and the like.
    pub(super) result: String,
    /// What that means.
    pub(super) meaning: Phrase,
}

/// The first line of a report.
pub(super) fn headline(report: &Report<'_>) -> Headline {
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
pub(super) fn reason(report: &Report<'_>) -> Phrase {
    headline(report).meaning
}

/// What the verdict means.
fn meaning(judged: &Judged<'_>) -> Phrase {
    let counting: Vec<&Finding<'_>> = judged.findings.iter().filter(|finding| finding.metric.counts()).collect();
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
pub(super) fn is_baseline(judged: &Judged<'_>) -> bool {
    judged.baseline.as_ref().is_some_and(|baseline| baseline.id == judged.candidate.id)
}

/// Title and series.
pub(super) fn metric_name(metric: &Metric) -> Phrase {
    Phrase::default().bare(metric.title.as_str()).say(" / ").bare(metric.series.as_str())
}

/// How a metric is read and compared.
pub(super) const fn metric_rule(metric: &Metric) -> (&'static str, &'static str) {
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
pub(super) struct Cells {
    /// The baseline's value.
    pub(super) baseline: String,
    /// The candidate's value.
    pub(super) candidate: String,
    /// The change with its percentage.
    pub(super) change: String,
    /// The bound, without where it comes from.
    pub(super) limit: String,
    /// Where the bound comes from.
    pub(super) tolerance: String,
    /// The value to reach.
    pub(super) target: String,
    /// The judgement.
    pub(super) verdict: String,
}

/// The cells of a finding.
pub(super) fn cells(finding: &Finding<'_>) -> Cells {
    let criteria = &finding.metric.criteria;
    let bound = bound(criteria.direction);
    let mut cells = Cells {
        tolerance: criteria.tolerance.to_string(),
        target: criteria.target.map_or_else(String::new, |target| format!("{bound} {}", exact(target.get()))),
        ..Cells::default()
    };
    match &finding.said {
        Said::Judged(judgement) => {
            judgement.name().clone_into(&mut cells.verdict);
            cells.candidate = shown(judgement.candidate()) + &apart(finding.spreads.candidate);
            if let Some(comparison) = judgement.comparison() {
                cells.baseline = shown(comparison.baseline) + &apart(finding.spreads.baseline);
                cells.change = change(comparison);
                cells.limit = format!("{bound} {}", rounded(comparison.limit.get()));
            }
        }
        Said::Unknown(side, fault) => {
            let what = fault_word(*fault).to_owned();
            match side {
                Side::Candidate => cells.candidate = what,
                Side::Baseline => cells.baseline = what,
            }
            "unknown".clone_into(&mut cells.verdict);
        }
    }
    if !finding.metric.counts() {
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
pub(super) fn origin(run: &Seen) -> Phrase {
    let commit = run.commit.as_deref().map_or_else(|| say("commit unknown"), |id| say("commit ").then(commit(id)));
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

/// What happened to the tag, line by line.
pub(super) fn promotion(settings: &Settings, promotion: &Promotion) -> Vec<Phrase> {
    let tag = || Phrase::default().quoted(settings.tag.as_str());
    match promotion {
        Promotion::Holds { left } => vec![also_on(tag().say(" is on the candidate already"), left)],
        Promotion::Superseded { by } => vec![
            tag().say(" moved to the candidate and on to ").then(ids(by)).say(" by another run at work at the same time"),
        ],
        Promotion::Moved { from, left } => {
            let moved = match from.as_slice() {
                [] => tag().say(" is on the candidate now"),
                from => tag().say(" moved to the candidate from ").then(ids(from)),
            };
            vec![also_on(moved, left)]
        }
        Promotion::Kept(KeptBecause::NotPassed) => vec![tag().say(" stays where it is")],
        Promotion::Kept(KeptBecause::Never) => vec![tag().say(" stays where it is (CLEARML_PROMOTE is never)")],
        Promotion::Kept(KeptBecause::UntilMerged) => {
            vec![tag().say(" stays where it is until the change is on the main branch (CLEARML_PROMOTE is merge)")]
        }
        Promotion::Kept(KeptBecause::PerhapsNotMain) => vec![
            tag().say(" stays where it is: CLEARML_PROMOTE is merge, and this CI does not tell whether this is the main branch"),
            say("Set CLEARML_PROMOTE to pass in the job that runs on the main branch, and to never elsewhere."),
        ],
        Promotion::Kept(KeptBecause::KeepBest) => {
            vec![tag().say(" stays on the better model (CLEARML_KEEP_BEST is true)")]
        }
        Promotion::Kept(KeptBecause::JustTaken) => vec![
            tag().say(" stays where it is for now: the candidate's tags were changed a moment ago, and so were those of the best, so another run may be moving it"),
            say("Run the check again in a few minutes to move it."),
        ],
        Promotion::Failed { error, added } => {
            let state = if *added { "the candidate may carry it beside the former best" } else { "it is where it was" };
            vec![
                tag().say(" could not be moved; ").say(state),
                Phrase::default().line(&error.to_string()),
                say(error.advice()).say(" Then run the check again to finish."),
            ]
        }
    }
}

/// What is said of the tag, with those that carry it as well.
fn also_on(said: Phrase, left: &[TaskId]) -> Phrase {
    if left.is_empty() {
        return said;
    }
    said.say("; also on ").then(ids(left)).say(", left alone for now: another run may be moving it")
}

fn ids(ids: &[TaskId]) -> Phrase {
    Phrase::default().listed(ids.iter().map(|id| Phrase::default().bare(id.as_str())))
}

/// Why there is no verdict.
#[derive(Debug)]
pub(super) struct Explanation {
    /// What is missing, in one sentence without a full stop.
    pub(super) what: Phrase,
    /// What came near and what to do, sentence by sentence.
    pub(super) details: Vec<Phrase>,
}

/// What is missing, and what to do about it.
pub(super) fn explain(settings: &Settings, why: &NoVerdict<'_>) -> Explanation {
    let (what, details) = match why {
        NoVerdict::NoProject { similar } => (
            say("there is no project named ").quoted(settings.project.as_str()),
            vec![
                did_you_mean(similar),
                say("Set CLEARML_PROJECT to the exact name; a sub-project needs its full path, as in parent/child."),
            ],
        ),
        NoVerdict::NoTaskOfThatName { similar } => (
            say("no task of this project is named ").quoted(settings.task_name.as_str()),
            vec![did_you_mean(similar), say("Set CLEARML_TASK_NAME to the exact name, or run the training once.")],
        ),
        NoVerdict::NothingRanTheCommit { newest_clean, unclear, unasked } => {
            let mut details = nothing_ran(newest_clean.as_ref(), unclear.as_ref());
            details.extend(unasked.as_deref().map(about_merged));
            (say("no run of this commit is in ClearML"), details)
        }
        NoVerdict::NoneQualifies { near, stood, ran } => none_qualifies(settings, near, stood, ran),
        NoVerdict::AmbiguousCommit { commits } => (
            say(format!("{} is the beginning of several commits", settings.commit)),
            vec![
                say("It could be ").listed(commits.iter().map(|id| Phrase::default().bare(id))).say("."),
                say("Give more digits."),
            ],
        ),
        NoVerdict::NoScore { side, run, faults, known } => no_score(settings, *side, run, faults, known),
        NoVerdict::NoBaseline => (
            say("no task of this name carries the tag ").quoted(settings.tag.as_str()),
            vec![
                say("CLEARML_NO_BASELINE is fail, so there must be a baseline."),
                say("Put the tag on the run to start from, or set CLEARML_NO_BASELINE to pass for the first run."),
            ],
        ),
        NoVerdict::UnfitBaseline { faults } => {
            let todo = if faults.iter().all(Warning::is_note) {
                say("Mend that, or set CLEARML_BASELINE_CHECK to warn.")
            } else {
                say("Move the tag to a run of the main branch, or set CLEARML_BASELINE_CHECK to warn.")
            };
            let faults = faults.iter().map(|fault| say("At fault: ").then(warning(fault, settings)).say("."));
            (
                say("the baseline is not fit to compare with, and CLEARML_BASELINE_CHECK is require"),
                faults.chain([todo]).collect(),
            )
        }
        NoVerdict::TooFewRuns { side, have, wanted } => too_few(*side, *have, *wanted),
        NoVerdict::Failed(error) => {
            (Phrase::default().line(&error.to_string()), vec![say(error.advice()), say("Then run the check again.")])
        }
    };
    Explanation { what, details }
}

fn nothing_ran(newest_clean: Option<&Seen>, unclear: Option<&Unclear>) -> Vec<Phrase> {
    let near = newest_clean.map_or_else(
        || say("No run of this name completed without uncommitted changes yet."),
        |run| {
            let id = run.commit.as_deref().map_or_else(|| say("an unknown commit"), commit);
            say("The newest clean run is of ").then(id).say(": ").page(run)
        },
    );
    let todo =
        say("Commit everything, run the training on this very commit, and run the check again when it has completed.");
    [Some(near), Some(todo), unclear.map(about_same_code)].into_iter().flatten().collect()
}

/// Why a run of the same code under another commit, if there is one, was not taken.
fn about_same_code(unclear: &Unclear) -> Phrase {
    match unclear {
        Unclear::CannotTell(why) => {
            let said = say("Runs of the same code under another commit were not looked for: ").line(&why.to_string());
            why.advice().map_or_else(|| said.clone(), |advice| said.clone().say("; ").say(advice)).say(".")
        }
        Unclear::SomeMissing(sentence) => Phrase::default().line(sentence).say("."),
    }
}

/// Why the head of the pull request that was merged, if one was, was not judged.
fn about_merged(why: &str) -> Phrase {
    say("Which pull request was merged by it is not known: ").line(why).say(".")
}

/// Which commit was run instead of the one under review; `None` when that one was.
pub(super) fn stood(settings: &Settings, judged: &Judged<'_>) -> Option<Phrase> {
    let ran = judged.candidate.commit.as_deref().map_or_else(|| say("an unknown commit"), commit);
    in_place(settings, &judged.stood, ran)
}

/// Which commits were looked at in place of the one under review, if it was not that one.
fn in_place(settings: &Settings, stood: &Stood, ran: Phrase) -> Option<Phrase> {
    let under_review = commit(settings.commit.as_str());
    match stood {
        Stood::ForItself => None,
        Stood::SameCode(paths) if paths.is_whole_tree() => Some(
            Phrase::default().then(under_review).say(" was not run; its code is that of ").then(ran).say(", which was"),
        ),
        Stood::SameCode(paths) => Some(
            Phrase::default()
                .then(under_review)
                .say(" was not run; it holds the same as ")
                .then(ran)
                .say(", which was, at ")
                .line(&paths.to_string()),
        ),
        Stood::PullRequest(number) => Some(
            Phrase::default()
                .then(under_review)
                .say(format!(" was not run; it merged pull request {number}, whose head "))
                .then(ran)
                .say(" was"),
        ),
    }
}

fn none_qualifies(settings: &Settings, near: &NearMisses, stood: &Stood, ran: &[String]) -> (Phrase, Vec<Phrase>) {
    let ran = Phrase::default().listed(ran.iter().map(|id| commit(id)));
    let what = match stood {
        Stood::ForItself => "no clean run of this commit has completed",
        Stood::SameCode(_) | Stood::PullRequest(_) => "no clean run of this code has completed",
    };
    let instead = in_place(settings, stood, ran).map(|instead| instead.say("."));
    (say(what), instead.into_iter().chain(waited(settings, near, stood)).collect())
}

/// What came near, with what waiting did or could do.
fn waited(settings: &Settings, near: &NearMisses, stood: &Stood) -> Vec<Phrase> {
    let mut lines = near_misses(near, stood);
    if near.running + near.queued > 0 {
        lines.push(if settings.wait.is_zero() {
            say("Set CLEARML_WAIT, for instance to 30m, to wait for a run instead.")
        } else {
            say(format!("Waited for {} (CLEARML_WAIT).", span(settings.wait)))
        });
    }
    lines
}

/// The runs of the code under review that cannot be the candidate, kind by kind.
pub(super) fn near_misses(near: &NearMisses, stood: &Stood) -> Vec<Phrase> {
    let whose = match stood {
        Stood::ForItself => "at this commit",
        Stood::SameCode(_) | Stood::PullRequest(_) => "of this code",
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

fn no_score(
    settings: &Settings,
    side: Side,
    run: &Seen,
    faults: &[(&Metric, ScoreFault)],
    known: &[(String, String)],
) -> (Phrase, Vec<Phrase>) {
    let (whose, todo) = match side {
        Side::Candidate => ("the candidate", "Name metrics that the run reports: title and series, exactly."),
        Side::Baseline => {
            ("the baseline", "Move the tag to a run that reports it, or take the tag away to start anew.")
        }
    };
    let of = |wanted: ScoreFault| {
        faults.iter().filter(move |(_, fault)| *fault == wanted).map(|(metric, _)| metric_name(metric))
    };
    let (missing, odd): (Vec<_>, Vec<_>) = (of(ScoreFault::Missing).collect(), of(ScoreFault::NotANumber).collect());
    let the_run = say("The run: ").page(run).then(of_another_commit(settings, side, run));
    if missing.is_empty() {
        let one = if odd.len() == 1 { " is not a finite number" } else { " are not finite numbers" };
        let what = Phrase::default().listed(odd.into_iter()).say(format!(" of {whose}{one}"));
        return (what, vec![the_run, say("A run that diverged cannot be judged; look at its curve.")]);
    }
    let what = say(format!("{whose} did not report ")).listed(missing.into_iter());
    let reported = if known.is_empty() {
        say("It reported no scalar at all.")
    } else {
        let name = |(title, series): &(String, String)| Phrase::default().bare(title).say(" / ").bare(series);
        say("It reported ").listed(known.iter().map(name)).say(".")
    };
    let odd = (!odd.is_empty()).then(|| say("Not a finite number: ").listed(odd.into_iter()).say("."));
    (what, [Some(reported), odd, Some(the_run), Some(say(todo))].into_iter().flatten().collect())
}

/// The commit of a run that stands for the one under review.
fn of_another_commit(settings: &Settings, side: Side, run: &Seen) -> Phrase {
    match run.commit.as_deref() {
        Some(ran) if side == Side::Candidate && !settings.commit.matches(ran) => {
            say(", which ran ").then(commit(ran)).say(" in place of ").then(commit(settings.commit.as_str()))
        }
        _ => Phrase::default(),
    }
}

fn too_few(side: Side, have: usize, wanted: usize) -> (Phrase, Vec<Phrase>) {
    let whose = match side {
        Side::Candidate => "this code",
        Side::Baseline => "the baseline's commit",
    };
    let (missing, runs) = (wanted - have, if have == 1 { "run" } else { "runs" });
    (
        say(format!("{whose} has {have} clean {runs}, and CLEARML_RUNS asks for {wanted}")),
        vec![say(format!(
            "{missing} more needed: run the training again without uncommitted changes, or set CLEARML_RUNS to {}.",
            have.max(1)
        ))],
    )
}

fn did_you_mean(similar: &[String]) -> Phrase {
    if similar.is_empty() {
        say("Nothing has a similar name; the credential may belong to another workspace.")
    } else {
        say("Did you mean ").listed(similar.iter().map(|name| Phrase::default().quoted(name))).say("?")
    }
}

/// A warning as a sentence.
pub(super) fn warning(warning: &Warning, settings: &Settings) -> Phrase {
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
            say("whether the baseline is part of the main branch is not known: ").line(why)
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
