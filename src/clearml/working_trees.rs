//! Which runs are clean. The server decides; a diff can be 13 MB, so none is transferred.

use std::collections::HashMap;

use serde_json::json;

use super::runs::with;
use super::wire::Task;
use super::{Client, Error, Operation, Result, UPDATE_TAGS, Unexpected};
use crate::model::run::{TaskId, WorkingTree};

/// A pattern for exactly what `clearml-task` and `Task.create` add to the diff of a run, or nothing, up to the end of the
/// diff. They add `clearml` to the requirements and a call of `Task.init` to the script, each as a hunk without the `index`
/// line that git writes. SDKs up to 1.13.2 add three lines to the script, later ones four.
///
/// `(?-i:` is necessary because the server ignores case otherwise.
const ADDED_BY_SDK: &str = concat!(
    r"(?-i:",
    r"(?:diff --git a/requirements\.txt b/requirements\.txt\n--- a/requirements\.txt\n\+\+\+ b/requirements\.txt\n",
    r"@@ -0,0 \+1,1 @@\n\+clearml\n)?",
    r"(?:diff --git a(/[^\n]+) b\1\n--- a\1\n\+\+\+ b\1\n@@ -[0-9]+,0 \+[0-9]+,",
    r"(?:4 @@\n\+try: from allegroai import Task\n\+except ImportError: from clearml import Task\n",
    r#"\+\(__name__ != "__main__"\) or Task\.init\(\)\n"#,
    r"|3 @@\n\+from clearml import Task\n\+Task\.init\(\)\n)",
    r"\+\n)?)(?![\s\S])",
);

/// What the server is asked about the diffs, in this order. Each question is only about the tasks that the ones before
/// left open; usually the first one answers for all.
#[derive(Clone, Copy)]
enum Question {
    /// Which diffs are empty or the SDK's.
    Clean,
    /// Which contain anything else.
    Dirty,
    /// What the rest recorded. Neither pattern matches a missing diff, so this transfers no text.
    Rest,
}

impl Question {
    fn pattern(self) -> Option<String> {
        match self {
            Self::Clean => Some(format!(r"\A{ADDED_BY_SDK}")),
            Self::Dirty => Some(format!(r"\A(?!{ADDED_BY_SDK})[\s\S]")),
            Self::Rest => None,
        }
    }

    fn fields(self, api_version: (u32, u32)) -> &'static [&'static str] {
        match self {
            // Older servers may refuse a field that they do not know.
            Self::Dirty if api_version >= UPDATE_TAGS => &["id", "runtime.ide"],
            Self::Clean | Self::Dirty => &["id"],
            Self::Rest => &["id", "script.diff"],
        }
    }

    fn answer(self, task: &Task) -> WorkingTree {
        match self {
            Self::Dirty if task.is_notebook() => WorkingTree::Notebook,
            Self::Dirty => WorkingTree::Dirty,
            Self::Rest if task.has_diff() => WorkingTree::Dirty,
            Self::Clean | Self::Rest => WorkingTree::Clean,
        }
    }
}

impl Client<'_> {
    /// Whether each of these runs is clean. Every answer is a task in a response: that a task is missing from one never makes
    /// it clean. Every ClearML server knows this kind of filter.
    pub(crate) fn working_trees(&self, ids: &[TaskId]) -> Result<HashMap<TaskId, WorkingTree>> {
        let mut trees = HashMap::new();
        for question in [Question::Clean, Question::Dirty, Question::Rest] {
            let open: Vec<&str> = ids.iter().filter(|id| !trees.contains_key(*id)).map(TaskId::as_str).collect();
            // The server ignores an empty filter.
            if open.is_empty() {
                break;
            }
            for task in self.ask(question, &open)? {
                let answer = question.answer(&task);
                trees.insert(TaskId(task.id), answer);
            }
        }
        match ids.iter().find(|id| !trees.contains_key(*id)) {
            Some(id) => Err(self.unexpected(Unexpected::TaskLeftOut(id.clone()))),
            None => Ok(trees),
        }
    }

    fn ask(&self, question: Question, ids: &[&str]) -> Result<Vec<Task>> {
        let query = json!({"id": ids, "only_fields": question.fields(self.api_version), "order_by": ["id"]});
        let query = match question.pattern() {
            Some(pattern) => with(&query, json!({"_all_": {"fields": ["script.diff"], "pattern": pattern}})),
            None => query,
        };
        let found = self.all_tasks(Operation::CheckUncommittedChanges, &query)?.tasks;
        if found.iter().any(|task| !ids.contains(&task.id.as_str())) {
            return Err(self.unexpected(Unexpected::OtherTasks));
        }
        Ok(found)
    }

    fn unexpected(&self, what: Unexpected) -> Error {
        self.connection.error(Operation::CheckUncommittedChanges, what)
    }
}
