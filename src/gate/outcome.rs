//! The outcome of a check as one value: the verdict, or why there is none, and everything else that a report shows.

use std::time::Duration;

use serde::Serialize;

use crate::clearml::Error;
use crate::exit::Exit;
use crate::git::{CodePaths, GitError};
use crate::github;
use crate::model::commit::{Commit, RecordedCommit};
use crate::model::compare::{Direction, Judgement, Score, Verdict};
use crate::model::metric::{Metric, Pick};
use crate::model::run::{Curves, Run, ScoreFault, TaskId};
use crate::model::select::NearMisses;
use crate::promote::Promotion;
use crate::settings::{Fault, Settings};

/// How a run of the tool ended.
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
#[derive(Debug)]
pub(crate) enum RunResult<'a> {
    Gated(Report<'a>),
    NotStarted(NotStarted<'a>),
}

/// Why ClearML was not asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NotStarted<'a> {
    InvalidSettings(&'a [Fault]),
    /// There is nothing to gate, and the reason.
    NothingToGate(&'static str),
}

#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) outcome: Outcome<'a>,
    pub(crate) warnings: Vec<Warning>,
}

#[derive(Debug)]
pub(crate) enum Outcome<'a> {
    Judged(Judged<'a>),
    NoVerdict(NoVerdict<'a>),
}

/// A verdict and what it is based on.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) verdict: Verdict,
    /// One for each metric, in the order of the settings.
    pub(crate) findings: Vec<Finding<'a>>,
    pub(crate) candidate: RunSummary,
    pub(crate) baseline: Option<RunSummary>,
    pub(crate) promotion: Promotion,
    /// Other runs of the commit that could not be the candidate.
    pub(crate) ineligible: NearMisses,
    pub(crate) via: JudgedVia,
}

/// Whose runs are judged for the commit under review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JudgedVia {
    /// Its own.
    Own,
    /// Those of other commits with the same git objects at these paths; with its own, if it has any.
    SameCode { paths: CodePaths, has_own_runs: bool },
    /// Those of the head of the pull request that the commit merged.
    PullRequest(u64),
}

/// Why runs of other commits with the same code could not be searched.
#[derive(Debug)]
pub(crate) enum SameCodeUnknown {
    /// Nothing could be compared.
    GitError(GitError),
    /// Some commits of other runs are not in this clone.
    CommitsMissing { missing: usize, all: usize },
    /// There may be runs older than the newest this many.
    OnlyNewestCompared(usize),
}

/// Why it is unknown whether the baseline is part of the main branch.
#[derive(Debug)]
pub(crate) enum OriginUnknown {
    /// Outside of a CI the main branch is unknown.
    NoMainBranch,
    /// The baseline recorded no commit.
    NoCommit,
    /// The baseline recorded a text that is not a commit id.
    NotACommit,
    /// Git could not answer, and GitHub failed too or had no answer.
    Git { error: GitError, github: Option<github::Error> },
    /// Git does not have the commit in the branch. It may be there in another form, and GitHub failed to say so.
    GitHub(github::Error),
}

/// How far the values of several runs are apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) runs: usize,
    pub(crate) low: Score,
    pub(crate) high: Score,
}

/// The spreads of both sides, when medians of several runs are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Spreads {
    pub(crate) candidate: Option<Spread>,
    pub(crate) baseline: Option<Spread>,
}

/// The result for one metric.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) metric: &'a Metric,
    pub(crate) outcome: MetricOutcome,
    pub(crate) spreads: Spreads,
    pub(crate) curves: Option<Curves>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum MetricOutcome {
    Judged(Judgement),
    /// An informational metric that a run does not have as a number.
    Unknown(Side, ScoreFault),
}

impl Finding<'_> {
    pub(crate) const fn judgement(&self) -> Option<&Judgement> {
        match &self.outcome {
            MetricOutcome::Judged(judgement) => Some(judgement),
            MetricOutcome::Unknown(..) => None,
        }
    }

    /// Whether the curves of both runs start with their best value, although each has several points. Long curves are
    /// averaged by the server, which does not matter here.
    pub(crate) fn is_best_at_start(&self) -> bool {
        let direction = self.metric.criteria.direction;
        let curves = self.curves.as_ref().filter(|_| self.metric.pick == Pick::Best);
        curves.is_some_and(|curves| {
            [&curves.candidate, &curves.baseline].iter().all(|curve| curve.starts_best(direction))
        })
    }

    /// Whether the metric is required and did not pass.
    pub(crate) fn fails(&self) -> bool {
        self.metric.is_required() && self.judgement().is_some_and(|judgement| !judgement.passed())
    }
}

/// A run as reports show it.
#[derive(Debug, Clone)]
pub(crate) struct RunSummary {
    pub(crate) id: TaskId,
    /// The commit that the run recorded.
    pub(crate) commit: Option<RecordedCommit>,
    /// Its page in the web app.
    pub(crate) link: Option<String>,
    /// When it was started or created, in microseconds since 1970; 0 when unknown.
    pub(crate) when: u64,
    /// How long ago that was, by the server's clock.
    pub(crate) age: Option<Duration>,
}

impl RunSummary {
    /// `now` is the server's clock in microseconds, 0 when unknown.
    pub(crate) fn new(run: &Run, link: Option<String>, now: u64) -> Self {
        let age = (now > 0 && run.when > 0).then(|| Duration::from_micros(now.saturating_sub(run.when)));
        Self { id: run.id.clone(), commit: run.commit.clone(), link, when: run.when, age }
    }
}

/// Why there is no verdict.
#[derive(Debug)]
pub(crate) enum NoVerdict<'a> {
    ProjectNotFound {
        /// Similar names that exist.
        similar: Vec<String>,
    },
    TaskNotFound {
        /// Similar names that exist.
        similar: Vec<String>,
    },
    NoRunOfCommit {
        /// The newest run of that name that could have been the candidate, of any commit.
        newest_clean: Option<RunSummary>,
        /// Why runs of other commits with the same code could not be searched.
        same_code_unknown: Option<SameCodeUnknown>,
        /// Why the merged pull request could not be looked up.
        pull_request_unknown: Option<github::Error>,
    },
    /// The commit has runs, but none completed without uncommitted changes.
    NoEligibleRun {
        near: NearMisses,
        judged_via: JudgedVia,
        /// The commits of these runs.
        ran: Vec<Commit>,
        /// Why runs of other commits with the same code could not be searched.
        same_code_unknown: Option<SameCodeUnknown>,
    },
    /// Required metrics are missing or not numbers.
    UnusableMetric {
        side: Side,
        run: RunSummary,
        /// Never empty.
        faults: Vec<(&'a Metric, ScoreFault)>,
        /// Title and series of the metrics that the run has.
        known: Vec<(String, String)>,
    },
    /// Values of the candidate may be of another commit.
    MixedValues {
        run: RunSummary,
        mixed: Mixed,
        /// The required metrics that cannot be compared; never empty.
        metrics: Vec<&'a Metric>,
    },
    /// No task has the tag, and the settings require one.
    NoBaseline,
    /// The baseline does not meet the settings.
    UnusableBaseline {
        /// Never empty.
        faults: Vec<Warning>,
    },
    /// There are fewer clean runs than the settings require.
    TooFewRuns { side: Side, have: usize, wanted: usize },
    /// ClearML could not be reached, refused, or sent an unexpected response.
    Failed(Error),
}

/// Why values of a run may be of another commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mixed {
    /// Its log began before it started.
    Continued,
    /// It was published and started again.
    AfterPublishing,
    /// It started long after its task was created, and has no log that shows whether it was continued.
    Unknown,
    /// Its values arrived out of order, so a second process reported to it.
    TwoProcesses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Candidate,
    Baseline,
}

/// Something worth knowing that does not change the verdict.
#[derive(Debug)]
pub(crate) enum Warning {
    BaselineDirty,
    /// The baseline did not complete, or is archived.
    BaselineUnfinished,
    /// The baseline is not part of the main branch; its pull request, if known.
    BaselineNotMerged(Option<u64>),
    /// Whether the baseline is part of the main branch is unknown, and why.
    BaselineOriginUnknown(OriginUnknown),
    SeveralTagged(usize),
    /// No task has the tag, but one has this tag, which is probably a misspelling.
    TagSpelledDifferently(String),
    /// The best value of this metric, by this direction, is at the start of both runs: the direction may be wrong.
    BestAtStart {
        title: String,
        series: String,
        direction: Direction,
    },
    CertificateNotVerified,
    NotEncrypted,
    /// The check failed with this exit code, but the settings say not to fail the job.
    NotEnforced(Exit),
}

impl RunResult<'_> {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Gated(report) => report.exit(),
            Self::NotStarted(NotStarted::InvalidSettings(_)) => Exit::Usage,
            Self::NotStarted(NotStarted::NothingToGate(_)) => Exit::Passed,
        }
    }

    /// The code of the verdict, or `no_verdict` or `nothing_to_gate`.
    pub(crate) const fn verdict(&self) -> &'static str {
        match self {
            Self::Gated(Report { outcome: Outcome::Judged(judged), .. }) => judged.verdict.name(),
            Self::Gated(_) | Self::NotStarted(NotStarted::InvalidSettings(_)) => "no_verdict",
            Self::NotStarted(NotStarted::NothingToGate(_)) => "nothing_to_gate",
        }
    }

    /// Whether there is a verdict and it passes.
    pub(crate) fn passed(&self) -> bool {
        self.judged().is_some_and(|judged| judged.verdict.passed())
    }

    pub(crate) const fn judged(&self) -> Option<&Judged<'_>> {
        match self {
            Self::Gated(Report { outcome: Outcome::Judged(judged), .. }) => Some(judged),
            _ => None,
        }
    }
}

impl Report<'_> {
    pub(crate) fn exit(&self) -> Exit {
        if self.settings.enforce { self.outcome.exit() } else { Exit::Passed }
    }
}

impl Outcome<'_> {
    /// The exit code of a gate that is enforced.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Judged(judged) if !judged.verdict.passed() => Exit::Degraded,
            Self::Judged(Judged { promotion: Promotion::Failed { .. }, .. }) => Exit::Refused,
            Self::Judged(_) => Exit::Passed,
            Self::NoVerdict(NoVerdict::Failed(error)) if error.is_unreachable() => Exit::Unreachable,
            Self::NoVerdict(NoVerdict::Failed(_)) => Exit::Refused,
            Self::NoVerdict(_) => Exit::NoVerdict,
        }
    }
}

impl NoVerdict<'_> {
    /// The stable code of the reports.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::ProjectNotFound { .. } => "project_not_found",
            Self::TaskNotFound { .. } => "task_not_found",
            Self::NoRunOfCommit { .. } => "no_run_of_commit",
            Self::NoEligibleRun { .. } => "no_eligible_run",
            Self::UnusableMetric { .. } => "unusable_metric",
            Self::MixedValues { mixed: Mixed::TwoProcesses, .. } => "shared_run",
            Self::MixedValues { .. } => "continued_run",
            Self::NoBaseline => "no_baseline",
            Self::UnusableBaseline { .. } => "unusable_baseline",
            Self::TooFewRuns { .. } => "too_few_runs",
            Self::Failed(error) => error_code(error),
        }
    }
}

impl NoVerdict<'_> {
    /// Whether another run of the same code can lead to a verdict.
    pub(crate) const fn is_about_candidate(&self) -> bool {
        matches!(self, Self::UnusableMetric { side: Side::Candidate, .. } | Self::MixedValues { .. })
    }
}

/// The stable code of an error of ClearML.
pub(crate) const fn error_code(error: &Error) -> &'static str {
    if error.is_unreachable() { "clearml_unreachable" } else { "clearml_error" }
}

impl Warning {
    /// The stable code of the reports.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::BaselineDirty => "baseline_dirty",
            Self::BaselineUnfinished => "baseline_unfinished",
            Self::BaselineNotMerged(_) => "baseline_not_merged",
            Self::BaselineOriginUnknown(_) => "baseline_origin_unknown",
            Self::SeveralTagged(_) => "several_tagged",
            Self::TagSpelledDifferently(_) => "tag_spelled_differently",
            Self::BestAtStart { .. } => "best_at_start",
            Self::CertificateNotVerified => "certificate_not_verified",
            Self::NotEncrypted => "not_encrypted",
            Self::NotEnforced(_) => "not_enforced",
        }
    }

    pub(crate) fn best_at_start(finding: &Finding<'_>) -> Self {
        let Metric { title, series, criteria, .. } = finding.metric;
        let (title, series) = (title.as_str().to_owned(), series.as_str().to_owned());
        Self::BestAtStart { title, series, direction: criteria.direction }
    }

    /// Whether it only says what could not be determined, or asks: a note rather than a warning.
    pub(crate) const fn is_note(&self) -> bool {
        matches!(self, Self::BaselineOriginUnknown(_) | Self::BestAtStart { .. })
    }
}
