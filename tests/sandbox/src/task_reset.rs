//! The `tasks` service: resets a task in place. It keeps name, tags, commit and parameters, and loses its results.

use serde_json::{Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::tasks::{blank_execution, blank_script};
use crate::workspace::Workspace;

pub(crate) fn reset(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let mut data = call.reset(&id)?;
    data["dequeued"] = json!({});
    data["events"] = json!({});
    Ok(data)
}

pub(crate) fn reset_many(call: &mut Call<'_>) -> Result<Value> {
    call.each(|call, id| {
        let mut data = call.reset(id)?;
        data["dequeued"] = false.into();
        Ok(data)
    })
}

impl Call<'_> {
    fn reset(&mut self, id: &str) -> Result<Value> {
        let status = self.status(id);
        if status == "published" && !self.flag("force") {
            return Err(ApiError::new(400, 110, format!("Invalid task status: task_id={id}, status={status}")));
        }
        self.require_no_published_children(id)?;
        self.require_no_ready_models(id)?;
        let urls = self.urls(id);
        let drafts = self.delete_drafts(id);
        let clear_all = self.flag("clear_all");
        self.workspace.forget_results(id);
        self.workspace.edit(id, |task| clear(task, clear_all));
        let gone = ["started", "completed", "published", "active_duration"];
        let mut fields =
            self.set_status(id, "created", "reset", "reset", gone.map(|name| (name, Value::Null)).to_vec());
        fields.remove("enqueue_status");
        Ok(json!({"deleted_models": drafts, "fields": fields, "updated": 1, "urls": urls}))
    }

    /// A task with a published child cannot be reset or deleted without force.
    pub(crate) fn require_no_published_children(&self, id: &str) -> Result<()> {
        let published = |task: &&Value| task["parent"] == id && task["status"] == "published";
        let children = self.workspace.tasks.iter().filter(published).count();
        if children == 0 || self.flag("force") {
            return Ok(());
        }
        let what = "Task cannot be deleted (has children, use force=True)";
        Err(ApiError::new(400, 123, format!("{what}: task={id}, children={children}")))
    }

    /// The files of the deleted results, if the request asks for them.
    fn urls(&self, id: &str) -> Value {
        if !self.flag("return_file_urls") {
            return json!({});
        }
        let artifacts = self.workspace.find_task(id).map_or(&Value::Null, |task| &task["execution"]["artifacts"]);
        let outputs = artifacts.as_array().into_iter().flatten().filter(|artifact| artifact["mode"] == "output");
        let outputs: Vec<&Value> = outputs.map(|artifact| &artifact["uri"]).collect();
        json!({"model_urls": [], "artifact_urls": outputs, "event_urls": []})
    }
}

impl Workspace {
    /// Deletes the events and the log of a task, and removes it from every queue.
    pub(crate) fn forget_results(&mut self, id: &str) {
        self.events.remove(id);
        self.logs.remove(id);
        self.leave_queues(id);
    }
}

fn clear(task: &mut Value, all: bool) {
    task["last_iteration"] = 0.into();
    for name in ["last_metrics", "metric_stats", "runtime"] {
        task[name] = json!({});
    }
    task["unique_metrics"] = json!([]);
    task["models"]["output"] = json!([]);
    if all {
        task["execution"] = blank_execution();
        task["script"] = blank_script();
    }
    if let Some(artifacts) = task["execution"]["artifacts"].as_array_mut() {
        artifacts.retain(|artifact| artifact["mode"] == "input");
    }
    if let Some(execution) = task["execution"].as_object_mut() {
        execution.remove("queue");
    }
    if let Some(fields) = task.as_object_mut() {
        for name in ["last_worker", "last_worker_report", "enqueue_status"] {
            fields.remove(name);
        }
    }
}
