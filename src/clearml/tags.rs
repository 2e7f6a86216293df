//! Adds and removes the tag. All other tags stay.

use serde_json::json;

use super::{Client, Error, Operation, Result, UPDATE_TAGS, Unexpected};
use crate::model::name::Tag;
use crate::model::run::TaskId;

impl Client<'_> {
    /// Adds the tag to a task. Not repeated here, so that the caller knows about every attempt that may have been applied.
    pub(crate) fn add_tag(&self, id: &TaskId, tag: &Tag) -> Result<()> {
        if self.api_version >= UPDATE_TAGS {
            let body = json!({"ids": [id.0], "add_tags": [tag.as_str()]});
            return self.connection.write(Operation::AddTag, "tasks.update_tags", &body);
        }
        self.rewrite_tags(Operation::AddTag, id, |tags| {
            if !tags.iter().any(|own| own == tag.as_str()) {
                tags.push(tag.as_str().to_owned());
            }
        })
    }

    /// Removes the tag from tasks. Not repeated here when the response is lost: by then another gate may have added the tag
    /// to one of them again.
    pub(crate) fn remove_tag(&self, ids: &[TaskId], tag: &Tag) -> Result<()> {
        if self.api_version >= UPDATE_TAGS {
            let ids: Vec<&str> = ids.iter().map(TaskId::as_str).collect();
            let body = json!({"ids": ids, "remove_tags": [tag.as_str()]});
            return self.connection.write(Operation::RemoveTag, "tasks.update_tags", &body);
        }
        let remove = |tags: &mut Vec<String>| tags.retain(|own| own != tag.as_str());
        ids.iter().try_for_each(|id| self.rewrite_tags(Operation::RemoveTag, id, remove))
    }

    /// The error for a tag that the server accepted but the candidate does not have.
    pub(crate) fn tag_not_kept(&self) -> Error {
        self.connection.error(Operation::AddTag, Unexpected::TagNotKept)
    }

    /// For old servers, where only the whole list of a task's tags can be replaced. Read and write follow each other closely.
    fn rewrite_tags(&self, operation: Operation, id: &TaskId, change: impl Fn(&mut Vec<String>)) -> Result<()> {
        let found = self.tasks(operation, &json!({"id": [id.0], "only_fields": ["id", "tags"]}))?;
        let Some(task) = found.tasks.into_iter().find(|task| task.id == id.0) else {
            return Err(self.connection.error(operation, Unexpected::TaskGone(id.clone())));
        };
        let before = task.tags.unwrap_or_default();
        let mut tags = before.clone();
        change(&mut tags);
        if tags == before {
            return Ok(());
        }
        self.connection.write(operation, "tasks.update", &json!({"task": id.0, "tags": tags}))
    }
}
