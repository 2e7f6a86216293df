//! The `tasks` service: archives and deletes tasks.

use serde_json::{Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::time;
use crate::workspace::{USER, strings};

const ARCHIVED: &str = "archived";

pub(crate) fn archive(call: &mut Call<'_>) -> Result<Value> {
    let ids = call.parameters.get("tasks").map(strings).unwrap_or_default();
    let unknown: Vec<String> = ids.iter().filter(|id| call.workspace.find_task(id).is_none()).cloned().collect();
    if !unknown.is_empty() {
        return Err(ApiError::unknown_task_ids(&unknown));
    }
    for id in &ids {
        call.set_archived(id, true);
    }
    Ok(json!({"archived": ids.len()}))
}

pub(crate) fn archive_many(call: &mut Call<'_>) -> Result<Value> {
    call.each(|call, id| Ok(call.set_archived(id, true)))
}

pub(crate) fn unarchive_many(call: &mut Call<'_>) -> Result<Value> {
    call.each(|call, id| Ok(call.set_archived(id, false)))
}

/// Children stay. Their parent is shown as deleted.
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Value> {
    let id = call.existing_task()?;
    let status = call.status(&id);
    let archived =
        call.workspace.find_task(&id).is_some_and(|task| strings(&task["system_tags"]).contains(&ARCHIVED.to_owned()));
    if status != "created" && !archived && !call.flag("force") {
        let what = "Task cannot be deleted (due to status, use force=True)";
        return Err(ApiError::new(400, 123, format!("{what}: task={id}, expected=created, current={status}")));
    }
    call.require_no_published_children(&id)?;
    call.require_no_ready_models(&id)?;
    let now = time::stored(call.workspace.now());
    let mut children = 0;
    for child in call.workspace.tasks.iter_mut().filter(|task| task["parent"] == id.as_str()) {
        child["parent"] = format!("__DELETED__{id}").into();
        child["last_change"] = now.clone().into();
        child["last_changed_by"] = USER.into();
        children += 1;
    }
    let drafts = call.delete_drafts(&id);
    call.workspace.forget_results(&id);
    call.workspace.tasks.retain(|task| task["id"] != id.as_str());
    Ok(json!({
        "deleted": true, "updated_children": children, "updated_models": 0, "deleted_models": drafts, "urls": null,
    }))
}

impl Call<'_> {
    fn set_archived(&mut self, id: &str, archived: bool) -> Value {
        let (reason, message) = (self.text("status_reason"), self.text("status_message"));
        let now = time::stored(self.workspace.now());
        self.workspace.edit(id, |task| {
            let mut tags = strings(&task["system_tags"]);
            tags.retain(|tag| tag != ARCHIVED);
            if archived {
                tags.push(ARCHIVED.to_owned());
                tags.sort();
            }
            task["system_tags"] = tags.into();
            task["status_reason"] = reason.into();
            task["status_message"] = message.into();
            task["last_change"] = now.into();
            task["last_changed_by"] = USER.into();
        });
        if archived { json!({"archived": true}) } else { json!({"unarchived": true}) }
    }
}
