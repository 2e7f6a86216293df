//! What can go wrong between this tool and GitHub. `wording` turns it into one line.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::GitHub;
use crate::net::http::{Answer, Failure};
use crate::net::proxy::BadProxy;
use crate::text::sanitize;

/// Why GitHub could not be used.
#[derive(Debug)]
pub(crate) enum Error {
    /// `GITHUB_API_URL` is not an address.
    BadAddress,
    BadProxy(BadProxy),
    /// `GITHUB_TOKEN` is not set.
    NoToken,
    /// `GITHUB_TOKEN` contains a character that a header cannot have.
    UnusableToken,
    /// The token is unknown, expired or revoked.
    BadToken,
    /// The token lacks a permission.
    NotAllowed,
    /// The token lacks a permission, on a pull request from a fork.
    FromFork,
    /// The thing does not exist, or the token cannot see it.
    NotFound,
    /// The conversation is locked.
    Locked,
    RateLimited(RateLimit),
    /// The list has too many pages to read them all.
    ListTooLong,
    /// The API does not accept a comment of this length.
    CommentTooLong,
    /// Any other refusal.
    Refused {
        status: u16,
        /// The API's own words, sanitized.
        message: String,
    },
    /// No usable response.
    Failed {
        host: String,
        failure: Failure,
    },
    /// A response that is not GitHub's.
    Unexpected {
        host: String,
        problem: Unexpected,
    },
}

impl std::error::Error for Error {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unexpected {
    WebPage,
    NotJson,
    NotAList,
    NotAComment,
    /// A pull request without the commit that is its head.
    NoHead,
    /// The next page of the list is at another origin.
    NextPageElsewhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// The time until it ends, if known.
    pub(crate) wait: Option<Duration>,
}

impl RateLimit {
    /// The rate limit that an answer reports.
    pub(super) fn from_answer(answer: &Answer) -> Option<Self> {
        let seconds = |name| answer.header(name).parse().ok().map(Duration::from_secs);
        let used_up = answer.header("x-ratelimit-remaining") == "0";
        let retry_after = seconds("retry-after");
        let is_limit = match answer.status {
            429 => true,
            // Other refusals have this status too. Some limits have no header, only a message.
            403 => used_up || retry_after.is_some() || String::from_utf8_lossy(&answer.body).contains("rate limit"),
            _ => false,
        };
        let until_reset = || {
            let reset = seconds("x-ratelimit-reset").filter(|_| used_up)?;
            Some(reset.saturating_sub(SystemTime::now().duration_since(UNIX_EPOCH).ok()?))
        };
        is_limit.then(|| Self { wait: retry_after.or_else(until_reset) })
    }
}

impl Error {
    /// Whether the write that failed with this error may have been carried out.
    pub(super) const fn may_have_written(&self) -> bool {
        matches!(
            self,
            Self::Failed { failure: Failure::Unreachable(_) | Failure::Unexpected(_), .. } | Self::Unexpected { .. }
        )
    }
}

impl GitHub {
    pub(super) fn unexpected(&self, problem: Unexpected) -> Error {
        Error::Unexpected { host: self.api.to_string(), problem }
    }

    /// What a response with an error status means.
    pub(super) fn refused(&self, status: u16, answer: &Value) -> Error {
        let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
        match status {
            401 => Error::BadToken,
            403 if message.starts_with("Resource not accessible") => Error::NotAllowed,
            403 if message.contains("is locked") => Error::Locked,
            404 | 410 => Error::NotFound,
            // A proxy may repeat the request's headers.
            _ => Error::Refused { status, message: sanitize::name(&self.token.redact(message)) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Forge;
    use proptest::prelude::*;
    use ureq::http::{HeaderName, HeaderValue};

    fn rate_limit(status: u16, headers: &[(&'static str, &str)], body: &str) -> Option<RateLimit> {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        RateLimit::from_answer(&Answer { status, headers: headers.collect(), body: body.as_bytes().to_vec() })
    }

    fn github() -> GitHub {
        let forge = Forge { repository: "acme/model".to_owned(), api: "https://api.github.com".to_owned() };
        GitHub::new(&forge, &[("GITHUB_TOKEN", "ghs_secret")].into_iter().collect()).unwrap()
    }

    #[test]
    fn distinguishes_rate_limits_from_other_refusals() {
        let wait = |status, headers: &[_], body: &str| rate_limit(status, headers, body).map(|limit| limit.wait);
        let seconds = |seconds| Some(Some(Duration::from_secs(seconds)));
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "12")], "Resource not accessible by integration"), None);
        assert_eq!(wait(200, &[("x-ratelimit-remaining", "0")], ""), None);
        assert_eq!(wait(403, &[("retry-after", "3")], ""), seconds(3));
        assert_eq!(wait(429, &[("retry-after", "60")], ""), seconds(60));
        assert_eq!(wait(429, &[], ""), Some(None));
        assert_eq!(wait(403, &[], "You have exceeded a secondary rate limit."), Some(None));
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")], ""), seconds(0));
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "soon")], ""), Some(None));
    }

    proptest! {
        #[test]
        fn a_refusal_repeats_no_token_and_no_control_character(
            status in 100u16..600,
            before in ".{0,40}",
            after in ".*",
        ) {
            let message = format!("{before}ghs_secret{after}");
            let shown = github().refused(status, &serde_json::json!({"message": message})).to_string();
            prop_assert!(!shown.contains("ghs_secret") && !shown.chars().any(char::is_control), "{shown:?}");
        }
    }
}
