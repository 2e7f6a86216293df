//! What can go wrong between this tool and GitHub, in one line each for the person who has to mend it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::GitHub;
use crate::net::http::{Answer, Failure, HeaderMap, header};
use crate::net::proxy::BadProxy;
use crate::text::plain::plain;

/// Why GitHub was not told, or did not tell.
#[derive(Debug)]
pub(crate) enum Error {
    /// `GITHUB_API_URL` is no address.
    BadAddress,
    /// A variable names no usable proxy.
    BadProxy(BadProxy),
    /// There is no `GITHUB_TOKEN`.
    NoToken,
    /// `GITHUB_TOKEN` cannot be sent.
    UnusableToken,
    /// The token is unknown, expired or revoked.
    BadToken,
    /// The token may not do this.
    NotAllowed,
    /// The same on a pull request from a fork.
    FromFork,
    /// There is no such thing, or the token may not see it.
    NotFound,
    /// The conversation takes no more comments.
    Locked,
    /// Too much was asked with this token.
    Limited(Limited),
    /// The list is too long to be looked through.
    TooMany,
    /// The comment is longer than the API takes.
    TooLong,
    /// Any other refusal.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The API's own words, harmless.
        message: String,
    },
    /// No answer that can be used.
    Failed {
        /// The API that was asked.
        host: String,
        /// What came of it.
        failure: Failure,
    },
}

/// A rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited {
    /// How long it lasts, where that is known.
    pub(super) wait: Option<Duration>,
}

/// The rate limit that an answer tells of.
pub(super) fn limited(answer: &Answer, headers: &HeaderMap) -> Option<Limited> {
    let number = |name| header(headers, name).parse().ok().map(Duration::from_secs);
    let used_up = header(headers, "x-ratelimit-remaining") == "0";
    let retry_after = number("retry-after");
    let is_limit = match answer.status {
        429 => true,
        // The same status refuses for other reasons; the words tell a limit that has no header.
        403 => used_up || retry_after.is_some() || mentions_limit(&answer.body),
        _ => false,
    };
    let until_reset = || {
        let reset = number("x-ratelimit-reset").filter(|_| used_up)?;
        Some(reset.saturating_sub(SystemTime::now().duration_since(UNIX_EPOCH).ok()?))
    };
    is_limit.then(|| Limited { wait: retry_after.or_else(until_reset) })
}

fn mentions_limit(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("rate limit")
}

impl Error {
    /// Whether a write that ended so may have been done all the same.
    pub(super) const fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Failed { failure: Failure::Unreachable(_) | Failure::Odd(_), .. })
    }
}

impl GitHub {
    pub(super) fn failed(&self, failure: Failure) -> Error {
        Error::Failed { host: self.api.to_string(), failure }
    }

    /// An answer that is none of GitHub's.
    pub(super) fn odd(&self, what: &str) -> Error {
        self.failed(Failure::Odd(what.to_owned()))
    }

    /// What an answer that says no means.
    pub(super) fn refused(&self, status: u16, answer: &Value) -> Error {
        let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
        match status {
            401 => Error::BadToken,
            403 if message.starts_with("Resource not accessible") => Error::NotAllowed,
            403 if message.contains("is locked") => Error::Locked,
            404 | 410 => Error::NotFound,
            // A proxy may repeat what was sent.
            _ => Error::Refused { status, message: plain(&self.token.blot_out(message)) },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadAddress => f.write_str("GITHUB_API_URL is not the address of a server"),
            Self::BadProxy(BadProxy { variable, problem }) => write!(f, "{variable} {problem}"),
            Self::NoToken => f.write_str(
                "GITHUB_TOKEN is not set: the action passes it by itself, another step needs it in env as \
                 ${{ github.token }}, Gitea or Forgejo as a token that may write to pull requests",
            ),
            Self::UnusableToken => {
                f.write_str("GITHUB_TOKEN is not set right: only visible ASCII characters are allowed")
            }
            Self::BadToken => f.write_str("GitHub does not take GITHUB_TOKEN: it is wrong, expired or revoked"),
            Self::NotAllowed => f.write_str(
                "GITHUB_TOKEN lacks a permission: the job needs `permissions: pull-requests: write` (read, where nothing is \
                 to be written), a personal token the same",
            ),
            Self::FromFork => f.write_str(
                "on a pull request from a fork GITHUB_TOKEN can only read: comment from a second workflow on \
                 workflow_run, with `permissions: pull-requests: write` (the README has the recipe)",
            ),
            Self::NotFound => f.write_str(
                "GitHub does not know the repository or the pull request, or GITHUB_TOKEN may not see it: the job needs \
                 `permissions: pull-requests: write` (read, where nothing is to be written)",
            ),
            Self::Locked => f.write_str("the conversation is locked, and GITHUB_TOKEN may not write to it"),
            Self::Limited(limited) => limited.fmt(f),
            Self::TooMany => f.write_str("the list is too long to be looked through to its end"),
            Self::TooLong => f.write_str("it is longer than GitHub allows"),
            Self::Refused { status, message } => write!(f, "GitHub refused: {message} (status {status})"),
            Self::Failed { host, failure: failure @ (Failure::UnknownHost | Failure::Unreachable(_)) } => {
                write!(f, "could not reach {host}: {failure}")
            }
            Self::Failed { host, failure: failure @ Failure::Untrusted(_) } => {
                write!(f, "no trusted connection to {host}: {failure}")
            }
            Self::Failed { host, failure: failure @ Failure::Odd(_) } => {
                write!(f, "{host} did not answer like GitHub's API: {failure}")
            }
        }
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rate limit of GITHUB_TOKEN is used up; ")?;
        match self.wait {
            Some(wait) => write!(f, "it takes requests again in about {} min", wait.as_secs().div_ceil(60).max(1)),
            None => f.write_str("try again in some minutes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Forge;
    use proptest::prelude::*;
    use ureq::http::{HeaderName, HeaderValue};

    fn limited(status: u16, headers: &[(&'static str, &str)], body: &str) -> Option<Limited> {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let answer = Answer { status, content_type: String::new(), body: body.as_bytes().to_vec() };
        super::limited(&answer, &headers.iter().map(pair).collect())
    }

    fn github() -> GitHub {
        let forge = Forge { repository: "acme/model".to_owned(), api: "https://api.github.com".to_owned() };
        GitHub::new(&forge, &[("GITHUB_TOKEN", "ghs_secret")].into_iter().collect()).unwrap()
    }

    #[test]
    fn limits_are_told_from_refusals() {
        let wait = |status, headers: &[_], body: &str| limited(status, headers, body).map(|limit| limit.wait);
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
        fn no_refusal_misleads_or_repeats_the_token(status in 100u16..600, before in ".{0,40}", after in ".*") {
            let message = format!("{before}ghs_secret{after}");
            let said = github().refused(status, &serde_json::json!({"message": message})).to_string();
            prop_assert!(!said.contains("ghs_secret") && !said.chars().any(char::is_control), "{said:?}");
        }
    }
}
