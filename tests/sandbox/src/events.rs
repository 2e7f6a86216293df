//! The `events` service: taking scalar events in.

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::metrics;
use crate::time;
use crate::workspace::{Event, md5_hex, set_fields};

const SCALAR: &str = "training_stats_scalar";

/// Any number of events, one JSON document per line.
pub(crate) fn add_batch(call: &mut Call<'_>) -> Result<Value> {
    let batch = match call.batch.take() {
        Some(batch) => batch,
        None => vec![Value::Object(call.parameters.clone())],
    };
    store(call, &batch)
}

/// One event.
pub(crate) fn add(call: &mut Call<'_>) -> Result<Value> {
    let event = Value::Object(call.parameters.clone());
    store(call, &[event])
}

fn store(call: &mut Call<'_>, batch: &[Value]) -> Result<Value> {
    let mut by_task: Vec<(String, Vec<Event>)> = Vec::new();
    for sent in batch {
        let task = sent["task"].as_str().unwrap_or_default().to_owned();
        let status = match call.workspace.find_task(&task) {
            Some(task) => &task["status"],
            None => return Err(ApiError::unknown_task_ids(&[task])),
        };
        if status == "published" {
            let message = format!("Task is already published: id={task}");
            return Err(ApiError::new(400, 131, message));
        }
        // Logs, plots and images are taken and forgotten.
        if sent["type"] != SCALAR {
            continue;
        }
        let event = call.event(sent);
        match by_task.iter_mut().find(|(known, _)| *known == task) {
            Some((_, events)) => events.push(event),
            None => by_task.push((task, vec![event])),
        }
    }
    for (task, events) in by_task {
        take(call, &task, events)?;
    }
    Ok(json!({"added": batch.len(), "errors": 0, "errors_info": {}}))
}

/// The store rejects some values one by one; the task's own metrics are then not updated at all.
fn take(call: &mut Call<'_>, id: &str, events: Vec<Event>) -> Result<()> {
    let mut task = call.workspace.task(id);
    let fits = |event: &Event| metrics::number(&event.value).is_none_or(fits_float) && !is_not_finite(event);
    let (good, bad): (Vec<Event>, Vec<Event>) = events.into_iter().partition(fits);
    if bad.is_empty() {
        metrics::record(&mut task, &good)?;
    }
    let last = good.iter().map(|event| event.iter).max();
    let metric_names: Vec<String> = good.iter().map(|event| event.metric.clone()).collect();
    let stored = call.workspace.events.entry(id.to_owned()).or_default();
    stored.extend(good.into_iter().map(|event| (event.key(), event)));
    if !bad.is_empty() {
        let document = call.workspace.new_id();
        return Err(ApiError::new(
            500,
            100,
            format!(
                "General data error: err={} document(s) failed to index., extra_info=[1:1] failed to parse field \
                 [value] of type [float] in document with id '{document}'",
                bad.len()
            ),
        ));
    }
    let now = call.workspace.now();
    let mut fields = Map::new();
    fields.insert("last_update".to_owned(), time::stored(now).into());
    fields.insert("last_change".to_owned(), time::stored(now).into());
    fields.insert("last_iteration".to_owned(), task["last_iteration"].as_i64().max(last).into());
    set_fields(&mut task, &fields);
    for metric in metric_names {
        let stats = json!({
            "metric": metric, "event_stats_by_type": {SCALAR: {"last_update": now / 1000}},
        });
        task["metric_stats"][md5_hex(&metric)] = stats;
    }
    call.workspace.edit(id, |stored| *stored = task);
    Ok(())
}

/// The store keeps 32 bits: what is larger than that cannot be indexed.
fn fits_float(value: f64) -> bool {
    value.abs() <= f64::from(f32::MAX)
}

fn is_not_finite(event: &Event) -> bool {
    event.value == crate::json::NOT_FINITE
}

impl Event {
    pub(crate) fn key(&self) -> (String, String, i64) {
        (self.metric.clone(), self.variant.clone(), self.iter)
    }
}

impl Call<'_> {
    fn event(&self, sent: &Value) -> Event {
        let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
        Event {
            metric: text("metric"),
            variant: text("variant"),
            iter: sent["iter"].as_i64().unwrap_or_default(),
            value: sent["value"].clone(),
            timestamp_ms: sent["timestamp"].as_i64().unwrap_or(self.workspace.now() / 1000),
            worker: sent["worker"].as_str().map_or_else(|| self.worker.clone(), str::to_owned),
        }
    }
}
