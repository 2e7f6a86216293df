//! The `events` service: reads scalars back, sampled, paged or raw.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::jwt;
use crate::metrics;
use crate::time;
use crate::workspace::{Event, strings};

/// The iteration of a single value, which is not a point of a plot.
const NO_ITERATION: i64 = -2_147_483_648;
const DEFAULT_SAMPLES: i64 = 2000;
const MOST_SAMPLES: i64 = 6000;
const PAGE: usize = 500;
const MOST_PER_BATCH: i64 = 200_000;

type Series<'e> = BTreeMap<(&'e str, &'e str), Vec<&'e Event>>;

/// Averages over ranges of equal width if there are as many points as samples.
pub(crate) fn histogram(call: &mut Call<'_>) -> Result<Value> {
    let samples = samples(call)?;
    let key = key(call)?;
    let id = call.task_with_events()?;
    let wanted = wanted(call.parameters.get("metrics"));
    let mut data = Map::new();
    for ((metric, variant), events) in series(call, &id, &wanted) {
        let (x, y) = buckets(&events, key, samples);
        let metric = data.entry(metric).or_insert_with(|| json!({}));
        metric[variant] = json!({"name": variant, "x": x, "y": y});
    }
    Ok(Value::Object(data))
}

/// The same for several tasks at once, by metric, variant and task.
pub(crate) fn multi_task_histogram(call: &mut Call<'_>) -> Result<Value> {
    let samples = samples(call)?;
    let key = key(call)?;
    let ids = call.parameters.get("tasks").map(strings).unwrap_or_default();
    let unknown: Vec<String> = ids.iter().filter(|id| call.workspace.find_task(id).is_none()).cloned().collect();
    if ids.is_empty() || !unknown.is_empty() {
        return Err(ApiError::unknown_task_ids(&unknown));
    }
    let wanted = wanted(call.parameters.get("metrics"));
    let mut metrics = json!({});
    for id in &ids {
        let name = call.workspace.find_task(id).map_or(Value::Null, |task| task["name"].clone());
        for ((metric, variant), events) in series(call, id, &wanted) {
            let (x, y) = buckets(&events, key, samples);
            metrics[metric][variant][id] = json!({"name": name, "x": x, "y": y});
        }
    }
    Ok(json!({"metrics": metrics}))
}

fn samples(call: &Call<'_>) -> Result<i64> {
    let samples = call.parameters.get("samples").and_then(Value::as_i64).unwrap_or(DEFAULT_SAMPLES);
    let detail = match samples {
        ..1 => format!("'{samples}' is lower than minimum ('1')."),
        1..=MOST_SAMPLES => return Ok(samples),
        _ => format!("'{samples}' is bigger than maximum ('{MOST_SAMPLES}')."),
    };
    Err(ApiError::bad_parameter("samples", &detail))
}

#[derive(Clone, Copy)]
enum Key {
    Iteration,
    Timestamp,
    IsoTime,
}

fn key(call: &Call<'_>) -> Result<Key> {
    match call.parameters.get("key").and_then(Value::as_str) {
        None | Some("iter") => Ok(Key::Iteration),
        Some("timestamp") => Ok(Key::Timestamp),
        Some("iso_time") => Ok(Key::IsoTime),
        Some(other) => {
            let detail = format!("('value is wrong, expected type \"scalarkeyenum\"', '{other}')");
            Err(ApiError::bad_parameter("key", &detail))
        }
    }
}

impl Key {
    fn of(self, event: &Event) -> i64 {
        match self {
            Self::Iteration => event.iter,
            Self::Timestamp | Self::IsoTime => event.timestamp_ms,
        }
    }

    fn show(self, key: i64) -> Value {
        match self {
            Self::Iteration | Self::Timestamp => key.into(),
            Self::IsoTime => time::iso_millis(key * 1000).into(),
        }
    }
}

fn buckets(events: &[&Event], key: Key, samples: i64) -> (Vec<Value>, Vec<f64>) {
    let keys = || events.iter().map(|event| key.of(event));
    let (first, last) = (keys().min().unwrap_or_default(), keys().max().unwrap_or_default());
    let few = i64::try_from(events.len()).unwrap_or(i64::MAX) < samples;
    let width = if few { 1 } else { ((last - first) / samples + 1).max(1) };
    let mut buckets: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    for event in events {
        let bucket = buckets.entry(key.of(event).div_euclid(width) * width).or_default();
        bucket.0 += single_precision(&event.value);
        bucket.1 += 1.0;
    }
    buckets.into_iter().map(|(at, (sum, count))| (key.show(at), sum / count)).unzip()
}

/// The store uses 32 bits of a value for arithmetic.
#[expect(clippy::cast_possible_truncation, reason = "losing precision is what the real store does")]
fn single_precision(value: &Value) -> f64 {
    f64::from(metrics::number(value).unwrap_or_default() as f32)
}

/// `metrics: [{"metric": .., "variants": [..]}]`; none means all.
fn wanted(metrics: Option<&Value>) -> Vec<(String, Vec<String>)> {
    let metrics = metrics.and_then(Value::as_array).into_iter().flatten();
    metrics
        .map(|metric| (metric["metric"].as_str().unwrap_or_default().to_owned(), strings(&metric["variants"])))
        .collect()
}

fn series<'e>(call: &'e Call<'_>, id: &str, wanted: &[(String, Vec<String>)]) -> Series<'e> {
    let asked = |event: &Event| {
        wanted.is_empty()
            || wanted.iter().any(|(metric, variants)| {
                *metric == event.metric && (variants.is_empty() || variants.contains(&event.variant))
            })
    };
    let mut series = Series::new();
    for event in call.events(id).filter(|event| event.iter != NO_ITERATION && !event.value.is_null() && asked(event)) {
        series.entry((&event.metric, &event.variant)).or_default().push(event);
    }
    series
}

/// Every event of one metric with the exact value, newest iteration first, 500 per page.
pub(crate) fn metric_data(call: &mut Call<'_>) -> Result<Value> {
    let id = call.task_with_events()?;
    let metric = call.parameters.get("metric").and_then(Value::as_str).unwrap_or_default().to_owned();
    let scroll_id = call.parameters.get("scroll_id").and_then(Value::as_str).map(str::to_owned);
    let scroll_id = scroll_id.unwrap_or_else(|| call.workspace.new_id());
    let skip = call.workspace.scrolls.get(&scroll_id).copied().unwrap_or_default();
    let mut events: Vec<&Event> = call.events(&id).filter(|event| event.metric == metric).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.iter));
    let total = events.len();
    let page: Vec<Value> = events.into_iter().skip(skip).take(PAGE).map(|event| event.document(&id)).collect();
    let returned = page.len();
    call.workspace.scrolls.insert(scroll_id.clone(), skip + returned);
    Ok(json!({"events": page, "returned": returned, "total": total, "scroll_id": scroll_id}))
}

/// Every value of one metric, exact, up to `batch_size` points per answer.
pub(crate) fn raw(call: &mut Call<'_>) -> Result<Value> {
    let request = match call.parameters.get("scroll_id").and_then(Value::as_str) {
        None => call.parameters.clone(),
        Some(scroll) => Call::resumed(scroll)?,
    };
    call.parameters = request;
    let id = call.task_with_events()?;
    let batch = call.parameters.get("batch_size").and_then(Value::as_i64).unwrap_or(10_000).clamp(1, MOST_PER_BATCH);
    let batch = usize::try_from(batch).unwrap_or(PAGE);
    let key = key(call)?;
    let after = call.parameters.get("from_key_value").and_then(Value::as_str).and_then(|from| from.parse::<i64>().ok());
    let wanted = wanted(call.parameters.get("metric").map(|metric| json!([metric])).as_ref());
    let mut events: Vec<&Event> = series(call, &id, &wanted).into_values().flatten().collect();
    let total = events.len();
    events.sort_by_key(|event| key.of(event));
    let page: Vec<&Event> =
        events.into_iter().filter(|event| after.is_none_or(|after| key.of(event) > after)).take(batch).collect();
    let last = page.last().map(|event| key.of(event)).or(after);
    let total = call.flag("count_total").then_some(total);
    Ok(json!({
        "returned": page.len(), "total": total, "variants": variants(&page, key),
        "scroll_id": call.scroll(last, total),
    }))
}

fn variants(page: &[&Event], key: Key) -> Value {
    let name = match key {
        Key::Iteration => "iter",
        Key::Timestamp => "timestamp",
        Key::IsoTime => "iso_time",
    };
    let mut variants: BTreeMap<&str, (Vec<&Value>, Vec<Value>)> = BTreeMap::new();
    for event in page {
        let (values, keys) = variants.entry(&event.variant).or_default();
        values.push(&event.value);
        keys.push(key.show(key.of(event)));
    }
    variants.into_iter().map(|(variant, (y, x))| (variant.to_owned(), json!({"y": y, name: x}))).collect()
}

impl Event {
    fn document(&self, task: &str) -> Value {
        json!({
            "type": "training_stats_scalar", "task": task, "iter": self.iter, "metric": self.metric,
            "variant": self.variant, "value": self.value, "model_event": false,
            "@timestamp": time::iso_millis(self.stored_ms * 1000), "timestamp": self.timestamp_ms,
            "worker": self.worker,
        })
    }
}

impl Call<'_> {
    /// The task of the request, which must exist.
    pub(crate) fn task_with_events(&self) -> Result<String> {
        let id = self.task_id()?;
        match self.workspace.find_task(&id) {
            Some(_) => Ok(id),
            None => Err(ApiError::unknown_task_ids(&[id])),
        }
    }

    fn events(&self, id: &str) -> impl Iterator<Item = &Event> {
        self.workspace.events.get(id).into_iter().flat_map(|events| events.values())
    }

    /// A scroll id contains the request itself and its progress.
    fn scroll(&self, last: Option<i64>, total: Option<usize>) -> String {
        let mut request = Map::from_iter([
            ("batch_size".to_owned(), json!(10_000)),
            ("count_total".to_owned(), json!(false)),
            ("key".to_owned(), json!("iter")),
            ("model_events".to_owned(), json!(false)),
        ]);
        request.extend(self.parameters.clone());
        request.remove("from_key_value");
        let mut claims = json!({"from_key_value": last.map(|last| last.to_string()), "request": request});
        if let Some(total) = total {
            claims["total"] = total.into();
        }
        jwt::sign(&claims)
    }

    fn resumed(scroll: &str) -> Result<Map<String, Value>> {
        let claims = jwt::verify(scroll)
            .map_err(|reason| ApiError::new(400, 104, format!("Invalid scroll id: reason={reason}")))?;
        let mut request = claims["request"].as_object().cloned().unwrap_or_default();
        request.insert("from_key_value".to_owned(), claims["from_key_value"].clone());
        Ok(request)
    }
}
