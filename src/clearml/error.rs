//! What can go wrong between this tool and ClearML, worded for the person who has to mend it.

use std::fmt;

use crate::http::Failure;

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
    /// No answer, however often it was tried.
    Unreachable(String),
    /// An answer that is none of ClearML's.
    Odd(String),
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

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(cause) => Self::Unreachable(cause),
            Failure::Odd(cause) => Self::Odd(cause),
        }
    }
}

impl Error {
    /// Whether another run may fare better without anybody doing anything.
    pub(crate) const fn is_unreachable(&self) -> bool {
        matches!(self.cause, Cause::Unreachable(_))
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match &self.cause {
            Cause::Unreachable(cause) if cause.contains("no host of that name") => {
                "Check CLEARML_API_HOST for a typing error."
            }
            Cause::Unreachable(_) => "Check that the server is up and reachable from this machine.",
            Cause::Odd(_) => {
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
            Cause::Unreachable(cause) => write!(f, "could not reach {host} {operation}: {cause}"),
            Cause::Odd(cause) => {
                write!(f, "{host} did not answer like a ClearML API server when asked {operation}: {cause}")
            }
            Cause::Refused { status, subcode, message } => {
                write!(f, "ClearML at {host} refused {operation}: {message} (status {status}, code {subcode})")
            }
        }
    }
}

impl std::error::Error for Error {}
