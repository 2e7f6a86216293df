//! Reads how a run came about: when its log and its last values were stored, and in which order its values arrived.

use serde_json::json;

use super::wire::{self, Stored};
use super::{Client, Operation, Result};
use crate::model::metric::{Metric, Metrics};
use crate::model::run::{Run, TaskId};

/// The API version that added `events.get_task_log`.
const TASK_LOG: (u32, u32) = (2, 9);
/// The API version that added `first_value_iteration`.
const FIRST_VALUE: (u32, u32) = (2, 31);

impl Client<'_> {
    /// When the server stored the oldest line of a run's log, by its own clock; `None` if it has no log or cannot return
    /// that line.
    pub(crate) fn log_began(&self, id: &TaskId) -> Result<Option<u64>> {
        if self.api_version < TASK_LOG {
            return Ok(None);
        }
        let body = json!({"task": id.0, "navigate_earlier": false, "batch_size": 1});
        let log: Stored = self.connection.read(Operation::ReadLog, "events.get_task_log", &body)?;
        Ok(log.events.first().and_then(wire::StoredEvent::time))
    }

    /// When the server stored the value of the highest iteration; `None` if it is not among the newest 500 of the title.
    pub(crate) fn last_value_stored(&self, id: &TaskId, metric: &Metric) -> Result<Option<u64>> {
        let body = json!({"task": id.0, "metric": metric.title.as_str()});
        // Newest iteration first.
        let values: Stored = self.connection.read(Operation::ReadEvents, "events.get_scalar_metric_data", &body)?;
        let last = values.events.iter().find(|event| event.variant.as_deref() == Some(metric.series.as_str()));
        Ok(last.and_then(wire::StoredEvent::time))
    }

    /// Whether a required metric has a value of an earlier iteration than that of the value that arrived first. The
    /// server shows this only for the lowest and the highest value, and only since API 2.31.
    pub(crate) fn arrived_out_of_order(&self, run: &Run, metrics: &Metrics) -> Result<bool> {
        if self.api_version < FIRST_VALUE {
            return Ok(false);
        }
        let required: Vec<&Metric> = metrics.iter().filter(|metric| metric.is_required()).collect();
        let mut fields = vec!["id".to_owned()];
        fields.extend(required.iter().flat_map(|metric| wire::iteration_fields(metric)));
        let body = json!({"id": [run.id.0], "only_fields": fields});
        let found = self.tasks(Operation::ReadEvents, &body)?;
        let task = found.tasks.iter().find(|task| task.id == run.id.0);
        Ok(task.is_some_and(|task| required.iter().any(|metric| task.arrived_out_of_order(metric))))
    }
}
