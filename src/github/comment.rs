//! The comment on a pull request: found by its marker, then created, updated, or left as it is.
//!
//! After a write with an unknown result, the next round searches again before it writes. Two jobs that search at the same
//! moment can still both create a comment. From then on the older one is kept up to date and the other one stays as it is.
//! Searching again after each creation would read every page once more, could still miss a comment that the API does not
//! list yet, and would have to delete something in the end.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Error, GitHub, Method, PAGE, Result, Unexpected};
use crate::net::http::Retry;

/// The longest body that the API accepts, in Unicode code points.
const LONGEST: usize = 65_536;
/// How often the tool searches for the comment and writes it.
const ROUNDS: usize = 3;
/// The API may not list a new comment at once.
const SETTLING: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct PullRequest {
    /// The repository as owner/name, in characters that are safe in a URL.
    pub(crate) repository: String,
    pub(crate) number: u64,
    /// Whether it is known to come from a fork; a fork's workflow gets a token that can only read.
    pub(crate) from_fork: bool,
}

#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: u64,
    pub(super) body: String,
}

impl GitHub {
    /// Creates the comment that starts with the marker, or updates it if the text differs. With `only_update` it creates
    /// none.
    pub(crate) fn put_comment(&self, pull: &PullRequest, marker: &str, body: &str, only_update: bool) -> Result<()> {
        if body.chars().count() > LONGEST {
            return Err(Error::CommentTooLong);
        }
        self.search_and_write(pull, marker, body, only_update).map_err(|error| match error {
            Error::NotAllowed if pull.from_fork => Error::FromFork,
            error => error,
        })
    }

    fn search_and_write(&self, pull: &PullRequest, marker: &str, body: &str, only_update: bool) -> Result<()> {
        let mut last = Error::NotFound;
        for _ in 0..ROUNDS {
            let found = self.find(pull, marker)?;
            let written = match &found {
                Some(found) if has_same_text(&found.body, body) => return Ok(()),
                Some(found) => self.update(pull, found.id, body),
                None if only_update => return Ok(()),
                None => self.create(pull, body),
            };
            last = match written {
                Ok(()) => return Ok(()),
                // Deleted in the meantime.
                Err(Error::NotFound) if found.is_some() => Error::NotFound,
                Err(error) if error.may_have_written() && self.http.wait_before_retry(SETTLING).is_ok() => error,
                Err(error) => return Err(error),
            };
        }
        Err(last)
    }

    /// The oldest comment of this gate. The API lists comments by id.
    fn find(&self, pull: &PullRequest, marker: &str) -> Result<Option<Found>> {
        let first = format!("{}?per_page={PAGE}", self.comments(pull));
        let bots_only = self.is_installation();
        self.search(first, |comments| comments.iter().find_map(|comment| ours(comment, marker, bots_only)))
    }

    fn create(&self, pull: &PullRequest, body: &str) -> Result<()> {
        self.write(&Method::POST, &self.comments(pull), body)
    }

    fn update(&self, pull: &PullRequest, id: u64, body: &str) -> Result<()> {
        let address = format!("{}/repos/{}/issues/comments/{id}", self.api, pull.repository);
        self.write(&Method::PATCH, &address, body)
    }

    fn write(&self, method: &Method, address: &str, body: &str) -> Result<()> {
        let body = json!({"body": body}).to_string();
        let written = self.json(&self.send(method, address, body.as_bytes(), Retry::NotIdempotent)?)?;
        let is_comment = written.get("id").is_some_and(Value::is_u64);
        is_comment.then_some(()).ok_or_else(|| self.unexpected(Unexpected::NotAComment))
    }

    /// The comments of a pull request's conversation belong to the issue; those of the pull request belong to lines of code.
    fn comments(&self, pull: &PullRequest) -> String {
        format!("{}/repos/{}/issues/{}/comments", self.api, pull.repository, pull.number)
    }

    /// Whether the token belongs to an app, as in a workflow run, and not to a person.
    fn is_installation(&self) -> bool {
        self.token.expose().starts_with("ghs_")
    }
}

/// The comment, if this gate wrote it. Anybody can write the marker, so a gate that writes as an app ignores comments of
/// people.
pub(super) fn ours(comment: &Value, marker: &str, bots_only: bool) -> Option<Found> {
    let (id, body) = (comment.get("id")?.as_u64()?, comment.get("body")?.as_str()?);
    let is_bot = comment.pointer("/user/type").and_then(Value::as_str) == Some("Bot");
    (body.starts_with(marker) && (is_bot || !bots_only)).then(|| Found { id, body: body.to_owned() })
}

/// Whether two bodies are equal except for the kind of line breaks and blanks at the end.
fn has_same_text(one: &str, other: &str) -> bool {
    let text = |body: &str| body.replace("\r\n", "\n").trim_end().to_owned();
    text(one) == text(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_its_comment_by_the_marker_at_the_start_and_by_the_author() {
        let marker = "<!-- clearml-gate 1 0123456789abcdef -->";
        let comment = |kind: &str, body: &str| json!({"id": 7, "user": {"type": kind}, "body": body});
        let is_ours = |comment: &Value, bots_only| ours(comment, marker, bots_only).is_some();
        for body in [marker.to_owned(), format!("{marker}\ntext"), format!("{marker}\r\ntext")] {
            assert!(is_ours(&comment("Bot", &body), true), "{body}");
            assert!(is_ours(&comment("User", &body), false), "{body}");
            assert!(!is_ours(&comment("User", &body), true), "{body}");
        }
        for body in
            ["", "text", " <!-- clearml-gate 1 0123456789abcdef -->", "<!-- clearml-gate 1 0123456789abcdee -->"]
        {
            assert!(!is_ours(&comment("Bot", body), false), "{body}");
        }
        let quoted = format!("> {marker}\ntext");
        assert!(!is_ours(&comment("Bot", &quoted), false));
        // The account was deleted; not a comment at all.
        assert!(!is_ours(&json!({"id": 7, "user": null, "body": marker}), true));
        for odd in [json!({}), json!({"id": -7, "body": marker}), json!({"id": 7, "body": null}), json!(7)] {
            assert!(!is_ours(&odd, false), "{odd}");
        }
    }

    #[test]
    fn ignores_line_breaks_when_comparing() {
        assert!(has_same_text("a\r\nb\r\n", "a\nb"));
        assert!(!has_same_text("a\nb", "a\n\nb"));
    }
}
