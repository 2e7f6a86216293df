//! What can go wrong between this tool and ClearML, worded for the person who has to mend it.

use std::fmt;

use crate::net::http::{Failure, Unexpected};

/// A request that did not give what was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Error {
    /// What was attempted, as in "to log in".
    pub(crate) operation: &'static str,
    /// The server it was asked of.
    pub(crate) host: String,
    /// What came of it.
    pub(crate) cause: Cause,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub(crate) enum Cause {
    /// No answer that can be used.
    Failure(Failure),
    /// ClearML's own refusal.
    Refused {
        /// The HTTP status.
        status: u16,
        /// ClearML's finer code.
        subcode: i64,
        /// ClearML's message.
        message: String,
    },
}

impl Cause {
    /// An answer that is none of ClearML's.
    pub(super) const fn odd(what: String) -> Self {
        Self::Failure(Failure::Unexpected(Unexpected::Content(what)))
    }
}

impl Error {
    /// Whether another run may fare better without anybody doing anything at ClearML's side.
    pub(crate) const fn is_unreachable(&self) -> bool {
        matches!(self.cause, Cause::Failure(Failure::UnknownHost | Failure::Unreachable(_)))
    }

    /// Whether the server may have done what it was asked, although its answer is none that says so.
    pub(crate) const fn may_have_been_obeyed(&self) -> bool {
        !matches!(
            self.cause,
            Cause::Failure(Failure::UnknownHost | Failure::Untrusted(_)) | Cause::Refused { status: 400..500, .. }
        )
    }

    /// What to do about it.
    pub(crate) const fn advice(&self) -> &'static str {
        match &self.cause {
            Cause::Failure(Failure::UnknownHost) => "Check CLEARML_API_HOST for a typing error.",
            Cause::Failure(Failure::Unreachable(_)) => "Check that the server is up and reachable from this machine.",
            Cause::Failure(Failure::Untrusted(problem)) => problem.advice(),
            Cause::Failure(Failure::Unexpected(_)) => {
                "Check that CLEARML_API_HOST is the API server (https://api.clear.ml, or port 8008), not the web app \
                 (https://app.clear.ml, or port 8080)."
            }
            Cause::Refused { status: 401, .. } => {
                "Check CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY; new ones are made in ClearML under Settings, Workspace."
            }
            Cause::Refused { status: 403, .. } => "The credential's user needs permission for this project.",
            Cause::Refused { .. } => {
                "If the message does not help, report it with the versions of the server and of this tool."
            }
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
                write!(f, "{host} did not answer like a ClearML API server when asked {operation}: {failure}")
            }
            Cause::Refused { status, subcode, message } => {
                write!(f, "ClearML at {host} refused {operation}: {message} (status {status}, code {subcode})")
            }
        }
    }
}
