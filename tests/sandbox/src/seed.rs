//! Tasks for tests to start from.

use serde_json::{Map, Value, json};

use crate::metrics;
use crate::tasks::fresh;
use crate::time;
use crate::workspace::{Event, Workspace, set_fields};

/// The iteration under which the SDK reports a single value.
const SINGLE_VALUE: i64 = -2_147_483_648;

/// A task to put into the sandbox: completed, clean (`script.diff` is empty) and without a commit by default.
#[derive(Debug, Clone)]
pub struct TaskSeed {
    pub(crate) project: String,
    pub(crate) name: String,
    id: Option<String>,
    pub(crate) status: String,
    pub(crate) script: Option<Value>,
    pub(crate) tags: Vec<String>,
    pub(crate) system_tags: Vec<String>,
    times: Vec<(&'static str, i64)>,
    last_iteration: Option<i64>,
    pub(crate) scalars: Vec<Scalar>,
    log: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) title: String,
    pub(crate) series: String,
    pub(crate) values: Vec<(i64, f64)>,
    in_events: bool,
    in_last_metrics: bool,
}

impl TaskSeed {
    /// A task of this name in the project with this full path, which is created when missing.
    #[must_use]
    pub fn new(project_full_path: &str, name: &str) -> Self {
        Self {
            project: project_full_path.to_owned(),
            name: name.to_owned(),
            id: None,
            status: "completed".to_owned(),
            script: Some(json!({
                "binary": "python", "branch": "main", "diff": "", "entry_point": "train.py",
                "repository": "https://github.com/acme/model.git", "requirements": {}, "working_dir": ".",
            })),
            tags: Vec::new(),
            system_tags: vec!["development".to_owned()],
            times: Vec::new(),
            last_iteration: None,
            scalars: Vec::new(),
            log: true,
        }
    }

    /// The task's id, otherwise made up.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    /// `script.version_num`.
    #[must_use]
    pub fn commit(self, sha: &str) -> Self {
        self.script_field("version_num", Value::from(sha))
    }

    /// No git information at all: `script` is `{}`.
    #[must_use]
    pub fn no_script(mut self) -> Self {
        self.script = None;
        self
    }

    /// `script.diff`; not empty means uncommitted changes.
    #[must_use]
    pub fn diff(self, diff: &str) -> Self {
        self.script_field("diff", Value::from(diff))
    }

    /// `script.diff` is absent, as for a task whose uncommitted changes were never recorded.
    #[must_use]
    pub fn no_diff(self) -> Self {
        self.script_field("diff", Value::Null)
    }

    /// `created`, `queued`, `in_progress`, `stopped`, `failed`, `completed`, `published` or whatever else.
    #[must_use]
    pub fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.status);
        self
    }

    /// One more tag.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_owned());
        self
    }

    /// One more system tag, such as `archived`.
    #[must_use]
    pub fn system_tag(mut self, tag: &str) -> Self {
        self.system_tags.push(tag.to_owned());
        self.system_tags.sort();
        self
    }

    /// Leaves out the line that the SDK logs when a run begins.
    #[must_use]
    pub fn no_log(mut self) -> Self {
        self.log = false;
        self
    }

    /// Reports a scalar: it is in the events and in `last_metrics`, as if sent in one batch. NaN and infinity arrive
    /// as 0.0, as the SDK sends them.
    #[must_use]
    pub fn scalar(self, title: &str, series: &str, values: &[(i64, f64)]) -> Self {
        self.report(title, series, values, true, true)
    }

    /// A single value (`report_single_value`): metric `Summary`, never in the histogram.
    #[must_use]
    pub fn single_value(self, name: &str, value: f64) -> Self {
        self.report("Summary", name, &[(SINGLE_VALUE, value)], true, true)
    }

    /// A scalar in `last_metrics` whose events are gone.
    #[must_use]
    pub fn last_metrics_only(self, title: &str, series: &str, values: &[(i64, f64)]) -> Self {
        self.report(title, series, values, false, true)
    }

    /// A scalar in the events only, as the 2001st pair of metric and variant is.
    #[must_use]
    pub fn events_only(self, title: &str, series: &str, values: &[(i64, f64)]) -> Self {
        self.report(title, series, values, true, false)
    }

    /// When the task was created, in microseconds since 1970.
    #[must_use]
    pub fn created(self, micros: i64) -> Self {
        self.time("created", micros)
    }

    /// When it started.
    #[must_use]
    pub fn started(self, micros: i64) -> Self {
        self.time("started", micros)
    }

    /// When it completed.
    #[must_use]
    pub fn completed(self, micros: i64) -> Self {
        self.time("completed", micros)
    }

    /// `last_update`.
    #[must_use]
    pub fn last_update(self, micros: i64) -> Self {
        self.time("last_update", micros)
    }

    /// `last_change`.
    #[must_use]
    pub fn last_change(self, micros: i64) -> Self {
        self.time("last_change", micros)
    }

    /// `last_iteration`, otherwise taken from the scalars.
    #[must_use]
    pub fn last_iteration(mut self, iteration: i64) -> Self {
        self.last_iteration = Some(iteration);
        self
    }

    /// The same run, cut in the middle of each scalar.
    pub(crate) fn halves(&self) -> (Self, Self) {
        let (mut early, mut late) = (self.clone(), self.clone());
        for (first, second) in early.scalars.iter_mut().zip(&mut late.scalars) {
            let middle = first.values.len() / 2;
            first.values.truncate(middle);
            second.values.drain(..middle);
        }
        (early, late)
    }

    fn script_field(mut self, name: &str, value: Value) -> Self {
        let mut script = self.script.unwrap_or_else(|| json!({}));
        script[name] = value;
        crate::workspace::strip_nulls(&mut script);
        self.script = Some(script);
        self
    }

    fn time(mut self, field: &'static str, micros: i64) -> Self {
        self.times.push((field, micros));
        self
    }

    fn report(mut self, title: &str, series: &str, values: &[(i64, f64)], events: bool, last_metrics: bool) -> Self {
        self.scalars.push(Scalar {
            title: title.to_owned(),
            series: series.to_owned(),
            values: values.iter().map(|(iteration, value)| (*iteration, sent(*value))).collect(),
            in_events: events,
            in_last_metrics: last_metrics,
        });
        self
    }

    /// Stores the task. `at` is the default for its times.
    pub(crate) fn plant(self, workspace: &mut Workspace, at: i64) -> String {
        let id = self.id.clone().unwrap_or_else(|| workspace.new_id());
        let project = workspace.project(&self.project);
        let mut task = self.document(&id, &project, at);
        for scalar in &self.scalars {
            let batch = scalar.batch(at);
            if scalar.in_last_metrics {
                metrics::record(&mut task, &batch).expect("seeded values are numbers");
            }
            if scalar.in_events {
                let stored = workspace.events.entry(id.clone()).or_default();
                stored.extend(batch.into_iter().map(|event| (event.key(), event)));
            }
        }
        if self.log && task.get("started").is_some() {
            let begun = task["started"].as_str().and_then(time::parse).unwrap_or(at);
            workspace.logs.insert(id.clone(), vec![first_line(&id, begun)]);
        }
        workspace.tasks.push(task);
        id
    }

    fn document(&self, id: &str, project: &str, at: i64) -> Value {
        let now = time::stored(at);
        let has_run = !matches!(self.status.as_str(), "created" | "queued");
        let has_ended = has_run && self.status != "in_progress";
        let iterations = self.scalars.iter().flat_map(|scalar| &scalar.values).map(|(iteration, _)| *iteration);
        let last_iteration = self.last_iteration.or(iterations.max()).unwrap_or_default().max(0);
        let mut task = fresh(id, &now);
        let fields = json!({
            "active_duration": 0, "last_iteration": last_iteration, "name": self.name, "project": project,
            "script": self.script.clone().unwrap_or_else(|| json!({})), "status": self.status, "status_changed": now,
            "status_message": "", "status_reason": "", "system_tags": self.system_tags, "tags": self.tags,
        });
        set_fields(&mut task, fields.as_object().unwrap_or(&Map::new()));
        if has_run {
            task["started"] = now.clone().into();
        }
        if has_ended {
            task["completed"] = now.clone().into();
        }
        if self.status == "published" {
            task["published"] = now.into();
        }
        for (field, micros) in &self.times {
            task[*field] = time::stored(*micros).into();
        }
        task
    }
}

/// The SDK sends 0.0 for NaN and infinity.
pub(crate) fn sent(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// The line that the SDK logs some milliseconds after it starts a task.
fn first_line(id: &str, started: i64) -> Value {
    let at = started + 20_000;
    json!({
        "type": "log", "task": id, "level": "info", "worker": "sandbox", "metric": "", "variant": "",
        "msg": format!("ClearML Task: created new task id={id}"), "model_event": false,
        "timestamp": at / 1000, "@timestamp": time::iso_millis(at),
    })
}

impl Scalar {
    fn batch(&self, at: i64) -> Vec<Event> {
        let event = |(iter, value): &(i64, f64)| Event {
            metric: self.title.clone(),
            variant: self.series.clone(),
            iter: *iter,
            value: Value::from(*value),
            timestamp_ms: at / 1000,
            stored_ms: at / 1000,
            worker: String::new(),
        };
        self.values.iter().map(event).collect()
    }
}
