//! The `tasks` service: reads tasks, and changes tags and fields.

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::listing::{self, Listing};
use crate::projection::View;
use crate::schema;
use crate::time;
use crate::workspace::{COMPANY, USER, add_and_remove, set_fields, strings};

/// What `tasks.update` can change in any status.
const UPDATE_FIELDS: &[&str] =
    &["name", "tags", "system_tags", "comment", "report", "project", "output", "created", "runtime"];
/// The other fields that `tasks.create` and `tasks.edit` accept.
const EDIT_FIELDS: &[&str] = &[
    "type",
    "parent",
    "script",
    "execution",
    "hyperparams",
    "configuration",
    "container",
    "models",
    "input",
    "output_dest",
    "status",
];

/// Documents with fixed fields.
const EMBEDDED: &[&str] = &["script", "execution", "output", "models"];
/// An edit of only these does not change `last_update`.
const USER_SET: &[&str] = &["name", "status_message", "comment", "created", "project", "tags", "system_tags"];
const TYPES: &[&str] = &[
    "training",
    "testing",
    "inference",
    "data_processing",
    "application",
    "monitor",
    "controller",
    "report",
    "optimizer",
    "service",
    "qc",
    "custom",
];

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Value> {
    list(call, false)
}

pub(crate) fn get_all_ex(call: &mut Call<'_>) -> Result<Value> {
    list(call, true)
}

fn list(call: &mut Call<'_>, extended: bool) -> Result<Value> {
    include_subprojects(call);
    let listing = Listing { schema: &schema::TASK, extended, requested: call.requested };
    Ok(listing::answer("tasks", listing.run(call.workspace, &call.parameters)?))
}

/// With `include_subprojects`, a project includes all projects below it.
fn include_subprojects(call: &mut Call<'_>) {
    if call.parameters.get("include_subprojects") != Some(&Value::Bool(true)) {
        return;
    }
    let wanted = match call.parameters.get("project") {
        Some(Value::String(single)) => vec![single.clone()],
        Some(list) => strings(list),
        None => return,
    };
    let projects = &call.workspace.projects;
    let names: Vec<&str> = projects
        .iter()
        .filter(|project| wanted.iter().any(|id| project["id"] == id.as_str()))
        .filter_map(name_of)
        .collect();
    let below = |project: &&Value| {
        names.iter().any(|name| name_of(project).is_some_and(|own| own.starts_with(&format!("{name}/"))))
    };
    let ids =
        wanted.iter().map(|id| json!(id)).chain(projects.iter().filter(below).map(|project| project["id"].clone()));
    let ids = ids.collect();
    call.parameters.insert("project".to_owned(), Value::Array(ids));
}

fn name_of(project: &Value) -> Option<&str> {
    project["name"].as_str()
}

pub(crate) fn get_by_id(call: &mut Call<'_>) -> Result<Value> {
    let id = call.task_id()?;
    let task = call.workspace.find_task(&id).ok_or_else(|| ApiError::unknown_task_ids(std::slice::from_ref(&id)))?;
    let view = View { schema: &schema::TASK, workspace: call.workspace, extended: false, requested: call.requested };
    let only_fields = call.parameters.get("only_fields").cloned().unwrap_or_else(|| json!(["*"]));
    let fields = view.fields(Some(&only_fields))?;
    let mut shown = view.show(task, &fields);
    // Only the listings set this.
    if shown.get("unique_metrics").is_some() {
        shown["unique_metrics"] = json!([]);
    }
    Ok(json!({"task": shown}))
}

/// Adds, then removes, on tasks of any status. Sets `last_change` and does not change `last_update`.
pub(crate) fn update_tags(call: &mut Call<'_>) -> Result<Value> {
    let ids = call.ids()?;
    let (add, remove) = call.tag_changes()?;
    call.require_writable(&ids)?;
    let now = time::stored(call.workspace.now());
    let steps = usize::from(!add.is_empty()) + usize::from(!remove.is_empty());
    for task in call.workspace.tasks.iter_mut().filter(|task| ids.iter().any(|id| task["id"] == id.as_str())) {
        task["tags"] = add_and_remove(&strings(&task["tags"]), &add, &remove).into();
        task["last_change"] = now.clone().into();
        task["last_changed_by"] = USER.into();
    }
    // Counts matches, not changes, and once per step, so it is useless as a check.
    Ok(json!({"updated": ids.len() * steps}))
}

fn tag_list(call: &Call<'_>, name: &str) -> Result<Vec<String>> {
    match call.parameters.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(list @ Value::Array(_)) => Ok(strings(list)),
        Some(other) => {
            let shown = other.as_str().map_or_else(|| other.to_string(), str::to_lowercase);
            let detail = format!("('value is wrong, expected type \"list\"', '{shown}')");
            Err(ApiError::bad_parameter(name, &detail))
        }
    }
}

/// Needs no force in any status.
pub(crate) fn update(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let fields = given_fields(call, &[UPDATE_FIELDS])?;
    if fields.is_empty() {
        return Ok(json!({"updated": 0, "fields": {}}));
    }
    Ok(call.change(&id, fields))
}

/// Can change more, but needs force unless the status is `created`.
pub(crate) fn edit(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let status = call.status(&id);
    if status != "created" && !call.flag("force") {
        return Err(not_created(&status));
    }
    let mut fields = given_fields(call, &[UPDATE_FIELDS, EDIT_FIELDS])?;
    if fields.is_empty() {
        return Ok(json!({"updated": 0, "fields": {}}));
    }
    let task = call.workspace.find_task(&id).unwrap_or(&Value::Null);
    for name in EMBEDDED {
        if let Some(given) = fields.get_mut(*name) {
            *given = merged(&task[*name], given);
        }
    }
    if !fields.keys().all(|name| USER_SET.contains(&name.as_str())) {
        fields.insert("last_update".to_owned(), time::iso(call.workspace.now()).into());
    }
    Ok(call.change(&id, fields))
}

/// The error for a change that is only possible before a task runs.
pub(crate) fn not_created(status: &str) -> ApiError {
    ApiError::new(400, 110, format!("Invalid task status: expected=created, status={status}"))
}

/// Documents with fixed fields keep the fields that are not given. Others, such as the hyperparameters, are replaced.
fn merged(stored: &Value, given: &Value) -> Value {
    let mut whole = stored.as_object().cloned().unwrap_or_default();
    whole.extend(given.as_object().cloned().unwrap_or_default());
    Value::Object(whole)
}

fn given_fields(call: &Call<'_>, known: &[&[&str]]) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    for name in known.iter().copied().flatten() {
        if let Some(value) = call.parameters.get(*name) {
            fields.insert((*name).to_owned(), value.clone());
        }
    }
    for list in ["tags", "system_tags"] {
        let operators: Vec<_> = fields
            .get(list)
            .map(strings)
            .unwrap_or_default()
            .into_iter()
            .filter(|tag| tag.starts_with("__$"))
            .collect();
        if !operators.is_empty() {
            let message = format!("unsupported tag prefix): values=({})", operators.join(", "));
            return Err(ApiError::new(400, 16, format!("Invalid value for fields ({message}")));
        }
    }
    // Not in the captures. The limit is from the server's source; the sentence is made up.
    if fields.get("name").is_some_and(|name| name.as_str().is_some_and(|name| name.trim().chars().count() < 3)) {
        return Err(ApiError::validation("String value is too short: name"));
    }
    if let Some(kind) = fields.get("type").filter(|kind| !kind.as_str().is_some_and(|kind| TYPES.contains(&kind))) {
        let shown = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
        return Err(ApiError::bad_parameter("type", &format!("value '{shown}' is not a valid choice.")));
    }
    if let Some(script) = fields.get_mut("script") {
        let script =
            script.as_object_mut().ok_or_else(|| ApiError::bad_parameter("script", "a dictionary is expected"))?;
        // The real server trims the commit and keeps the rest as sent.
        if let Some(commit) = script.get("version_num").and_then(Value::as_str) {
            let trimmed = Value::from(commit.trim());
            script.insert("version_num".to_owned(), trimmed);
        }
    }
    if let Some(destination) = fields.remove("output_dest") {
        fields.insert("output".to_owned(), json!({"destination": destination}));
    }
    Ok(fields)
}

pub(crate) fn create(call: &mut Call<'_>) -> Result<Value> {
    if call.parameters.get("name").and_then(Value::as_str).is_none() {
        return Err(ApiError::missing_required("name"));
    }
    let fields = given_fields(call, &[UPDATE_FIELDS, EDIT_FIELDS])?;
    let id = call.workspace.new_id();
    let mut task = fresh(&id, &time::stored(call.workspace.now()));
    let whole = EMBEDDED.iter().filter_map(|name| Some(((*name).to_owned(), merged(&task[*name], fields.get(*name)?))));
    let whole: Vec<_> = whole.collect();
    set_fields(&mut task, &fields);
    set_fields(&mut task, &whole.into_iter().collect());
    task["status"] = "created".into();
    call.workspace.tasks.push(task);
    Ok(json!({"id": id}))
}

/// A task without any content.
pub(crate) fn fresh(id: &str, now: &str) -> Value {
    json!({
        "company": COMPANY, "configuration": {}, "container": {}, "created": now,
        "execution": blank_execution(), "hyperparams": {}, "id": id, "last_change": now, "last_changed_by": USER,
        "last_iteration": 0, "last_metrics": {}, "last_update": now, "metric_stats": {},
        "models": {"input": [], "output": []}, "output": {}, "report_assets": [], "runtime": {},
        "script": blank_script(), "status": "created", "system_tags": [], "tags": [], "type": "training",
        "unique_metrics": [], "user": USER,
    })
}

pub(crate) fn blank_execution() -> Value {
    json!({"artifacts": [], "model_desc": {}, "model_labels": {}, "parameters": {}, "test_split": 0})
}

pub(crate) fn blank_script() -> Value {
    json!({"binary": "python", "repository": "", "entry_point": "", "requirements": {}})
}

/// `script.requirements`, which the SDK sends later than the rest.
pub(crate) fn set_requirements(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let requirements = call.parameters.get("requirements").cloned().unwrap_or_else(|| json!({}));
    let mut script = call.workspace.task(&id)["script"].clone();
    script["requirements"] = requirements;
    Ok(call.change(&id, Map::from_iter([("script".to_owned(), script)])))
}

/// Public tasks belong to no company, so nobody may change them.
pub(crate) fn make_public(call: &mut Call<'_>) -> Result<Value> {
    let ids = call.ids()?;
    call.require_writable(&ids)?;
    for id in &ids {
        call.workspace.edit(id, |task| {
            task["company_origin"] = task["company"].take();
            task["company"] = "".into();
        });
    }
    Ok(json!({"updated": ids.len()}))
}

impl Call<'_> {
    /// What a request adds and what it removes.
    pub(crate) fn tag_changes(&self) -> Result<(Vec<String>, Vec<String>)> {
        let (add, remove) = (tag_list(self, "add_tags")?, tag_list(self, "remove_tags")?);
        if add.is_empty() && remove.is_empty() {
            return Err(ApiError::validation("Either add tags or remove tags should be provided"));
        }
        Ok((add, remove))
    }

    pub(crate) fn task_id(&self) -> Result<String> {
        let id = self.parameters.get("task").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| ApiError::missing_required("task"))
    }

    /// The `task` parameter, which must name a task.
    pub(crate) fn existing_task(&self) -> Result<String> {
        let id = self.task_id()?;
        if self.workspace.find_task(&id).is_some() { Ok(id) } else { Err(ApiError::unknown_task(&id)) }
    }

    pub(crate) fn status(&self, id: &str) -> String {
        let task = self.workspace.find_task(id).unwrap_or(&Value::Null);
        task["status"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.parameters.get(name) == Some(&Value::Bool(true))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.parameters.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(crate) fn ids(&self) -> Result<Vec<String>> {
        let too_short = "value '[]' length is lower than allowed minimum '1'.";
        match self.parameters.get("ids") {
            None | Some(Value::Null) => Err(ApiError::validation(format!("error for field 'ids'. {too_short}"))),
            Some(Value::Array(ids)) if ids.is_empty() => Err(ApiError::bad_parameter("ids", too_short)),
            Some(ids) => Ok(strings(ids)),
        }
    }

    /// If one task is unknown or public, no task changes.
    fn require_writable(&self, ids: &[String]) -> Result<()> {
        let unknown: Vec<String> = ids.iter().filter(|id| self.workspace.find_task(id).is_none()).cloned().collect();
        if !unknown.is_empty() {
            return Err(ApiError::unknown_task_ids(&unknown));
        }
        let public: Vec<String> = ids
            .iter()
            .filter(|id| self.workspace.find_task(id).is_some_and(|task| task["company"] != COMPANY))
            .map(|id| format!("'{id}'"))
            .collect();
        if public.is_empty() {
            return Ok(());
        }
        // A Python tuple: a single element has a comma after it.
        let comma = if public.len() == 1 { "," } else { "" };
        let shown = format!("({}{comma})", public.join(", "));
        let message = format!("Forbidden (modification not allowed) (cannot modify public task(s), ids={shown})");
        Err(ApiError::new(403, 21, message))
    }

    /// Stores the fields and the time of the change, and answers with both.
    pub(crate) fn change(&mut self, id: &str, mut fields: Map<String, Value>) -> Value {
        let now = self.workspace.now();
        fields.insert("last_changed_by".to_owned(), USER.into());
        fields.insert("last_change".to_owned(), time::iso(now).into());
        let mut stored = fields.clone();
        for (name, value) in &mut stored {
            if name.starts_with("last_") && name != "last_changed_by" {
                *value = time::stored(now).into();
            }
        }
        // The API accepts it, but the store drops it.
        if let Some(execution) = stored.get_mut("execution").and_then(Value::as_object_mut) {
            execution.remove("dataviews");
        }
        self.workspace.edit(id, |task| set_fields(task, &stored));
        json!({"updated": 1, "fields": fields})
    }
}
