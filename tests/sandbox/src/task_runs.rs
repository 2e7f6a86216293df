//! The `tasks` service: how a task gets from queued to published.

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::time;
use crate::workspace::{USER, set_fields, strings};

/// The status changes that the server allows without force.
const WAYS: &[(&str, &[&str])] = &[
    ("created", &["queued", "in_progress"]),
    ("queued", &["created", "in_progress", "stopped"]),
    ("in_progress", &["stopped", "failed", "created", "completed"]),
    ("stopped", &["closed", "created", "failed", "queued", "in_progress", "published", "completed"]),
    ("closed", &["created", "failed", "published", "stopped"]),
    ("failed", &["created", "stopped", "published", "queued"]),
    ("completed", &["published", "in_progress", "created"]),
];

/// Starting a running task again keeps its start time. Any other start clears how the last run ended.
pub(crate) fn started(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let extra = if call.status(&id) == "in_progress" {
        Vec::new()
    } else {
        vec![("started", call.iso_now()), ("completed", Value::Null), ("active_duration", Value::Null)]
    };
    let mut data = call.go(&id, "in_progress", extra)?;
    data["started"] = 1.into();
    Ok(data)
}

pub(crate) fn stopped(call: &mut Call<'_>) -> Result<Value> {
    end(call, "stopped")
}

pub(crate) fn completed(call: &mut Call<'_>) -> Result<Value> {
    let mut data = end(call, "completed")?;
    data["published"] = 0.into();
    Ok(data)
}

pub(crate) fn failed(call: &mut Call<'_>) -> Result<Value> {
    end(call, "failed")
}

fn end(call: &mut Call<'_>, status: &str) -> Result<Value> {
    let id = call.existing_task()?;
    call.go(&id, status, vec![("completed", call.iso_now())])
}

pub(crate) fn close(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    call.go(&id, "closed", Vec::new())
}

pub(crate) fn publish(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    call.publish(&id)
}

pub(crate) fn publish_many(call: &mut Call<'_>) -> Result<Value> {
    call.each(Call::publish)
}

pub(crate) fn enqueue(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let status = call.status(&id);
    if status == "queued" && !call.flag("force") {
        return Err(refused(" (Task already in requested status)", &status, "queued"));
    }
    let mut data = call.go(&id, "queued", vec![("enqueue_status", status.into())])?;
    let queue = match call.text("queue") {
        given if given.is_empty() => call.workspace.queue(
            &Some(call.text("queue_name")).filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned()),
        ),
        given => given,
    };
    let now = time::stored(call.workspace.now());
    for known in call.workspace.queues.iter_mut().filter(|known| known.id == queue) {
        known.entries.push((id.clone(), now.clone()));
    }
    call.workspace.edit(&id, |task| {
        task["execution"]["queue"] = queue.clone().into();
        let tags: Vec<String> = strings(&task["system_tags"]).into_iter().filter(|tag| tag != "development").collect();
        task["system_tags"] = tags.into();
    });
    data["fields"]["execution.queue"] = queue.into();
    data["queued"] = 1.into();
    Ok(data)
}

/// Restores the status from before the queue, or sets the one that an agent requests.
pub(crate) fn dequeue(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let (status, mut to) = (call.status(&id), call.text("new_status"));
    if to.is_empty() {
        if status != "queued" {
            return Err(ApiError::new(400, 101, format!("Invalid task id: status={status}, expected=queued")));
        }
        let before = call.workspace.find_task(&id).and_then(|task| task["enqueue_status"].as_str());
        before.unwrap_or("created").clone_into(&mut to);
    }
    call.workspace.leave_queues(&id);
    let mut data = call.go(&id, &to, vec![("enqueue_status", Value::Null)])?;
    data["dequeued"] = 1.into();
    Ok(data)
}

/// Gives an agent the oldest task of a queue, and removes it from the queue.
pub(crate) fn get_next_task(call: &mut Call<'_>) -> Result<Value> {
    let wanted = call.text("queue");
    let Some(queue) = call.workspace.queues.iter_mut().find(|queue| queue.id == wanted) else {
        return Err(ApiError::new(400, 701, format!("Invalid queue id: id={wanted}")));
    };
    if queue.entries.is_empty() {
        return Ok(json!({}));
    }
    let (task, added) = queue.entries.remove(0);
    Ok(json!({"entry": {"task": task, "added": added}}))
}

/// An agent reports which task it runs. The task then shows the worker.
#[expect(clippy::unnecessary_wraps, reason = "endpoints share one signature")]
pub(crate) fn status_report(call: &mut Call<'_>) -> Result<Value> {
    let (id, worker) = (call.text("task"), call.text("worker"));
    let now = time::stored(call.workspace.now());
    if let Some(task) = call.workspace.find_task_mut(&id) {
        for (name, value) in
            [("last_worker", &worker), ("last_worker_report", &now), ("last_update", &now), ("last_change", &now)]
        {
            task[name] = value.clone().into();
        }
    }
    Ok(json!({}))
}

pub(crate) fn ping(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let now = time::stored(call.workspace.now());
    call.workspace.edit(&id, |task| {
        task["last_update"] = now.clone().into();
        task["last_change"] = now.into();
    });
    Ok(json!({}))
}

fn refused(why: &str, from: &str, to: &str) -> ApiError {
    ApiError::new(400, 110, format!("Invalid task status{why}: current_status={from}, new_status={to}"))
}

impl Call<'_> {
    pub(crate) fn iso_now(&self) -> Value {
        time::iso(self.workspace.now()).into()
    }

    /// A published task cannot be published again without force.
    pub(crate) fn publish(&mut self, id: &str) -> Result<Value> {
        let status = self.status(id);
        if status == "published" && !self.flag("force") {
            return Err(refused(" (Invalid status change)", &status, "published"));
        }
        self.publish_last_model(id);
        let output = self.workspace.find_task(id).map_or(Value::Null, |task| task["output"].clone());
        self.go(id, "published", vec![("published", self.iso_now()), ("output", output)])
    }

    /// Changes the status if that is allowed or forced, and the `extra` fields too.
    pub(crate) fn go(&mut self, id: &str, to: &str, extra: Vec<(&str, Value)>) -> Result<Value> {
        let from = self.status(id);
        let allowed = |(start, ends): &(&str, &[&str])| *start == from && ends.contains(&to);
        if from != to && !self.flag("force") && !WAYS.iter().any(allowed) {
            return Err(refused(" (Invalid status change)", &from, to));
        }
        let (reason, message) = (self.text("status_reason"), self.text("status_message"));
        Ok(json!({"updated": 1, "fields": self.set_status(id, to, &reason, &message, extra)}))
    }

    /// Stores the status and returns the fields that the answer shows. A null removes a field.
    pub(crate) fn set_status(
        &mut self,
        id: &str,
        to: &str,
        reason: &str,
        message: &str,
        extra: Vec<(&str, Value)>,
    ) -> Map<String, Value> {
        let now = self.workspace.now();
        let mut stored = Map::from_iter([
            ("status".to_owned(), json!(to)),
            ("status_reason".to_owned(), json!(reason)),
            ("status_message".to_owned(), json!(message)),
            ("last_changed_by".to_owned(), json!(USER)),
        ]);
        for name in ["status_changed", "last_update", "last_change"] {
            stored.insert(name.to_owned(), time::iso(now).into());
        }
        stored.extend(extra.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let mut shown = stored.clone();
        shown.retain(|name, value| !value.is_null() || name == "enqueue_status");
        // The store keeps only milliseconds.
        for value in stored.values_mut().filter(|value| **value == time::iso(now)) {
            *value = time::stored(now).into();
        }
        self.workspace.edit(id, |task| set_fields(task, &stored));
        self.workspace.touch_project(id);
        shown
    }

    /// Acts on many tasks. An error for one does not stop the others.
    pub(crate) fn each(&mut self, act: impl Fn(&mut Self, &str) -> Result<Value>) -> Result<Value> {
        let act = |call: &mut Self, id: &str| {
            if call.workspace.find_task(id).is_some() { act(call, id) } else { Err(ApiError::unknown_task(id)) }
        };
        self.each_of(act)
    }

    /// Acts on many items of any kind.
    pub(crate) fn each_of(&mut self, act: impl Fn(&mut Self, &str) -> Result<Value>) -> Result<Value> {
        let (mut failed, mut succeeded) = (Vec::new(), Vec::new());
        for id in self.ids()? {
            match act(self, &id) {
                Ok(mut data) => {
                    data["id"] = id.into();
                    succeeded.push(data);
                }
                Err(error) => failed.push(json!({"id": id, "error": error.document()})),
            }
        }
        Ok(json!({"failed": failed, "succeeded": succeeded}))
    }
}
