//! Wording: why there is no verdict, and what to do.

use super::phrase::{self, Phrase, quoted, say, sentence};
use super::{capitalized, commit, counted, in_place, metric_name, near_misses, scalar_name, warning};
use crate::gate::outcome::{JudgedVia, Mixed, NoVerdict, RunSummary, SameCodeUnknown, Side, Warning};
use crate::github;
use crate::model::commit::{Commit, RecordedCommit};
use crate::model::compare::Direction;
use crate::model::metric::{Metric, Pick};
use crate::model::run::ScoreFault;
use crate::model::select::NearMisses;
use crate::settings::Settings;
use crate::text::duration;

/// Why there is no verdict, in one sentence without a full stop.
pub(crate) fn summary(settings: &Settings, why: &NoVerdict<'_>) -> Phrase {
    match why {
        NoVerdict::ProjectNotFound { .. } => say("there is no project named ").quoted(settings.project.as_str()),
        NoVerdict::TaskNotFound { .. } => say("this project has no task named ").quoted(settings.task_name.as_str()),
        NoVerdict::NoRunOfCommit { .. } => say("ClearML has no run of this commit"),
        NoVerdict::NoEligibleRun { judged_via: JudgedVia::Own, .. } => {
            say("no run of this commit is both completed and free of uncommitted changes")
        }
        NoVerdict::NoEligibleRun { .. } => say("no run of this code is both completed and free of uncommitted changes"),
        NoVerdict::UnusableMetric { side, faults, .. } => {
            let side = match side {
                Side::Candidate => "the candidate",
                Side::Baseline => "the baseline",
            };
            let (missing, not_numbers) = (names(faults, ScoreFault::Missing), names(faults, ScoreFault::NotANumber));
            match (missing.is_empty(), not_numbers.is_empty()) {
                (false, _) => say(format!("{side} did not report ")).listed(missing),
                (true, false) => say(format!("{side} reported no finite number for ")).listed(not_numbers),
                (true, true) => say(format!("{side} reported exactly 0 for "))
                    .listed(names(faults, ScoreFault::ZeroMayBeNan))
                    .say(", which may be NaN"),
            }
        }
        NoVerdict::MixedValues { mixed, .. } => say(match mixed {
            Mixed::Continued | Mixed::AfterPublishing => {
                "the candidate continues an earlier run, so its values may be of another commit"
            }
            Mixed::Unknown => "could not determine whether the candidate continues an earlier run",
            Mixed::TwoProcesses => {
                "two processes reported to the candidate's task, so its values may be of another commit"
            }
        }),
        NoVerdict::NoBaseline => say("no run with this name has the tag ").quoted(settings.tag.as_str()),
        NoVerdict::UnusableBaseline { .. } => say("the baseline does not meet CLEARML_BASELINE_CHECK=require"),
        NoVerdict::TooFewRuns { side, have, wanted } => {
            let code = match side {
                Side::Candidate => "this code",
                Side::Baseline => "the baseline's commit",
            };
            say(format!("{code} has {}, but CLEARML_RUNS requires {wanted}", counted(*have, "clean run")))
        }
        NoVerdict::Failed(error) => sentence(&error.to_string()),
    }
}

/// What was found instead and what to do, sentence by sentence.
pub(crate) fn details(settings: &Settings, why: &NoVerdict<'_>) -> Vec<Phrase> {
    match why {
        NoVerdict::ProjectNotFound { similar } => vec![
            did_you_mean(similar),
            say("Set CLEARML_PROJECT to the project's exact name. For a sub-project, use its full path: parent/child."),
        ],
        NoVerdict::TaskNotFound { similar } => vec![
            did_you_mean(similar),
            say("Set CLEARML_TASK_NAME to the task's exact name. If the task has never run, run the training first."),
        ],
        NoVerdict::NoRunOfCommit { newest_clean, same_code_unknown, pull_request_unknown } => {
            let mut details = no_run(newest_clean.as_ref(), same_code_unknown.as_ref(), pull_request_unknown.as_ref());
            details.extend((!settings.wait.is_zero()).then(|| waited(settings)));
            details
        }
        NoVerdict::NoEligibleRun { near, judged_via, ran, same_code_unknown } => {
            let mut details = no_eligible_run(settings, near, judged_via, ran);
            // While a run is pending, its end is what to look for.
            let unknown = same_code_unknown.as_ref().filter(|_| near.running + near.queued == 0);
            details.extend(unknown.map(no_same_code));
            details
        }
        NoVerdict::UnusableMetric { side, run, faults, known } => unusable_metric(settings, *side, run, faults, known),
        NoVerdict::MixedValues { run, mixed, metrics } => mixed_values(run, *mixed, metrics),
        NoVerdict::NoBaseline => vec![
            say("CLEARML_NO_BASELINE is fail, so a baseline is required."),
            say("Add the tag to the run to start from, or set CLEARML_NO_BASELINE to pass for the first run."),
        ],
        NoVerdict::UnusableBaseline { faults } => {
            let advice = if faults.iter().all(Warning::is_note) {
                "Fix this, or set CLEARML_BASELINE_CHECK to warn."
            } else {
                "Move the tag to a clean run of the main branch, or set CLEARML_BASELINE_CHECK to warn."
            };
            let problems = faults.iter().map(|fault| say("Problem: ").then(warning(fault, settings)).say("."));
            problems.chain([say(advice)]).collect()
        }
        NoVerdict::TooFewRuns { have, wanted, .. } => {
            let times =
                if wanted - have == 1 { "once more".to_owned() } else { format!("{} more times", wanted - have) };
            let advice = format!(
                "Run the training {times} without uncommitted changes, or set CLEARML_RUNS to {}.",
                have.max(&1)
            );
            vec![say(advice)]
        }
        NoVerdict::Failed(error) => vec![say(error.advice()), say("Then check again.")],
    }
}

fn no_run(
    newest_clean: Option<&RunSummary>,
    same_code_unknown: Option<&SameCodeUnknown>,
    pull_request_unknown: Option<&github::Error>,
) -> Vec<Phrase> {
    let newest = match newest_clean {
        None => say("No run with this name has completed without uncommitted changes yet."),
        Some(run) => {
            let commit = run.commit.as_ref().map_or_else(|| say("an unknown commit"), |id| commit(id.as_str()));
            say("The newest clean run is of ").then(commit).say(": ").then(phrase::run(run))
        }
    };
    let advice = say(
        "Commit all changes, run the training on exactly this commit, and check again when the training has completed.",
    );
    let pull_request_unknown = pull_request_unknown.map(|error| {
        say("Could not determine which pull request this commit merged: ").sentence(&error.to_string()).say(".")
    });
    [Some(newest), Some(advice), same_code_unknown.map(no_same_code), pull_request_unknown]
        .into_iter()
        .flatten()
        .collect()
}

fn no_same_code(unknown: &SameCodeUnknown) -> Phrase {
    match unknown {
        SameCodeUnknown::GitError(error) => {
            let problem = say("Could not look for runs of the same code under other commits: ");
            let problem = problem.sentence(&error.to_string()).say(".");
            match error.advice() {
                Some(advice) => problem.say(format!(" {}.", capitalized(advice))),
                None => problem,
            }
        }
        SameCodeUnknown::CommitsMissing { missing, all } => say(format!(
            "{missing} of {all} commits of other runs are not in this clone, so they may have the same code; check out \
             the whole history (actions/checkout with fetch-depth: 0) to compare them."
        )),
        SameCodeUnknown::OnlyNewestCompared(count) => {
            say(format!("Only the newest {count} runs with this name were searched for the same code."))
        }
    }
}

fn no_eligible_run(settings: &Settings, near: &NearMisses, judged_via: &JudgedVia, ran: &[Commit]) -> Vec<Phrase> {
    let searched = say("searched the runs of ").listed(ran.iter().map(|id| commit(id.as_str())));
    let have = if ran.len() == 1 { "has" } else { "have" };
    let in_place = in_place(settings, judged_via, searched, have).map(|instead| instead.say("."));
    let wait = (near.running + near.queued > 0).then(|| {
        if settings.wait.is_zero() {
            say("To wait for a run instead, set CLEARML_WAIT, for example to 30m.")
        } else {
            waited(settings)
        }
    });
    in_place.into_iter().chain(near_misses(near, judged_via, true)).chain(wait).collect()
}

fn waited(settings: &Settings) -> Phrase {
    say(format!("The check waited {} (CLEARML_WAIT).", duration::format(settings.wait)))
}

fn unusable_metric(
    settings: &Settings,
    side: Side,
    run: &RunSummary,
    faults: &[(&Metric, ScoreFault)],
    known: &[(String, String)],
) -> Vec<Phrase> {
    let (missing, not_numbers) = (names(faults, ScoreFault::Missing), names(faults, ScoreFault::NotANumber));
    let link = say("Run: ").then(phrase::run(run)).then(of_another_commit(settings, side, run));
    if missing.is_empty() {
        let zeros = faults.iter().find(|(_, fault)| *fault == ScoreFault::ZeroMayBeNan);
        let advice = zeros.map_or_else(Vec::new, |(metric, _)| zero_may_be_nan(side, metric));
        let diverged = say("The training may have diverged; look at the curve.");
        return [link, diverged].into_iter().chain(advice).collect();
    }
    let reported = if known.is_empty() {
        say("It reported no scalars.")
    } else {
        say("It reported ").listed(known.iter().map(|(title, series)| scalar_name(title, series))).say(".")
    };
    let not_numbers = (!not_numbers.is_empty()).then(|| say("Not a finite number: ").listed(not_numbers).say("."));
    let advice = match side {
        Side::Candidate if known.is_empty() => "The training must report the metric to ClearML.",
        Side::Candidate if settings.uses_list() => {
            "In CLEARML_METRICS, use titles and series listed above, spelled exactly as shown."
        }
        Side::Candidate => {
            "Set CLEARML_SCALAR_TITLE and CLEARML_SCALAR_SERIES to a metric listed above, spelled exactly as shown."
        }
        Side::Baseline => "Move the tag to a run that reports it, or remove the tag to start over.",
    };
    [Some(reported), not_numbers, Some(link), Some(say(advice))].into_iter().flatten().collect()
}

fn zero_may_be_nan(side: Side, metric: &Metric) -> Vec<Phrase> {
    let worst = match metric.criteria.direction {
        Direction::Max => "-1e30",
        Direction::Min => "1e30",
    };
    let cure = match side {
        Side::Candidate => "fix it and run it again",
        Side::Baseline => "move the tag to another run",
    };
    vec![
        say(format!("The ClearML SDK reports NaN and infinity as 0. If the training diverged, {cure}.")),
        say("If 0 is a real value of this metric, set CLEARML_SCALAR_ZERO, or \"zero\" in CLEARML_METRICS, to valid."),
        say(format!(
            "To tell NaN from 0 in later runs, call Logger.set_reporting_nan_value({worst}) in the training script, or \
             stop it at the first NaN."
        )),
    ]
}

fn mixed_values(run: &RunSummary, mixed: Mixed, metrics: &[&Metric]) -> Vec<Phrase> {
    let cause = match mixed {
        Mixed::Continued => {
            "Its task was started again without a reset, as continue_last_task does. Such a task has the commit of its \
             last start, and the best values of all of them."
        }
        Mixed::AfterPublishing => {
            "Its task was published and then started again, as continue_last_task does. Such a task has the commit of its \
             last start, and the best values of all of them."
        }
        Mixed::Unknown => {
            "It did not start when its task was created, and there is no log that shows whether it ran before."
        }
        Mixed::TwoProcesses => {
            "Values of later iterations arrived before those of earlier ones: a script that was started on the same \
             machine meanwhile took over the task."
        }
    };
    let advice = match mixed {
        Mixed::TwoProcesses => {
            "Run the training again. Scripts that run at the same time need Task.init(reuse_last_task_id=False)."
        }
        _ => "Run the training again as a task of its own: Task.init(reuse_last_task_id=False).",
    };
    let is_best = metrics.iter().any(|metric| metric.pick == Pick::Best);
    let last = "Or compare the last value: set CLEARML_SCALAR_VALUE, or \"value\" in CLEARML_METRICS, to last.";
    let last = (is_best && mixed != Mixed::TwoProcesses).then(|| say(last));
    let affected = say("Affected: ").listed(metrics.iter().map(|metric| metric_name(metric))).say(".");
    let link = say("Run: ").then(phrase::run(run));
    [say(cause), affected, link, say(advice)].into_iter().chain(last).collect()
}

fn names(faults: &[(&Metric, ScoreFault)], wanted: ScoreFault) -> Vec<Phrase> {
    faults.iter().filter(|(_, fault)| *fault == wanted).map(|(metric, _)| metric_name(metric)).collect()
}

/// Says so when the candidate is a run of another commit.
fn of_another_commit(settings: &Settings, side: Side, run: &RunSummary) -> Phrase {
    match run.commit.as_ref().and_then(RecordedCommit::id) {
        Some(ran) if side == Side::Candidate && !settings.commit.matches(ran) => {
            say(", a run of ").then(commit(ran.as_str())).say(" in place of ").then(commit(settings.commit.as_str()))
        }
        _ => Phrase::default(),
    }
}

fn did_you_mean(similar: &[String]) -> Phrase {
    match similar {
        [] => say("No similar name exists; the credentials may belong to another workspace."),
        [only] => say("Did you mean ").quoted(only).say("?"),
        several => say("Similar names: ").listed(several.iter().map(|name| quoted(name))).say("."),
    }
}
