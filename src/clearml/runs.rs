//! Finds projects and runs.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::wire::{self, Projects, Task, Tasks};
use super::{Client, MOST_PAGES, Operation, PAGE_SIZE, ProjectId, Result, Scope, UPDATE_TAGS, Unexpected};
use crate::model::commit::Commit;
use crate::model::name::{Name, Tag};
use crate::model::run::{Run, TaskId};
use crate::net::http::Retry;

impl Client<'_> {
    /// The project of exactly this name. Hidden projects, such as those of pipelines, are included.
    pub(crate) fn project(&self, name: &Name) -> Result<Option<ProjectId>> {
        let body = json!({
            "name": anchored(name.as_str()),
            "search_hidden": true,
            "only_fields": ["id", "name"],
            "page": 0,
            "page_size": PAGE_SIZE,
        });
        let found: Projects = self.connection.read(Operation::FindProject, "projects.get_all_ex", &body)?;
        let is_it = |project: &wire::Project| project.name == name.as_str() && !project.id.is_empty();
        Ok(found.projects.into_iter().find(is_it).map(|project| ProjectId(project.id)))
    }

    /// The names of the projects that changed last.
    pub(crate) fn project_names(&self) -> Result<Vec<String>> {
        let body = json!({
            "only_fields": ["name"],
            "search_hidden": true,
            "order_by": ["-last_update"],
            "page": 0,
            "page_size": PAGE_SIZE,
        });
        let found: Projects = self.connection.read(Operation::ListProjects, "projects.get_all_ex", &body)?;
        Ok(found.projects.into_iter().map(|project| project.name).collect())
    }

    /// The names of the newest tasks of the project.
    pub(crate) fn task_names(&self, project: &ProjectId) -> Result<Vec<String>> {
        let body = json!({
            "project": [project.0],
            "only_fields": ["name"],
            "search_hidden": true,
            "order_by": ["-created"],
            "page": 0,
            "page_size": PAGE_SIZE,
        });
        let found = self.tasks(Operation::ListTaskNames, &body)?;
        Ok(found.tasks.into_iter().filter_map(|task| task.name).collect())
    }

    /// The title and series of the metrics of a task.
    pub(crate) fn metric_names(&self, id: &TaskId) -> Result<Vec<(String, String)>> {
        let body = json!({"id": [id.0], "only_fields": ["last_metrics"]});
        let found = self.tasks(Operation::ListMetrics, &body)?;
        Ok(found.tasks.iter().filter(|task| task.id == id.0).flat_map(Task::metric_names).collect())
    }

    /// All runs of the commits and all runs with the tag, in any state, newest first. The server ignores the case of tags;
    /// runs whose tag differs only in case are included, so that the report can point them out.
    pub(crate) fn of_commits_or_tagged(&self, scope: Scope<'_>, commits: &[Commit], tag: &Tag) -> Result<Vec<Run>> {
        // Only hex digits may follow an abbreviated commit, so that it matches nothing else.
        let alternatives = commits.iter().fold(String::new(), |text, commit| {
            let rest = if commit.is_full() { "" } else { "[0-9a-f]*" };
            format!("{text}{commit}{rest}|")
        });
        let pattern = format!("^({alternatives}{})$", escaped(tag.as_str()));
        let filter = json!({"fields": ["script.version_num", "tags"], "pattern": pattern});
        let mut runs = self.all_runs(Operation::FindRuns, scope, &filter)?;
        runs.retain(|run| run.ran_any(commits) || run.tag_in_any_case(tag).is_some());
        Ok(runs)
    }

    /// All runs with the tag, newest first.
    pub(crate) fn tagged(&self, scope: Scope<'_>, tag: &Tag) -> Result<Vec<Run>> {
        let filter = json!({"fields": ["tags"], "pattern": anchored(tag.as_str())});
        let mut runs = self.all_runs(Operation::FindTaggedRuns, scope, &filter)?;
        runs.retain(|run| run.has_tag(tag));
        Ok(runs)
    }

    /// The newest runs, of any commit: at most [`PAGE_SIZE`].
    pub(crate) fn newest(&self, scope: Scope<'_>) -> Result<Vec<Run>> {
        let (newest, _) = self.first_tasks(Operation::ListNewestRuns, &self.runs_query(scope))?;
        Ok(newest.into_runs(scope).collect())
    }

    /// The tags of the newest runs. Requested once, because they only help to explain.
    pub(crate) fn newest_tags(&self, scope: Scope<'_>) -> Result<Vec<String>> {
        let only = json!({"only_fields": ["id", "name", "project", "tags"], "page": 0, "page_size": PAGE_SIZE});
        let body = with(&self.runs_query(scope), only);
        let found: Tasks =
            self.connection.request(Operation::ListNewestRuns, "tasks.get_all_ex", &body, Retry::BestEffort)?;
        Ok(found.into_runs(scope).flat_map(|run| run.tags).collect())
    }

    pub(super) fn tasks(&self, operation: Operation, body: &Value) -> Result<Tasks> {
        self.connection.read(operation, "tasks.get_all_ex", body)
    }

    /// All runs that match the filter, newest first.
    fn all_runs(&self, operation: Operation, scope: Scope<'_>, filter: &Value) -> Result<Vec<Run>> {
        let query = with(&self.runs_query(scope), json!({"_any_": filter}));
        let mut runs: Vec<Run> = self.all_tasks(operation, &query)?.into_runs(scope).collect();
        runs.sort_by(|a, b| b.compare_age(a));
        Ok(runs)
    }

    /// The first [`PAGE_SIZE`] tasks that the query selects, in its order, and whether they are known to be all of them.
    ///
    /// The server cuts a page to a size of its own and does not say so, so a short page proves nothing. It never cuts what
    /// it returns to a scroll, and a `scroll_id` in the response shows that it is one. Servers before 1.2 know no scrolls:
    /// they ignore its fields and return a page. The scroll itself is not continued, because a repeated request would skip
    /// tasks.
    fn first_tasks(&self, operation: Operation, query: &Value) -> Result<(Tasks, bool)> {
        let window = json!({"scroll_id": null, "size": PAGE_SIZE, "page": 0, "page_size": PAGE_SIZE});
        let found = self.tasks(operation, &with(query, window))?;
        let are_all = found.scroll_id.is_some() && found.tasks.len() < PAGE_SIZE;
        Ok((found, are_all))
    }

    /// All tasks that the query selects. Unless the first response is known to have all of them, pages are read until one is
    /// empty.
    pub(super) fn all_tasks(&self, operation: Operation, query: &Value) -> Result<Tasks> {
        let (mut found, are_all) = self.first_tasks(operation, query)?;
        if are_all || found.tasks.is_empty() {
            return Ok(found);
        }
        let mut last: Vec<String> = found.tasks.iter().map(|task| task.id.clone()).collect();
        let mut seen: HashSet<String> = last.iter().cloned().collect();
        for page in 1..MOST_PAGES {
            let next = self.tasks(operation, &with(query, json!({"page": page, "page_size": PAGE_SIZE})))?.tasks;
            let ids: Vec<String> = next.iter().map(|task| task.id.clone()).collect();
            // A server that ignores pages always returns the same.
            if ids.is_empty() || ids == last {
                return Ok(found);
            }
            // Pages repeat what the first response had, and shift when a task is added meanwhile.
            found.tasks.extend(next.into_iter().filter(|task| seen.insert(task.id.clone())));
            last = ids;
        }
        Err(self.connection.error(operation, Unexpected::TooManyPages(MOST_PAGES)))
    }

    /// Ordered by a field that never changes, so that pages do not shift when a task changes.
    fn runs_query(&self, scope: Scope<'_>) -> Value {
        let metrics: Vec<String> = scope.metrics.iter().map(wire::field).collect();
        let mut fields =
            vec!["id", "name", "project", "status", "tags", "system_tags", "created", "started", "script.version_num"];
        fields.extend(["last_iteration", "published", "status_reason"]);
        fields.extend(metrics.iter().map(String::as_str));
        if self.api_version >= UPDATE_TAGS {
            // Only the first of them changes with the tags.
            fields.extend(["last_change", "last_update", "status_changed"]);
        }
        json!({
            "project": [scope.project.0],
            "name": anchored(scope.task_name.as_str()),
            "only_fields": fields,
            "order_by": ["-created"],
            "search_hidden": true,
        })
    }
}

/// The query with these fields as well.
pub(super) fn with(query: &Value, more: Value) -> Value {
    let objects = [query.clone(), more].into_iter().filter_map(|fields| match fields {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Value::Object(objects.flatten().collect())
}

/// A pattern that matches exactly this text. The server's own matching is neither anchored nor literal.
fn anchored(text: &str) -> String {
    format!("^{}$", escaped(text))
}

/// Puts a backslash before every ASCII character that could have a meaning in a pattern. Both of the server's pattern
/// languages, Python's and the database's, read that as the character itself.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_name_is_literal() {
        assert_eq!(anchored("a.b (c)+[d]"), r"^a\.b\ \(c\)\+\[d\]$");
        assert_eq!(anchored("проект ü"), r"^проект\ ü$");
    }
}
