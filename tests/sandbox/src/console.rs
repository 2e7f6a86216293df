//! The `events` service: a task's console log.

use serde_json::{Value, json};

use crate::api::Call;
use crate::error::Result;

const PAGE: i64 = 500;

/// The lines by the client's time: newest first, or oldest first with `navigate_earlier: false`.
pub(crate) fn get_task_log(call: &mut Call<'_>) -> Result<Value> {
    let id = call.task_with_events()?;
    let earlier = call.parameters.get("navigate_earlier") != Some(&Value::Bool(false));
    let size = call.parameters.get("batch_size").and_then(Value::as_i64).unwrap_or(PAGE);
    let from = call.parameters.get("from_timestamp").and_then(Value::as_i64);
    let at = |line: &Value| line["timestamp"].as_i64().unwrap_or_default();
    let mut lines: Vec<&Value> = call.workspace.logs.get(&id).into_iter().flatten().collect();
    let total = lines.len();
    lines.sort_by_key(|line| at(line));
    if earlier {
        lines.reverse();
    }
    lines.retain(|line| from.is_none_or(|from| if earlier { at(line) < from } else { at(line) > from }));
    lines.truncate(usize::try_from(size).unwrap_or_default());
    if call.parameters.get("order").and_then(Value::as_str).is_some_and(|order| (order == "asc") == earlier) {
        lines.reverse();
    }
    Ok(json!({"events": lines, "returned": lines.len(), "total": total}))
}
