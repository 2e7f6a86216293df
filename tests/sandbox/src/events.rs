//! The `events` service: accepts scalars and log lines.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::metrics;
use crate::time;
use crate::workspace::{Event, USER, md5_hex};

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

/// The content of a batch for one task.
struct Share {
    task: String,
    scalars: Vec<Event>,
    /// Names of metrics and kinds of events, with the latest time of each.
    stats: Vec<(String, String, i64)>,
    last_iteration: Option<i64>,
}

fn store(call: &mut Call<'_>, batch: &[Value]) -> Result<Value> {
    let mut shares: Vec<Share> = Vec::new();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for sent in batch {
        let task = sent["task"].as_str().unwrap_or_default();
        let status = call.workspace.find_task(task).map(|task| &task["status"]);
        let locked = status.is_some_and(|status| status == "published") && sent["allow_locked"] != true;
        if status.is_none() || locked {
            *refused.entry(format!("Invalid task id {task}")).or_default() += 1;
            continue;
        }
        let place = shares.iter().position(|share| share.task == task).unwrap_or_else(|| {
            shares.push(Share { task: task.to_owned(), scalars: Vec::new(), stats: Vec::new(), last_iteration: None });
            shares.len() - 1
        });
        let event = call.event(sent);
        let share = &mut shares[place];
        if sent["iter"].is_number() {
            share.last_iteration = share.last_iteration.max(Some(event.iter));
        }
        let kind = sent["type"].as_str().unwrap_or_default();
        share.stats.push((event.metric.clone(), kind.to_owned(), event.timestamp_ms));
        match kind {
            SCALAR => share.scalars.push(event),
            "log" => call.log(task, sent, &event),
            // Plots and images are accepted but not stored.
            _ => {}
        }
    }
    let errors: usize = refused.values().sum();
    let added = batch.len() - errors;
    if added == 0 && errors > 0 {
        let why: Vec<String> = refused.iter().map(|(why, count)| format!("{why}={count}")).collect();
        return Err(ApiError::new(400, 131, format!("Events not added: {}", why.join(", "))));
    }
    for share in shares {
        take(call, share)?;
    }
    Ok(json!({"added": added, "errors": errors, "errors_info": refused}))
}

/// The store rejects some values one by one. If it does, the task's own metrics are not updated at all.
fn take(call: &mut Call<'_>, share: Share) -> Result<()> {
    let id = &share.task;
    let fits = |event: &Event| metrics::number(&event.value).is_none_or(fits_float) && !is_not_finite(event);
    let (good, bad): (Vec<Event>, Vec<Event>) = share.scalars.into_iter().partition(fits);
    if let (true, Some(task)) = (bad.is_empty(), call.workspace.find_task_mut(id)) {
        metrics::record(task, &good)?;
    }
    let stored = call.workspace.events.entry(id.clone()).or_default();
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
    let Some(task) = call.workspace.find_task_mut(id) else { return Ok(()) };
    task["last_update"] = time::stored(now).into();
    task["last_change"] = time::stored(now).into();
    task["last_changed_by"] = USER.into();
    task["last_iteration"] = task["last_iteration"].as_i64().max(share.last_iteration).into();
    if let (true, Some(started)) = (task["status"] == "in_progress", task["started"].as_str().and_then(time::parse)) {
        task["active_duration"] = ((now - started) / time::SECOND).into();
    }
    if !share.stats.is_empty() {
        task["metric_stats"] = stats(&share.stats);
    }
    Ok(())
}

/// Keeps only the latest batch, which overwrites the earlier ones.
fn stats(events: &[(String, String, i64)]) -> Value {
    let mut stats = json!({});
    for (metric, kind, at) in events {
        let metric_stats = &mut stats[md5_hex(metric)];
        metric_stats["metric"] = metric.as_str().into();
        metric_stats["event_stats_by_type"][kind]["last_update"] = (*at).into();
    }
    stats
}

/// The store keeps 32 bits. It cannot index larger values.
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
            stored_ms: self.workspace.now() / 1000,
            worker: sent["worker"].as_str().map_or_else(|| self.worker.clone(), str::to_owned),
        }
    }

    /// Stores a line as sent, plus what the store adds.
    fn log(&mut self, task: &str, sent: &Value, event: &Event) {
        let mut line = sent.clone();
        line["model_event"] = false.into();
        line["@timestamp"] = time::iso_millis(event.stored_ms * 1000).into();
        line["timestamp"] = event.timestamp_ms.into();
        line["metric"] = event.metric.as_str().into();
        line["variant"] = event.variant.as_str().into();
        line["worker"] = event.worker.as_str().into();
        self.workspace.logs.entry(task.to_owned()).or_default().push(line);
    }
}
