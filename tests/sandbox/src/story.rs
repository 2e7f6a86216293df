//! What people, the SDK and agents do to tasks, as the requests they send. For tests of how runs and tags change.
//!
//! A [`TaskSeed`] describes what a script reports and how it ends. The requests are those of the recorded SDK and agent
//! runs, without the ones that have no effect on tests. The server's clock moves on by seconds before each step.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::endpoints;
use crate::sandbox::Sandbox;
use crate::seed::TaskSeed;
use crate::workspace::{Workspace, id_of, strings};

const SECONDS_BETWEEN_ACTS: u64 = 10;
const AGENT: &str = "agent";

impl Workspace {
    /// Sends a request as a client does, without log and faults. Returns the answer's data, or the server's message.
    ///
    /// # Errors
    ///
    /// If the server rejects it.
    pub fn ask(&mut self, endpoint: &str, parameters: &Value) -> Result<Value, String> {
        self.send(endpoint, parameters.as_object().cloned().unwrap_or_default(), None)
    }

    fn send(
        &mut self,
        endpoint: &str,
        parameters: Map<String, Value>,
        batch: Option<Vec<Value>>,
    ) -> Result<Value, String> {
        let requested = self.api_version;
        let (endpoint, _) = endpoints::find(endpoint, requested, requested)
            .ok_or_else(|| format!("the sandbox has no endpoint {endpoint:?}"))?;
        let mut call = Call { workspace: self, parameters, batch, requested, worker: "worker".to_owned() };
        (endpoint.run)(&mut call).map_err(|error| error.message)
    }

    fn must(&mut self, endpoint: &str, parameters: &Value) -> Value {
        self.ask(endpoint, parameters).unwrap_or_else(|why| panic!("{endpoint} {parameters}: {why}"))
    }

    /// A script runs with `Task.init` and creates a new task.
    pub fn train(&mut self, run: &TaskSeed) -> String {
        let id = self.begin(run);
        self.finish(&id, run, 0);
        id
    }

    /// A script runs with a default `Task.init` on a machine that created `last` before. That task is reset and used
    /// again, unless something protects it. Returns the task with the run.
    pub fn reuse(&mut self, last: &str, run: &TaskSeed) -> String {
        let id = self.begin_again(last, run);
        self.finish(&id, run, 0);
        id
    }

    /// A script runs with `continue_last_task`. Its iterations start after the last one, or at `from`.
    pub fn continue_last(&mut self, last: &str, from: Option<i64>, run: &TaskSeed) {
        self.pass(SECONDS_BETWEEN_ACTS);
        self.must("tasks.started", &json!({"task": last, "force": true}));
        self.must("tasks.started", &json!({"task": last, "force": false}));
        self.log(last, &format!("ClearML Task: continuing previous task id={last}"));
        let next = self.task(last)["last_iteration"].as_i64().unwrap_or_default() + 1;
        self.describe(last, run);
        self.finish(last, run, from.unwrap_or(next));
    }

    /// Two processes of one script run at once on one machine. After the first has reported half of its values, the
    /// second resets its task. Then both report to it.
    pub fn two_at_once(&mut self, first: &TaskSeed, second: &TaskSeed) -> String {
        let id = self.begin(first);
        let (early, late) = first.halves();
        self.report(&id, &early, 0);
        let shared = self.begin_again(&id, second);
        self.report(&id, &late, 0);
        self.finish(&shared, second, 0);
        id
    }

    /// An agent runs a task. A draft gets the script of `run` first, a completed task is reset first, and a stopped or
    /// failed one is resumed. False if the server does not enqueue the task.
    pub fn run_by_agent(&mut self, id: &str, run: &TaskSeed) -> bool {
        self.pass(SECONDS_BETWEEN_ACTS);
        match self.task(id)["status"].as_str() {
            Some("created") => self.describe(id, run),
            Some("completed") => _ = self.ask("tasks.reset", &json!({"task": id})),
            _ => {}
        }
        if self.ask("tasks.enqueue", &json!({"task": id, "queue_name": "default"})).is_err() {
            return false;
        }
        let queue = self.queue("default");
        self.pass(2);
        self.must("queues.get_next_task", &json!({"queue": queue}));
        self.must("tasks.started", &json!({"task": id, "force": true, "status_message": "pulled by agent"}));
        self.log(id, &format!("task {id} pulled from default by worker {AGENT}"));
        self.report(id, run, 0);
        let reason = if run.status == "stopped" { "task was stopped by tasks.stop" } else { "worker execution done" };
        self.end(id, &run.status, reason, &format!("Changed by clearml-agent {AGENT}"));
        true
    }

    /// A user resets the task in the web app, which uses force.
    pub fn reset(&mut self, id: &str) {
        self.pass(SECONDS_BETWEEN_ACTS);
        self.must("tasks.reset", &json!({"task": id, "force": true}));
    }

    /// A user clones the task in the web app. Returns the id of the draft.
    pub fn clone_task(&mut self, id: &str) -> String {
        self.pass(SECONDS_BETWEEN_ACTS);
        id_of(&self.must("tasks.clone", &json!({"task": id})))
    }

    /// A user archives the task.
    pub fn archive(&mut self, id: &str) {
        self.pass(SECONDS_BETWEEN_ACTS);
        self.must("tasks.archive", &json!({"tasks": [id]}));
    }

    /// A user or a cleanup service deletes the task.
    pub fn delete(&mut self, id: &str) {
        self.pass(SECONDS_BETWEEN_ACTS);
        self.must("tasks.delete", &json!({"task": id, "force": true}));
    }

    /// A user publishes the task. False if its status does not allow it.
    pub fn publish(&mut self, id: &str) -> bool {
        self.pass(SECONDS_BETWEEN_ACTS);
        self.ask("tasks.publish", &json!({"task": id})).is_ok()
    }

    /// The SDK's `add_tags` on an object that was loaded while the task had the `stale` tags. It writes the whole list.
    pub fn add_tags_to_stale_copy(&mut self, id: &str, stale: &[&str], tag: &str) {
        self.pass(SECONDS_BETWEEN_ACTS);
        let tags = [stale, &[tag]].concat();
        self.must("tasks.edit", &json!({"task": id, "tags": tags, "force": true}));
    }

    fn pass(&mut self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    fn begin(&mut self, run: &TaskSeed) -> String {
        self.pass(SECONDS_BETWEEN_ACTS);
        let project = self.project(&run.project);
        let task = json!({
            "name": run.name, "type": "training", "project": project, "system_tags": run.system_tags,
            "comment": "Auto-generated at 2026-01-01 00:00:00 UTC by me@here",
        });
        let id = id_of(&self.must("tasks.create", &task));
        self.advance(Duration::from_millis(20));
        self.must("tasks.started", &json!({"task": id, "force": false}));
        self.log(&id, &format!("ClearML Task: created new task id={id}"));
        self.describe(&id, run);
        id
    }

    /// Starts in the last task if it may be reused, otherwise in a new one.
    fn begin_again(&mut self, last: &str, run: &TaskSeed) -> String {
        self.pass(SECONDS_BETWEEN_ACTS);
        let reset = json!({"task": last, "force": false, "clear_all": false, "delete_external_artifacts": true});
        if !self.is_reusable(last, run) || self.ask("tasks.reset", &reset).is_err() {
            return self.begin(run);
        }
        let blank = json!({
            "task": last, "force": true, "system_tags": ["development"],
            "comment": "Auto-generated at 2026-01-01 00:00:00 by me@here", "output_dest": "",
            "execution": {"parameters": {}, "model_desc": {}, "model_labels": {}, "dataviews": [], "artifacts": []},
            "script": {
                "binary": "", "repository": "", "tag": "", "branch": "", "version_num": "", "entry_point": "",
                "working_dir": "", "requirements": {}, "diff": "",
            },
            "hyperparams": {}, "configuration": {}, "models": {"input": [], "output": []}, "container": {},
        });
        self.must("tasks.edit", &blank);
        self.must("tasks.started", &json!({"task": last, "force": false}));
        self.log(last, &format!("ClearML Task: overwriting (reusing) task id={last}"));
        self.describe(last, run);
        last.to_owned()
    }

    /// What the SDK reads before it requests the reset.
    fn is_reusable(&self, id: &str, run: &TaskSeed) -> bool {
        let Some(task) = self.find_task(id) else { return false };
        let tags = strings(&task["system_tags"]);
        let has = |wanted: &str| tags.iter().any(|tag| tag == wanted);
        let empty = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
        task["name"] == run.name.as_str()
            && task["project"].as_str() == self.project_named(&run.project).as_deref()
            && has("development")
            && !has("archived")
            && !matches!(task["status"].as_str(), Some("published" | "closed"))
            && empty(&task["models"]["output"])
            && empty(&task["execution"]["artifacts"])
    }

    /// Script and tags of a run.
    fn describe(&mut self, id: &str, run: &TaskSeed) {
        let mut edit = json!({"task": id, "force": true});
        if let Some(script) = &run.script {
            edit["script"] = script.clone();
        }
        if !run.tags.is_empty() {
            let tags = [strings(&self.task(id)["tags"]), run.tags.clone()].concat();
            edit["tags"] = tags.into();
        }
        self.must("tasks.edit", &edit);
    }

    fn finish(&mut self, id: &str, run: &TaskSeed, offset: i64) {
        self.report(id, run, offset);
        self.end(id, &run.status, "completed", "");
    }

    fn report(&mut self, id: &str, run: &TaskSeed, offset: i64) {
        for scalar in &run.scalars {
            self.pass(1);
            let now = self.now() / 1000;
            let event = |(iteration, value): &(i64, f64)| {
                json!({
                    "type": "training_stats_scalar", "task": id, "iter": iteration + offset, "metric": scalar.title,
                    "variant": scalar.series, "value": value, "timestamp": now,
                })
            };
            let batch = scalar.values.iter().map(event).collect();
            self.send("events.add_batch", Map::new(), Some(batch)).unwrap_or_else(|why| panic!("{id}: {why}"));
        }
    }

    /// With `in_progress`, the run keeps running.
    fn end(&mut self, id: &str, status: &str, reason: &str, message: &str) {
        self.pass(1);
        let endpoint = match status {
            "in_progress" => return,
            "failed" => "tasks.failed",
            "stopped" => "tasks.stopped",
            _ => "tasks.completed",
        };
        let reason = if endpoint == "tasks.failed" { "" } else { reason };
        let end = json!({"task": id, "force": false, "status_reason": reason, "status_message": message});
        self.must(endpoint, &end);
        if status == "published" {
            self.must("tasks.publish", &json!({"task": id}));
        }
    }

    fn log(&mut self, id: &str, text: &str) {
        self.advance(Duration::from_millis(20));
        let now = self.now() / 1000;
        let line = json!({"type": "log", "task": id, "level": "info", "msg": text, "timestamp": now});
        self.must("events.add_batch", &line);
    }
}

impl Sandbox {
    /// See [`Workspace::ask`].
    ///
    /// # Errors
    ///
    /// If the server rejects it.
    pub fn ask(&self, endpoint: &str, parameters: &Value) -> Result<Value, String> {
        self.shared().workspace.ask(endpoint, parameters)
    }

    /// See [`Workspace::train`].
    pub fn train(&self, run: &TaskSeed) -> String {
        self.shared().workspace.train(run)
    }

    /// See [`Workspace::reuse`].
    pub fn reuse(&self, last: &str, run: &TaskSeed) -> String {
        self.shared().workspace.reuse(last, run)
    }

    /// See [`Workspace::continue_last`].
    pub fn continue_last(&self, last: &str, from: Option<i64>, run: &TaskSeed) {
        self.shared().workspace.continue_last(last, from, run);
    }

    /// See [`Workspace::two_at_once`].
    pub fn two_at_once(&self, first: &TaskSeed, second: &TaskSeed) -> String {
        self.shared().workspace.two_at_once(first, second)
    }

    /// See [`Workspace::run_by_agent`].
    pub fn run_by_agent(&self, id: &str, run: &TaskSeed) -> bool {
        self.shared().workspace.run_by_agent(id, run)
    }

    /// See [`Workspace::reset`].
    pub fn reset(&self, id: &str) {
        self.shared().workspace.reset(id);
    }

    /// See [`Workspace::clone_task`].
    pub fn clone_task(&self, id: &str) -> String {
        self.shared().workspace.clone_task(id)
    }

    /// See [`Workspace::archive`].
    pub fn archive(&self, id: &str) {
        self.shared().workspace.archive(id);
    }

    /// See [`Workspace::delete`].
    pub fn delete(&self, id: &str) {
        self.shared().workspace.delete(id);
    }

    /// See [`Workspace::publish`].
    pub fn publish(&self, id: &str) -> bool {
        self.shared().workspace.publish(id)
    }

    /// See [`Workspace::add_tags_to_stale_copy`].
    pub fn add_tags_to_stale_copy(&self, id: &str, stale: &[&str], tag: &str) {
        self.shared().workspace.add_tags_to_stale_copy(id, stale, tag);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{Sandbox, TaskSeed};

    fn run(commit: &str, values: &[(i64, f64)]) -> TaskSeed {
        TaskSeed::new("project", "train").commit(commit).scalar("validation", "accuracy", values)
    }

    const GOOD: &[(i64, f64)] = &[(0, 0.9), (1, 0.91), (2, 0.92)];
    const BAD: &[(i64, f64)] = &[(0, 0.2), (1, 0.21), (2, 0.22)];

    /// The only metric of a task: minimum, maximum, last and first value, and the count.
    fn metric(task: &Value) -> [Value; 5] {
        let metrics = task["last_metrics"].as_object().unwrap().values();
        let entry = metrics.flat_map(|variants| variants.as_object().unwrap().values()).next().unwrap();
        ["min_value", "max_value", "value", "first_value", "count"].map(|name| entry[name].clone())
    }

    /// The signs of a restarted run: seconds from creation to start, and from the start to the oldest line
    /// of the log.
    fn stretch(sandbox: &Sandbox, id: &str) -> (i64, i64) {
        let task = sandbox.task(id);
        let at = |time: &Value| crate::time::parse(time.as_str().unwrap()).unwrap();
        let ask = json!({"task": id, "navigate_earlier": false, "batch_size": 1});
        let log = sandbox.ask("events.get_task_log", &ask).unwrap();
        let (created, started) = (at(&task["created"]), at(&task["started"]));
        let seconds = |micros: i64| micros.div_euclid(crate::time::SECOND);
        (seconds(started - created), seconds(at(&log["events"][0]["@timestamp"]) - started))
    }

    #[test]
    fn a_first_run_begins_with_its_task() {
        let sandbox = Sandbox::start();
        let id = sandbox.train(&run("a", GOOD).single_value("final", 0.92));
        let task = sandbox.task(&id);
        assert_eq!((&task["status"], &task["status_reason"]), (&json!("completed"), &json!("completed")));
        assert_eq!(task["last_change"], task["status_changed"]);
        assert_eq!(stretch(&sandbox, &id), (0, 0));
        let seeded = sandbox.add(run("a", GOOD));
        assert_eq!(stretch(&sandbox, &seeded), (0, 0));
        let still = sandbox.train(&run("a", GOOD).status("in_progress"));
        assert_eq!(sandbox.task(&still)["status"], "in_progress");
    }

    #[test]
    fn a_reused_task_keeps_its_tags_and_nothing_else() {
        let sandbox = Sandbox::start();
        let id = sandbox.train(&run("a", GOOD).tag("Best Performance"));
        assert_eq!(sandbox.reuse(&id, &run("b", BAD)), id);
        let task = sandbox.task(&id);
        assert_eq!(
            (&task["script"]["version_num"], sandbox.tags(&id)),
            (&json!("b"), vec!["Best Performance".to_owned()])
        );
        assert_eq!(metric(&task), [json!(0.2), json!(0.22), json!(0.22), json!(0.2), json!(3)]);
        let (created, log) = stretch(&sandbox, &id);
        assert!(created > 2 && log >= 0);
    }

    #[test]
    fn a_protected_task_is_not_reused() {
        let sandbox = Sandbox::start();
        let seed = || run("a", GOOD);
        let id = sandbox.train(&seed());
        let child = json!({"name": "child", "type": "qc", "project": sandbox.project("project"), "parent": id});
        let child = sandbox.ask("tasks.create", &child).unwrap()["id"].clone();
        sandbox.ask("tasks.publish", &json!({"task": child, "force": true})).unwrap();
        let protected = [
            id,
            sandbox.add(TaskSeed::new("project", "other name").commit("a")),
            sandbox.train(&seed().status("published")),
        ];
        let archived = sandbox.train(&seed());
        sandbox.archive(&archived);
        let bare = sandbox.train(&seed());
        sandbox.edit(&bare, |task| task["system_tags"] = json!([]));
        for last in protected.iter().chain([&archived, &bare]) {
            let before = sandbox.task(last);
            assert_ne!(sandbox.reuse(last, &run("b", BAD)), *last);
            assert_eq!(sandbox.task(last), before);
        }
    }

    #[test]
    fn a_continued_task_mixes_two_commits() {
        let sandbox = Sandbox::start();
        let id = sandbox.train(&run("a", GOOD));
        sandbox.continue_last(&id, None, &run("b", BAD));
        let task = sandbox.task(&id);
        assert_eq!((&task["script"]["version_num"], &task["last_iteration"]), (&json!("b"), &json!(5)));
        assert_eq!(metric(&task), [json!(0.2), json!(0.92), json!(0.22), json!(0.9), json!(6)]);
        let (created, log) = stretch(&sandbox, &id);
        assert!(created > 2 && log < 0);
        let zero = sandbox.train(&run("a", GOOD));
        sandbox.continue_last(&zero, Some(0), &run("b", BAD));
        assert_eq!(metric(&sandbox.task(&zero)), metric(&task));
        assert_eq!(sandbox.task(&zero)["last_iteration"], 2);
        let published = sandbox.train(&run("a", GOOD).status("published"));
        sandbox.continue_last(&published, None, &run("b", BAD));
        let reopened = sandbox.task(&published);
        assert!(reopened["published"].is_string() && reopened["status"] == "completed");
    }

    #[test]
    fn two_at_once_share_a_task() {
        let sandbox = Sandbox::start();
        let id = sandbox.two_at_once(&run("a", &[(0, 0.9), (1, 0.91), (2, 0.93), (3, 0.94)]), &run("b", BAD));
        let task = sandbox.task(&id);
        assert_eq!((&task["script"]["version_num"], &task["status"]), (&json!("b"), &json!("completed")));
        assert_eq!(metric(&task), [json!(0.2), json!(0.94), json!(0.22), json!(0.93), json!(5)]);
    }

    #[test]
    fn an_agent_runs_drafts_and_what_was_stopped() {
        let sandbox = Sandbox::start();
        let best = sandbox.train(&run("a", GOOD).tag("Best Performance"));
        let draft = sandbox.clone_task(&best);
        let task = sandbox.task(&draft);
        assert_eq!(
            (&task["parent"], &task["status"], &task["last_metrics"]),
            (&json!(best), &json!("created"), &json!({}))
        );
        assert_eq!(sandbox.tags(&draft), ["Best Performance"]);
        assert!(sandbox.run_by_agent(&draft, &run("b", BAD).status("stopped")));
        assert!(sandbox.run_by_agent(&draft, &run("ignored", &[(3, 0.5)])));
        let task = sandbox.task(&draft);
        assert_eq!(
            (&task["script"]["version_num"], &task["status_reason"]),
            (&json!("b"), &json!("worker execution done"))
        );
        assert_eq!(metric(&task), [json!(0.2), json!(0.5), json!(0.5), json!(0.2), json!(4)]);
        assert!(stretch(&sandbox, &draft).1 < 0);
        assert!(sandbox.publish(&draft) && !sandbox.publish(&draft));
        assert!(!sandbox.run_by_agent(&draft, &run("b", BAD)));
    }

    #[test]
    fn a_diverged_run_reports_zero() {
        let sandbox = Sandbox::start();
        let diverged = run("a", &[(0, 0.5), (1, f64::NAN), (2, f64::INFINITY)]);
        for id in [sandbox.train(&diverged), sandbox.add(diverged)] {
            assert_eq!(metric(&sandbox.task(&id)), [json!(0.0), json!(0.5), json!(0.0), json!(0.5), json!(3)]);
        }
    }

    #[test]
    fn what_people_do_to_tasks() {
        let sandbox = Sandbox::start();
        let id = sandbox.train(&run("a", GOOD).tag("mine"));
        sandbox.ask("tasks.update_tags", &json!({"ids": [id], "add_tags": ["Best Performance"]})).unwrap();
        sandbox.add_tags_to_stale_copy(&id, &["mine"], "new");
        assert_eq!(sandbox.tags(&id), ["mine", "new"]);
        sandbox.reset(&id);
        let task = sandbox.task(&id);
        assert_eq!(
            (&task["status"], &task["last_metrics"], &task["script"]["version_num"]),
            (&json!("created"), &json!({}), &json!("a"))
        );
        sandbox.archive(&id);
        assert_eq!(sandbox.task(&id)["system_tags"], json!(["archived", "development"]));
        let child = sandbox.clone_task(&id);
        sandbox.delete(&id);
        assert_eq!(sandbox.task(&child)["parent"], format!("__DELETED__{id}"));
        assert!(sandbox.ask("tasks.get_by_id", &json!({"task": id})).unwrap_err().contains("Invalid task id"));
    }

    #[test]
    fn a_page_cap_cuts_pages_and_moves_their_beginnings() {
        let sandbox = Sandbox::start();
        for commit in ["a", "b", "c", "d"] {
            sandbox.add(run(commit, GOOD));
        }
        sandbox.page_cap(3);
        let project = sandbox.project("project");
        let page = |page: usize| {
            let ask = json!({"project": [project], "page": page, "page_size": 500, "only_fields": ["id"]});
            sandbox.ask("tasks.get_all_ex", &ask).unwrap()["tasks"].as_array().unwrap().len()
        };
        assert_eq!([0, 1, 2].map(page), [3, 1, 0]);
    }
}
