//! The `tasks` service: hyperparameters and configuration, by key.
//!
//! Section `properties` can be changed in any status. The rest depends on the task's status, and force allows changes
//! for running and queued tasks only.

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::json;
use crate::tasks::not_created;
use crate::time;
use crate::workspace::{USER, strings};

const OPEN_SECTION: &str = "properties";

pub(crate) fn edit_hyper_params(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let items = call.items("hyperparams", &["section", "name", "value"])?;
    let replace = match call.parameters.get("replace_hyperparams").and_then(Value::as_str) {
        None => "none".to_owned(),
        Some(known @ ("none" | "section" | "all")) => known.to_owned(),
        Some(other) => {
            let detail = format!("value '{other}' is not a valid choice.");
            return Err(ApiError::bad_parameter("replace_hyperparams", &detail));
        }
    };
    let open = only_open_section(&items);
    call.require_editable(&id, open)?;
    call.workspace.edit(&id, |task| {
        if replace == "all" {
            task["hyperparams"] = json!({});
        }
        for item in &items {
            if replace == "section" {
                task["hyperparams"][text(item, "section")] = json!({});
            }
        }
        for item in items {
            let (section, name) = (text(&item, "section"), text(&item, "name"));
            task["hyperparams"][section][name] = item;
        }
    });
    call.touch(&id, !open);
    Ok(json!({"updated": 1}))
}

pub(crate) fn delete_hyper_params(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let items = call.items("hyperparams", &["section"])?;
    let open = only_open_section(&items);
    call.require_editable(&id, open)?;
    call.workspace.edit(&id, |task| {
        for item in &items {
            let (section, name) = (text(item, "section"), text(item, "name"));
            let within =
                if name.is_empty() { Some(&mut task["hyperparams"]) } else { task["hyperparams"].get_mut(&section) };
            if let Some(fields) = within.and_then(Value::as_object_mut) {
                fields.remove(if name.is_empty() { &section } else { &name });
            }
        }
    });
    call.touch(&id, !open);
    Ok(json!({"deleted": 1}))
}

pub(crate) fn get_hyper_params(call: &mut Call<'_>) -> Result<Value> {
    let params: Vec<Value> = call
        .wanted_tasks()?
        .iter()
        .map(|task| {
            let sections = task["hyperparams"].as_object().into_iter().flat_map(Map::values);
            let mut items: Vec<&Value> = sections.filter_map(Value::as_object).flat_map(Map::values).collect();
            items.sort_by_key(|item| (text(item, "section"), text(item, "name")));
            json!({"task": task["id"], "hyperparams": items})
        })
        .collect();
    Ok(json!({"params": params}))
}

pub(crate) fn edit_configuration(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let items = call.items("configuration", &["name", "value"])?;
    call.require_editable(&id, false)?;
    let replace = call.flag("replace_configuration");
    call.workspace.edit(&id, |task| {
        if replace {
            task["configuration"] = json!({});
        }
        for item in items {
            let name = text(&item, "name");
            task["configuration"][name] = item;
        }
    });
    call.touch(&id, true);
    Ok(json!({"updated": 1}))
}

pub(crate) fn get_configurations(call: &mut Call<'_>) -> Result<Value> {
    let names = call.parameters.get("names").map(strings).unwrap_or_default();
    call.configurations(|items| {
        let wanted = items.iter().filter(|item| names.is_empty() || names.contains(&text(item, "name")));
        json!({"configuration": wanted.collect::<Vec<_>>()})
    })
}

/// Leaves out tasks without any.
pub(crate) fn get_configuration_names(call: &mut Call<'_>) -> Result<Value> {
    let keep_empty = call.parameters.get("skip_empty") == Some(&Value::Bool(false));
    let mut data = call.configurations(|items| {
        let kept = items.iter().filter(|item| keep_empty || item["value"] != "");
        json!({"names": kept.map(|item| &item["name"]).collect::<Vec<_>>()})
    })?;
    if let Some(tasks) = data["configurations"].as_array_mut() {
        tasks.retain(|task| task["names"] != json!([]));
    }
    Ok(data)
}

fn text(item: &Value, name: &str) -> String {
    item[name].as_str().unwrap_or_default().trim().to_owned()
}

fn only_open_section(items: &[Value]) -> bool {
    items.iter().all(|item| item["section"] == OPEN_SECTION)
}

impl Call<'_> {
    /// The items of a request. All of these fields must be texts, and only a value may be empty.
    fn items(&self, parameter: &str, required: &[&str]) -> Result<Vec<Value>> {
        let mut items = self.parameters.get(parameter).and_then(Value::as_array).cloned().unwrap_or_default();
        let problem = if items.is_empty() {
            Some("value '[]' length is lower than allowed minimum '1'.".to_owned())
        } else {
            None
        };
        if let Some(problem) = problem.or_else(|| items.iter().find_map(|item| fault(item, required))) {
            return Err(ApiError::bad_parameter(parameter, &problem));
        }
        for item in &mut items {
            if text(item, "section").eq_ignore_ascii_case(OPEN_SECTION) {
                item["section"] = OPEN_SECTION.into();
            }
        }
        Ok(items)
    }

    fn require_editable(&self, id: &str, open: bool) -> Result<()> {
        let status = self.status(id);
        let forced = self.flag("force") && matches!(status.as_str(), "queued" | "in_progress");
        if open || forced || status == "created" { Ok(()) } else { Err(not_created(&status)) }
    }

    fn touch(&mut self, id: &str, updates: bool) {
        let now = time::stored(self.workspace.now());
        self.workspace.edit(id, |task| {
            task["last_change"] = now.clone().into();
            task["last_changed_by"] = USER.into();
            if updates {
                task["last_update"] = now.into();
            }
        });
    }

    fn wanted_tasks(&self) -> Result<Vec<&Value>> {
        let ids = self.parameters.get("tasks").map(strings).unwrap_or_default();
        let unknown: Vec<String> = ids.iter().filter(|id| self.workspace.find_task(id).is_none()).cloned().collect();
        if unknown.is_empty() {
            Ok(ids.iter().filter_map(|id| self.workspace.find_task(id)).collect())
        } else {
            Err(ApiError::unknown_task_ids(&unknown))
        }
    }

    /// The result of `show` for each task's configuration items, in order of their names.
    fn configurations(&self, show: impl Fn(&[&Value]) -> Value) -> Result<Value> {
        let mut shown = Vec::new();
        for task in self.wanted_tasks()? {
            let mut items: Vec<&Value> = task["configuration"].as_object().into_iter().flat_map(Map::values).collect();
            items.sort_by_key(|item| text(item, "name"));
            let mut data = show(&items);
            data["task"] = task["id"].clone();
            shown.push(data);
        }
        Ok(json!({"configurations": shown}))
    }
}

/// The server's message about an invalid item.
fn fault(item: &Value, required: &[&str]) -> Option<String> {
    required.iter().find_map(|name| match &item[*name] {
        Value::Null => Some(format!("error for field '{name}': Field is required!.")),
        Value::String(text) if text.is_empty() && *name != "value" => {
            Some(format!("error for field '{name}': value '' length is lower than allowed minimum '1'.."))
        }
        Value::String(_) => None,
        other => {
            let shown = json::python(other);
            Some(format!("error for field '{name}': ('value is wrong, expected type \"str\"', {shown})."))
        }
    })
}
