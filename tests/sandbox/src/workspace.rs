//! The state of the sandbox: projects, tasks, models, events, logs and queues of one company, and its clock.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::seed::TaskSeed;
use crate::time;
use crate::version::Version;

/// The company and the user of the public test key pair.
pub(crate) const COMPANY: &str = "d1bd92a3b039400cbafc60a7a5b1e52b";
pub(crate) const USER: &str = "__tests__";

/// Projects, tasks and events, as in one workspace of the server.
///
/// A hook registered with [`crate::Sandbox::on_request`] gets it between two requests of a client.
#[derive(Debug)]
pub struct Workspace {
    pub(crate) projects: Vec<Value>,
    pub(crate) tasks: Vec<Value>,
    pub(crate) models: Vec<Value>,
    pub(crate) events: HashMap<String, Events>,
    /// The console log of each task, as in the event store, in order of arrival.
    pub(crate) logs: HashMap<String, Vec<Value>>,
    pub(crate) queues: Vec<Queue>,
    /// The maximum number of items per page, whatever the client requests. An administrator's setting.
    pub(crate) page_cap: usize,
    pub(crate) scrolls: HashMap<String, usize>,
    pub(crate) api_version: Version,
    pub(crate) server_version: String,
    clock: Clock,
    ids: u64,
    seeded: i64,
}

/// Events of one task. Reporting the same metric, variant and iteration again overwrites.
pub(crate) type Events = BTreeMap<(String, String, i64), Event>;

/// One stored scalar event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) metric: String,
    pub(crate) variant: String,
    pub(crate) iter: i64,
    /// A number or a boolean. Null if the client sent none.
    pub(crate) value: Value,
    /// When it happened, according to the client.
    pub(crate) timestamp_ms: i64,
    /// When the server stored it.
    pub(crate) stored_ms: i64,
    pub(crate) worker: String,
}

/// A queue that agents take tasks from.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Ids of tasks and when they were added.
    pub(crate) entries: Vec<(String, String)>,
}

/// The server's current time: the machine's clock or a fixed instant, plus what tests added.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    pub(crate) fixed: Option<i64>,
    pub(crate) added: i64,
}

impl Clock {
    pub(crate) fn now(self) -> i64 {
        self.fixed.unwrap_or_else(time::system_now) + self.added
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.added += i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    }
}

/// The first seeded task is dated 2026-01-01, and each further one a second later, whatever the clock shows.
const FIRST_SEED: i64 = 1_767_225_600 * time::SECOND;

impl Workspace {
    pub(crate) fn new(api_version: Version, server_version: String, clock: Clock) -> Self {
        Self {
            projects: Vec::new(),
            tasks: Vec::new(),
            models: Vec::new(),
            events: HashMap::new(),
            logs: HashMap::new(),
            queues: Vec::new(),
            page_cap: 500,
            scrolls: HashMap::new(),
            api_version,
            server_version,
            clock,
            ids: 0,
            seeded: 0,
        }
    }

    /// The id of the project with this full path. It and its parents are created if missing.
    pub fn project(&mut self, full_path: &str) -> String {
        if let Some(id) = self.project_named(full_path) {
            return id;
        }
        let parent = full_path.rsplit_once('/').map(|(parent, _)| self.project(parent));
        let id = self.new_id();
        let now = time::stored(self.now());
        let mut project = json!({
            "basename": full_path.rsplit('/').next(), "company": COMPANY, "created": now, "description": "",
            "featured": 9999, "id": id, "last_update": now, "name": full_path, "system_tags": [], "tags": [],
            "user": USER,
        });
        if let Some(parent) = parent {
            project["parent"] = Value::from(parent);
        }
        self.projects.push(project);
        id
    }

    /// The same, for a project that listings leave out unless they include hidden ones.
    pub fn hidden_project(&mut self, full_path: &str) -> String {
        let id = self.project(full_path);
        for project in self.projects.iter_mut().filter(|project| project["id"] == id.as_str()) {
            project["system_tags"] = json!(["hidden"]);
        }
        id
    }

    /// Stores a task and returns its id.
    pub fn add(&mut self, task: TaskSeed) -> String {
        self.seeded += 1;
        let at = FIRST_SEED + self.seeded * time::SECOND;
        task.plant(self, at)
    }

    /// The whole stored task. References are ids.
    ///
    /// # Panics
    ///
    /// If there is no such task.
    #[must_use]
    pub fn task(&self, id: &str) -> Value {
        self.find_task(id).unwrap_or_else(|| panic!("the sandbox has no task {id:?}")).clone()
    }

    /// The task's tags in stored order.
    ///
    /// # Panics
    ///
    /// If there is no such task.
    #[must_use]
    pub fn tags(&self, id: &str) -> Vec<String> {
        strings(&self.task(id)["tags"])
    }

    /// The ids of all tasks that have exactly this tag, in all projects, oldest first.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Vec<String> {
        let carries = |task: &&Value| strings(&task["tags"]).iter().any(|own| own == tag);
        self.tasks.iter().filter(carries).map(id_of).collect()
    }

    /// Changes a stored task without the API.
    ///
    /// # Panics
    ///
    /// If there is no such task.
    pub fn edit(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        change(self.find_task_mut(id).unwrap_or_else(|| panic!("the sandbox has no task {id:?}")));
    }

    /// Every project, task and model, for comparison before and after.
    #[must_use]
    pub fn state(&self) -> Value {
        json!({"projects": self.projects, "tasks": self.tasks, "models": self.models})
    }

    /// Adds projects and tasks in the form of `get_all_ex` answers (where references are objects), and queues.
    pub(crate) fn load(&mut self, state: &Value) {
        let lists = [("projects", &mut self.projects), ("tasks", &mut self.tasks), ("models", &mut self.models)];
        for (key, list) in lists {
            for item in state[key].as_array().into_iter().flatten() {
                let mut item = item.clone();
                for reference in ["company", "user", "project", "parent", "task"] {
                    if let Some(id) = item[reference].get("id").cloned() {
                        item[reference] = id;
                    }
                }
                if let Some(id) = item["execution"]["queue"].get("id").cloned() {
                    item["execution"]["queue"] = id;
                }
                if key == "tasks" && item.get("unique_metrics").is_none() {
                    item["unique_metrics"] = crate::metrics::unique_names(&item["last_metrics"]);
                }
                list.push(item);
            }
        }
        for queue in state["queues"].as_array().into_iter().flatten() {
            let name = queue["name"].as_str().unwrap_or_default().to_owned();
            self.queues.push(Queue { id: id_of(queue), name, entries: Vec::new() });
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
    }

    /// Ids look like the server's and are the same in every run.
    pub(crate) fn new_id(&mut self) -> String {
        self.ids += 1;
        md5_hex(&format!("sandbox {}", self.ids))
    }

    /// The id of the queue with this name, which is created if missing.
    pub(crate) fn queue(&mut self, name: &str) -> String {
        if let Some(queue) = self.queues.iter().find(|queue| queue.name == name) {
            return queue.id.clone();
        }
        let id = self.new_id();
        self.queues.push(Queue { id: id.clone(), name: name.to_owned(), entries: Vec::new() });
        id
    }

    /// Removes the task from every queue.
    pub(crate) fn leave_queues(&mut self, task: &str) {
        for queue in &mut self.queues {
            queue.entries.retain(|(queued, _)| queued != task);
        }
    }

    /// Sets the `last_update` of the task's project to now.
    pub(crate) fn touch_project(&mut self, task: &str) {
        let now = time::stored(self.now());
        let project = self.find_task(task).map_or(Value::Null, |task| task["project"].clone());
        for known in self.projects.iter_mut().filter(|known| known["id"] == project) {
            known["last_update"] = now.clone().into();
        }
    }

    pub(crate) fn find_task(&self, id: &str) -> Option<&Value> {
        self.tasks.iter().find(|task| task["id"] == id)
    }

    pub(crate) fn find_task_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.tasks.iter_mut().find(|task| task["id"] == id)
    }

    pub(crate) fn project_named(&self, full_path: &str) -> Option<String> {
        self.projects.iter().find(|project| project["name"] == full_path).map(id_of)
    }
}

pub(crate) fn id_of(item: &Value) -> String {
    item["id"].as_str().unwrap_or_default().to_owned()
}

/// The strings of an array. Anything else gives an empty list.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Adds missing tags, then removes.
pub(crate) fn add_and_remove(tags: &[String], add: &[String], remove: &[String]) -> Vec<String> {
    let new = add.iter().enumerate().filter(|(at, tag)| !tags.contains(tag) && !add[..*at].contains(tag));
    let mut tags: Vec<String> = tags.iter().chain(new.map(|(_, tag)| tag)).cloned().collect();
    tags.retain(|tag| !remove.contains(tag));
    tags
}

/// The document store drops fields that are set to null.
pub(crate) fn strip_nulls(item: &mut Value) {
    if let Some(fields) = item.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
}

/// Merges fields into a stored item. Null removes a field.
pub(crate) fn set_fields(item: &mut Value, fields: &Map<String, Value>) {
    for (name, value) in fields {
        item[name] = value.clone();
    }
    strip_nulls(item);
}

pub(crate) fn md5_hex(text: &str) -> String {
    let mut hex = String::with_capacity(32);
    for byte in md5::compute(text).0 {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
