//! Runs and metrics to test decisions with.

use crate::model::compare::{Criteria, Direction, Score, Tolerance};
use crate::model::metric::{Metric, Metrics, Pick, Role};
use crate::model::name::Name;
use crate::model::run::{Reading, Run, Status, TaskId};

/// The commit of every run.
pub(crate) const SHA: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";

/// A run without tags and dates; without a value it has not reported the metric.
pub(crate) fn run(id: &str, status: Status, value: Option<f64>) -> Run {
    Run {
        id: TaskId(id.to_owned()),
        commit: Some(SHA.to_owned()),
        status,
        archived: false,
        tags: Vec::new(),
        when: 0,
        last_iteration: None,
        last_change: None,
        touched: None,
        readings: vec![value.and_then(Score::new).map_or(Reading::Missing, Reading::Value)],
    }
}

/// A minute on the server's clock, in microseconds.
pub(crate) const MINUTE: u64 = 60_000_000;

/// A run that nothing but its own work has changed.
pub(crate) fn untouched(id: &str, value: f64) -> Run {
    Run { last_change: Some(1), ..run(id, Status::Completed, Some(value)) }
}

/// A metric that counts and may not get worse at all.
pub(crate) fn metric(series: &str, direction: Direction) -> Metric {
    Metric {
        title: Name::parse("validation").unwrap(),
        series: Name::parse(series).unwrap(),
        pick: Pick::Best,
        criteria: Criteria { direction, tolerance: Tolerance::percent(0.0).unwrap(), target: None },
        role: Role::Required,
    }
}

/// One metric of this direction.
pub(crate) fn metrics(direction: Direction) -> Metrics {
    Metrics::new(vec![metric("accuracy", direction)]).unwrap()
}
