//! A run: what the gate knows about a ClearML task of the right name in the right project. Pure.

use std::cmp::Ordering;

use serde::Serialize;

use crate::model::commit::{Commit, RecordedCommit};
use crate::model::compare::{Direction, Score};
use crate::model::metric::{Metric, Metrics, PerMetric, Zero};
use crate::model::name::Tag;

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TaskId(pub(crate) String);

impl TaskId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    /// A draft that was never started.
    Created,
    /// Waiting for a worker.
    Queued,
    Running,
    /// Completed, published, or being published: publishing changes nothing about the run.
    Completed,
    Failed,
    /// Stopped by hand.
    Stopped,
    /// Any other status of the server.
    Other(String),
}

impl Status {
    /// Parses the server's name of a status.
    pub(crate) fn parse(name: &str) -> Self {
        match name {
            "created" => Self::Created,
            "queued" => Self::Queued,
            "in_progress" => Self::Running,
            "completed" | "publishing" | "published" => Self::Completed,
            "failed" => Self::Failed,
            "stopped" => Self::Stopped,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Whether a run recorded uncommitted changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkingTree {
    /// The server was not asked. It cannot be the candidate.
    Unchecked,
    Clean,
    /// With uncommitted changes.
    Dirty,
    /// With the code of a notebook in place of changes: the commit does not contain what ran.
    Notebook,
}

impl WorkingTree {
    /// Whether the commit is known not to contain the code that ran.
    pub(crate) const fn is_dirty(self) -> bool {
        matches!(self, Self::Dirty | Self::Notebook)
    }
}

/// Whether a run was continued from an earlier one. ClearML then keeps the extremes of both, and the commit of the later
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Continuation {
    /// No: it started right after its task was created, or an agent ran it, which keeps the commit of the task.
    No,
    /// It was published and started again.
    AfterPublishing,
    /// It started some time after its task was created, so there may have been an earlier start. Only its log shows that.
    Possible,
}

/// The value of a metric in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reading {
    /// A finite number.
    Value(Score),
    /// The run did not report the metric.
    Missing,
    /// The run reported it, but not as a finite number.
    NotANumber,
}

impl Reading {
    /// The score that is compared. Zero is suspect if higher is better too: as the best value it has only lower values, or
    /// other zeros, next to it.
    pub(crate) fn score(self, metric: &Metric) -> Result<Score, ScoreFault> {
        match self {
            Self::Value(score) if score.get() == 0.0 && metric.zero == Zero::Suspect => Err(ScoreFault::ZeroMayBeNan),
            Self::Value(score) => Ok(score),
            Self::Missing => Err(ScoreFault::Missing),
            Self::NotANumber => Err(ScoreFault::NotANumber),
        }
    }
}

/// Why a metric of a run cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScoreFault {
    /// The run did not report it.
    Missing,
    /// It is not a finite number.
    NotANumber,
    /// It is exactly 0, which the SDK also sends for NaN and infinity.
    ZeroMayBeNan,
    /// Another commit may have reported it to the same task.
    NotItsOwn,
}

/// A metric over the iterations, for both runs. The server averages it to a number of points that can be drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curves {
    pub(crate) candidate: Curve,
    /// Empty without a baseline, and when the candidate is the baseline.
    pub(crate) baseline: Curve,
}

/// Points by ascending iteration. All numbers are finite.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curve(pub(crate) Vec<(f64, f64)>);

/// With fewer points a curve says nothing about a direction.
const FEWEST_POINTS: usize = 3;

impl Curve {
    /// Whether its first value is better than each later one.
    pub(crate) fn starts_best(&self, direction: Direction) -> bool {
        let Some(((_, first), later)) = self.0.split_first().filter(|_| self.0.len() >= FEWEST_POINTS) else {
            return false;
        };
        later.iter().all(|(_, value)| match direction {
            Direction::Max => value < first,
            Direction::Min => value > first,
        })
    }
}

/// A task. All times are microseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: TaskId,
    /// The commit it recorded.
    pub(crate) commit: Option<RecordedCommit>,
    pub(crate) status: Status,
    pub(crate) working_tree: WorkingTree,
    pub(crate) continuation: Continuation,
    pub(crate) archived: bool,
    pub(crate) tags: Vec<String>,
    /// When it was started, or created if it never was; 0 when unknown.
    pub(crate) when: u64,
    /// The last iteration it reported, which shows its progress.
    pub(crate) last_iteration: Option<u64>,
    /// When anything about it last changed; `None` on servers that do not report it.
    pub(crate) last_change: Option<u64>,
    /// When somebody last changed its tags or something else by hand; `None` if nobody did after the run's own last change.
    pub(crate) touched: Option<u64>,
    pub(crate) readings: PerMetric<Reading>,
}

impl Run {
    /// Orders two runs from older to newer. Between equals the id decides, so that the order is the same everywhere.
    pub(crate) fn compare_age(&self, other: &Self) -> Ordering {
        (self.when, &self.id).cmp(&(other.when, &other.id))
    }

    /// The recorded commit, if it is a commit id.
    pub(crate) fn commit_id(&self) -> Option<&Commit> {
        self.commit.as_ref().and_then(RecordedCommit::id)
    }

    /// Whether it ran one of these commits.
    pub(crate) fn ran_any(&self, commits: &[Commit]) -> bool {
        self.commit_id().is_some_and(|recorded| commits.iter().any(|commit| commit.matches(recorded)))
    }

    /// Whether it has exactly this tag.
    pub(crate) fn has_tag(&self, tag: &Tag) -> bool {
        self.tags.iter().any(|own| own == tag.as_str())
    }

    /// The first of its tags that equals this one, ignoring case.
    pub(crate) fn tag_in_any_case(&self, tag: &Tag) -> Option<&str> {
        let wanted = tag.as_str().to_lowercase();
        self.tags.iter().map(String::as_str).find(|own| own.to_lowercase() == wanted)
    }

    /// Whether it completed and is not archived.
    pub(crate) fn is_finished(&self) -> bool {
        self.status == Status::Completed && !self.archived
    }

    /// Whether it is queued or running, and not archived.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.status, Status::Queued | Status::Running) && !self.archived
    }

    /// Whether every required metric has a score.
    pub(crate) fn has_scores(&self, metrics: &Metrics) -> bool {
        let readings = metrics.each().zip(self.readings.clone()).into_iter();
        readings.filter(|(metric, _)| metric.is_required()).all(|(_, reading)| matches!(reading, Reading::Value(_)))
    }

    /// Orders two runs from worse to better: by the first required metric in which they differ. A run without a score is
    /// worse than any with scores. Between equals the newer is better, so that the order is the same everywhere.
    pub(crate) fn compare(&self, other: &Self, metrics: &Metrics) -> Ordering {
        let by_score = match (self.has_scores(metrics), other.has_scores(metrics)) {
            (true, true) => self.compare_scores(other, metrics),
            (has_scores, other_has_scores) => has_scores.cmp(&other_has_scores),
        };
        by_score.then_with(|| self.compare_age(other))
    }

    fn compare_scores(&self, other: &Self, metrics: &Metrics) -> Ordering {
        let pairs = metrics.each().zip(self.readings.clone().zip(other.readings.clone())).into_iter();
        let orders = pairs.filter(|(metric, _)| metric.is_required()).map(|(metric, pair)| match pair {
            (Reading::Value(own), Reading::Value(other)) => metric.criteria.direction.compare(own, other),
            _ => Ordering::Equal,
        });
        orders.fold(Ordering::Equal, Ordering::then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compare::Direction;
    use crate::model::metric::{Metric, Role};
    use crate::model::testing::{metric, run};

    #[test]
    fn a_run_that_is_being_published_has_completed() {
        for status in ["completed", "publishing", "published"] {
            assert_eq!(Status::parse(status), Status::Completed, "{status}");
        }
        assert_eq!(Status::parse("unknown"), Status::Other("unknown".to_owned()));
    }

    #[test]
    fn a_zero_is_suspect_unless_the_metric_can_be_zero() {
        for direction in [Direction::Max, Direction::Min] {
            let suspect = metric("loss", direction);
            let valid = Metric { zero: Zero::Valid, ..suspect.clone() };
            for zero in [0.0, -0.0].map(|value| Score::new(value).unwrap()) {
                assert_eq!(Reading::Value(zero).score(&suspect), Err(ScoreFault::ZeroMayBeNan));
                assert_eq!(Reading::Value(zero).score(&valid), Ok(zero));
            }
            let small = Score::new(f64::MIN_POSITIVE).unwrap();
            assert_eq!(Reading::Value(small).score(&suspect), Ok(small));
            assert_eq!(Reading::Missing.score(&suspect), Err(ScoreFault::Missing));
        }
    }

    #[test]
    fn the_first_required_metric_that_differs_orders_runs() {
        let informational = Metric { role: Role::Informational, ..metric("f1", Direction::Max) };
        let list = vec![informational, metric("accuracy", Direction::Max), metric("loss", Direction::Min)];
        let metrics = Metrics::new(list).unwrap();
        let with = |id: &str, values: [f64; 3]| {
            let mut values = values.into_iter();
            let mut next = || Score::new(values.next().unwrap()).map_or(Reading::NotANumber, Reading::Value);
            Run { readings: metrics.each().map(|_| next()), ..run(id, Status::Completed, None) }
        };
        let order = |a, b| with("a", a).compare(&with("b", b), &metrics);
        assert_eq!(order([0.0, 0.9, 0.5], [1.0, 0.8, 0.1]), Ordering::Greater);
        assert_eq!(order([0.0, 0.9, 0.5], [1.0, 0.9, 0.4]), Ordering::Less);
        assert_eq!(order([f64::NAN, 0.9, 0.4], [1.0, 0.9, 0.4]), Ordering::Less, "the id decides");
        assert_eq!(order([0.0, 0.1, 9.0], [0.0, f64::NAN, 0.0]), Ordering::Greater);
        assert_eq!(order([0.0, f64::NAN, 9.0], [0.0, f64::NAN, 0.0]), Ordering::Less, "the id decides");
        assert!(with("a", [f64::NAN, 1.0, 1.0]).has_scores(&metrics));
        assert!(!with("a", [1.0, f64::NAN, 1.0]).has_scores(&metrics));
    }
}
