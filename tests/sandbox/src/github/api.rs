//! From a request to its answer: user agent, credentials, version, repository, permission, operation.

use serde_json::Value;

use crate::api::{Body, Reply};
use crate::http::Head;

use super::auth::{Access, Token};
use super::problem::{Problem, Result};
use super::routes::{Call, Named, Operation};
use super::shape::Site;
use super::state::{State, StoredRepository};
use super::{comments, pulls};

pub(super) const JSON: &str = "application/json; charset=utf-8";
const GENERAL: &str = "https://docs.github.com/rest";
const VERSION_OF_2022: &str = "2022-11-28";
const VERSION_OF_2026: &str = "2026-03-10";

/// What an operation works with.
pub(super) struct Context<'s> {
    pub(super) state: &'s mut State,
    pub(super) site: &'s Site,
    /// Its id.
    pub(super) repository: u64,
    /// None without a token.
    pub(super) caller: Option<Token>,
    pub(super) is_of_2026: bool,
}

impl Context<'_> {
    pub(super) fn repository(&self) -> Result<&StoredRepository> {
        self.state.find(|known| known.id == self.repository).ok_or_else(Problem::not_found)
    }
}

/// Answers one request and changes the state accordingly.
pub(super) fn answer(state: &mut State, site: &Site, head: &Head, body: &[u8], call: Option<&Call>) -> Reply {
    if head.header("user-agent").is_none_or(|agent| agent.trim().is_empty()) {
        return forbidden();
    }
    let documentation = call.map_or(GENERAL, |call| call.operation.documentation());
    let outcome = run(state, site, head, body, call);
    let mut reply = outcome.unwrap_or_else(|problem| problem.reply(documentation));
    if let (Some(call), true) = (call, head.header("authorization").is_some() && reply.status != 401) {
        let accepted = call.operation.accepted().to_owned();
        reply.headers.push(("x-accepted-github-permissions".to_owned(), accepted));
    }
    let version = head.header("x-github-api-version").unwrap_or(VERSION_OF_2022).to_owned();
    reply.headers.push(("x-github-api-version-selected".to_owned(), version));
    reply.headers.push(("x-github-media-type".to_owned(), "github.v3; format=json".to_owned()));
    reply
}

fn run(state: &mut State, site: &Site, head: &Head, body: &[u8], call: Option<&Call>) -> Result<Reply> {
    let caller = state.tokens.caller(head)?.cloned();
    let version = head.header("x-github-api-version").unwrap_or(VERSION_OF_2022);
    if ![VERSION_OF_2022, VERSION_OF_2026].contains(&version) {
        return Err(Problem::unsupported_version(version));
    }
    let call = call.ok_or_else(Problem::not_found)?;
    let repository = find(state, &call.repository, caller.as_ref())?;
    check(repository, &call.operation, caller.as_ref())?;
    let (repository, is_of_2026) = (repository.id, version == VERSION_OF_2026);
    let mut context = Context { state, site, repository, caller, is_of_2026 };
    match &call.operation {
        Operation::ListComments(number) => comments::list(&context, head, *number),
        Operation::CreateComment(number) => comments::create(&mut context, *number, body),
        Operation::GetComment(id) => comments::get(&context, *id),
        Operation::UpdateComment(id) => comments::update(&mut context, *id, body),
        Operation::DeleteComment(id) => comments::delete(&mut context, *id),
        Operation::GetPull(number) => pulls::get(&context, *number),
        Operation::PullsOfCommit(sha) => pulls::of_commit(&context, head, sha),
    }
}

/// Without a token, a private repository does not exist.
fn find<'s>(state: &'s State, named: &Named, caller: Option<&Token>) -> Result<&'s StoredRepository> {
    let found = state.find(|known| match named {
        Named::Full(name) => known.full_name.eq_ignore_ascii_case(name),
        Named::Id(id) => known.id == *id,
    });
    found.filter(|found| !found.private || caller.is_some()).ok_or_else(Problem::not_found)
}

/// Whether the operation's object exists and the caller has the permission.
fn check(repository: &StoredRepository, operation: &Operation, caller: Option<&Token>) -> Result<()> {
    let number = match operation {
        Operation::ListComments(number) | Operation::CreateComment(number) => Some(*number),
        Operation::GetComment(id) | Operation::UpdateComment(id) | Operation::DeleteComment(id) => {
            Some(repository.comments.get(id).ok_or_else(Problem::not_found)?.number)
        }
        Operation::GetPull(_) | Operation::PullsOfCommit(_) => None,
    };
    if number.is_some_and(|number| !repository.conversations.contains_key(&number)) {
        return Err(Problem::not_found());
    }
    let is_pull = number.is_none_or(|number| repository.is_pull(number));
    let Some(caller) = caller else {
        return if operation.writes() { Err(Problem::requires_authentication()) } else { Ok(()) };
    };
    let permissions = caller.permissions;
    let granted = if is_pull { permissions.pull_requests } else { permissions.issues };
    let needed = match (operation.writes(), repository.private) {
        (true, _) => Access::Write,
        (false, true) => Access::Read,
        (false, false) => Access::None,
    };
    if granted < needed { Err(Problem::not_accessible(caller.installation)) } else { Ok(()) }
}

/// A proxy before the API rejects this, without JSON.
fn forbidden() -> Reply {
    let body = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header \
        (https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent).";
    let body = Body::Text(body.to_owned());
    Reply { status: 403, headers: Vec::new(), content_type: "text/html".to_owned(), body }
}

pub(super) fn json_reply(status: u16, value: Value) -> Reply {
    Reply { status, headers: Vec::new(), content_type: JSON.to_owned(), body: Body::Utf8Json(value) }
}

pub(super) fn list_reply(shown: Vec<Value>, link: Option<String>) -> Reply {
    let mut reply = json_reply(200, Value::Array(shown));
    reply.headers.extend(link.map(|link| ("Link".to_owned(), link)));
    reply
}

/// Status 204.
pub(super) fn empty() -> Reply {
    Reply { status: 204, headers: Vec::new(), content_type: String::new(), body: Body::Text(String::new()) }
}
