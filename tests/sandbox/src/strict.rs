//! Requests that a correct client never sends, because the real server silently misreads them.

use serde_json::{Map, Value};

use crate::api::is_form;
use crate::http::Head;
use crate::json;
use crate::schema::{self, MODEL, PROJECT, Schema, TASK};
use crate::version::Version;

/// What listings accept in addition to the schema's filters.
const LISTING: &[&str] = &[
    "only_fields",
    "order_by",
    "page",
    "page_size",
    "scroll_id",
    "size",
    "search_hidden",
    "filters",
    "_any_",
    "_all_",
    "_or_",
    "_and_",
    "include_subprojects",
    "allow_public",
    "search_text",
];
const PROJECT_LISTING: &[&str] = &[
    "shallow_search",
    "include_stats",
    "stats_for_state",
    "include_stats_filter",
    "active_users",
    "check_own_contents",
];

/// The parameters of the other endpoints that a gate may need.
const PARAMETERS: &[(&str, &[&str])] = &[
    ("auth.login", &["expiration_sec"]),
    ("tasks.get_by_id", &["task", "only_fields"]),
    ("tasks.update_tags", &["ids", "add_tags", "remove_tags"]),
    ("models.update_tags", &["ids", "add_tags", "remove_tags"]),
    ("tasks.edit_hyper_params", &["task", "hyperparams", "replace_hyperparams", "force"]),
    (
        "organization.get_entities_count",
        &["tasks", "projects", "search_hidden", "limit", "allow_public", "active_users"],
    ),
    ("events.get_task_log", &["task", "batch_size", "navigate_earlier", "from_timestamp", "order", "metrics"]),
    (
        "tasks.update",
        &["task", "name", "tags", "system_tags", "comment", "report", "project", "output", "created", "runtime"],
    ),
    ("events.multi_task_scalar_metrics_iter_histogram", &["tasks", "samples", "key", "metrics", "model_events"]),
    ("events.scalar_metrics_iter_histogram", &["task", "samples", "key", "metrics", "model_events"]),
    ("events.get_scalar_metric_data", &["task", "metric", "scroll_id", "no_scroll", "model_events"]),
    (
        "events.scalar_metrics_iter_raw",
        &["task", "metric", "key", "batch_size", "count_total", "scroll_id", "model_events"],
    ),
];

/// Why the request is impossible, one entry for each reason.
pub(crate) fn objections(head: &Head, body: &[u8], endpoint: &str, api: Version) -> Vec<String> {
    let mut found = Vec::new();
    let content_type = head.header("content-type").unwrap_or_default();
    if is_form(&content_type.to_ascii_lowercase()) {
        found.push(format!("{endpoint}: a form content type ({content_type}) makes the server drop the body"));
    }
    let Ok(Value::Object(parameters)) = crate::api::read_body(head, body) else { return found };
    let why = match endpoint {
        "tasks.get_all" | "tasks.get_all_ex" => listing(&TASK, &parameters, api),
        "projects.get_all" | "projects.get_all_ex" => listing(&PROJECT, &parameters, api),
        "models.get_all" | "models.get_all_ex" => listing(&MODEL, &parameters, api),
        _ => unknown(endpoint, &parameters),
    };
    found.extend(why.into_iter().map(|why| format!("{endpoint}: {why}")));
    found
}

fn unknown(endpoint: &str, parameters: &Map<String, Value>) -> Vec<String> {
    let Some((_, known)) = PARAMETERS.iter().find(|(name, _)| *name == endpoint) else { return Vec::new() };
    let ignored = |name: &&String| !known.contains(&name.as_str());
    parameters.keys().filter(ignored).map(|name| format!("the server ignores the unknown parameter {name:?}")).collect()
}

fn listing(schema: &Schema, parameters: &Map<String, Value>, api: Version) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in parameters {
        if !is_known(schema, name) {
            found.push(format!("the server ignores the unknown filter {name:?}"));
        }
        if is_filter(schema, name) && !json::truthy(value) {
            found.push(format!("the empty filter {name:?} selects everything"));
        }
    }
    if parameters.get("order_by").is_some_and(|order| !order.is_array()) {
        found.push("order_by must be a list; the server reads text letter by letter".to_owned());
    }
    for name in ["_any_", "_or_", "_all_", "_and_"] {
        let Some(condition) = parameters.get(name) else { continue };
        if ["fields", "pattern"].iter().any(|part| condition.get(*part).is_some_and(|part| !json::truthy(part))) {
            found.push(format!("{name} with an empty pattern or no fields selects everything"));
        }
    }
    found.extend(dictionaries(schema, parameters, api));
    if schema.object == "Task" && !["project", "id", "parent"].iter().any(|name| parameters.contains_key(*name)) {
        found.push("neither project, id nor parent: this selects from the whole workspace".to_owned());
    }
    found
}

fn dictionaries(schema: &Schema, parameters: &Map<String, Value>, api: Version) -> Vec<String> {
    let Some(filters) = parameters.get("filters").and_then(Value::as_object) else { return Vec::new() };
    if api < Version(2, 27) {
        return vec!["filters: a server this old ignores it".to_owned()];
    }
    let ignored = |name: &&String| !schema::names(schema.list_filters, name);
    filters.keys().filter(ignored).map(|name| format!("filters: the server ignores the field {name:?}")).collect()
}

fn is_known(schema: &Schema, name: &str) -> bool {
    LISTING.contains(&name) || is_filter(schema, name) || schema.object == "Project" && PROJECT_LISTING.contains(&name)
}

fn is_filter(schema: &Schema, name: &str) -> bool {
    let kinds =
        [schema.list_filters, schema.exact_filters, schema.pattern_filters, schema.time_filters, schema.range_filters];
    kinds.iter().any(|filters| schema::names(filters, name))
}
