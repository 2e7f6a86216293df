//! What must be true of any response of the API, even a hostile one.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::auth::{claims, without_credentials};
use super::connection::{decode, unwrapped};
use super::scalars::picked;
use super::wire::{self, Histograms, Login, Projects, RawScalars, Tasks};
use super::{Cause, Error, Operation, Server, json};
use crate::model::commit::RecordedCommit;
use crate::model::compare::{Criteria, Direction, Tolerance};
use crate::model::metric::{Metric, Metrics, Pick, Role, Zero};
use crate::model::name::Name;
use crate::model::run::{Reading, Run, Status, TaskId};
use crate::net::http::{Answer, HeaderMap};
use crate::net::secret::Secret;
use crate::net::tls::Trust;
use crate::net::url::Host;
use crate::text::timestamp;

const ACCESS: &str = "ACCESSKEYFORTESTS";
const SECRET: &str = "secret+key/for=tests";

/// Reads a body as every kind of response.
///
/// # Panics
/// If a promise about responses is broken.
pub fn api_answer(body: &[u8]) {
    let answer = |status| Answer { status, headers: HeaderMap::new(), body: body.to_vec() };
    assert!(decode::<IgnoredAny>(&answer(503)).is_err(), "a failure was decoded as a success");
    check_json(body);
    match unwrapped(&answer(200)) {
        Ok(data) => check_data(&data),
        Err(cause) => check_error(cause),
    }
}

fn check_json(body: &[u8]) {
    let read = json::read::<Value>(body);
    match serde_json::from_slice::<Value>(body) {
        Ok(strict) => assert_eq!(read.ok(), Some(strict), "JSON was read as something else"),
        Err(_) => assert!(read.is_err() || has_bare_word(body), "invalid JSON was accepted"),
    }
}

fn has_bare_word(body: &[u8]) -> bool {
    [&b"NaN"[..], b"Infinity"].iter().any(|word| body.windows(word.len()).any(|part| part == *word))
}

fn check_error(cause: Cause) {
    let (Some(access_key), Some(secret_key), Ok(api)) =
        (Secret::new(ACCESS), Secret::new(SECRET), Host::parse("https://api.example.org"))
    else {
        return;
    };
    let server = Server { api, web: None, access_key, secret_key, trust: Trust::System, proxy: None };
    if let Cause::Unexpected(unexpected) = &cause {
        assert!(unexpected.to_string().len() < 200, "a foreign response was repeated");
    }
    let cause = without_credentials(cause, &server, None);
    let message = Error { operation: Operation::FindRuns, host: server.api.to_string(), cause }.to_string();
    assert!(!message.contains(ACCESS) && !message.contains(SECRET), "a secret was repeated");
}

fn check_data(data: &Value) {
    if let Some(login) = parsed::<Login>(data) {
        let claims = Secret::new(&login.token).and_then(|token| claims(&token));
        let _ = claims.map(|claims| claims.api_version());
    }
    let _ = parsed::<Projects>(data);
    check_tasks(data);
    check_scalars(data);
    check_curves(data);
}

fn parsed<T: DeserializeOwned>(data: &Value) -> Option<T> {
    serde_json::from_value(data.clone()).ok()
}

fn metric(title: &str, series: &str, direction: Direction, pick: Pick) -> Option<Metric> {
    let criteria = Criteria { direction, tolerance: Tolerance::percent(0.0)?, target: None };
    Some(Metric {
        title: Name::parse(title).ok()?,
        series: Name::parse(series).ok()?,
        pick,
        zero: Zero::Valid,
        criteria,
        role: Role::Required,
    })
}

fn metrics() -> Option<Metrics> {
    let all = [
        metric("Performance Metrics", "mAP", Direction::Max, Pick::Best)?,
        metric("Performance Metrics", "loss", Direction::Min, Pick::Best)?,
        metric("validation", "accuracy", Direction::Max, Pick::Last)?,
    ];
    Metrics::new(all.into()).ok()
}

/// Every run has the requested project and name, and the same content as the response.
fn check_tasks(data: &Value) {
    let tasks = data.get("tasks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = tasks.iter().find_map(|task| Some((text(task, "/project/id")?, text(task, "/name")?)));
    let (project, name) = named.unwrap_or(("", ""));
    let (Some(found), Some(metrics)) = (parsed::<Tasks>(data), metrics()) else { return };
    let is_requested = |task: &&Value| {
        text(task, "/project/id") == Some(project) && text(task, "/name") == Some(name) && text(task, "/id") != Some("")
    };
    let expected: Vec<&Value> = tasks.iter().filter(is_requested).collect();
    for task in &found.tasks {
        let _ = task.metric_names();
    }
    let runs: Vec<Run> = found.tasks.into_iter().filter_map(|task| task.into_run(project, name, &metrics)).collect();
    assert_eq!(runs.len(), expected.len(), "other runs than requested");
    for (run, task) in runs.iter().zip(expected) {
        check_run(run, task, &metrics);
    }
}

fn check_run(run: &Run, task: &Value, metrics: &Metrics) {
    assert_eq!(Some(run.id.as_str()), text(task, "/id"));
    assert_ne!(run.id.as_str(), "", "a run without an id");
    let recorded = text(task, "/script/version_num").unwrap_or_default();
    match &run.commit {
        None => assert_eq!(recorded.trim(), "", "a commit was ignored"),
        Some(RecordedCommit::Id(commit)) => {
            assert!(recorded.trim().eq_ignore_ascii_case(commit.as_str()), "a different commit than recorded");
        }
        Some(RecordedCommit::NotAnId(text)) => assert_eq!(text, recorded),
    }
    let done = matches!(text(task, "/status"), Some("completed" | "publishing" | "published"));
    assert_eq!(run.status == Status::Completed, done, "an unfinished run counts as completed");
    let tags = |at| task.pointer(at).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    assert_eq!(run.archived, tags("/system_tags").iter().any(|tag| tag == "archived"));
    assert!(run.tags.iter().eq(tags("/tags").iter().filter_map(Value::as_str)), "other tags than the task has");
    assert_eq!(timestamp::parse(&timestamp::format(run.when)), Some(run.when), "a time that cannot be written");
    for (metric, reading) in metrics.each().zip(run.readings.clone()) {
        check_reading(reading, metric, task);
    }
}

fn check_reading(reading: Reading, metric: &Metric, task: &Value) {
    let Reading::Value(score) = reading else { return };
    let value = task.pointer(&format!("/{}", wire::field(metric).replace('.', "/")));
    assert!(score.get().is_finite(), "a score that is not a number");
    assert_eq!(value.and_then(Value::as_f64), Some(score.get()), "another value than the task's");
}

/// The best value is one of the values, and none is better. A non-number makes it unusable.
fn check_scalars(data: &Value) {
    let Some(batch) = parsed::<RawScalars>(data) else { return };
    let series = data.get("variants").and_then(Value::as_object).and_then(|all| all.keys().next());
    let Some(metric) = series.and_then(|series| metric("t", series, Direction::Max, Pick::Best)) else { return };
    let values: Vec<Reading> = batch.values(metric.series.as_str()).collect();
    let best = values.iter().fold(Reading::Missing, |so_far, next| picked(&metric, so_far, *next));
    let scores: Option<Vec<f64>> =
        values.iter().map(|value| value.score(&metric).ok().map(crate::model::compare::Score::get)).collect();
    match (best, scores) {
        (Reading::Value(best), Some(scores)) => {
            assert!(scores.contains(&best.get()) && scores.iter().all(|score| *score <= best.get()));
        }
        (Reading::Value(_), None) => panic_of("a best value despite a non-number"),
        (Reading::Missing, scores) => assert!(scores.is_some_and(|scores| scores.is_empty())),
        (Reading::NotANumber, scores) => assert!(scores.is_none()),
    }
}

fn panic_of(what: &str) {
    assert!(what.is_empty(), "{what}");
}

fn check_curves(data: &Value) {
    let Some(found) = parsed::<Histograms>(data) else { return };
    let first = |value: &'_ Value| {
        value.as_object().and_then(|all| all.iter().next()).map(|(key, value)| (key.clone(), value.clone()))
    };
    let Some((title, of_title)) = data.get("metrics").and_then(first) else { return };
    let Some((series, of_series)) = first(&of_title) else { return };
    let Some((id, _)) = first(&of_series) else { return };
    let Some(metric) = metric(&title, &series, Direction::Max, Pick::Best) else { return };
    let points = found.curve(&metric, &TaskId(id)).0;
    assert!(points.iter().all(|(x, y)| x.is_finite() && y.is_finite()), "a point that is not a number");
    assert!(points.is_sorted_by(|a, b| a.0 <= b.0), "a curve that runs backwards");
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}
