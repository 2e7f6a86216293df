//! `order_by`, with two quirks of the server: strings are read letter by letter, missing values go last if ascending.

use std::cmp::Ordering;

use serde_json::Value;

use crate::json;

/// One field to sort by.
struct Key {
    path: String,
    descending: bool,
}

/// Sorts in place. Without `order_by` the stored order stays. Unknown fields sort nothing; ids break ties.
pub(crate) fn sort(items: &mut [&Value], order_by: Option<&Value>, gaps_last: bool) {
    let Some(order_by) = order_by.filter(|order| json::truthy(order)) else { return };
    let mut keys: Vec<Key> = match order_by {
        Value::Array(fields) => fields.iter().filter_map(Value::as_str).map(Key::new).collect(),
        // Each letter counts as a field. A sign alone orders by id.
        Value::String(text) => text.chars().map(|letter| Key::new(&letter.to_string())).collect(),
        _ => Vec::new(),
    };
    keys.push(Key { path: "id".to_owned(), descending: false });
    let gaps_last = gaps_last && keys.first().is_some_and(|key| !key.descending);
    items.sort_by(|left, right| compare(left, right, &keys, gaps_last));
}

impl Key {
    fn new(field: &str) -> Self {
        let (path, descending) = match field.strip_prefix('-') {
            Some(path) => (path, true),
            None => (field.strip_prefix('+').unwrap_or(field), false),
        };
        let path = if path.is_empty() { "id" } else { path };
        Self { path: path.to_owned(), descending }
    }
}

fn compare(left: &Value, right: &Value, keys: &[Key], gaps_last: bool) -> Ordering {
    for (position, key) in keys.iter().enumerate() {
        let (left, right) = (json::at(left, &key.path), json::at(right, &key.path));
        if gaps_last && position == 0 && left.is_none() != right.is_none() {
            return left.is_none().cmp(&right.is_none());
        }
        let ordering = by_kind(left, right);
        let ordering = if key.descending { ordering.reverse() } else { ordering };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

/// Nothing comes before numbers, and numbers before text. Times are text that sorts by time.
fn by_kind(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (Some(left), Some(right)) => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            (left, right) => right.is_some().cmp(&left.is_some()),
        },
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}
