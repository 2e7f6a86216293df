//! The fields of the server's documents, and which of them have fields of their own.

use serde_json::Value;

use crate::error::{ApiError, Result};

/// The content of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A value, or a list of values.
    Plain,
    /// A document with these fields.
    Embedded(&'static [&'static str]),
    /// Keys with any name, at any depth.
    Free,
    /// Another document's id, which `get_all_ex` joins.
    Reference,
}

/// One kind of document.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) object: &'static str,
    pub(crate) fields: &'static [(&'static str, Kind)],
    /// Filters that accept one value or a list, match exactly and support `-x` and the `__$` operators. Here and below,
    /// a final `.*` means any path.
    pub(crate) list_filters: &'static [&'static str],
    /// Filters that match a value, or one value of a list.
    pub(crate) exact_filters: &'static [&'static str],
    /// Filters that are regular expressions.
    pub(crate) pattern_filters: &'static [&'static str],
    /// Filters that are `[from, to]`.
    pub(crate) range_filters: &'static [&'static str],
    /// Filters that are lists of `>=time` and the like.
    pub(crate) time_filters: &'static [&'static str],
    /// What an answer without `only_fields` leaves out.
    pub(crate) left_out: &'static [&'static str],
}

use Kind::{Embedded, Free, Plain, Reference};

pub(crate) const TASK: Schema = Schema {
    object: "Task",
    fields: &[
        ("id", Plain),
        ("company", Reference),
        ("user", Reference),
        ("name", Plain),
        ("type", Plain),
        ("status", Plain),
        ("status_reason", Plain),
        ("status_message", Plain),
        ("status_changed", Plain),
        ("comment", Plain),
        ("report", Plain),
        ("report_assets", Plain),
        ("created", Plain),
        ("started", Plain),
        ("completed", Plain),
        ("published", Plain),
        ("active_duration", Plain),
        ("parent", Reference),
        ("project", Reference),
        ("output", Embedded(&["destination", "model", "error", "result", "view"])),
        (
            "execution",
            Embedded(&[
                "queue",
                "test_split",
                "parameters",
                "model",
                "model_desc",
                "model_labels",
                "framework",
                "docker_cmd",
                "artifacts",
                "dataviews",
            ]),
        ),
        ("tags", Plain),
        ("system_tags", Plain),
        (
            "script",
            Embedded(&[
                "binary",
                "repository",
                "tag",
                "branch",
                "version_num",
                "entry_point",
                "working_dir",
                "requirements",
                "diff",
            ]),
        ),
        ("last_worker", Plain),
        ("last_worker_report", Plain),
        ("last_update", Plain),
        ("last_change", Plain),
        ("last_changed_by", Plain),
        ("last_iteration", Plain),
        ("last_metrics", Free),
        ("unique_metrics", Plain),
        ("metric_stats", Free),
        ("company_origin", Plain),
        ("duration", Plain),
        ("hyperparams", Free),
        ("configuration", Free),
        ("runtime", Free),
        ("models", Embedded(&["input", "output"])),
        ("container", Free),
        ("enqueue_status", Plain),
    ],
    list_filters: &["id", "user", "tags", "system_tags", "type", "status", "project", "parent", "hyperparams.*"],
    exact_filters: &["execution.queue", "runtime.*", "models.input.model"],
    pattern_filters: &["name", "comment", "report"],
    range_filters: &["created", "started", "active_duration", "last_iteration", "last_metrics.*"],
    time_filters: &["status_changed", "last_update", "last_change"],
    left_out: &["unique_metrics"],
};

pub(crate) const PROJECT: Schema = Schema {
    object: "Project",
    fields: &[
        ("id", Plain),
        ("company", Reference),
        ("user", Reference),
        ("name", Plain),
        ("basename", Plain),
        ("description", Plain),
        ("created", Plain),
        ("tags", Plain),
        ("system_tags", Plain),
        ("default_output_destination", Plain),
        ("last_update", Plain),
        ("featured", Plain),
        ("logo_url", Plain),
        ("logo_blob", Plain),
        ("company_origin", Plain),
        ("parent", Reference),
        ("path", Plain),
    ],
    list_filters: &["id", "parent", "path", "tags", "system_tags"],
    exact_filters: &[],
    pattern_filters: &["name", "basename", "description"],
    range_filters: &["last_update"],
    time_filters: &[],
    left_out: &[],
};

pub(crate) const MODEL: Schema = Schema {
    object: "Model",
    fields: &[
        ("id", Plain),
        ("company", Reference),
        ("user", Reference),
        ("name", Plain),
        ("parent", Reference),
        ("project", Reference),
        ("task", Reference),
        ("created", Plain),
        ("last_update", Plain),
        ("last_change", Plain),
        ("last_changed_by", Plain),
        ("tags", Plain),
        ("system_tags", Plain),
        ("comment", Plain),
        ("uri", Plain),
        ("framework", Plain),
        ("design", Free),
        ("labels", Free),
        ("ready", Plain),
        ("metadata", Free),
        ("last_iteration", Plain),
        ("last_metrics", Free),
    ],
    list_filters: &["id", "user", "parent", "project", "task", "framework", "tags", "system_tags"],
    exact_filters: &["ready"],
    pattern_filters: &["name", "comment"],
    range_filters: &["last_metrics.*", "last_iteration"],
    time_filters: &["last_update", "last_change"],
    left_out: &[],
};

/// Whether one of these filters has this name.
pub(crate) fn names(filters: &[&str], name: &str) -> bool {
    filters.iter().any(|filter| match filter.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *filter,
    })
}

impl Schema {
    pub(crate) fn kind(&self, field: &str) -> Option<Kind> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, kind)| *kind)
    }

    /// Rejects a dotted path that leads nowhere, and names the part that is wrong, as the real mapper does.
    pub(crate) fn resolve(&self, path: &str, joins: bool) -> Result<()> {
        let (field, below) = path.split_once('.').map_or((path, None), |(field, below)| (field, Some(below)));
        let kind = self.kind(field).ok_or_else(|| ApiError::cannot_resolve(field))?;
        let Some(below) = below else { return Ok(()) };
        let next = below.split('.').next().unwrap_or(below);
        match kind {
            Free => Ok(()),
            Reference if joins => Ok(()),
            Embedded(fields) if fields.contains(&next) => Ok(()),
            _ => Err(ApiError::cannot_resolve(next)),
        }
    }
}

/// What a joined reference shows in addition to its id.
pub(crate) fn joined_name(reference: &str) -> Option<Value> {
    match reference {
        "user" => Some(Value::from("Default User")),
        "company" => Some(Value::from("clearml")),
        _ => None,
    }
}
