//! What must hold of any answer of the API, whoever wrote it. Panics where it does not.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::auth::{claims, without_credentials};
use super::connection::{decode, unwrapped};
use super::scalars::picked;
use super::wire::{self, Histograms, Login, Projects, RawScalars, Tasks};
use super::{Cause, Error, Operation, Server, json};
use crate::model::commit::RecordedCommit;
use crate::model::compare::{Criteria, Direction, Tolerance};
use crate::model::metric::{Metric, Metrics, Pick, Role};
use crate::model::name::Name;
use crate::model::run::{Reading, Run, Status, TaskId};
use crate::net::http::{Answer, HeaderMap};
use crate::net::secret::Secret;
use crate::net::tls::Trust;
use crate::net::url::Host;
use crate::text::timestamp;

const ACCESS: &str = "ACCESSKEYFORTESTS";
const SECRET: &str = "secret+key/for=tests";

/// Reads a body as every kind of answer.
///
/// # Panics
/// Where something of that does not hold.
pub fn api_answer(body: &[u8]) {
    let answer = |status| Answer { status, headers: HeaderMap::new(), body: body.to_vec() };
    assert!(decode::<IgnoredAny>(&answer(503)).is_err(), "a status that is a failure became an answer");
    is_read_as_json(body);
    match unwrapped(&answer(200)) {
        Ok(data) => is_read_as_data(&data),
        Err(cause) => is_told_without_secrets(cause),
    }
}

fn is_read_as_json(body: &[u8]) {
    let read = json::read::<Value>(body);
    match serde_json::from_slice::<Value>(body) {
        Ok(strict) => assert_eq!(read.ok(), Some(strict), "JSON was read as something else"),
        Err(_) => assert!(read.is_err() || has_bare_word(body), "what is no JSON was read as such"),
    }
}

fn has_bare_word(body: &[u8]) -> bool {
    [&b"NaN"[..], b"Infinity"].iter().any(|word| body.windows(word.len()).any(|part| part == *word))
}

fn is_told_without_secrets(cause: Cause) {
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
    let said = Error { operation: Operation::FindRuns, host: server.api.to_string(), cause }.to_string();
    assert!(!said.contains(ACCESS) && !said.contains(SECRET), "a secret was repeated");
}

fn is_read_as_data(data: &Value) {
    if let Some(login) = of::<Login>(data) {
        let claims = Secret::new(&login.token).and_then(|token| claims(&token));
        let _ = claims.map(|claims| claims.api_version());
    }
    let _ = of::<Projects>(data);
    is_read_as_tasks(data);
    is_read_as_scalars(data);
    is_read_as_curves(data);
}

fn of<T: DeserializeOwned>(data: &Value) -> Option<T> {
    serde_json::from_value(data.clone()).ok()
}

fn metric(title: &str, series: &str, direction: Direction, pick: Pick) -> Option<Metric> {
    let criteria = Criteria { direction, tolerance: Tolerance::percent(0.0)?, target: None };
    Some(Metric {
        title: Name::parse(title).ok()?,
        series: Name::parse(series).ok()?,
        pick,
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

/// A run is of the project and the name that were asked for, and says what the answer says of it.
fn is_read_as_tasks(data: &Value) {
    let tasks = data.get("tasks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = tasks.iter().find_map(|task| Some((text(task, "/project/id")?, text(task, "/name")?)));
    let (project, name) = named.unwrap_or(("", ""));
    let (Some(found), Some(metrics)) = (of::<Tasks>(data), metrics()) else { return };
    let asked_for = |task: &&Value| {
        text(task, "/project/id") == Some(project) && text(task, "/name") == Some(name) && text(task, "/id") != Some("")
    };
    let expected: Vec<&Value> = tasks.iter().filter(asked_for).collect();
    for task in &found.tasks {
        let _ = task.metric_names();
    }
    let runs: Vec<Run> = found.tasks.into_iter().filter_map(|task| task.into_run(project, name, &metrics)).collect();
    assert_eq!(runs.len(), expected.len(), "other runs than those that were asked for");
    for (run, task) in runs.iter().zip(expected) {
        is_as_told(run, task, &metrics);
    }
}

fn is_as_told(run: &Run, task: &Value, metrics: &Metrics) {
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
    assert!(run.tags.iter().eq(tags("/tags").iter().filter_map(Value::as_str)), "other tags than those of the task");
    assert_eq!(timestamp::parse(&timestamp::format(run.when)), Some(run.when), "a time that cannot be written");
    for (metric, reading) in metrics.each().zip(run.readings.clone()) {
        is_the_value(reading, metric, task);
    }
}

fn is_the_value(reading: Reading, metric: &Metric, task: &Value) {
    let Reading::Value(score) = reading else { return };
    let told = task.pointer(&format!("/{}", wire::field(metric).replace('.', "/")));
    assert!(score.get().is_finite(), "a score that is no number");
    assert_eq!(told.and_then(Value::as_f64), Some(score.get()), "another value than the task's");
}

/// The best of the values is one of them and none is better; one that is no number spoils it.
fn is_read_as_scalars(data: &Value) {
    let Some(batch) = of::<RawScalars>(data) else { return };
    let series = data.get("variants").and_then(Value::as_object).and_then(|all| all.keys().next());
    let Some(metric) = series.and_then(|series| metric("t", series, Direction::Max, Pick::Best)) else { return };
    let values: Vec<Reading> = batch.values(metric.series.as_str()).collect();
    let best = values.iter().fold(Reading::Missing, |so_far, next| picked(&metric, so_far, *next));
    let scores: Option<Vec<f64>> =
        values.iter().map(|value| value.score().ok().map(crate::model::compare::Score::get)).collect();
    match (best, scores) {
        (Reading::Value(best), Some(scores)) => {
            assert!(scores.contains(&best.get()) && scores.iter().all(|score| *score <= best.get()));
        }
        (Reading::Value(_), None) => panic_of("a value beside one that is no number"),
        (Reading::Missing, scores) => assert!(scores.is_some_and(|scores| scores.is_empty())),
        (Reading::NotANumber, scores) => assert!(scores.is_none()),
    }
}

fn panic_of(what: &str) {
    assert!(what.is_empty(), "{what}");
}

fn is_read_as_curves(data: &Value) {
    let Some(found) = of::<Histograms>(data) else { return };
    let first = |value: &'_ Value| {
        value.as_object().and_then(|all| all.iter().next()).map(|(key, value)| (key.clone(), value.clone()))
    };
    let Some((title, of_title)) = data.get("metrics").and_then(first) else { return };
    let Some((series, of_series)) = first(&of_title) else { return };
    let Some((id, _)) = first(&of_series) else { return };
    let Some(metric) = metric(&title, &series, Direction::Max, Pick::Best) else { return };
    let points = found.curve(&metric, &TaskId(id)).0;
    assert!(points.iter().all(|(x, y)| x.is_finite() && y.is_finite()), "a point that is no number");
    assert!(points.is_sorted_by(|a, b| a.0 <= b.0), "a curve that runs backwards");
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}
