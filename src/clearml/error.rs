//! What can go wrong between this tool and ClearML. The words are in `wording::clearml`.

use super::json::Place;
use crate::model::run::TaskId;
use crate::net::http::Failure;

/// A request that did not return what was expected.
#[derive(Debug, Clone)]
pub(crate) struct Error {
    pub(crate) operation: Operation,
    /// The API server.
    pub(crate) host: String,
    pub(crate) cause: Cause,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    LogIn,
    FindProject,
    ListProjects,
    FindRuns,
    FindTaggedRuns,
    ListNewestRuns,
    ListTaskNames,
    ListMetrics,
    CheckUncommittedChanges,
    ReadEvents,
    ReadLog,
    ReadCurves,
    AddTag,
    RemoveTag,
}

#[derive(Debug, Clone)]
pub(crate) enum Cause {
    /// There is no HTTP response that can be used.
    Failure(Failure),
    /// The response is not what ClearML returns to this request.
    Unexpected(Unexpected),
    /// ClearML refused the request.
    Refused {
        /// The HTTP status.
        status: u16,
        /// ClearML's finer code.
        subcode: i64,
        message: String,
    },
}

impl From<Unexpected> for Cause {
    fn from(unexpected: Unexpected) -> Self {
        Self::Unexpected(unexpected)
    }
}

/// How a response differs from what was expected. Nothing of the response is repeated: it may contain a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unexpected {
    WebPage {
        status: u16,
    },
    Empty {
        status: u16,
    },
    /// It has no envelope of ClearML's.
    NotClearMl {
        status: u16,
        bytes: usize,
        place: Option<Place>,
    },
    /// Its data has another shape.
    Shape(Option<Place>),
    /// A login returned no usable token.
    NoToken,
    /// It contains tasks that were not requested.
    OtherTasks,
    /// It says nothing about a task that was requested.
    TaskLeftOut(TaskId),
    /// There are more than this many pages.
    TooManyPages(usize),
    /// A task no longer exists.
    TaskGone(TaskId),
    /// The server accepted the tag, but the candidate does not have it.
    TagNotKept,
}

impl Error {
    /// Whether the server could not be reached, so that another run may succeed without a change in ClearML.
    pub(crate) const fn is_unreachable(&self) -> bool {
        matches!(self.cause, Cause::Failure(Failure::UnknownHost | Failure::Unreachable(_)))
    }

    /// Whether the server may have made the change although it did not confirm it.
    pub(crate) const fn may_have_been_applied(&self) -> bool {
        !matches!(
            self.cause,
            Cause::Failure(Failure::UnknownHost | Failure::Untrusted(_)) | Cause::Refused { status: 400..500, .. }
        )
    }
}
