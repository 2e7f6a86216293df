//! The `models` service, and how tasks hold models.

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::listing::{self, Listing};
use crate::schema;
use crate::time;
use crate::workspace::{COMPANY, USER, add_and_remove, set_fields, strings};

/// The fields that users may set.
const SETTABLE: &[&str] = &[
    "name",
    "uri",
    "task",
    "project",
    "parent",
    "framework",
    "tags",
    "system_tags",
    "comment",
    "labels",
    "design",
    "ready",
];

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Value> {
    list(call, false)
}

pub(crate) fn get_all_ex(call: &mut Call<'_>) -> Result<Value> {
    list(call, true)
}

fn list(call: &mut Call<'_>, extended: bool) -> Result<Value> {
    let listing = Listing { schema: &schema::MODEL, extended, requested: call.requested };
    Ok(listing::answer("models", listing.run(call.workspace, &call.parameters)?))
}

/// A model is ready (published) unless the request asks for a draft.
pub(crate) fn create(call: &mut Call<'_>) -> Result<Value> {
    for name in ["name", "uri"] {
        if call.text(name).is_empty() {
            return Err(ApiError::missing_required(name));
        }
    }
    let id = call.workspace.new_id();
    let now = time::stored(call.workspace.now());
    let mut model = json!({
        "company": COMPANY, "created": now, "design": {}, "framework": "", "id": id, "labels": {}, "last_change": now,
        "last_changed_by": USER, "last_iteration": 0, "last_metrics": {}, "last_update": now, "metadata": {},
        "ready": true, "system_tags": [], "tags": [], "user": USER,
    });
    set_fields(&mut model, &given(call));
    call.workspace.models.push(model);
    Ok(json!({"created": true, "id": id}))
}

fn given(call: &Call<'_>) -> Map<String, Value> {
    SETTABLE.iter().filter_map(|name| Some(((*name).to_owned(), call.parameters.get(*name)?.clone()))).collect()
}

/// A ready model can become a draft again.
pub(crate) fn edit(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_model()?;
    let mut fields = given(call);
    let now = call.workspace.now();
    for name in ["last_change", "last_update"] {
        fields.insert(name.to_owned(), time::iso(now).into());
    }
    fields.insert("last_changed_by".to_owned(), USER.into());
    call.change_model(&id, |model| set_fields(model, &fields));
    Ok(json!({"updated": 1, "fields": fields}))
}

/// Unlike `tasks.update_tags`, it ignores unknown ids.
pub(crate) fn update_tags(call: &mut Call<'_>) -> Result<Value> {
    let ids = call.ids()?;
    let (add, remove) = call.tag_changes()?;
    let now = time::stored(call.workspace.now());
    let mut known = 0;
    for model in call.workspace.models.iter_mut().filter(|model| ids.iter().any(|id| model["id"] == id.as_str())) {
        model["tags"] = add_and_remove(&strings(&model["tags"]), &add, &remove).into();
        model["last_change"] = now.clone().into();
        model["last_changed_by"] = USER.into();
        known += 1;
    }
    let steps = usize::from(!add.is_empty()) + usize::from(!remove.is_empty());
    Ok(json!({"updated": known * steps}))
}

/// The server's schema names the parameter `publish_tasks`, but its code reads `publish_task`, true by default.
pub(crate) fn publish_many(call: &mut Call<'_>) -> Result<Value> {
    call.each_of(|call, id| Ok(json!({"updated": true, "published_task": call.make_ready(id)?})))
}

pub(crate) fn set_ready(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_model()?;
    let published = call.make_ready(&id)?;
    let mut data = json!({"updated": 1, "fields": {}});
    if !published.is_null() {
        data["published_task"] = published;
    }
    Ok(data)
}

pub(crate) fn add_or_update_metadata(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_model()?;
    let items = call.parameters.get("metadata").and_then(Value::as_array).cloned().unwrap_or_default();
    for name in ["key", "type", "value"] {
        if items.iter().any(|item| !item[name].is_string()) {
            let detail = format!("(\"error for field '{name}'.\", validationerror('field is required!'))");
            return Err(ApiError::bad_parameter("metadata", &detail));
        }
    }
    call.change_model(&id, |model| {
        for item in items {
            let key = item["key"].as_str().unwrap_or_default().to_owned();
            model["metadata"][key] = item;
        }
    });
    Ok(json!({"updated": 1}))
}

/// `tasks.add_or_update_model`: links a model to a task under a name.
pub(crate) fn link(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let (name, model, side) = (call.text("name"), call.text("model"), call.text("type"));
    if side != "input" && side != "output" {
        return Err(ApiError::bad_parameter("type", &format!("value '{side}' is not a valid choice.")));
    }
    let iteration = call.parameters.get("iteration").and_then(Value::as_i64);
    let now = time::stored(call.workspace.now());
    call.workspace.edit(&id, |task| {
        let mut links = task["models"][&side].as_array().cloned().unwrap_or_default();
        links.retain(|link| link["name"] != name.as_str());
        links.push(json!({"name": name, "model": model, "updated": now}));
        task["models"][&side] = links.into();
        task["last_iteration"] = task["last_iteration"].as_i64().max(iteration).into();
        task["last_update"] = now.clone().into();
        task["last_change"] = now.into();
    });
    Ok(json!({"updated": 1}))
}

fn unknown(id: &str) -> ApiError {
    ApiError::new(400, 201, format!("Invalid model id: company={COMPANY}, id={id}"))
}

impl Call<'_> {
    fn existing_model(&self) -> Result<String> {
        let id = self.text("model");
        let known = self.workspace.models.iter().any(|model| model["id"] == id.as_str());
        if known { Ok(id) } else { Err(unknown(&id)) }
    }

    fn change_model(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        let now = time::stored(self.workspace.now());
        if let Some(model) = self.workspace.models.iter_mut().find(|model| model["id"] == id) {
            change(model);
            model["last_change"] = now.clone().into();
            model["last_update"] = now.into();
            model["last_changed_by"] = USER.into();
        }
    }

    /// Publishes a model and, unless the request forbids it, the task that made it. Returns how the task was published.
    fn make_ready(&mut self, id: &str) -> Result<Value> {
        let Some(model) = self.workspace.models.iter().find(|model| model["id"] == id) else {
            return Err(unknown(id));
        };
        if model["ready"] == true {
            return Err(ApiError::new(400, 203, format!("Model is ready: company={COMPANY}, model={id}")));
        }
        let task = model["task"].as_str().unwrap_or_default().to_owned();
        self.change_model(id, |model| model["ready"] = true.into());
        let keeps_task = self.parameters.get("publish_task") == Some(&Value::Bool(false));
        if keeps_task || self.workspace.find_task(&task).is_none() || self.status(&task) == "published" {
            return Ok(Value::Null);
        }
        let data = self.publish(&task)?;
        Ok(json!({"id": task, "data": data}))
    }

    /// Publishing a task publishes its last output model.
    pub(crate) fn publish_last_model(&mut self, task: &str) {
        let links = self.workspace.find_task(task).and_then(|task| task["models"]["output"].as_array());
        let last = links.and_then(|links| links.last()).and_then(|link| link["model"].as_str()).map(str::to_owned);
        if let Some(last) = last.filter(|_| self.parameters.get("publish_model") != Some(&Value::Bool(false))) {
            self.change_model(&last, |model| model["ready"] = true.into());
        }
    }

    /// A task with a ready model cannot be reset or deleted without force.
    pub(crate) fn require_no_ready_models(&self, task: &str) -> Result<()> {
        let ready =
            self.workspace.models.iter().filter(|model| model["task"] == task && model["ready"] == true).count();
        if ready == 0 || self.flag("force") {
            return Ok(());
        }
        let what = "Task cannot be deleted (has output models, use force=True)";
        Err(ApiError::new(400, 123, format!("{what}: task={task}, models={ready}")))
    }

    /// Deletes the draft models of a task, unless the request forbids it.
    pub(crate) fn delete_drafts(&mut self, task: &str) -> usize {
        if self.parameters.get("delete_output_models") == Some(&Value::Bool(false)) {
            return 0;
        }
        let before = self.workspace.models.len();
        self.workspace.models.retain(|model| model["task"] != task || model["ready"] == true);
        before - self.workspace.models.len()
    }
}
