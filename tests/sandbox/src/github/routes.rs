//! Finds the operation for a method and a path.

/// An operation on a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    ListComments(u64),
    CreateComment(u64),
    GetComment(u64),
    UpdateComment(u64),
    DeleteComment(u64),
    GetPull(u64),
    PullsOfCommit(String),
}

/// How a path names the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    Full(String),
    /// As in the addresses of a `Link` header.
    Id(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) repository: Named,
    pub(super) operation: Operation,
}

impl Call {
    /// None for a path that is not implemented, or that does not support this method.
    pub(super) fn parse(prefix: &str, method: &str, path: &str) -> Option<Self> {
        let path = path.split('?').next()?.strip_prefix(prefix)?.strip_prefix('/')?;
        let parts: Vec<&str> = path.split('/').collect();
        let (repository, rest) = match parts.as_slice() {
            ["repos", owner, name, rest @ ..] => (Named::Full(format!("{owner}/{name}")), rest),
            ["repositories", id, rest @ ..] => (Named::Id(id.parse().ok()?), rest),
            _ => return None,
        };
        Some(Self { repository, operation: Operation::parse(method, rest)? })
    }
}

impl Operation {
    fn parse(method: &str, parts: &[&str]) -> Option<Self> {
        Some(match (method, parts) {
            ("GET", ["issues", number, "comments"]) => Self::ListComments(number.parse().ok()?),
            ("POST", ["issues", number, "comments"]) => Self::CreateComment(number.parse().ok()?),
            ("GET", ["issues", "comments", id]) => Self::GetComment(id.parse().ok()?),
            ("PATCH", ["issues", "comments", id]) => Self::UpdateComment(id.parse().ok()?),
            ("DELETE", ["issues", "comments", id]) => Self::DeleteComment(id.parse().ok()?),
            ("GET", ["pulls", number]) => Self::GetPull(number.parse().ok()?),
            ("GET", ["commits", sha, "pulls"]) => Self::PullsOfCommit((*sha).to_owned()),
            _ => return None,
        })
    }

    /// The name for faults and the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::ListComments(_) => "GET comments",
            Self::CreateComment(_) => "POST comments",
            Self::GetComment(_) => "GET comment",
            Self::UpdateComment(_) => "PATCH comment",
            Self::DeleteComment(_) => "DELETE comment",
            Self::GetPull(_) => "GET pull",
            Self::PullsOfCommit(_) => "GET commit pulls",
        }
    }

    pub(super) fn writes(&self) -> bool {
        matches!(self, Self::CreateComment(_) | Self::UpdateComment(_) | Self::DeleteComment(_))
    }

    pub(super) fn takes_body(&self) -> bool {
        matches!(self, Self::CreateComment(_) | Self::UpdateComment(_))
    }

    /// The query parameters it knows.
    pub(super) fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::ListComments(_) => &["per_page", "page", "since"],
            Self::PullsOfCommit(_) => &["per_page", "page"],
            _ => &[],
        }
    }

    /// The `x-accepted-github-permissions` header.
    pub(super) fn accepted(&self) -> &'static str {
        match self {
            Self::GetPull(_) | Self::PullsOfCommit(_) => "pull_requests=read",
            _ if self.writes() => "issues=write; pull_requests=write",
            _ => "issues=read; pull_requests=read",
        }
    }

    pub(super) fn documentation(&self) -> &'static str {
        match self {
            Self::ListComments(_) => "https://docs.github.com/rest/issues/comments#list-issue-comments",
            Self::CreateComment(_) => "https://docs.github.com/rest/issues/comments#create-an-issue-comment",
            Self::GetComment(_) => "https://docs.github.com/rest/issues/comments#get-an-issue-comment",
            Self::UpdateComment(_) => "https://docs.github.com/rest/issues/comments#update-an-issue-comment",
            Self::DeleteComment(_) => "https://docs.github.com/rest/issues/comments#delete-an-issue-comment",
            Self::GetPull(_) => "https://docs.github.com/rest/pulls/pulls#get-a-pull-request",
            Self::PullsOfCommit(_) => {
                "https://docs.github.com/rest/commits/commits#list-pull-requests-associated-with-a-commit"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Named, Operation};

    #[test]
    fn paths() {
        let full = |operation| Some(Call { repository: Named::Full("o/r".to_owned()), operation });
        assert_eq!(Call::parse("", "GET", "/repos/o/r/pulls/7"), full(Operation::GetPull(7)));
        let listed = Call::parse("/api/v3", "GET", "/api/v3/repos/o/r/issues/7/comments?page=2");
        assert_eq!(listed, full(Operation::ListComments(7)));
        let by_id = Call::parse("", "GET", "/repositories/5/commits/abc/pulls").map(|call| call.repository);
        assert_eq!(by_id, Some(Named::Id(5)));
        for (method, path) in [
            ("GET", "/repos/o/r"),
            ("PUT", "/repos/o/r/pulls/7"),
            ("GET", "//repos/o/r/pulls/7"),
            ("GET", "/repos/o/r/pulls/seven"),
            ("GET", "/repos/o/r/pulls/7/"),
        ] {
            assert_eq!(Call::parse("", method, path), None, "{method} {path}");
        }
        assert_eq!(Call::parse("/api/v3", "GET", "/repos/o/r/pulls/7"), None);
    }
}
