//! Rate limits: the headers of every answer, and both types of limit as faults.

use std::time::Duration;

use serde_json::json;

use crate::fault::Effect;
use crate::time::SECOND;

use super::api::JSON;

const DOCUMENTATION: &str = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";

/// `reset` is in seconds since 1970.
pub(super) fn headers(used: u64, limit: u64, reset: i64) -> Vec<(String, String)> {
    let own = |name: &str, value: String| (format!("x-ratelimit-{name}"), value);
    vec![
        own("limit", limit.to_string()),
        own("remaining", limit.saturating_sub(used).to_string()),
        own("reset", reset.to_string()),
        own("used", used.to_string()),
        own("resource", "core".to_owned()),
    ]
}

pub(super) fn primary(now: i64, reset_in: Duration) -> Effect {
    let reset = now / SECOND + i64::try_from(reset_in.as_secs()).unwrap_or(i64::MAX);
    refused(403, headers(1000, 1000, reset), "API rate limit exceeded for installation ID 57843210.")
}

pub(super) fn secondary(code: u16, retry_after: Option<u64>) -> Effect {
    let retry_after = retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    refused(code, retry_after.into_iter().collect(), message)
}

fn refused(code: u16, mut headers: Vec<(String, String)>, message: &str) -> Effect {
    headers.push(("Content-Type".to_owned(), JSON.to_owned()));
    let body = json!({"message": message, "documentation_url": DOCUMENTATION, "status": code.to_string()});
    Effect::Status { code, headers, body: body.to_string() }
}
