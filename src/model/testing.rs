//! Runs and metrics for tests.

use crate::model::commit::RecordedCommit;
use crate::model::compare::{Criteria, Direction, Score, Tolerance};
use crate::model::metric::{Metric, Metrics, Pick, Role, Zero};
use crate::model::name::Name;
use crate::model::run::{Continuation, Reading, Run, Status, TaskId, WorkingTree};

/// The commit of every run.
pub(crate) const SHA: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";

/// A clean run without tags and dates. Without a value it has not reported the metric.
pub(crate) fn run(id: &str, status: Status, value: Option<f64>) -> Run {
    let reading = value.and_then(Score::new).map_or(Reading::Missing, Reading::Value);
    Run {
        id: TaskId(id.to_owned()),
        commit: RecordedCommit::parse(SHA),
        status,
        working_tree: WorkingTree::Clean,
        continuation: Continuation::No,
        archived: false,
        tags: Vec::new(),
        when: 0,
        last_iteration: None,
        last_change: None,
        touched: None,
        readings: metrics(Direction::Max).each().map(|_| reading),
    }
}

/// A minute on the server's clock, in microseconds.
pub(crate) const MINUTE: u64 = 60_000_000;

/// A completed run that only its own work has changed.
pub(crate) fn untouched(id: &str, value: f64) -> Run {
    Run { last_change: Some(1), ..run(id, Status::Completed, Some(value)) }
}

/// A required metric without tolerance.
pub(crate) fn metric(series: &str, direction: Direction) -> Metric {
    Metric {
        title: Name::parse("validation").unwrap(),
        series: Name::parse(series).unwrap(),
        pick: Pick::Best,
        zero: Zero::Suspect,
        criteria: Criteria { direction, tolerance: Tolerance::percent(0.0).unwrap(), target: None },
        role: Role::Required,
    }
}

/// One metric of this direction.
pub(crate) fn metrics(direction: Direction) -> Metrics {
    Metrics::new(vec![metric("accuracy", direction)]).unwrap()
}
