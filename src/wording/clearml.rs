//! Wording: what went wrong with ClearML, and what to do.

use std::fmt;

use crate::clearml::{Cause, Error, Operation, Place, Unexpected};
use crate::net::http::Failure;

const CHECK_HOST: &str = "Check that CLEARML_API_HOST is the API server (https://api.clear.ml, or port 8008), not the web \
                          app (https://app.clear.ml, or port 8080).";
const REPORT: &str = "If this message does not help, please report it, with the versions of ClearML and clearml-gate.";

impl Error {
    /// What to do about it, in one sentence.
    pub(crate) const fn advice(&self) -> &'static str {
        match &self.cause {
            Cause::Failure(Failure::UnknownHost) => "Check CLEARML_API_HOST for typos.",
            Cause::Failure(Failure::Unreachable(_)) => "Check that the server is up and reachable from this machine.",
            Cause::Failure(Failure::Untrusted(problem)) => problem.advice(),
            Cause::Refused { status: 401, .. } => {
                "Check CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY; create new ones in ClearML under Settings > Workspace."
            }
            Cause::Refused { status: 403, .. } => "Give the owner of these credentials write access to the project.",
            Cause::Unexpected(
                Unexpected::OtherTasks
                | Unexpected::TaskLeftOut(_)
                | Unexpected::TooManyPages(_)
                | Unexpected::TaskGone(_)
                | Unexpected::TagNotKept,
            )
            | Cause::Refused { .. } => REPORT,
            Cause::Failure(Failure::Unexpected(_)) | Cause::Unexpected(_) => CHECK_HOST,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, host, cause } = self;
        match cause {
            Cause::Failure(failure @ (Failure::UnknownHost | Failure::Unreachable(_))) => {
                write!(f, "could not reach {host} {operation}: {failure}")
            }
            Cause::Failure(failure @ Failure::Untrusted(_)) => {
                write!(f, "no trusted connection to {host} {operation}: {failure}")
            }
            Cause::Failure(failure @ Failure::Unexpected(_)) => {
                write!(f, "{host} sent an unexpected response when asked {operation}: {failure}")
            }
            Cause::Unexpected(unexpected) => {
                write!(f, "{host} sent an unexpected response when asked {operation}: {unexpected}")
            }
            Cause::Refused { status, subcode, message } => {
                write!(
                    f,
                    "ClearML at {host} rejected the request {operation}: {message} (status {status}, code {subcode})"
                )
            }
        }
    }
}

/// The infinitive, as in "rejected the request to log in".
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogIn => "to log in",
            Self::FindProject => "to find the project",
            Self::ListProjects => "to list the projects",
            Self::FindRuns => "to find the runs",
            Self::FindTaggedRuns => "to find the runs with the tag",
            Self::ListNewestRuns => "to list the newest runs",
            Self::ListTaskNames => "to list the task names",
            Self::ListMetrics => "to list the metrics",
            Self::CheckUncommittedChanges => "to check for uncommitted changes",
            Self::ReadEvents => "to read the metric's events",
            Self::ReadLog => "to read the log of the candidate",
            Self::ReadCurves => "to read the curves",
            Self::AddTag => "to add the tag to the candidate",
            Self::RemoveTag => "to remove the tag from the previous baseline",
        })
    }
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebPage { status } => write!(f, "it is a web page (status {status}), not JSON"),
            Self::Empty { status } => write!(f, "it is empty (status {status})"),
            Self::NotClearMl { status, bytes, place } => {
                let place = place.map_or_else(String::new, |place| format!("; {place}"));
                write!(f, "it is not ClearML's JSON (status {status}, {bytes} bytes{place})")
            }
            Self::Shape(None) => f.write_str("its JSON has an unexpected shape"),
            Self::Shape(Some(place)) => write!(f, "its JSON has an unexpected shape ({place})"),
            Self::NoToken => f.write_str("it contains no usable token"),
            Self::OtherTasks => f.write_str("it contains tasks that were not requested"),
            Self::TaskLeftOut(id) => write!(f, "it leaves out task {}, which was requested", id.as_str()),
            Self::TooManyPages(most) => write!(f, "there are more than {most} pages of tasks"),
            Self::TaskGone(id) => write!(f, "task {} no longer exists", id.as_str()),
            Self::TagNotKept => f.write_str("the update succeeded, but the candidate does not have the tag"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
