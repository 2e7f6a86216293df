//! The `projects` service.

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::listing::{self, Listing};
use crate::schema;
use crate::time::{self, SECOND};
use crate::workspace::{COMPANY, Workspace, id_of, strings};

const STATUSES: [&str; 10] = [
    "closed",
    "completed",
    "created",
    "failed",
    "in_progress",
    "published",
    "publishing",
    "queued",
    "stopped",
    "unknown",
];

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Value> {
    list(call, false)
}

pub(crate) fn get_all_ex(call: &mut Call<'_>) -> Result<Value> {
    list(call, true)
}

fn list(call: &mut Call<'_>, extended: bool) -> Result<Value> {
    let listing = Listing { schema: &schema::PROJECT, extended, requested: call.requested };
    let parameters = &call.parameters;
    let (mut projects, scroll_id) = listing.run(call.workspace, parameters)?;
    if extended {
        let with_stats = parameters.get("include_stats") == Some(&Value::Bool(true));
        for project in &mut projects {
            extend(project, call.workspace, parameters, with_stats);
        }
    }
    Ok(listing::answer("projects", (projects, scroll_id)))
}

/// Only the extended listing shows what is hidden, and counts tasks.
fn extend(project: &mut Value, workspace: &Workspace, parameters: &Map<String, Value>, with_stats: bool) {
    if parameters.contains_key("search_hidden") && strings(&project["system_tags"]).iter().any(|tag| tag == "hidden") {
        project["hidden"] = true.into();
    }
    crate::workspace::strip_nulls(project);
    if with_stats {
        let id = id_of(project);
        project["stats"] = json!({"active": stats(workspace, &id)});
        project["sub_projects"] = workspace
            .projects
            .iter()
            .filter(|other| other["parent"] == id.as_str())
            .map(|other| json!({"id": other["id"], "name": other["name"]}))
            .collect();
    }
}

/// Archived tasks are counted with the others, and failed ones do not count as completed. Both as captured.
fn stats(workspace: &Workspace, project: &str) -> Value {
    let tasks: Vec<&Value> = workspace.tasks.iter().filter(|task| task["project"] == project).collect();
    let count = |status: &str| tasks.iter().filter(|task| task["status"] == status).count();
    let by_status: Map<String, Value> =
        STATUSES.iter().map(|status| ((*status).to_owned(), count(status).into())).collect();
    let day_ago = workspace.now() - 24 * 60 * 60 * SECOND;
    let completed_lately = |task: &&&Value| {
        task["status"] != "failed" && task["completed"].as_str().and_then(time::parse).is_some_and(|at| at > day_ago)
    };
    let last_run = tasks.iter().filter_map(|task| task["started"].as_str()).max();
    let runtime: i64 = tasks.iter().filter_map(|task| task["active_duration"].as_i64()).sum();
    json!({
        "status_count": by_status, "total_tasks": tasks.len(), "total_runtime": runtime,
        "completed_tasks_24h": tasks.iter().filter(completed_lately).count(), "last_task_run": last_run,
    })
}

pub(crate) fn get_by_id(call: &mut Call<'_>) -> Result<Value> {
    let id = call.parameters.get("project").and_then(Value::as_str).unwrap_or_default();
    match call.workspace.projects.iter().find(|project| project["id"] == id) {
        Some(project) => {
            let mut shown = project.clone();
            shown["path"] = ancestors(call.workspace, project).into();
            Ok(json!({"project": shown}))
        }
        None => Err(ApiError::new(400, 401, format!("Invalid project id: id={id}"))),
    }
}

/// The ids of the parent projects of this one, outermost first.
fn ancestors(workspace: &Workspace, project: &Value) -> Vec<String> {
    let parent = workspace.projects.iter().find(|other| other["id"] == project["parent"]);
    parent.map_or_else(Vec::new, |parent| [ancestors(workspace, parent), vec![id_of(parent)]].concat())
}

/// The fields that users may set.
const SETTABLE: [&str; 4] = ["description", "tags", "system_tags", "default_output_destination"];

pub(crate) fn update(call: &mut Call<'_>) -> Result<Value> {
    let id = call.text("project");
    let given = given(call);
    let Some(project) = call.workspace.projects.iter_mut().find(|project| project["id"] == id.as_str()) else {
        return Err(ApiError::new(400, 401, format!("Invalid project id: id={id}")));
    };
    crate::workspace::set_fields(project, &given);
    Ok(json!({"updated": 1, "fields": given}))
}

fn given(call: &Call<'_>) -> Map<String, Value> {
    SETTABLE.iter().filter_map(|field| Some(((*field).to_owned(), call.parameters.get(*field)?.clone()))).collect()
}

pub(crate) fn create(call: &mut Call<'_>) -> Result<Value> {
    let name = call.parameters.get("name").and_then(Value::as_str).ok_or_else(|| ApiError::missing_required("name"))?;
    // The real server's message for anything shorter than three characters.
    if name.trim().chars().count() < 3 {
        return Err(ApiError::validation("Project name cannot be blank"));
    }
    if call.workspace.project_named(name).is_some() {
        let message = format!("Project with the same name already exists: name={name}, company={COMPANY}");
        return Err(ApiError::new(400, 801, message));
    }
    let id = call.workspace.project(name);
    let given = given(call);
    for project in call.workspace.projects.iter_mut().filter(|project| project["id"] == id.as_str()) {
        crate::workspace::set_fields(project, &given);
    }
    Ok(json!({"id": id}))
}
