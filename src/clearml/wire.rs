//! The server's responses as they are on the wire, and their conversion. Every field is checked again here: the server
//! ignores filters that it does not know, so it may return other things than were requested. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Scope;
use crate::model::commit::RecordedCommit;
use crate::model::compare::{Direction, Score};
use crate::model::metric::{Metric, Metrics, Pick};
use crate::model::run::{Continuation, Curve, Curves, Reading, Run, Status, TaskId, WorkingTree};
use crate::text::timestamp;

/// What every response is wrapped in.
#[derive(Deserialize)]
pub(super) struct Envelope {
    pub(super) meta: Meta,
    pub(super) data: Value,
}

/// Whether the request succeeded. The versions next to these fields can be numbers or strings; they are not read.
#[derive(Deserialize)]
pub(super) struct Meta {
    #[serde(rename = "result_code")]
    pub(super) code: u16,
    #[serde(rename = "result_subcode", default)]
    pub(super) subcode: i64,
    #[serde(rename = "result_msg", default)]
    pub(super) message: String,
}

#[derive(Deserialize)]
pub(super) struct Login {
    pub(super) token: String,
}

/// What a token says about the server that issued it.
#[derive(Deserialize)]
pub(super) struct Claims {
    #[serde(default)]
    pub(super) api_version: String,
    /// Seconds since 1970, by the server's clock.
    #[serde(default)]
    pub(super) iat: u64,
}

impl Claims {
    /// `2.34` as a pair that can be compared.
    pub(super) fn api_version(&self) -> Option<(u32, u32)> {
        let (major, minor) = self.api_version.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }
}

/// The response to a change. The count does not say what changed (the server counts what it found, once per step), but a
/// response without it does not confirm a change.
#[derive(Deserialize)]
pub(super) struct Updated {
    #[serde(rename = "updated")]
    pub(super) _count: u64,
}

#[derive(Deserialize)]
pub(super) struct Projects {
    pub(super) projects: Vec<Project>,
}

#[derive(Deserialize)]
pub(super) struct Project {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Tasks {
    /// Only in the response to a scroll.
    pub(super) scroll_id: Option<String>,
    pub(super) tasks: Vec<Task>,
}

impl Tasks {
    /// The runs of the scope among them.
    pub(super) fn into_runs(self, scope: Scope<'_>) -> impl Iterator<Item = Run> {
        let (project, name) = (scope.project.as_str(), scope.task_name.as_str());
        self.tasks.into_iter().filter_map(move |task| task.into_run(project, name, scope.metrics))
    }
}

/// A change of status writes several dates, which can be some milliseconds apart. In microseconds.
const SAME_CHANGE: u64 = 1_000_000;
/// The SDK starts a task within a tenth of this after it creates it. In microseconds.
const FIRST_START: u64 = 2_000_000;
/// The reason that an agent gives when its run has ended.
const ENDED_BY_AGENT: &str = "worker execution done";

#[derive(Deserialize)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) name: Option<String>,
    project: Option<Reference>,
    status: Option<String>,
    status_reason: Option<String>,
    pub(super) tags: Option<Vec<String>>,
    system_tags: Option<Vec<String>>,
    created: Option<String>,
    started: Option<String>,
    published: Option<String>,
    last_iteration: Option<i64>,
    last_change: Option<String>,
    last_update: Option<String>,
    status_changed: Option<String>,
    script: Option<Script>,
    runtime: Option<Runtime>,
    last_metrics: Option<BTreeMap<String, BTreeMap<String, Summary>>>,
}

#[derive(Deserialize)]
struct Reference {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Script {
    version_num: Option<String>,
    diff: Option<String>,
}

#[derive(Deserialize)]
struct Runtime {
    ide: Option<Value>,
}

/// The requested part of a metric's summary in `last_metrics`. Values keep the JSON type that was reported, even a boolean.
type Summary = BTreeMap<String, Value>;

impl Task {
    /// The task as a run, if it has this project and name. A task without an id is left out: the server would ignore the
    /// empty filter in later requests about it.
    pub(super) fn into_run(self, project: &str, name: &str, metrics: &Metrics) -> Option<Run> {
        let here = self.project.as_ref().and_then(|project| project.id.as_deref()) == Some(project);
        if !here || self.name.as_deref() != Some(name) || self.id.is_empty() {
            return None;
        }
        let time = |text: &Option<String>| text.as_deref().and_then(timestamp::parse);
        let own_change = time(&self.last_update).max(time(&self.status_changed)).unwrap_or_default() + SAME_CHANGE;
        Some(Run {
            readings: metrics.each().map(|metric| self.reading(metric)),
            working_tree: WorkingTree::Unchecked,
            continuation: self.continuation(),
            when: time(&self.started).or_else(|| time(&self.created)).unwrap_or_default(),
            last_change: time(&self.last_change),
            touched: time(&self.last_change).filter(|change| *change > own_change),
            commit: self.script.and_then(|script| RecordedCommit::parse(&script.version_num?)),
            status: Status::parse(&self.status.unwrap_or_default()),
            last_iteration: self.last_iteration.and_then(|iteration| u64::try_from(iteration).ok()),
            archived: self.system_tags.unwrap_or_default().iter().any(|tag| tag == "archived"),
            tags: self.tags.unwrap_or_default(),
            id: TaskId(self.id),
        })
    }

    pub(super) fn has_diff(&self) -> bool {
        self.script.as_ref().and_then(|script| script.diff.as_deref()).is_some_and(|diff| !diff.is_empty())
    }

    /// Whether it ran in a notebook: the SDK records the program as `Jupyter`, `VSCode_Jupyter`, `PyCharm_Jupyter` or
    /// `Google_Colab`.
    pub(super) fn is_notebook(&self) -> bool {
        let ide = self.runtime.as_ref().and_then(|runtime| runtime.ide.as_ref()?.as_str());
        ide.is_some_and(|ide| ide.ends_with("Jupyter") || ide == "Google_Colab")
    }

    /// Whether it may be continued, as far as the task itself shows.
    fn continuation(&self) -> Continuation {
        let time = |text: &Option<String>| text.as_deref().and_then(timestamp::parse);
        let is_published = matches!(self.status.as_deref(), Some("published" | "publishing"));
        if self.published.is_some() && !is_published {
            return Continuation::AfterPublishing;
        }
        let by_agent = self.status_reason.as_deref() == Some(ENDED_BY_AGENT);
        match (time(&self.created), time(&self.started)) {
            _ if by_agent => Continuation::No,
            (_, None) => Continuation::No,
            (Some(created), Some(started)) if started <= created + FIRST_START => Continuation::No,
            (_, Some(_)) => Continuation::Possible,
        }
    }

    fn summary(&self, metric: &Metric) -> Option<&Summary> {
        let of_title = self.last_metrics.as_ref()?.get(&key(metric.title.as_str()))?;
        of_title.get(&key(metric.series.as_str()))
    }

    /// Whether the lowest or the highest value is of an earlier iteration than the value that arrived first.
    pub(super) fn arrived_out_of_order(&self, metric: &Metric) -> bool {
        let Some(summary) = self.summary(metric) else { return false };
        let [first, lowest, highest] = ITERATIONS.map(|name| summary.get(name).and_then(Value::as_i64));
        first.is_some_and(|first| lowest.is_some_and(|at| at < first) || highest.is_some_and(|at| at < first))
    }

    fn reading(&self, metric: &Metric) -> Reading {
        let Some(summary) = self.summary(metric) else { return Reading::Missing };
        // Reported, but without this value: that is not a number, not a missing metric.
        summary.get(value_of(metric)).map_or(Reading::NotANumber, reading)
    }

    /// All metrics of the task, as title and series.
    pub(super) fn metric_names(&self) -> Vec<(String, String)> {
        let summaries = self.last_metrics.iter().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        let name = |summary: &Summary, key: &str| Some(summary.get(key)?.as_str()?.to_owned());
        summaries.filter_map(|summary| Some((name(summary, "metric")?, name(summary, "variant")?))).collect()
    }
}

/// The field of a task that holds the metric's value. The names in the same summary are not requested: its path already
/// contains their hashes, and each name would add some thirty bytes to every run.
pub(super) fn field(metric: &Metric) -> String {
    summary_field(metric, value_of(metric))
}

/// The iterations of the value that arrived first, of the lowest and of the highest one.
const ITERATIONS: [&str; 3] = ["first_value_iteration", "min_value_iteration", "max_value_iteration"];

pub(super) fn iteration_fields(metric: &Metric) -> [String; 3] {
    ITERATIONS.map(|name| summary_field(metric, name))
}

fn summary_field(metric: &Metric, name: &str) -> String {
    let (title, series) = (key(metric.title.as_str()), key(metric.series.as_str()));
    format!("last_metrics.{title}.{series}.{name}")
}

const fn value_of(metric: &Metric) -> &'static str {
    match (metric.pick, metric.criteria.direction) {
        (Pick::Last, _) => "value",
        (Pick::Best, Direction::Max) => "max_value",
        (Pick::Best, Direction::Min) => "min_value",
    }
}

/// A value as a reading. Booleans, texts and null are not numbers.
fn reading(value: &Value) -> Reading {
    value.as_f64().and_then(Score::new).map_or(Reading::NotANumber, Reading::Value)
}

/// The key of a title or series in `last_metrics`: the MD5 of its UTF-8 bytes, in lower case hex.
fn key(name: &str) -> String {
    format!("{:x}", md5::compute(name))
}

/// Lines of a log, or values of a metric, as the server stored them.
#[derive(Deserialize)]
pub(super) struct Stored {
    #[serde(default)]
    pub(super) events: Vec<StoredEvent>,
}

#[derive(Deserialize)]
pub(super) struct StoredEvent {
    /// By the server's clock. `timestamp`, next to it, is by the client's.
    #[serde(rename = "@timestamp")]
    stored: Option<String>,
    /// The series of a value.
    pub(super) variant: Option<String>,
}

impl StoredEvent {
    /// When it was stored, in microseconds since 1970.
    pub(super) fn time(&self) -> Option<u64> {
        timestamp::parse(self.stored.as_deref()?)
    }
}

/// One batch of raw scalars, in the order of their iterations.
#[derive(Deserialize)]
pub(super) struct RawScalars {
    #[serde(default)]
    pub(super) returned: usize,
    pub(super) scroll_id: Option<String>,
    #[serde(default)]
    variants: BTreeMap<String, RawSeries>,
}

#[derive(Deserialize)]
struct RawSeries {
    #[serde(default)]
    y: Vec<Value>,
}

impl RawScalars {
    pub(super) fn values(&self, series: &str) -> impl Iterator<Item = Reading> {
        self.variants.get(series).into_iter().flat_map(|series| &series.y).map(reading)
    }
}

/// Curves by title, series and task.
#[derive(Debug, Deserialize)]
pub(crate) struct Histograms {
    #[serde(default)]
    metrics: BTreeMap<String, BTreeMap<String, BTreeMap<String, Histogram>>>,
}

#[derive(Debug, Deserialize)]
struct Histogram {
    #[serde(default)]
    x: Vec<Value>,
    #[serde(default)]
    y: Vec<Value>,
}

impl Histograms {
    /// The curves of a metric; `None` when the candidate has none.
    pub(crate) fn curves(&self, metric: &Metric, candidate: &TaskId, baseline: Option<&TaskId>) -> Option<Curves> {
        let candidate = self.curve(metric, candidate);
        let baseline = baseline.map(|id| self.curve(metric, id)).unwrap_or_default();
        (!candidate.0.is_empty()).then_some(Curves { candidate, baseline })
    }

    /// The curve of a metric in a run; empty when it has none. Points that are not numbers are left out.
    pub(super) fn curve(&self, metric: &Metric, id: &TaskId) -> Curve {
        let series = self.metrics.get(metric.title.as_str()).and_then(|title| title.get(metric.series.as_str()));
        let run = series.and_then(|series| series.get(id.as_str()));
        let finite = |value: &Value| value.as_f64().filter(|number| number.is_finite());
        let points = run.into_iter().flat_map(|histogram| histogram.x.iter().zip(&histogram.y));
        let mut points: Vec<(f64, f64)> = points.filter_map(|(x, y)| Some((finite(x)?, finite(y)?))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Curve(points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{metric, metrics};
    use serde_json::json;

    #[test]
    fn the_key_is_the_md5_of_the_name() {
        assert_eq!(key("Performance Metrics"), "c30bb5cb5053948b0075b189374d5b19");
        assert_eq!(key("mAP"), "b8ff2c75a0bae9b29d3d6f412c3c5b09");
    }

    #[test]
    fn only_finite_numbers_are_values() {
        assert_eq!(reading(&json!(3)), Reading::Value(Score::new(3.0).unwrap()));
        for bad in [json!(null), json!(true), json!("0.5"), json!([1])] {
            assert_eq!(reading(&bad), Reading::NotANumber, "{bad}");
        }
    }

    fn task(fields: &Value) -> Option<Run> {
        let mut task = json!({"id": "1f", "name": "train", "project": {"id": "p"}, "status": "completed"});
        task.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap_or_default());
        serde_json::from_value::<Task>(task).unwrap().into_run("p", "train", &metrics(Direction::Max))
    }

    #[test]
    fn ignores_tasks_that_were_not_requested() {
        assert!(task(&json!({})).is_some());
        for other in [
            json!({"name": "Train"}),
            json!({"name": null}),
            json!({"project": {"id": "q"}}),
            json!({"project": null}),
            json!({"id": ""}),
        ] {
            assert!(task(&other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_run_was_touched_if_it_changed_after_its_own_last_change() {
        let at = |second: &str| format!("2026-11-23T12:25:{second}+00:00");
        let touched = |fields: &Value| task(fields).unwrap().touched.map(timestamp::format);
        let ran = |change: &str| {
            touched(&json!({"last_update": at("40"), "status_changed": at("45"), "last_change": at(change)}))
        };
        assert_eq!(ran("46.000001").as_deref(), Some("2026-11-23T12:25:46.000001Z"));
        for own_change in ["46", "45.5", "40", "01"] {
            assert_eq!(ran(own_change), None, "{own_change}");
        }
        assert!(touched(&json!({"last_change": at("46")})).is_some());
        assert_eq!(touched(&json!({"last_update": at("40")})), None);
    }

    #[test]
    fn the_time_of_a_run_is_its_start_or_its_creation() {
        let when = |fields: &Value| timestamp::format(task(fields).unwrap().when);
        let (created, started) = ("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z");
        assert_eq!(when(&json!({"created": created, "started": started})), started);
        assert_eq!(when(&json!({"created": created, "started": null})), created);
        assert_eq!(task(&json!({})).unwrap().when, 0);
    }

    #[test]
    fn a_run_may_be_continued_if_it_started_late_and_no_agent_ended_it() {
        let started = |at: &str, others: &Value| {
            let mut fields = json!({"created": "2026-11-28T00:47:54.300000+00:00", "started": at});
            fields.as_object_mut().unwrap().extend(others.as_object().cloned().unwrap());
            task(&fields).unwrap().continuation
        };
        let (none, late) = (json!({}), "2026-11-28T00:47:56.301000+00:00");
        assert_eq!(started("2026-11-28T00:47:54.320000+00:00", &none), Continuation::No);
        assert_eq!(started("2026-11-28T00:47:56.300000+00:00", &none), Continuation::No);
        assert_eq!(started(late, &none), Continuation::Possible);
        assert_eq!(started(late, &json!({"status_reason": "completed", "created": null})), Continuation::Possible);
        let ended_by_agent = json!({"status_reason": "worker execution done"});
        assert_eq!(started(late, &ended_by_agent), Continuation::No);
        assert_eq!(started(late, &json!({"started": null})), Continuation::No);
        let published = |status: &str| {
            started(
                "2026-11-28T00:47:54.320000+00:00",
                &json!({"status": status, "published": "2026-11-28T00:48:00.000000+00:00"}),
            )
        };
        assert_eq!(published("published"), Continuation::No);
        assert_eq!(published("publishing"), Continuation::No);
        assert_eq!(published("completed"), Continuation::AfterPublishing);
    }

    #[test]
    fn classifies_recorded_runs_of_the_sdk_and_of_agents() {
        let captures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/captures");
        for (capture, continuation, out_of_order) in [
            ("401-trace-sdk-reuse-in-place", Continuation::Possible, false),
            ("404-trace-sdk-continued", Continuation::Possible, false),
            ("405-trace-sdk-continued-zero", Continuation::Possible, false),
            ("406-trace-sdk-continued-published", Continuation::AfterPublishing, false),
            ("407-trace-sdk-two-at-once", Continuation::Possible, true),
            ("413-trace-sdk-nan", Continuation::No, false),
            ("415-trace-sdk-offline-import", Continuation::No, false),
            ("417-trace-agent-resumed", Continuation::No, false),
        ] {
            let trace = std::fs::read_to_string(format!("{captures}/{capture}.json")).unwrap();
            let mut task = serde_json::from_str::<Value>(&trace).unwrap()["after"].take();
            // A stored task has an id here, a response an object.
            task["project"].take();
            let task: Task = serde_json::from_value(task).unwrap();
            assert_eq!(task.continuation(), continuation, "{capture}");
            let accuracy = metric("accuracy", Direction::Max);
            assert!(task.arrived_out_of_order(&accuracy) == out_of_order, "{capture}");
        }
    }

    #[test]
    fn values_arrived_out_of_order_if_an_extreme_is_from_before_the_first() {
        let metric = metric("accuracy", Direction::Max);
        let task = |iterations: [Option<i64>; 3]| {
            let summary: serde_json::Map<_, _> =
                ITERATIONS.into_iter().map(str::to_owned).zip(iterations.map(Value::from)).collect();
            let title = Value::from_iter([(key("accuracy"), Value::from(summary))]);
            let last_metrics = Value::from_iter([(key("validation"), title)]);
            serde_json::from_value::<Task>(json!({"id": "1f", "last_metrics": last_metrics})).unwrap()
        };
        for (first, lowest, highest, expected) in [
            (6, 0, 21, true),
            (3, 5, 0, true),
            (0, 0, 21, false),
            (7, 7, 7, false),
            (-2_147_483_648, -2_147_483_648, 3, false),
        ] {
            let task = task([Some(first), Some(lowest), Some(highest)]);
            assert_eq!(task.arrived_out_of_order(&metric), expected, "{first} {lowest} {highest}");
        }
        assert!(!task([None, Some(0), Some(1)]).arrived_out_of_order(&metric));
    }

    #[test]
    fn compares_api_versions_as_numbers() {
        let claims = |text: &str| Claims { api_version: text.to_owned(), iat: 0 }.api_version();
        assert!(claims("2.9") < claims("2.27"));
        assert_eq!(claims("two"), None);
    }
}
