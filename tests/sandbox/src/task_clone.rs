//! The `tasks` service: clones tasks. A clone has the tags and the commit of its original, and none of its results.

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::Result;
use crate::tasks::fresh;
use crate::time;
use crate::workspace::{set_fields, strings};

/// What a clone copies from its original.
const COPIED: &[&str] =
    &["name", "type", "comment", "project", "tags", "script", "hyperparams", "configuration", "container", "execution"];
/// What the request can replace. An empty value counts as absent.
const REPLACED: &[(&str, &str)] = &[
    ("new_task_name", "name"),
    ("new_task_comment", "comment"),
    ("new_task_project", "project"),
    ("new_task_tags", "tags"),
    ("new_task_parent", "parent"),
];

pub(crate) fn clone(call: &mut Call<'_>) -> Result<Value> {
    let original = call.existing_task()?;
    let original = call.workspace.task(&original);
    let id = call.workspace.new_id();
    let mut copy = fresh(&id, &time::stored(call.workspace.now()));
    let mut fields: Map<String, Value> =
        COPIED.iter().map(|name| ((*name).to_owned(), original[*name].clone())).collect();
    let parent = if original["parent"].is_string() { &original["parent"] } else { &original["id"] };
    fields.insert("parent".to_owned(), parent.clone());
    let tags = strings(&original["system_tags"]);
    let tags: Vec<String> = tags.into_iter().filter(|tag| tag != "development" && tag != "archived").collect();
    fields.insert("system_tags".to_owned(), tags.into());
    for (parameter, field) in REPLACED {
        if let Some(given) = call.parameters.get(*parameter).filter(|given| crate::json::truthy(given)) {
            fields.insert((*field).to_owned(), given.clone());
        }
    }
    set_fields(&mut copy, &fields);
    copy["models"]["input"] = original["models"]["input"].clone();
    if let Some(destination) = original["output"].get("destination") {
        copy["output"] = json!({"destination": destination});
    }
    if let Some(artifacts) = copy["execution"]["artifacts"].as_array_mut() {
        artifacts.retain(|artifact| artifact["mode"] == "input");
    }
    if let Some(execution) = copy["execution"].as_object_mut() {
        execution.remove("queue");
    }
    call.workspace.tasks.push(copy);
    Ok(json!({"id": id}))
}
