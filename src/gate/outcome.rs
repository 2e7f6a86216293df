//! What a run of the tool came to, as one value: the verdict or why there is none, and what else a report may show.

use crate::clearml::Error;
use crate::exit::Exit;
use crate::git::{CodePaths, GitError};
use crate::github;
use crate::model::commit::{Commit, RecordedCommit};
use crate::model::compare::{Judgement, Score, Verdict};
use crate::model::metric::Metric;
use crate::model::run::{Curves, Run, ScoreFault, TaskId};
use crate::model::select::NearMisses;
use crate::promote::Promotion;
use crate::settings::{Fault, Settings};

/// What stands where a verdict would.
const NO_VERDICT: &str = "no verdict";

/// How a run of the tool ended.
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
#[derive(Debug)]
pub(crate) enum RunResult<'a> {
    /// ClearML was asked.
    Gated(Report<'a>),
    /// It was not.
    NotStarted(NotStarted<'a>),
}

/// Why ClearML was not asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NotStarted<'a> {
    /// The settings are at fault.
    Faults(&'a [Fault]),
    /// There is nothing to gate, and this is why.
    Nothing(&'static str),
}

/// What was asked, what came of it, and what else there is to know.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// What was asked.
    pub(crate) settings: &'a Settings,
    /// What came of it.
    pub(crate) outcome: Outcome<'a>,
    /// What else there is to know.
    pub(crate) warnings: Vec<Warning>,
}

/// What came of it.
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
#[derive(Debug)]
pub(crate) enum Outcome<'a> {
    /// The candidate could be judged.
    Judged(Judged<'a>),
    /// It could not.
    NoVerdict(NoVerdict<'a>),
}

/// A verdict and what it rests on.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// What it rests on, in the order of the settings.
    pub(crate) findings: Vec<Finding<'a>>,
    /// The run of the commit under review.
    pub(crate) candidate: RunSummary,
    /// The best run so far, where there is one.
    pub(crate) baseline: Option<RunSummary>,
    /// What became of the tag.
    pub(crate) promotion: Promotion,
    /// Other runs of the commit, which do not qualify.
    pub(crate) ineligible: NearMisses,
    /// Whose runs were judged.
    pub(crate) judged_via: JudgedVia,
}

/// Whose runs are judged for the commit under review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JudgedVia {
    /// Its own.
    Own,
    /// Those of another commit, which holds the same objects at these paths.
    SameCode(CodePaths),
    /// Those of the head of this pull request, which was merged by it.
    PullRequest(u64),
}

/// Why runs of the same code under other commits could not be searched.
#[derive(Debug)]
pub(crate) enum SameCodeUnknown {
    /// Nothing could be compared.
    GitError(GitError),
    /// Some commits of other runs are not in this clone.
    CommitsMissing { missing: usize, all: usize },
    /// There may be older runs than the newest this many.
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

/// How far the values of several runs lie apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// How many runs.
    pub(crate) runs: usize,
    /// The smallest value.
    pub(crate) low: Score,
    /// The greatest.
    pub(crate) high: Score,
}

/// The spread on both sides, where a median of several runs was judged.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Spreads {
    /// The candidate's.
    pub(crate) candidate: Option<Spread>,
    /// The baseline's.
    pub(crate) baseline: Option<Spread>,
}

/// What is known of one metric.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    /// The metric.
    pub(crate) metric: &'a Metric,
    /// What is said of it.
    pub(crate) outcome: MetricOutcome,
    /// What the values are the medians of.
    pub(crate) spreads: Spreads,
    /// How the runs came to their values, where that could be had.
    pub(crate) curves: Option<Curves>,
}

/// What is said of one metric.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MetricOutcome {
    /// Both runs have it, or there is no baseline.
    Judged(Judgement),
    /// It is only told, and a run does not have it as a number.
    Unknown(Side, ScoreFault),
}

impl Finding<'_> {
    /// The judgement, where there is one.
    pub(crate) const fn judgement(&self) -> Option<&Judgement> {
        match &self.outcome {
            MetricOutcome::Judged(judgement) => Some(judgement),
            MetricOutcome::Unknown(..) => None,
        }
    }

    /// Whether it counts and did not pass.
    pub(crate) fn fails(&self) -> bool {
        self.metric.is_required() && self.judgement().is_some_and(|judgement| !judgement.passed())
    }
}

/// A run as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct RunSummary {
    /// Its id.
    pub(crate) id: TaskId,
    /// The commit it recorded.
    pub(crate) commit: Option<RecordedCommit>,
    /// Its page in the web app, where that is known.
    pub(crate) link: Option<String>,
    /// When it was started, or made; microseconds since 1970, 0 when unknown.
    pub(crate) when: u64,
    /// How long ago that was by the server's clock, where it is known.
    pub(crate) age: Option<std::time::Duration>,
}

impl RunSummary {
    /// A run with its page; `now` is the server's clock in microseconds, 0 when unknown.
    pub(crate) fn new(run: &Run, link: Option<String>, now: u64) -> Self {
        let age = (now > 0 && run.when > 0).then(|| std::time::Duration::from_micros(now.saturating_sub(run.when)));
        Self { id: run.id.clone(), commit: run.commit.clone(), link, when: run.when, age }
    }
}

/// Why there is no verdict.
#[derive(Debug)]
pub(crate) enum NoVerdict<'a> {
    /// There is no project of that name.
    ProjectNotFound {
        /// Names that are near.
        similar: Vec<String>,
    },
    /// No task of the project bears the name.
    TaskNotFound {
        /// Names that are near.
        similar: Vec<String>,
    },
    /// Nothing ran the commit.
    NoRunOfCommit {
        /// The newest run of the name that would qualify, of whatever commit.
        newest_clean: Option<RunSummary>,
        /// Why runs of the same code under other commits could not be searched.
        same_code_unknown: Option<SameCodeUnknown>,
        /// Why the merged pull request could not be looked up.
        pull_request_unknown: Option<github::Error>,
    },
    /// Runs of the commit exist, but none qualifies.
    NoEligibleRun {
        /// How many, by what disqualifies them.
        near: NearMisses,
        /// Whose runs they are.
        judged_via: JudgedVia,
        /// The commits that they are of.
        ran: Vec<Commit>,
    },
    /// The abbreviated commit is the beginning of several.
    AmbiguousCommit {
        /// Those it could be.
        commits: Vec<Commit>,
    },
    /// Metrics that count are not there or not numbers.
    UnusableMetric {
        /// Whose metrics.
        side: Side,
        /// The run.
        run: RunSummary,
        /// Which metrics, and what is wrong with them; never empty.
        faults: Vec<(&'a Metric, ScoreFault)>,
        /// Title and series of those that the run has.
        known: Vec<(String, String)>,
    },
    /// No task carries the tag, and the settings ask for one.
    NoBaseline,
    /// The settings ask for a better baseline.
    UnusableBaseline {
        /// What is wrong with it; never empty.
        faults: Vec<Warning>,
    },
    /// There are fewer clean runs than are to be judged.
    TooFewRuns {
        /// Whose.
        side: Side,
        /// How many there are.
        have: usize,
        /// How many are asked for.
        wanted: usize,
    },
    /// ClearML could not be asked.
    Failed(Error),
}

/// Which of the two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The run of the commit under review.
    Candidate,
    /// The best run so far.
    Baseline,
}

/// Something that does not change the verdict and should be known.
#[derive(Debug)]
pub(crate) enum Warning {
    /// The baseline has uncommitted changes.
    BaselineDirty,
    /// The baseline did not complete, or is archived.
    BaselineUnfinished,
    /// The baseline is not part of the main branch; the pull request that it comes from, where that is known.
    BaselineNotMerged(Option<u64>),
    /// It is unknown whether the baseline is part of the main branch; a note rather than a warning.
    BaselineOriginUnknown(OriginUnknown),
    /// More than one task carries the tag; the best of them was the baseline.
    SeveralTagged(usize),
    /// No task carries the tag, but one carries it in another spelling.
    TagSpelledDifferently(String),
    /// The server's certificate is not verified.
    CertificateNotVerified,
    /// Keys and answers travel unencrypted to another machine.
    NotEncrypted,
    /// The check does not pass, and the settings say not to fail for it.
    NotEnforced(Exit),
}

impl Warning {
    /// Whether it only says what could not be found out, so that nobody has to be alarmed.
    pub(crate) const fn is_note(&self) -> bool {
        matches!(self, Self::BaselineOriginUnknown(_))
    }
}

impl RunResult<'_> {
    /// The exit code that this means.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Gated(report) => report.exit(),
            Self::NotStarted(NotStarted::Faults(_)) => Exit::Usage,
            Self::NotStarted(NotStarted::Nothing(_)) => Exit::Passed,
        }
    }
}

impl NotStarted<'_> {
    /// The same in one word or two, where a verdict would stand.
    pub(crate) const fn result(self) -> &'static str {
        match self {
            Self::Faults(_) => NO_VERDICT,
            Self::Nothing(_) => "nothing to gate",
        }
    }

    /// Why, in one sentence.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Faults([_]) => "1 setting to mend".to_owned(),
            Self::Faults(faults) => format!("{} settings to mend", faults.len()),
            Self::Nothing(why) => why.to_owned(),
        }
    }
}

impl Report<'_> {
    /// The exit code that this report means.
    pub(crate) fn exit(&self) -> Exit {
        if self.settings.enforce { self.outcome.exit() } else { Exit::Passed }
    }
}

impl Outcome<'_> {
    /// The verdict's name, or that there is none.
    pub(crate) const fn result(&self) -> &'static str {
        match self {
            Self::Judged(judged) => judged.verdict.name(),
            Self::NoVerdict(_) => NO_VERDICT,
        }
    }

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
