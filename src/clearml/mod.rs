//! The ClearML API as the gate uses it: each question is one request, and its answer is a value of the gate's own.

mod answer;
mod error;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod json;
pub(crate) mod links;
mod pattern;
mod wire;

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use error::{Cause, Error};

use crate::model::commit::Commit;
use crate::model::metric::{Metric, Metrics, Pick};
use crate::model::name::{Name, Tag};
use crate::model::run::{Reading, Run, TaskId};
use crate::net::http::{Http, Retry};
use crate::net::limits::Limits;
use crate::net::proxy::Proxy;
use crate::net::retry::RetryPolicy;
use crate::net::secret::Secret;
use crate::net::tls::Trust;
use crate::net::url::Host;
use answer::{claims, decode, login, without_credentials};
use pattern::{anchored, escaped};
pub(crate) use wire::Histograms;
use wire::{Claims, Projects, RawScalars, Task, Tasks, Updated};

/// The most the server returns in one page, whatever is asked for.
pub(crate) const PAGE_SIZE: usize = 500;
/// No project needs more pages than this; a server that always returns a full page must not keep the gate for ever.
const MOST_PAGES: usize = 2_000;
/// Raw scalars in one answer; the server allows no more.
const RAW_BATCH: usize = 200_000;
/// How many points of a curve are asked for; the server averages what lies between them.
const CURVE_POINTS: usize = 48;
/// Statuses of a proxy or an overloaded server. Not 500, which ClearML sends when the request itself is at fault.
const TRANSIENT: &[u16] = &[429, 502, 503, 504, 509];
/// API version from which `tasks.update_tags` exists, and from which `last_change` is asked for.
const UPDATE_TAGS: (u32, u32) = (2, 27);

/// What a server that does not tell its version is taken for.
const NEWEST: (u32, u32) = (u32::MAX, 0);

/// The id of a project; never empty, since the server takes an empty filter for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectId(String);

impl ProjectId {
    /// The id as ClearML gave it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where ClearML is and who asks.
#[derive(Debug)]
pub(crate) struct Server {
    /// The API server.
    pub(crate) api: Host,
    /// The web app, for links; `None` when it cannot be derived from the API host.
    pub(crate) web: Option<Host>,
    /// Access key of the credential.
    pub(crate) access_key: Secret,
    /// Secret key of the credential.
    pub(crate) secret_key: Secret,
    /// Whose certificates are believed.
    pub(crate) trust: Trust,
    /// The proxy to go through.
    pub(crate) proxy: Option<Proxy>,
}

/// The runs that can matter: those of one name in one project.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) project: &'a ProjectId,
    pub(crate) task_name: &'a Name,
    pub(crate) metrics: &'a Metrics,
}

/// A session with a ClearML server.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    http: Http,
    server: &'a Server,
    token: RefCell<Secret>,
    /// The API version of the server.
    pub(crate) api_version: (u32, u32),
    /// The server's clock at login, microseconds since 1970, and when that was; `None` when it does not tell.
    clock: Option<(u64, Instant)>,
}

type Result<T> = std::result::Result<T, Error>;

impl<'a> Client<'a> {
    /// Logs in, which also tells the server's version and time.
    pub(crate) fn login(server: &'a Server, limits: Limits) -> Result<Self> {
        let policy = RetryPolicy { limits, transient: TRANSIENT, rate_limit: |_| None };
        let (http, now) = (Http::new(&server.trust, server.proxy.clone(), policy), Instant::now());
        let token = login(&http, server)?;
        let claims = claims(&token);
        Ok(Self {
            http,
            server,
            api_version: claims.as_ref().and_then(Claims::api_version).unwrap_or(NEWEST),
            clock: claims
                .map(|claims| claims.iat)
                .filter(|iat| *iat > 0)
                .map(|iat| (iat.saturating_mul(1_000_000), now)),
            token: RefCell::new(token),
        })
    }

    /// The server's clock now, microseconds since 1970; 0 when it does not tell.
    pub(crate) fn now(&self) -> u64 {
        let since = |at: Instant| u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.clock.map_or(0, |(micros, at)| micros.saturating_add(since(at)))
    }

    /// The project of exactly this name; hidden ones, as pipelines have, included.
    pub(crate) fn project(&self, name: &Name) -> Result<Option<ProjectId>> {
        let body = json!({
            "name": anchored(name.as_str()),
            "search_hidden": true,
            "only_fields": ["id", "name"],
            "page": 0,
            "page_size": PAGE_SIZE,
        });
        let found: Projects = self.ask("to find the project", "projects.get_all_ex", &body)?;
        let project =
            found.projects.into_iter().find(|project| project.name == name.as_str() && !project.id.is_empty());
        Ok(project.map(|project| ProjectId(project.id)))
    }

    /// The names of the projects changed last.
    pub(crate) fn project_names(&self) -> Result<Vec<String>> {
        let body = json!({"only_fields": ["name"], "search_hidden": true, "order_by": ["-last_update"], "page": 0, "page_size": PAGE_SIZE});
        let found: Projects = self.ask("to list projects", "projects.get_all_ex", &body)?;
        Ok(found.projects.into_iter().map(|project| project.name).collect())
    }

    /// All runs of the commits, and all that carry the tag, in whatever case, whatever became of them; newest first. The
    /// server compares without regard to case, and who tagged a run by hand in another one has to be told.
    pub(crate) fn of_commits_or_tagged(&self, scope: Scope<'_>, commits: &[Commit], tag: &Tag) -> Result<Vec<Run>> {
        // What follows an abbreviated commit is hex digits, so that it cannot match other texts.
        let alternatives = commits.iter().fold(String::new(), |text, commit| {
            let rest = if commit.is_full() { "" } else { "[0-9a-f]*" };
            format!("{text}{commit}{rest}|")
        });
        let pattern = format!("^({alternatives}{})$", escaped(tag.as_str()));
        let which = json!({"fields": ["script.version_num", "tags"], "pattern": pattern});
        let mut runs = self.runs("to find the runs", scope, &which)?;
        runs.retain(|run| run.ran_any(commits) || run.tag_in_any_case(tag).is_some());
        Ok(runs)
    }

    /// All runs that carry the tag.
    pub(crate) fn tagged(&self, scope: Scope<'_>, tag: &Tag) -> Result<Vec<Run>> {
        let which = json!({"fields": ["tags"], "pattern": anchored(tag.as_str())});
        let mut runs = self.runs("to ask who carries the tag", scope, &which)?;
        runs.retain(|run| run.has_tag(tag));
        Ok(runs)
    }

    /// The newest runs of the name, of any commit; one page.
    pub(crate) fn newest(&self, scope: Scope<'_>) -> Result<Vec<Run>> {
        let body = self.runs_query(scope, 0);
        let page: Tasks = self.ask("to list the newest runs", "tasks.get_all_ex", &body)?;
        Ok(into_runs(page, scope))
    }

    /// The names of the newest tasks of the project.
    pub(crate) fn task_names(&self, project: &ProjectId) -> Result<Vec<String>> {
        let body = json!({
            "project": [project.0], "only_fields": ["name"], "order_by": ["-created"], "page": 0, "page_size": PAGE_SIZE,
        });
        let found: Tasks = self.ask("to list task names", "tasks.get_all_ex", &body)?;
        Ok(found.tasks.into_iter().filter_map(|task| task.name).collect())
    }

    /// The metrics a task has: titles and series.
    pub(crate) fn metric_names(&self, id: &TaskId) -> Result<Vec<(String, String)>> {
        let body = json!({"id": [id.0], "only_fields": ["last_metrics"]});
        let found: Tasks = self.ask("to list the metrics", "tasks.get_all_ex", &body)?;
        Ok(found.tasks.iter().filter(|task| task.id == id.0).flat_map(Task::metric_names).collect())
    }

    /// Which of these runs have uncommitted changes. The server looks; no diff is transferred. At most [`PAGE_SIZE`] ids.
    pub(crate) fn dirty(&self, ids: &[TaskId]) -> Result<HashSet<TaskId>> {
        let operation = "to check for uncommitted changes";
        let asked: Vec<&str> = ids.iter().map(TaskId::as_str).collect();
        let body = json!({
            "id": asked,
            // A missing diff never matches, an empty one has no character to match.
            "_all_": {"fields": ["script.diff"], "pattern": "[\\s\\S]"},
            "only_fields": ["id"],
            "page": 0,
            "page_size": PAGE_SIZE,
        });
        let found: Tasks = self.ask(operation, "tasks.get_all_ex", &body)?;
        if found.tasks.iter().any(|task| !asked.contains(&task.id.as_str())) {
            return Err(self.error(operation, Cause::odd("it returned tasks that were not asked for".to_owned())));
        }
        Ok(found.tasks.into_iter().map(|task| TaskId(task.id)).collect())
    }

    /// The metric from the run's events, where `last_metrics` has no room for it (the server keeps 2,000 a task).
    pub(crate) fn reading_from_events(&self, id: &TaskId, metric: &Metric) -> Result<Reading> {
        let series = metric.series.as_str();
        let mut body = json!({
            "task": id.0,
            "metric": {"metric": metric.title.as_str(), "variants": [series]},
            "batch_size": RAW_BATCH,
        });
        let mut reading = Reading::Missing;
        for _ in 0..MOST_PAGES {
            let batch: RawScalars =
                match self.ask("to read the metric's events", "events.scalar_metrics_iter_raw", &body) {
                    // Servers before API 2.16 cannot tell; the metric stays missing, which is no verdict.
                    Err(Error { cause: Cause::Refused { status: 404, .. }, .. }) => return Ok(Reading::Missing),
                    answer => answer?,
                };
            reading = batch.values(series).fold(reading, |so_far, next| chosen(metric, so_far, next));
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
        self.request("to draw the curves", endpoint, &body, Retry::BestEffort)
    }

    /// Puts a tag on a task. The other tags of the task stay. Not repeated by itself, so that who asks knows of every
    /// attempt that may have been obeyed.
    pub(crate) fn add_tag(&self, id: &TaskId, tag: &Tag) -> Result<()> {
        let operation = "to put the tag on the candidate";
        if self.api_version >= UPDATE_TAGS {
            let body = json!({"ids": [id.0], "add_tags": [tag.as_str()]});
            return self.tell(operation, "tasks.update_tags", &body);
        }
        self.rewrite_tags(operation, id, |tags| {
            if !tags.iter().any(|carried| carried == tag.as_str()) {
                tags.push(tag.as_str().to_owned());
            }
        })
    }

    /// Takes a tag from tasks. The other tags of the tasks stay. Not repeated by itself when the answer is lost: by
    /// then another gate may have given the tag to one of them.
    pub(crate) fn remove_tag(&self, ids: &[TaskId], tag: &Tag) -> Result<()> {
        let operation = "to take the tag from the former best";
        if self.api_version >= UPDATE_TAGS {
            let ids: Vec<&str> = ids.iter().map(TaskId::as_str).collect();
            let body = json!({"ids": ids, "remove_tags": [tag.as_str()]});
            return self.tell(operation, "tasks.update_tags", &body);
        }
        ids.iter()
            .try_for_each(|id| self.rewrite_tags(operation, id, |tags| tags.retain(|carried| carried != tag.as_str())))
    }

    /// The error for a tag that the server took and does not show.
    pub(crate) fn not_tagged(&self) -> Error {
        self.error(
            "to put the tag on the candidate",
            Cause::odd("it said yes, but the candidate does not carry the tag".to_owned()),
        )
    }

    /// Begins anew with all the time there is, for who comes back after a wait.
    pub(crate) fn renew(&self) {
        self.http.reset_budget();
    }

    /// Waits before a write is tried again; false when there is no patience left.
    pub(crate) fn pause(&self, duration: std::time::Duration) -> bool {
        self.http.wait_before_retry(duration).is_ok()
    }

    /// The old servers' way, where a task's tags can only be replaced as a whole: read and written close together.
    fn rewrite_tags(&self, operation: &'static str, id: &TaskId, change: impl Fn(&mut Vec<String>)) -> Result<()> {
        let found: Tasks =
            self.ask(operation, "tasks.get_all_ex", &json!({"id": [id.0], "only_fields": ["id", "tags"]}))?;
        let Some(task) = found.tasks.into_iter().find(|task| task.id == id.0) else {
            return Err(self.error(operation, Cause::odd(format!("task {} is not there any more", id.0))));
        };
        let before = task.tags.unwrap_or_default();
        let mut tags = before.clone();
        change(&mut tags);
        if tags == before {
            return Ok(());
        }
        self.tell(operation, "tasks.update", &json!({"task": id.0, "tags": tags}))
    }

    fn runs(&self, operation: &'static str, scope: Scope<'_>, which: &Value) -> Result<Vec<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        let mut seen = HashSet::new();
        for page in 0..MOST_PAGES {
            let mut body = self.runs_query(scope, page);
            if let Some(fields) = body.as_object_mut() {
                fields.insert("_any_".to_owned(), which.clone());
            }
            let mut found: Tasks = self.ask(operation, "tasks.get_all_ex", &body)?;
            let returned = found.tasks.len();
            // A task that was added meanwhile shifts the pages, so that one may come twice.
            found.tasks.retain(|task| seen.insert(task.id.clone()));
            let nothing_new = found.tasks.is_empty();
            runs.extend(into_runs(found, scope));
            if returned < PAGE_SIZE || nothing_new {
                break;
            }
        }
        runs.sort_by(|a, b| b.compare_age(a));
        Ok(runs)
    }

    /// Ordered by a field that never changes, so that pages do not shift when a task is touched.
    fn runs_query(&self, scope: Scope<'_>, page: usize) -> Value {
        let metrics: Vec<String> = scope.metrics.iter().map(wire::field).collect();
        let mut fields =
            vec!["id", "name", "project", "status", "tags", "system_tags", "created", "started", "script.version_num"];
        fields.push("last_iteration");
        fields.extend(metrics.iter().map(String::as_str));
        if self.api_version >= UPDATE_TAGS {
            // A change of tags shows in the first of them alone.
            fields.extend(["last_change", "last_update", "status_changed"]);
        }
        json!({
            "project": [scope.project.0],
            "name": anchored(scope.task_name.as_str()),
            "only_fields": fields,
            "order_by": ["-created"],
            "page": page,
            "page_size": PAGE_SIZE,
        })
    }

    /// Asks something that may be asked twice.
    fn ask<T: DeserializeOwned>(&self, operation: &'static str, endpoint: &str, body: &Value) -> Result<T> {
        self.request(operation, endpoint, body, Retry::Idempotent)
    }

    /// Tells something that must not be told twice without a look in between.
    fn tell(&self, operation: &'static str, endpoint: &str, body: &Value) -> Result<()> {
        self.request::<Updated>(operation, endpoint, body, Retry::NotIdempotent).map(drop)
    }

    fn request<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        endpoint: &str,
        body: &Value,
        retry: Retry,
    ) -> Result<T> {
        let body = body.to_string();
        let send = || {
            let authorization = format!("Bearer {}", self.token.borrow().expose());
            let answer =
                self.http.post(&format!("{}/{endpoint}", self.server.api), &authorization, body.as_bytes(), retry);
            answer.map_err(Cause::Failure).and_then(|answer| decode(&answer))
        };
        let answer = match send() {
            // A token can expire, or its key be renewed, in the middle of a long run.
            Err(Cause::Refused { status: 401, .. }) => {
                self.token.replace(login(&self.http, self.server)?);
                send()
            }
            answer => answer,
        };
        answer.map_err(|cause| self.error(operation, cause))
    }

    fn error(&self, operation: &'static str, cause: Cause) -> Error {
        let token = self.token.borrow();
        let cause = without_credentials(cause, self.server, Some(&token));
        Error { operation, host: self.server.api.to_string(), cause }
    }
}

/// The better of two readings, or the later one; what is not a number makes the whole unusable.
fn chosen(metric: &Metric, so_far: Reading, next: Reading) -> Reading {
    match (so_far, next) {
        (Reading::Value(a), Reading::Value(b)) if metric.pick == Pick::Best => {
            Reading::Value(if metric.criteria.direction.compare(a, b).is_lt() { b } else { a })
        }
        (Reading::NotANumber, _) if metric.pick == Pick::Best => Reading::NotANumber,
        (_, next) => next,
    }
}

fn into_runs(found: Tasks, scope: Scope<'_>) -> Vec<Run> {
    let (project, name) = (scope.project.as_str(), scope.task_name.as_str());
    found.tasks.into_iter().filter_map(|task| task.into_run(project, name, scope.metrics)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compare::{Direction, Score};
    use crate::model::testing::metric;

    #[test]
    fn a_value_in_the_events_that_is_no_number_spoils_the_best_but_not_the_last() {
        let reading = |value: f64| Score::new(value).map_or(Reading::NotANumber, Reading::Value);
        let metric = |pick| Metric { pick, ..metric("accuracy", Direction::Max) };
        let of = |pick, values: &[f64]| {
            let metric = metric(pick);
            values.iter().fold(Reading::Missing, |so_far, value| chosen(&metric, so_far, reading(*value)))
        };
        assert_eq!(of(Pick::Best, &[0.5, 0.9, 0.7]), reading(0.9));
        assert_eq!(of(Pick::Last, &[0.5, 0.9, 0.7]), reading(0.7));
        assert_eq!(of(Pick::Best, &[0.5, f64::NAN, 0.7]), Reading::NotANumber);
        assert_eq!(of(Pick::Last, &[0.5, f64::NAN, 0.7]), reading(0.7));
        assert_eq!(of(Pick::Last, &[0.5, f64::NAN]), Reading::NotANumber);
        assert_eq!(of(Pick::Best, &[]), Reading::Missing);
    }
}
