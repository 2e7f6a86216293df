//! The `tasks` service: a task's way from started to published.

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::time;
use crate::workspace::USER;

pub(crate) fn started(call: &mut Call<'_>) -> Result<Value> {
    go(call, "in_progress", &["created", "queued", "in_progress", "stopped"], &["started"])
}

pub(crate) fn stopped(call: &mut Call<'_>) -> Result<Value> {
    go(call, "stopped", &["in_progress", "queued", "created", "stopped", "completed"], &["completed"])
}

pub(crate) fn completed(call: &mut Call<'_>) -> Result<Value> {
    go(call, "completed", &["in_progress", "stopped", "completed"], &["completed"])
}

pub(crate) fn failed(call: &mut Call<'_>) -> Result<Value> {
    go(call, "failed", &["in_progress", "created", "queued", "stopped", "failed", "completed"], &["completed"])
}

pub(crate) fn close(call: &mut Call<'_>) -> Result<Value> {
    go(call, "closed", &["created", "stopped", "completed", "failed", "closed"], &[])
}

/// Unlike the others it also dates the last update, and shows the output.
pub(crate) fn publish(call: &mut Call<'_>) -> Result<Value> {
    go(call, "published", &["completed", "stopped", "failed", "in_progress"], &["published", "last_update"]).map(
        |mut data| {
            data["fields"]["output"] = json!({});
            data
        },
    )
}

pub(crate) fn ping(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let now = time::stored(call.workspace.now());
    call.workspace.edit(&id, |task| task["last_update"] = now.into());
    Ok(json!({}))
}

fn go(call: &mut Call<'_>, to: &str, from: &[&str], dated: &[&str]) -> Result<Value> {
    let id = call.existing_task()?;
    let status = call.workspace.task(&id)["status"].as_str().unwrap_or_default().to_owned();
    let forced = call.parameters.get("force") == Some(&Value::Bool(true));
    if !forced && !from.contains(&status.as_str()) {
        let message = format!("Invalid task status: current_status={status}, new_status={to}");
        return Err(ApiError::new(400, 110, message));
    }
    let text = |name: &str| call.parameters.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut fields = Map::from_iter([
        ("status".to_owned(), json!(to)),
        ("status_reason".to_owned(), json!(text("status_reason"))),
        ("status_message".to_owned(), json!(text("status_message"))),
        ("last_changed_by".to_owned(), json!(USER)),
    ]);
    let now = call.workspace.now();
    let mut stored = fields.clone();
    for name in ["status_changed", "last_change"].iter().chain(dated) {
        fields.insert((*name).to_owned(), time::iso(now).into());
        stored.insert((*name).to_owned(), time::stored(now).into());
    }
    call.workspace.edit(&id, |task| crate::workspace::set_fields(task, &stored));
    Ok(json!({"updated": 1, "fields": fields}))
}
