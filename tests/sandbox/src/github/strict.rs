//! Requests that a correct client never sends, because GitHub rejects them or silently ignores a part of them.

use serde_json::Value;

use crate::http::{Head, decode_query};

use super::auth::credentials;
use super::routes::Call;

/// Why the request is impossible, one entry for each reason.
pub(super) fn objections(head: &Head, body: &[u8], call: Option<&Call>) -> Vec<String> {
    let Head { method, path, .. } = head;
    let mut found = Vec::new();
    if head.header("authorization").is_some_and(|header| credentials(header).is_none()) {
        found.push("GitHub does not take an Authorization of this form".to_owned());
    }
    match call {
        None => found.push("there is no such path, or not with this method".to_owned()),
        Some(call) => {
            found.extend(call.operation.takes_body().then(|| unreadable(body)).flatten());
            found.extend(parameters(path, call.operation.parameters()));
        }
    }
    found.into_iter().map(|why| format!("{method} {path}: {why}")).collect()
}

fn unreadable(body: &[u8]) -> Option<String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => {
            let ignored = fields.keys().find(|name| *name != "body")?;
            Some(format!("GitHub ignores the unknown field {ignored:?}"))
        }
        Ok(_) => Some("the body is no JSON object".to_owned()),
        Err(_) => Some("the body is not JSON".to_owned()),
    }
}

fn parameters(path: &str, known: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in decode_query(path) {
        let number = value.as_str().and_then(|value| value.parse::<u64>().ok());
        match name.as_str() {
            _ if !known.contains(&&*name) => found.push(format!("GitHub ignores the unknown parameter {name:?}")),
            "per_page" if number.is_none_or(|number| !(1..=100).contains(&number)) => {
                found.push(format!("GitHub makes something else of per_page={value}"));
            }
            "page" if number.is_none_or(|number| number == 0) => {
                found.push(format!("GitHub makes something else of page={value}"));
            }
            _ => {}
        }
    }
    found
}
