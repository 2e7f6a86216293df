//! What must hold for every response of GitHub's API. Panics if it does not.

use serde_json::Value;

use super::comment::ours;
use super::{GitHub, Pull, has_same_origin, next_page, open_with_head};
use crate::ci::Forge;
use crate::model::commit::Commit;

const HEAD: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
const MARKER: &str = "<!-- clearml-gate 1 0123456789abcdef -->";
const API: &str = "https://ghe.example.org/api/v3";
const TOKEN: &str = "ghs_secretfortests";

/// Reads a text as a body, and as the header with the next page.
///
/// # Panics
/// If one of the properties does not hold.
pub fn github_answer(data: &[u8]) {
    keeps_the_token_at_its_origin(&String::from_utf8_lossy(data));
    let Ok(body) = serde_json::from_slice::<Value>(data) else { return };
    is_refused_without_the_token(&body);
    for entry in body.as_array().map_or(std::slice::from_ref(&body), Vec::as_slice) {
        check_pull_request(entry);
        check_comment(entry);
    }
}

fn keeps_the_token_at_its_origin(link: &str) {
    let Some(address) = next_page(link).filter(|address| has_same_origin(address, API)) else { return };
    let lower = address.to_ascii_lowercase();
    let path = lower.strip_prefix("https://ghe.example.org");
    assert!(
        path.is_some_and(|path| path.is_empty() || path.starts_with(['/', '?', '#'])),
        "the token goes to {address}"
    );
}

fn is_refused_without_the_token(body: &Value) {
    let environment = [("GITHUB_TOKEN", TOKEN)].into_iter().collect();
    let forge = Forge { repository: "acme/model".to_owned(), api: API.to_owned() };
    let Ok(github) = GitHub::new(&forge, &environment) else { return };
    for status in [401, 403, 404, 422, 500] {
        let shown = github.refused(status, body).to_string();
        assert!(!shown.contains(TOKEN), "the token was repeated");
        assert!(!shown.chars().any(char::is_control), "a control character in {shown:?}");
    }
}

fn check_pull_request(entry: &Value) {
    let sha = text(entry, "/head/sha").unwrap_or_default();
    if let Some(pull) = Pull::into_branch("main", entry) {
        assert_eq!(Commit::parse(sha).as_ref(), Ok(&pull.head), "a head that is not in the response");
        assert_eq!(Some(pull.number), entry.get("number").and_then(Value::as_u64));
        assert_eq!((text(entry, "/base/ref"), pull.merged), (Some("main"), text(entry, "/merged_at").is_some()));
    }
    let Ok(commit) = Commit::parse(HEAD) else { return };
    if open_with_head(entry, &commit).is_some() {
        assert!(sha.trim().eq_ignore_ascii_case(HEAD), "a pull request with another head");
        assert_eq!(text(entry, "/state"), Some("open"));
    }
}

fn check_comment(entry: &Value) {
    if let Some(found) = ours(entry, MARKER, true) {
        assert!(
            found.body.starts_with(MARKER) && text(entry, "/user/type") == Some("Bot"),
            "a comment of somebody else"
        );
        assert_eq!(Some(found.id), entry.get("id").and_then(Value::as_u64));
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}
