//! Why there is no verdict, and what to do about it, in words.

use super::{commit, in_place, metric_name, near_misses, warning};
use crate::gate::outcome::{JudgedVia, NoVerdict, RunSummary, SameCodeUnknown, Side, Warning};
use crate::github;
use crate::model::commit::{Commit, RecordedCommit};
use crate::model::metric::Metric;
use crate::model::run::ScoreFault;
use crate::model::select::NearMisses;
use crate::settings::Settings;
use crate::text::duration::span;
use crate::wording::phrase::{Phrase, say};

/// Why there is no verdict.
#[derive(Debug)]
pub(crate) struct Explanation {
    /// What is missing, in one sentence without a full stop.
    pub(crate) what: Phrase,
    /// What came near and what to do, sentence by sentence.
    pub(crate) details: Vec<Phrase>,
}

/// What is missing, and what to do about it.
pub(crate) fn explain(settings: &Settings, why: &NoVerdict<'_>) -> Explanation {
    let (what, details) = match why {
        NoVerdict::ProjectNotFound { similar } => (
            say("there is no project named ").quoted(settings.project.as_str()),
            vec![
                did_you_mean(similar),
                say("Set CLEARML_PROJECT to the exact name; a sub-project needs its full path, as in parent/child."),
            ],
        ),
        NoVerdict::TaskNotFound { similar } => (
            say("no task of this project is named ").quoted(settings.task_name.as_str()),
            vec![did_you_mean(similar), say("Set CLEARML_TASK_NAME to the exact name, or run the training once.")],
        ),
        NoVerdict::NoRunOfCommit { newest_clean, same_code_unknown, pull_request_unknown } => {
            let mut details = nothing_ran(newest_clean.as_ref(), same_code_unknown.as_ref());
            details.extend(pull_request_unknown.as_ref().map(about_merged));
            (say("no run of this commit is in ClearML"), details)
        }
        NoVerdict::NoEligibleRun { near, judged_via, ran } => none_qualifies(settings, near, judged_via, ran),
        NoVerdict::AmbiguousCommit { commits } => (
            say(format!("{} is the beginning of several commits", settings.commit)),
            vec![
                say("It could be ").listed(commits.iter().map(|id| Phrase::default().bare(id.as_str()))).say("."),
                say("Give more digits."),
            ],
        ),
        NoVerdict::UnusableMetric { side, run, faults, known } => no_score(settings, *side, run, faults, known),
        NoVerdict::NoBaseline => (
            say("no task of this name carries the tag ").quoted(settings.tag.as_str()),
            vec![
                say("CLEARML_NO_BASELINE is fail, so there must be a baseline."),
                say("Put the tag on the run to start from, or set CLEARML_NO_BASELINE to pass for the first run."),
            ],
        ),
        NoVerdict::UnusableBaseline { faults } => {
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

fn nothing_ran(newest_clean: Option<&RunSummary>, unknown: Option<&SameCodeUnknown>) -> Vec<Phrase> {
    let near = newest_clean.map_or_else(
        || say("No run of this name completed without uncommitted changes yet."),
        |run| {
            let id = run.commit.as_ref().map_or_else(|| say("an unknown commit"), |id| commit(id.as_str()));
            say("The newest clean run is of ").then(id).say(": ").page(run)
        },
    );
    let todo =
        say("Commit everything, run the training on this very commit, and run the check again when it has completed.");
    [Some(near), Some(todo), unknown.map(about_same_code)].into_iter().flatten().collect()
}

/// Why a run of the same code under another commit, if there is one, was not taken.
fn about_same_code(unknown: &SameCodeUnknown) -> Phrase {
    match unknown {
        SameCodeUnknown::GitError(why) => {
            let said = say("Runs of the same code under another commit could not be searched: ").line(&why.to_string());
            why.advice().map_or_else(|| said.clone(), |advice| said.clone().say("; ").say(advice)).say(".")
        }
        SameCodeUnknown::CommitsMissing { missing, all } => say(format!(
            "{missing} of {all} commits of other runs are not in this clone, so they may have the same code; check out \
             the whole history (actions/checkout with fetch-depth: 0) to compare them."
        )),
        SameCodeUnknown::OnlyNewestCompared(count) => say(format!(
            "Only the newest {count} runs of this name were searched for the same code under another commit."
        )),
    }
}

/// Why the head of the pull request that was merged, if one was, was not judged.
fn about_merged(error: &github::Error) -> Phrase {
    say("Which pull request was merged by it is not known: ").line(&error.to_string()).say(".")
}

fn none_qualifies(
    settings: &Settings,
    near: &NearMisses,
    judged_via: &JudgedVia,
    ran: &[Commit],
) -> (Phrase, Vec<Phrase>) {
    let ran = Phrase::default().listed(ran.iter().map(|id| commit(id.as_str())));
    let what = match judged_via {
        JudgedVia::Own => "no clean run of this commit has completed",
        JudgedVia::SameCode(_) | JudgedVia::PullRequest(_) => "no clean run of this code has completed",
    };
    let instead = in_place(settings, judged_via, ran).map(|instead| instead.say("."));
    (say(what), instead.into_iter().chain(waited(settings, near, judged_via)).collect())
}

/// What came near, with what waiting did or could do.
fn waited(settings: &Settings, near: &NearMisses, judged_via: &JudgedVia) -> Vec<Phrase> {
    let mut lines = near_misses(near, judged_via);
    if near.running + near.queued > 0 {
        lines.push(if settings.wait.is_zero() {
            say("Set CLEARML_WAIT, for instance to 30m, to wait for a run instead.")
        } else {
            say(format!("Waited for {} (CLEARML_WAIT).", span(settings.wait)))
        });
    }
    lines
}

fn no_score(
    settings: &Settings,
    side: Side,
    run: &RunSummary,
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
fn of_another_commit(settings: &Settings, side: Side, run: &RunSummary) -> Phrase {
    match run.commit.as_ref().and_then(RecordedCommit::id) {
        Some(ran) if side == Side::Candidate && !settings.commit.matches(ran) => {
            say(", which ran ").then(commit(ran.as_str())).say(" in place of ").then(commit(settings.commit.as_str()))
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
