//! Where the commit comes from, and why there is none.

use std::fmt;

use crate::ci::{CommitSource, FoundCommit, NoCommit, NothingToGate};

/// Starts most phrases about `COMMIT_ID`.
const NOT_SET: &str = "is not set, and";

impl CommitSource {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "--commit-id",
            Self::Variable(name) => name,
            Self::PullRequest => "the pull request's head (event file)",
            Self::Push => "the pushed commit (event file)",
            Self::WorkflowRun => "the commit of the workflow run that triggered this one (event file)",
            Self::JenkinsHead => "the pull request's head, as Jenkins fetched it",
            Self::MergeQueue => "the head of the queued pull request",
            Self::Checkout => "the checked-out commit",
        }
    }
}

impl NothingToGate {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::PullRequestIsClosed => "the pull request is closed",
            Self::PullRequestWasClosed => "the pull request was closed",
            Self::ClosedWithoutMerge => "the pull request was closed without being merged",
            Self::Deleted => "a branch or tag was deleted",
        }
    }
}

/// Follows the name `COMMIT_ID`.
impl fmt::Display for NoCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { text, problem } => write!(f, "{text:?} {problem}"),
            Self::InvalidVariable { name, problem } => write!(f, "{NOT_SET} {name} {problem}"),
            Self::InvalidField { field, problem } => write!(f, "{NOT_SET} {field} in the event file {problem}"),
            Self::MissingField(field) => write!(f, "{NOT_SET} the event file has no {field}"),
            Self::NoEventFile => write!(f, "{NOT_SET} neither is GITHUB_EVENT_PATH"),
            Self::UnreadableEventFile(error) => write!(f, "{NOT_SET} the event file cannot be read: {error}"),
            Self::EventFileIsNotJson => write!(f, "{NOT_SET} the event file is not JSON"),
            Self::NotAMergeQueue(field) => {
                write!(f, "{NOT_SET} {field} in the event file names no pull request of a merge queue")
            }
            Self::Comment => write!(
                f,
                "{NOT_SET} a comment has no commit of its own: the runner reports the newest commit of the default \
                 branch. Set it to the head of the pull request"
            ),
            Self::MergeQueue { pull_request } => write!(
                f,
                "{NOT_SET} the commit of a merge queue is a temporary merge without a run. \
                 Set it to the head of pull request {pull_request}"
            ),
            Self::UnknownQueuedHead { pull_request, error } => {
                write!(f, "{NOT_SET} the head of the queued pull request {pull_request} could not be read: {error}")
            }
            Self::NothingToGate(reason) => write!(f, "is not needed: there is nothing to gate, {}", reason.as_str()),
            Self::Checkout(error) => write!(f, "{NOT_SET} the checked-out commit is unknown: {error}"),
            Self::Abbreviated { found: FoundCommit { commit, source }, error } => {
                match source {
                    CommitSource::Flag | CommitSource::Variable("COMMIT_ID") => write!(f, "{commit}")?,
                    source => write!(f, "{NOT_SET} {} ({commit})", source.as_str())?,
                }
                write!(
                    f,
                    " is abbreviated, and git cannot complete it: {error}. Give the full id, or run the gate in a \
                     checkout that contains this commit"
                )
            }
        }
    }
}
