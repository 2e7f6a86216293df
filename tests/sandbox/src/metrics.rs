//! `last_metrics`: the current value, extremes, count and mean that the server keeps on the task itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::{ApiError, Result};
use crate::version::Version;
use crate::workspace::{Event, md5_hex};

/// The number of distinct metric and variant pairs that a task keeps. Later ones are in the events only.
const MOST_PAIRS: usize = 2000;

/// A metric's value for arithmetic. Python counts booleans as numbers.
pub(crate) fn number(value: &Value) -> Option<f64> {
    value.as_bool().map(|flag| f64::from(u8::from(flag))).or_else(|| value.as_f64())
}

/// The values of one metric and variant in one batch, in order of arrival.
struct Summary<'e> {
    first: &'e Event,
    last: &'e Event,
    min: &'e Event,
    max: &'e Event,
    count: i64,
    total: f64,
}

impl<'e> Summary<'e> {
    fn new(event: &'e Event) -> Self {
        Self { first: event, last: event, min: event, max: event, count: 0, total: 0.0 }
    }

    fn add(&mut self, event: &'e Event, value: f64) {
        self.count += 1;
        self.total += value;
        if event.iter >= self.last.iter {
            self.last = event;
        }
        if number(&self.min.value).is_some_and(|min| value < min) {
            self.min = event;
        }
        if number(&self.max.value).is_some_and(|max| value > max) {
            self.max = event;
        }
    }
}

/// Adds a batch to the task, like one call of `events.add_batch`.
pub(crate) fn record(task: &mut Value, batch: &[Event]) -> Result<()> {
    let mut summaries = BTreeMap::new();
    let mut order = Vec::new();
    for event in batch.iter().filter(|event| !event.value.is_null()) {
        let Some(value) = number(&event.value) else {
            return Err(ApiError::internal("unsupported operand type(s) for +: 'int' and 'str'"));
        };
        let key = (event.metric.as_str(), event.variant.as_str());
        let summary = summaries.entry(key).or_insert_with(|| {
            order.push(key);
            Summary::new(event)
        });
        summary.add(event, value);
    }
    for key in order {
        if let Some(summary) = summaries.get(&key) {
            merge(task, summary);
        }
    }
    Ok(())
}

fn merge(task: &mut Value, batch: &Summary<'_>) {
    let (metric, variant) = (&batch.first.metric, &batch.first.variant);
    let full = pairs(&task["last_metrics"]).count() >= MOST_PAIRS;
    let known = task["last_metrics"][md5_hex(metric)].get(md5_hex(variant)).is_some();
    if !known && full {
        return;
    }
    let kept = &mut task["last_metrics"][md5_hex(metric)][md5_hex(variant)];
    let entry = if known { merged(kept, batch) } else { fresh(batch) };
    *kept = entry;
    if !known {
        let name = Value::from(format!("{metric}/{variant}"));
        match task["unique_metrics"].as_array_mut() {
            Some(names) => names.push(name),
            None => task["unique_metrics"] = json!([name]),
        }
    }
}

fn fresh(batch: &Summary<'_>) -> Value {
    json!({
        "metric": batch.first.metric, "variant": batch.first.variant,
        "value": batch.last.value,
        "min_value": batch.min.value, "min_value_iteration": batch.min.iter,
        "max_value": batch.max.value, "max_value_iteration": batch.max.iter,
        "first_value": number(&batch.first.value), "first_value_iteration": batch.first.iter,
        "count": batch.count, "mean_value": mean(0.0, 0, batch),
    })
}

fn merged(kept: &Value, batch: &Summary<'_>) -> Value {
    let mut entry = kept.clone();
    let known = |name: &str| number(&kept[name]);
    let (min, max) = (number(&batch.min.value), number(&batch.max.value));
    entry["value"] = batch.last.value.clone();
    if known("min_value").is_none_or(|kept| min.is_some_and(|min| min < kept)) {
        entry["min_value"] = batch.min.value.clone();
        entry["min_value_iteration"] = batch.min.iter.into();
    }
    if known("max_value").is_none_or(|kept| max.is_some_and(|max| max > kept)) {
        entry["max_value"] = batch.max.value.clone();
        entry["max_value_iteration"] = batch.max.iter.into();
    }
    let count = kept["count"].as_i64().unwrap_or_default();
    entry["count"] = (count + batch.count).into();
    entry["mean_value"] = mean(known("mean_value").unwrap_or_default(), count, batch).into();
    entry
}

/// The stored mean has two decimals, and the next mean is computed from it.
#[expect(clippy::cast_precision_loss, reason = "counts of events are far below 2^52")]
fn mean(kept: f64, count: i64, batch: &Summary<'_>) -> f64 {
    let mean = (kept * count as f64 + batch.total) / (count + batch.count) as f64;
    format!("{mean:.2}").parse().unwrap_or(mean)
}

fn pairs(last_metrics: &Value) -> impl Iterator<Item = &Value> {
    let metrics = last_metrics.as_object().into_iter().flat_map(|metrics| metrics.values());
    metrics.filter_map(Value::as_object).flat_map(|variants| variants.values())
}

/// `unique_metrics` if only `last_metrics` is known.
pub(crate) fn unique_names(last_metrics: &Value) -> Value {
    let name = |pair: &Value| {
        let part = |key: &str| pair[key].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", part("metric"), part("variant"))
    };
    let mut names: Vec<String> = pairs(last_metrics).map(name).collect();
    names.sort();
    Value::from(names)
}

/// Leaves out the keys that a server of this API version does not have yet.
pub(crate) fn as_of(last_metrics: &mut Value, api: Version) {
    let unknown = |key: &str| {
        (api < Version(2, 31) && (key.starts_with("first_value") || key == "count" || key == "mean_value"))
            || (api < Version(2, 23) && key.ends_with("_iteration"))
    };
    for variants in last_metrics.as_object_mut().into_iter().flat_map(|metrics| metrics.values_mut()) {
        for entry in variants.as_object_mut().into_iter().flat_map(|variants| variants.values_mut()) {
            if let Some(entry) = entry.as_object_mut() {
                entry.retain(|key, _| !unknown(key));
            }
        }
    }
}
