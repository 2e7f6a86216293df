//! The comment on a pull request: looked for by its marker, then created, updated, or left as it is.
//!
//! A write whose end is not known is never repeated blindly: the next round looks first. Two jobs that look at the same
//! moment can still both create a comment. From then on the older one is kept up to date; the other is left alone, since
//! to look again after each creation would need every page once more, could still miss a comment that the API does not
//! list yet, and would have to end in deleting something.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Error, GitHub, Method, PAGE, Result};

/// The API refuses a longer body; in Unicode code points.
const LONGEST: usize = 65_536;
/// How often the comment is looked for and written.
const ROUNDS: usize = 3;
/// What was written a moment ago may not be listed at once.
const SETTLING: Duration = Duration::from_secs(1);

/// Where a comment goes.
#[derive(Debug)]
pub(crate) struct PullRequest {
    /// The repository as owner/name, in characters that are safe in a URL.
    pub(crate) repository: String,
    /// The number of the pull request.
    pub(crate) number: u64,
    /// Whether it is known to come from a fork, whose workflow gets a token that can only read.
    pub(crate) from_fork: bool,
}

/// A comment of this gate.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: u64,
    pub(super) body: String,
}

impl GitHub {
    /// Puts the comment that begins with the marker into the conversation, or brings it up to date; what says the same
    /// already is not written. With `only_if_there` none is created.
    pub(crate) fn put_comment(&self, pull: &PullRequest, marker: &str, body: &str, only_if_there: bool) -> Result<()> {
        if body.chars().count() > LONGEST {
            return Err(Error::TooLong);
        }
        self.put(pull, marker, body, only_if_there).map_err(|error| match error {
            Error::NotAllowed if pull.from_fork => Error::FromFork,
            error => error,
        })
    }

    fn put(&self, pull: &PullRequest, marker: &str, body: &str, only_if_there: bool) -> Result<()> {
        let mut last = Error::NotFound;
        for _ in 0..ROUNDS {
            let found = self.find(pull, marker)?;
            let written = match &found {
                Some(found) if is_same(&found.body, body) => return Ok(()),
                Some(found) => self.update(pull, found.id, body),
                None if only_if_there => return Ok(()),
                None => self.create(pull, body),
            };
            last = match written {
                Ok(()) => return Ok(()),
                // Deleted meanwhile.
                Err(Error::NotFound) if found.is_some() => Error::NotFound,
                Err(error) if error.leaves_doubt() && self.http.pause(SETTLING).is_ok() => error,
                Err(error) => return Err(error),
            };
        }
        Err(last)
    }

    /// The oldest comment of this gate. The list is in the order of the ids.
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
        let (_, written) = self.ask(method, address, json!({"body": body}).to_string().as_bytes())?;
        let is_comment = written.get("id").is_some_and(Value::is_u64);
        is_comment.then_some(()).ok_or_else(|| self.odd("its answer is no comment"))
    }

    /// A pull request's conversation is that of an issue; its other comments belong to lines of code.
    fn comments(&self, pull: &PullRequest) -> String {
        format!("{}/repos/{}/issues/{}/comments", self.api, pull.repository, pull.number)
    }

    /// Whether the token is an app's, as that of a workflow run, and not a person's.
    fn is_installation(&self) -> bool {
        self.token.expose().starts_with("ghs_")
    }
}

/// A comment that this gate wrote. Anybody can write the marker; who writes as an app knows that a person's is none of
/// its own.
pub(super) fn ours(comment: &Value, marker: &str, bots_only: bool) -> Option<Found> {
    let (id, body) = (comment.get("id")?.as_u64()?, comment.get("body")?.as_str()?);
    let is_bot = comment.pointer("/user/type").and_then(Value::as_str) == Some("Bot");
    (body.starts_with(marker) && (is_bot || !bots_only)).then(|| Found { id, body: body.to_owned() })
}

/// Whether two bodies differ at most in what is no text: the kind of line breaks and blanks at the end.
fn is_same(one: &str, other: &str) -> bool {
    let text = |body: &str| body.replace("\r\n", "\n").trim_end().to_owned();
    text(one) == text(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_ours_by_its_first_characters_and_by_who_wrote_it() {
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
        // Of an account that is gone; and what is no comment at all.
        assert!(!is_ours(&json!({"id": 7, "user": null, "body": marker}), true));
        for odd in [json!({}), json!({"id": -7, "body": marker}), json!({"id": 7, "body": null}), json!(7)] {
            assert!(!is_ours(&odd, false), "{odd}");
        }
    }

    #[test]
    fn line_breaks_are_no_difference() {
        assert!(is_same("a\r\nb\r\n", "a\nb"));
        assert!(!is_same("a\nb", "a\n\nb"));
    }
}
