//! Wording: why GitHub could not be used.

use std::fmt::{self, Formatter};

use crate::github::{Error, RateLimit, Unexpected};
use crate::net::http::Failure;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadAddress => "GITHUB_API_URL is not the address of a server",
            Self::BadProxy(problem) => return problem.fmt(f),
            Self::NoToken => {
                "GITHUB_TOKEN is not set: the action sets it; another step needs GITHUB_TOKEN: ${{ github.token }} in its \
                 env; Gitea and Forgejo need a token that can write to pull requests"
            }
            Self::UnusableToken => "GITHUB_TOKEN is invalid: only visible ASCII characters are allowed",
            Self::BadToken => "GitHub rejected GITHUB_TOKEN: it is wrong, expired or revoked",
            Self::NotAllowed => {
                "GITHUB_TOKEN lacks a permission: the job needs `permissions: pull-requests: write` (read is enough if \
                 nothing is written); a personal access token needs the same"
            }
            Self::FromFork => {
                concat!(
                    "on a pull request from a fork, GITHUB_TOKEN can only read: comment from a second workflow that runs \
                     on workflow_run, with `permissions: pull-requests: write` (see ",
                    page!("docs/github.md#forks"),
                    ")"
                )
            }
            Self::NotFound => {
                "GitHub cannot find the repository or the pull request, or GITHUB_TOKEN cannot see it: the job needs \
                 `permissions: pull-requests: write` (read is enough if nothing is written)"
            }
            Self::Locked => "the conversation is locked, and GITHUB_TOKEN cannot write to it",
            Self::RateLimited(limit) => return limit.fmt(f),
            Self::ListTooLong => "the list has too many pages to search them all",
            Self::CommentTooLong => "it is longer than GitHub allows",
            Self::Refused { status, message } => {
                return write!(f, "GitHub rejected the request: {message} (status {status})");
            }
            Self::Failed { host, failure } => {
                return match failure {
                    Failure::UnknownHost | Failure::Unreachable(_) => write!(f, "could not reach {host}: {failure}"),
                    Failure::Untrusted(_) => write!(f, "no trusted connection to {host}: {failure}"),
                    Failure::Unexpected(_) => write!(f, "{host} did not respond like GitHub's API: {failure}"),
                };
            }
            Self::Unexpected { host, problem } => {
                return write!(f, "{host} did not respond like GitHub's API: {problem}");
            }
        })
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the rate limit of GITHUB_TOKEN is used up; ")?;
        match self.wait {
            Some(wait) => write!(f, "it is reset in about {} min", wait.as_secs().div_ceil(60).max(1)),
            None => f.write_str("try again in a few minutes"),
        }
    }
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebPage => "it sent a web page instead of JSON",
            Self::NotJson => "its response is not JSON",
            Self::NotAList => "its response is not a list",
            Self::NotAComment => "its response is not a comment",
            Self::NoHead => "its pull request has no head commit",
            Self::NextPageElsewhere => "the next page of its list is at another address, which must not get the token",
        })
    }
}
