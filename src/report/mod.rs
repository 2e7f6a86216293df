//! The report: everything a renderer may tell, as one value. Renderers see nothing else.

mod number;
pub(crate) mod outputs;
pub(crate) mod plain;
pub(crate) mod text;

use crate::clearml::Error;
use crate::exit::Exit;
use crate::judge::{Score, Verdict};
use crate::promote::Promotion;
use crate::run::{Reading, Run, TaskId};
use crate::select::NearMisses;
use crate::settings::Settings;

/// What was asked, what came of it, and what else there is to know.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// What was asked.
    pub(crate) settings: &'a Settings,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// What else there is to know.
    pub(crate) warnings: Vec<Warning>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The candidate could be judged.
    Judged(Judged),
    /// It could not.
    NoVerdict(NoVerdict),
}

/// A verdict and what it rests on.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The verdict, with the values compared.
    pub(crate) verdict: Verdict,
    /// The run of the commit under review.
    pub(crate) candidate: Seen,
    /// The best run so far, where there is one.
    pub(crate) baseline: Option<Seen>,
    /// What became of the tag.
    pub(crate) promotion: Promotion,
}

/// A run as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Its id.
    pub(crate) id: TaskId,
    /// The commit it ran; hostile text like every name.
    pub(crate) commit: Option<String>,
    /// Its page in the web app, where that is known.
    pub(crate) link: Option<String>,
}

impl Seen {
    /// A run with its page.
    pub(crate) fn new(run: &Run, link: Option<String>) -> Self {
        Self { id: run.id.clone(), commit: run.commit.clone(), link }
    }
}

/// Why there is no verdict.
#[derive(Debug)]
pub(crate) enum NoVerdict {
    /// There is no project of that name.
    NoProject {
        /// Names that are near.
        similar: Vec<String>,
    },
    /// No task of the project bears the name.
    NoTaskOfThatName {
        /// Names that are near.
        similar: Vec<String>,
    },
    /// Nothing ran the commit.
    NothingRanTheCommit {
        /// The newest run of the name that would qualify, of whatever commit.
        newest_clean: Option<Seen>,
    },
    /// Runs of the commit exist, but none qualifies.
    NoneQualifies {
        /// How many, by what disqualifies them.
        near: NearMisses,
    },
    /// The abbreviated commit is the beginning of several.
    AmbiguousCommit {
        /// Those it could be.
        commits: Vec<String>,
    },
    /// The metric is not there or not a number.
    NoScore {
        /// Whose metric.
        side: Side,
        /// The run.
        run: Seen,
        /// What is wrong with it.
        fault: ScoreFault,
    },
    /// No task carries the tag, and the settings ask for one.
    NoBaseline,
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

/// What is wrong with a metric.
#[derive(Debug)]
pub(crate) enum ScoreFault {
    /// It was not reported; these metrics were, as title and series.
    Missing(Vec<(String, String)>),
    /// It is not a finite number.
    NotANumber,
}

/// Something that does not change the verdict and should be known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// The baseline has uncommitted changes.
    BaselineDirty,
    /// The baseline did not complete, or is archived.
    BaselineUnfinished,
    /// More than one task carries the tag; the best of them was the baseline.
    SeveralTagged(usize),
    /// No task carries the tag, but one carries it in another spelling.
    TagSpelledDifferently(String),
    /// The server's certificate is not verified.
    CertificateNotVerified,
    /// Keys and answers travel unencrypted to another machine.
    NotEncrypted,
}

impl Report<'_> {
    /// The exit code that this report means.
    pub(crate) fn exit(&self) -> Exit {
        match &self.outcome {
            Outcome::Judged(judged) if !judged.verdict.passed() => Exit::Degraded,
            Outcome::Judged(Judged { promotion: Promotion::Failed { .. }, .. }) => Exit::Refused,
            Outcome::Judged(_) => Exit::Passed,
            Outcome::NoVerdict(NoVerdict::Failed(error)) if error.is_unreachable() => Exit::Unreachable,
            Outcome::NoVerdict(NoVerdict::Failed(_)) => Exit::Refused,
            Outcome::NoVerdict(_) => Exit::NoVerdict,
        }
    }
}

/// The score of a reading, or what is wrong with it; `known` are the metrics to suggest.
pub(crate) fn score(reading: Reading, known: impl FnOnce() -> Vec<(String, String)>) -> Result<Score, ScoreFault> {
    match reading {
        Reading::Value(score) => Ok(score),
        Reading::Missing => Err(ScoreFault::Missing(known())),
        Reading::NotANumber => Err(ScoreFault::NotANumber),
    }
}
