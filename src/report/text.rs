//! The console report: verdict first, then what it rests on, then what to do. Pure.

use std::fmt::Write as _;

use super::number::{exact, rounded, signed};
use super::plain::{line, plain};
use super::{Judged, NoVerdict, Outcome, Report, ScoreFault, Seen, Side, Warning};
use crate::judge::{Direction, Score, Shortfall, Verdict};
use crate::promote::{KeptBecause, Promotion};
use crate::run::TaskId;
use crate::select::NearMisses;
use crate::settings::{Metric, Pick, Settings};

/// How many digits of a commit are shown.
const COMMIT_DIGITS: usize = 12;
/// How many names are listed before the rest is only counted.
const MOST_NAMES: usize = 12;

/// The whole report; ends with a line break.
pub(crate) fn render(report: &Report<'_>) -> String {
    let mut out = match &report.outcome {
        Outcome::Judged(judged) => judgement(report.settings, judged),
        Outcome::NoVerdict(why) => no_verdict(report.settings, why),
    };
    if !report.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "warning: {}", warning_text(warning, report.settings));
    }
    out
}

fn judgement(settings: &Settings, judged: &Judged) -> String {
    let mut out = headline(judged);
    out.push('\n');
    row(&mut out, "metric", &metric(&settings.metric));
    let comparison = judged.verdict.comparison();
    if let (Some(comparison), Some(baseline)) = (comparison, &judged.baseline) {
        row(&mut out, "baseline", &value(comparison.baseline, baseline));
    } else {
        row(
            &mut out,
            "baseline",
            &format!("none: no task of this name carries the tag {}", quoted(settings.tag.as_str())),
        );
    }
    row(&mut out, "candidate", &value(judged.verdict.candidate(), &judged.candidate));
    if let Some(comparison) = comparison {
        let percent = comparison.change_percent().map_or(String::new(), |percent| format!(" ({} %)", signed(percent)));
        row(&mut out, "change", &format!("{}{percent}", signed(comparison.change())));
        let bound = bound(settings.metric.criteria.direction);
        row(
            &mut out,
            "limit",
            &format!("{bound} {}  ({})", rounded(comparison.limit.get()), settings.metric.criteria.tolerance),
        );
    }
    if let Some(target) = settings.metric.criteria.target {
        row(&mut out, "target", &format!("{} {}", bound(settings.metric.criteria.direction), exact(target.get())));
    }
    row(&mut out, "tag", &promotion(settings, &judged.promotion));
    out.push('\n');
    row(&mut out, "candidate", &page(&judged.candidate));
    match &judged.baseline {
        Some(baseline) if baseline.id == judged.candidate.id => row(&mut out, "baseline", "the candidate itself"),
        Some(baseline) => row(&mut out, "baseline", &page(baseline)),
        None => {}
    }
    out
}

/// Why the run ended as it did, in one sentence.
pub(super) fn reason(report: &Report<'_>) -> String {
    match &report.outcome {
        Outcome::Judged(judged) => meaning(judged).to_owned(),
        Outcome::NoVerdict(why) => explain(report.settings, why).0,
    }
}

fn headline(judged: &Judged) -> String {
    let result = if judged.verdict.passed() { "PASSED" } else { "FAILED" };
    let but = if matches!(judged.promotion, Promotion::Failed { .. }) { ", BUT THE TAG WAS NOT MOVED" } else { "" };
    format!("{result}, {}{but}: {}\n", judged.verdict.name(), meaning(judged))
}

fn meaning(judged: &Judged) -> &'static str {
    let is_baseline = judged.baseline.as_ref().is_some_and(|baseline| baseline.id == judged.candidate.id);
    match &judged.verdict {
        Verdict::First(_) => "there is no best model yet to compare with",
        Verdict::Improved(_) => "the model is better than the best so far",
        Verdict::Unchanged(_) if is_baseline => "this run is the best so far",
        Verdict::Unchanged(_) => "the model is as good as the best so far",
        Verdict::Tolerated(_) => "the model is worse than the best so far, within what is allowed",
        Verdict::Degraded(Shortfall::BeyondLimit(_)) => {
            "the model is worse than the best so far by more than is allowed"
        }
        Verdict::Degraded(Shortfall::BelowTarget { .. }) => "the model does not reach the target",
    }
}

fn metric(metric: &Metric) -> String {
    let better = match metric.criteria.direction {
        Direction::Max => "higher is better",
        Direction::Min => "lower is better",
    };
    let pick = match metric.pick {
        Pick::Best => "best value of a run",
        Pick::Last => "last value of a run",
    };
    format!("{} / {}  ({pick}, {better})", plain(metric.title.as_str()), plain(metric.series.as_str()))
}

const fn bound(direction: Direction) -> &'static str {
    match direction {
        Direction::Max => "at least",
        Direction::Min => "at most",
    }
}

fn value(score: Score, run: &Seen) -> String {
    let commit = run.commit.as_deref().map_or_else(|| "unknown".to_owned(), short);
    format!("{}  (commit {commit})", exact(score.get()))
}

/// The beginning of a commit; what is not a commit stays recognisable as such.
fn short(commit: &str) -> String {
    plain(&commit.chars().take(COMMIT_DIGITS).collect::<String>())
}

fn promotion(settings: &Settings, promotion: &Promotion) -> String {
    let tag = quoted(settings.tag.as_str());
    match promotion {
        Promotion::Holds => format!("{tag} is on the candidate already"),
        Promotion::Moved { from, left } => {
            let mut text = match from.as_slice() {
                [] => format!("{tag} is on the candidate now"),
                from => format!("{tag} moved to the candidate from {}", ids(from)),
            };
            if !left.is_empty() {
                let _ = write!(text, "; also on {}, left alone for now: another run may be moving it", ids(left));
            }
            text
        }
        Promotion::Kept(KeptBecause::NotPassed) => format!("{tag} stays where it is"),
        Promotion::Kept(KeptBecause::Never) => format!("{tag} stays where it is (CLEARML_PROMOTE is never)"),
        Promotion::Kept(KeptBecause::KeepBest) => {
            format!("{tag} stays on the better model (CLEARML_KEEP_BEST is true)")
        }
        Promotion::Failed { error, added } => {
            let state = if *added { "the candidate may carry it beside the former best" } else { "it is where it was" };
            let lines = [
                format!("{tag} could not be moved; {state}"),
                line(&error.to_string()),
                format!("{} Then run the check again to finish.", error.advice()),
            ];
            lines.join(&format!("\n{:13}", ""))
        }
    }
}

fn ids(ids: &[TaskId]) -> String {
    listed(ids.iter().map(|id| plain(id.as_str())))
}

fn page(run: &Seen) -> String {
    run.link.clone().unwrap_or_else(|| format!("task {}", plain(run.id.as_str())))
}

fn no_verdict(settings: &Settings, why: &NoVerdict) -> String {
    let (what, details) = explain(settings, why);
    let mut out = format!("NO VERDICT: {what}\n\n");
    row(&mut out, "project", &quoted(settings.project.as_str()));
    row(&mut out, "task name", &quoted(settings.task_name.as_str()));
    row(&mut out, "commit", settings.commit.as_str());
    row(&mut out, "metric", &metric(&settings.metric));
    out.push('\n');
    for detail in details {
        let _ = writeln!(out, "  {detail}");
    }
    out
}

/// What is missing, and line by line what came near and what to do.
fn explain(settings: &Settings, why: &NoVerdict) -> (String, Vec<String>) {
    match why {
        NoVerdict::NoProject { similar } => (
            format!("there is no project named {}", quoted(settings.project.as_str())),
            vec![
                did_you_mean(similar),
                "Set CLEARML_PROJECT to the exact name; a sub-project needs its full path, as in parent/child."
                    .to_owned(),
            ],
        ),
        NoVerdict::NoTaskOfThatName { similar } => (
            format!("no task of this project is named {}", quoted(settings.task_name.as_str())),
            vec![
                did_you_mean(similar),
                "Set CLEARML_TASK_NAME to the exact name, or run the training once.".to_owned(),
            ],
        ),
        NoVerdict::NothingRanTheCommit { newest_clean } => {
            ("no run of this commit is in ClearML".to_owned(), nothing_ran(newest_clean.as_ref()))
        }
        NoVerdict::NoneQualifies { near } => {
            ("no run of this commit completed without uncommitted changes".to_owned(), near_misses(near))
        }
        NoVerdict::AmbiguousCommit { commits } => (
            format!("{} is the beginning of several commits", settings.commit),
            vec![
                format!("It could be {}.", listed(commits.iter().map(|commit| plain(commit)))),
                "Give more digits.".to_owned(),
            ],
        ),
        NoVerdict::NoScore { side, run, fault } => no_score(settings, *side, run, fault),
        NoVerdict::NoBaseline => (
            format!("no task of this name carries the tag {}", quoted(settings.tag.as_str())),
            vec![
                "CLEARML_NO_BASELINE is fail, so there must be a baseline.".to_owned(),
                "Put the tag on the run to start from, or set CLEARML_NO_BASELINE to pass for the first run."
                    .to_owned(),
            ],
        ),
        NoVerdict::Failed(error) => {
            (line(&error.to_string()), vec![error.advice().to_owned(), "Then run the check again.".to_owned()])
        }
    }
}

fn nothing_ran(newest_clean: Option<&Seen>) -> Vec<String> {
    let near = newest_clean.map_or_else(
        || "No run of this name completed without uncommitted changes yet.".to_owned(),
        |run| {
            let commit = run.commit.as_deref().map_or_else(|| "an unknown commit".to_owned(), short);
            format!("The newest clean run is of {commit}: {}", page(run))
        },
    );
    vec![
        near,
        "Commit everything, run the training on this very commit, and run the check again when it has completed."
            .to_owned(),
    ]
}

fn near_misses(near: &NearMisses) -> Vec<String> {
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
            format!("{count} {} at this commit: {what}; {todo}.", if count == 1 { "run" } else { "runs" })
        })
        .collect()
}

fn no_score(settings: &Settings, side: Side, run: &Seen, fault: &ScoreFault) -> (String, Vec<String>) {
    let (whose, todo) = match side {
        Side::Candidate => {
            ("the candidate", "Set CLEARML_SCALAR_TITLE and CLEARML_SCALAR_SERIES to names that the run reports.")
        }
        Side::Baseline => {
            ("the baseline", "Move the tag to a run that reports the metric, or take it away to start anew.")
        }
    };
    let name = format!("{} / {}", plain(settings.metric.title.as_str()), plain(settings.metric.series.as_str()));
    let where_ = format!("The run: {}", page(run));
    match fault {
        ScoreFault::Missing(known) if known.is_empty() => (
            format!("{whose} did not report {name}"),
            vec!["It reported no scalar at all.".to_owned(), where_, todo.to_owned()],
        ),
        ScoreFault::Missing(known) => {
            let names = listed(known.iter().map(|(title, series)| format!("{} / {}", plain(title), plain(series))));
            (format!("{whose} did not report {name}"), vec![format!("It reported {names}."), where_, todo.to_owned()])
        }
        ScoreFault::NotANumber => (
            format!("{name} of {whose} is not a finite number"),
            vec![where_, "A run that diverged cannot be judged; look at its curve.".to_owned()],
        ),
    }
}

fn did_you_mean(similar: &[String]) -> String {
    if similar.is_empty() {
        "Nothing has a similar name; the credential may belong to another workspace.".to_owned()
    } else {
        format!("Did you mean {}?", listed(similar.iter().map(|name| quoted(name))))
    }
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let rest = names.len().saturating_sub(MOST_NAMES);
    let shown = names.take(MOST_NAMES).collect::<Vec<_>>().join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}

fn warning_text(warning: &Warning, settings: &Settings) -> String {
    let tag = quoted(settings.tag.as_str());
    match warning {
        Warning::BaselineDirty => {
            "the baseline was run with uncommitted changes, so nobody can run it again".to_owned()
        }
        Warning::BaselineUnfinished => "the baseline did not complete, or is archived".to_owned(),
        Warning::SeveralTagged(count) => format!("{count} tasks carry the tag {tag}; the best of them is the baseline"),
        Warning::TagSpelledDifferently(other) => {
            format!("no task carries the tag {tag}, but one carries {}; tags are compared exactly", quoted(other))
        }
        Warning::CertificateNotVerified => {
            "the server's certificate is not verified (CLEARML_API_HOST_VERIFY_CERT is false)".to_owned()
        }
        Warning::NotEncrypted => {
            "the API host is plain http on another machine: the keys travel unencrypted".to_owned()
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", plain(name))
}

fn row(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "  {label:<10} {text}");
}
