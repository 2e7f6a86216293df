//! Reads metrics from the events: values that a task's summary lacks, and curves.

use serde_json::{Value, json};

use super::wire::{Histograms, RawScalars};
use super::{Cause, Client, Error, MOST_PAGES, Operation, Result};
use crate::model::metric::{Metric, Pick};
use crate::model::run::{Reading, TaskId};
use crate::net::http::Retry;

/// Raw scalars in one response; the server allows no more.
const RAW_BATCH: usize = 200_000;
/// How many points of a curve are requested. The server averages between them.
const CURVE_POINTS: usize = 48;

impl Client<'_> {
    /// Reads a metric from a run's events. `last_metrics` has no room for more than 2,000 metrics per task.
    pub(crate) fn reading_from_events(&self, id: &TaskId, metric: &Metric) -> Result<Reading> {
        let series = metric.series.as_str();
        let mut body = json!({
            "task": id.0,
            "metric": {"metric": metric.title.as_str(), "variants": [series]},
            "batch_size": RAW_BATCH,
        });
        let mut reading = Reading::Missing;
        for _ in 0..MOST_PAGES {
            let batch = self.connection.read(Operation::ReadEvents, "events.scalar_metrics_iter_raw", &body);
            let batch: RawScalars = match batch {
                // Servers before API 2.16 lack this endpoint. The metric stays missing, so there is no verdict.
                Err(Error { cause: Cause::Refused { status: 404, .. }, .. }) => return Ok(Reading::Missing),
                batch => batch?,
            };
            reading = batch.values(series).fold(reading, |so_far, next| picked(metric, so_far, next));
            match batch.scroll_id {
                Some(scroll_id) if batch.returned >= RAW_BATCH => {
                    if let Some(fields) = body.as_object_mut() {
                        fields.insert("scroll_id".to_owned(), Value::String(scroll_id));
                    }
                }
                _ => break,
            }
        }
        Ok(reading)
    }

    /// The curves of these metrics in one run or two. One request, never repeated, because curves only illustrate.
    ///
    /// A server that does not know the filter `metrics` returns all metrics, these among them.
    pub(crate) fn histograms(
        &self,
        metrics: &[&Metric],
        candidate: &TaskId,
        baseline: Option<&TaskId>,
    ) -> Result<Histograms> {
        let tasks: Vec<&str> = std::iter::once(candidate).chain(baseline).map(TaskId::as_str).collect();
        let wanted: Vec<Value> = metrics
            .iter()
            .map(|metric| json!({"metric": metric.title.as_str(), "variants": [metric.series.as_str()]}))
            .collect();
        let body = json!({"tasks": tasks, "metrics": wanted, "samples": CURVE_POINTS, "key": "iter"});
        let endpoint = "events.multi_task_scalar_metrics_iter_histogram";
        self.connection.request(Operation::ReadCurves, endpoint, &body, Retry::BestEffort)
    }
}

/// The better or the later of two readings, as the metric's pick says. The best of values that include a non-number is
/// unusable.
pub(super) fn picked(metric: &Metric, so_far: Reading, next: Reading) -> Reading {
    match (so_far, next) {
        (Reading::Value(a), Reading::Value(b)) if metric.pick == Pick::Best => {
            Reading::Value(if metric.criteria.direction.compare(a, b).is_lt() { b } else { a })
        }
        (Reading::NotANumber, _) if metric.pick == Pick::Best => Reading::NotANumber,
        (_, next) => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compare::{Direction, Score};
    use crate::model::testing::metric;

    #[test]
    fn a_non_number_spoils_the_best_value_but_not_a_later_one() {
        let reading = |value: f64| Score::new(value).map_or(Reading::NotANumber, Reading::Value);
        let picked = |pick, values: &[f64]| {
            let metric = Metric { pick, ..metric("accuracy", Direction::Max) };
            values.iter().fold(Reading::Missing, |so_far, value| picked(&metric, so_far, reading(*value)))
        };
        assert_eq!(picked(Pick::Best, &[0.5, 0.9, 0.7]), reading(0.9));
        assert_eq!(picked(Pick::Last, &[0.5, 0.9, 0.7]), reading(0.7));
        assert_eq!(picked(Pick::Best, &[0.5, f64::NAN, 0.7]), Reading::NotANumber);
        assert_eq!(picked(Pick::Last, &[0.5, f64::NAN, 0.7]), reading(0.7));
        assert_eq!(picked(Pick::Last, &[0.5, f64::NAN]), Reading::NotANumber);
        assert_eq!(picked(Pick::Best, &[]), Reading::Missing);
    }
}
