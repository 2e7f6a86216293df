//! What can go wrong between this tool and ClearML. The words are in `wording::clearml`.

use std::time::Duration;

use super::json::Place;
use crate::model::run::TaskId;
use crate::net::http::{ConnectionProblem, Failure};
use crate::net::retry::GaveUp;

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

    /// The shortest pause after which the server may be reachable again; `None` if another attempt would fail as well. An
    /// unknown host is a typing error, unless the server `was_reached` before: then its name is gone while it restarts.
    pub(crate) fn retry_after(&self, was_reached: bool) -> Option<Duration> {
        match &self.cause {
            Cause::Failure(Failure::UnknownHost) if was_reached => Some(Duration::ZERO),
            Cause::Failure(Failure::Unreachable(problem)) => match problem.gave_up {
                Some(GaveUp::After(_)) => Some(Duration::ZERO),
                Some(GaveUp::LongPause(pause)) => Some(pause),
                None => matches!(problem.cause, ConnectionProblem::TotalTime(_)).then_some(Duration::ZERO),
            },
            _ => None,
        }
    }

    /// Whether the server may have made the change although it did not confirm it.
    pub(crate) const fn may_have_been_applied(&self) -> bool {
        !matches!(
            self.cause,
            Cause::Failure(Failure::UnknownHost | Failure::Untrusted(_)) | Cause::Refused { status: 400..500, .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::http::Unreachable;

    #[test]
    fn only_what_can_end_by_itself_is_tried_again() {
        let (hour, zero) = (Duration::from_hours(1), Some(Duration::ZERO));
        let retry_after = |cause, was_reached| {
            Error { operation: Operation::FindRuns, host: String::new(), cause }.retry_after(was_reached)
        };
        let unreachable =
            |cause, gave_up| Cause::Failure(Failure::Unreachable(Unreachable { gave_up, ..Unreachable::from(cause) }));
        for (cause, expected) in [
            (unreachable(ConnectionProblem::Refused, Some(GaveUp::After(hour))), zero),
            (unreachable(ConnectionProblem::Status(503), Some(GaveUp::LongPause(hour))), Some(hour)),
            (unreachable(ConnectionProblem::TotalTime(hour), None), zero),
            (unreachable(ConnectionProblem::ProxyCredentials, None), None),
            (Cause::Unexpected(Unexpected::NoToken), None),
            (Cause::Refused { status: 401, subcode: 0, message: String::new() }, None),
        ] {
            assert_eq!((retry_after(cause.clone(), false), retry_after(cause, true)), (expected, expected));
        }
        assert_eq!(retry_after(Cause::Failure(Failure::UnknownHost), false), None);
        assert_eq!(retry_after(Cause::Failure(Failure::UnknownHost), true), zero);
    }
}
