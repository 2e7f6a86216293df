//! Error answers.

use serde_json::{Value, json};

use crate::api::{Body, Reply};

use super::api::JSON;

pub(super) type Result<T> = std::result::Result<T, Problem>;

#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: u16,
    message: String,
    /// Shown instead of the operation's own page.
    documentation: Option<&'static str>,
    errors: Option<Value>,
}

impl Problem {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), documentation: None, errors: None }
    }

    fn see(mut self, documentation: &'static str) -> Self {
        self.documentation = Some(documentation);
        self
    }

    pub(super) fn bad_credentials() -> Self {
        Self::new(401, "Bad credentials").see("https://docs.github.com/rest")
    }

    pub(super) fn requires_authentication() -> Self {
        Self::new(401, "Requires authentication")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    pub(super) fn unsupported_version(version: &str) -> Self {
        Self::new(400, format!("Invalid API version: {version}"))
            .see("https://docs.github.com/rest/about-the-rest-api/api-versions")
    }

    pub(super) fn not_accessible(installation: bool) -> Self {
        let by = if installation { "integration" } else { "personal access token" };
        Self::new(403, format!("Resource not accessible by {by}"))
    }

    pub(super) fn locked() -> Self {
        Self::new(403, "Unable to create comment because issue is locked.")
            .see("https://docs.github.com/articles/locking-conversations/")
    }

    pub(super) fn not_json() -> Self {
        Self::new(400, "Problems parsing JSON")
    }

    /// The body is JSON, but not what the operation accepts.
    pub(super) fn invalid(why: &str) -> Self {
        Self::new(422, format!("Invalid request.\n\n{why}"))
    }

    pub(super) fn invalid_comment(message: &str) -> Self {
        let error = json!({"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": message});
        Self { errors: Some(json!([error])), ..Self::new(422, "Validation Failed") }
    }

    pub(super) fn no_commit(sha: &str) -> Self {
        Self::new(422, format!("No commit found for SHA: {sha}"))
    }

    /// `documentation` is the operation's page.
    pub(super) fn reply(self, documentation: &str) -> Reply {
        let mut body = json!({
            "message": self.message,
            "documentation_url": self.documentation.unwrap_or(documentation),
            "status": self.status.to_string(),
        });
        if let (Some(errors), Some(fields)) = (self.errors, body.as_object_mut()) {
            fields.insert("errors".to_owned(), errors);
        }
        Reply { status: self.status, headers: Vec::new(), content_type: JSON.to_owned(), body: Body::Utf8Json(body) }
    }
}
