//! A run: what the gate knows of a ClearML task that carries the right name in the right project.

use std::cmp::Ordering;

use crate::model::compare::Score;

/// The id of a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TaskId(pub(crate) String);

impl TaskId {
    /// The id as ClearML gave it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a task is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    /// A draft that was never started.
    Created,
    /// Waiting for a worker.
    Queued,
    /// At work.
    Running,
    /// Ended well; `published` and `publishing` count as well.
    Completed,
    /// Ended badly.
    Failed,
    /// Ended by hand before its time.
    Stopped,
    /// Any other word of the server.
    Other(String),
}

impl Status {
    /// Reads the server's word.
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "created" => Self::Created,
            "queued" => Self::Queued,
            "in_progress" => Self::Running,
            "completed" | "published" => Self::Completed,
            "failed" => Self::Failed,
            "stopped" => Self::Stopped,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What a task says of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reading {
    /// A finite number.
    Value(Score),
    /// The metric is not there.
    Missing,
    /// It is there, but not as a finite number.
    NotANumber,
}

impl Reading {
    /// The score, or what is wrong with it.
    pub(crate) const fn score(self) -> Result<Score, ScoreFault> {
        match self {
            Self::Value(score) => Ok(score),
            Self::Missing => Err(ScoreFault::Missing),
            Self::NotANumber => Err(ScoreFault::NotANumber),
        }
    }
}

/// What is wrong with a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScoreFault {
    /// It was not reported.
    Missing,
    /// It is not a finite number.
    NotANumber,
}

/// The values of a metric over the iterations, averaged by the server to a number of points that can be drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curves {
    /// The candidate's.
    pub(crate) candidate: Curve,
    /// The baseline's; empty when there is none, or it is the candidate itself.
    pub(crate) baseline: Curve,
}

/// Points by ascending iteration; all values finite.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curve(pub(crate) Vec<(f64, f64)>);

/// One task.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Its id.
    pub(crate) id: TaskId,
    /// The commit it recorded, as it stands there.
    pub(crate) commit: Option<String>,
    /// Where it is in its life.
    pub(crate) status: Status,
    /// Whether it lies in the archive.
    pub(crate) archived: bool,
    /// Its tags.
    pub(crate) tags: Vec<String>,
    /// When it was started, or made when it never was; microseconds since 1970.
    pub(crate) when: u64,
    /// The last iteration it reported, which tells how far it is.
    pub(crate) last_iteration: Option<u64>,
    /// When anything about it was changed last; microseconds since 1970, `None` on servers that do not tell.
    pub(crate) last_change: Option<u64>,
    /// When its tags, or something else by hand, were changed last; `None` when nothing was since the run itself changed it
    /// last. Microseconds since 1970.
    pub(crate) touched: Option<u64>,
    /// What it says of each metric, in the order of the settings.
    pub(crate) readings: Vec<Reading>,
}

impl Run {
    /// Orders two runs from older to newer, the id deciding between equals, so that everybody sees the same order.
    pub(crate) fn compare_age(&self, other: &Self) -> Ordering {
        (self.when, &self.id).cmp(&(other.when, &other.id))
    }

    /// Whether it carries exactly this tag.
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|carried| carried == tag)
    }

    /// The first tag that is this one but for the case of its letters, as it is spelt here.
    pub(crate) fn spelling_of(&self, tag: &str) -> Option<&str> {
        let wanted = tag.to_lowercase();
        self.tags.iter().map(String::as_str).find(|carried| carried.to_lowercase() == wanted)
    }
}
