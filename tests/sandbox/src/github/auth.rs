//! Who the caller is and what it may do: tokens, their permissions, and the `Authorization` header.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::http::Head;
use crate::workspace::md5_hex;

use super::problem::Problem;
use super::state::{Account, User};

/// What a token may do with one type of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Only what everybody may do.
    None,
    /// Read.
    Read,
    /// Read and change.
    Write,
}

/// What a token may do.
///
/// Comments of a pull request need the permission for pull requests. The one for issues is not enough, although they
/// are issue comments and GitHub's documentation says that either is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// `issues`.
    pub issues: Access,
    /// `pull-requests`.
    pub pull_requests: Access,
}

impl Permissions {
    /// No access to either.
    #[must_use]
    pub fn none() -> Self {
        Self { issues: Access::None, pull_requests: Access::None }
    }

    /// Read access to both.
    #[must_use]
    pub fn read() -> Self {
        Self { issues: Access::Read, pull_requests: Access::Read }
    }

    /// Write access to both.
    #[must_use]
    pub fn write() -> Self {
        Self { issues: Access::Write, pull_requests: Access::Write }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) user: User,
    pub(super) permissions: Permissions,
    /// Belongs to a workflow run, not to a person.
    pub(super) installation: bool,
    pub(super) used: u64,
}

/// The issued tokens, and the number of requests without one.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    known: BTreeMap<String, Token>,
    given: usize,
    pub(super) anonymous: u64,
}

impl Tokens {
    pub(super) fn installation(&mut self, permissions: Permissions, long: bool) -> String {
        let user = User { login: "github-actions[bot]".to_owned(), account: Account::Bot };
        let token = if long {
            let [head, claims, signature] = [36, 300, 160].map(|length| self.random(length));
            format!("ghs_15368_{head}.{claims}.{signature}")
        } else {
            format!("ghs_{}", self.random(36))
        };
        self.known.insert(token.clone(), Token { user, permissions, installation: true, used: 0 });
        token
    }

    pub(super) fn personal(&mut self, login: &str, permissions: Permissions) -> String {
        let user = User { login: login.to_owned(), account: Account::User };
        let token = format!("ghp_{}", self.random(36));
        self.known.insert(token.clone(), Token { user, permissions, installation: false, used: 0 });
        token
    }

    pub(super) fn revoke(&mut self, token: &str) {
        self.known.remove(token);
    }

    /// Letters and digits, the same in every run.
    fn random(&mut self, length: usize) -> String {
        self.given += 1;
        let parts = (0..).map(|part| md5_hex(&format!("github token {} {part}", self.given)));
        parts.flat_map(String::into_bytes).map(char::from).take(length).collect()
    }

    /// None without the header. A problem if it has no known token.
    pub(super) fn caller(&self, head: &Head) -> Result<Option<&Token>, Problem> {
        let Some(header) = head.header("authorization") else { return Ok(None) };
        let token = credentials(header).and_then(|token| self.known.get(&token));
        token.map(Some).ok_or_else(Problem::bad_credentials)
    }

    /// Counts the request for the rate limit. Returns how much is used, and of how much.
    pub(super) fn count(&mut self, head: &Head) -> (u64, u64) {
        let token = head.header("authorization").and_then(credentials).and_then(|token| self.known.get_mut(&token));
        let (used, limit) = match token {
            Some(token) if token.installation => (&mut token.used, 1000),
            Some(token) => (&mut token.used, 5000),
            None => (&mut self.anonymous, 60),
        };
        *used += 1;
        (*used, limit)
    }
}

/// The token in an `Authorization` header, in a form that GitHub accepts.
pub(super) fn credentials(header: &str) -> Option<String> {
    let (scheme, rest) = header.trim().split_once(' ')?;
    let rest = rest.trim();
    let token = match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => rest.to_owned(),
        "basic" => {
            let pair = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
            pair.split_once(':')?.1.to_owned()
        }
        _ => return None,
    };
    (!token.is_empty() && !token.contains(char::is_whitespace)).then_some(token)
}
