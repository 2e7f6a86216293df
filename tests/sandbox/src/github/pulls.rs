//! The operations on pull requests.

use serde_json::{Value, json};

use crate::api::Reply;
use crate::http::Head;

use super::api::{Context, json_reply, list_reply};
use super::paging::Page;
use super::problem::{Problem, Result};
use super::seed::PullSeed;
use super::state::{Conversation, StoredRepository};

pub(super) fn get(context: &Context<'_>, number: u64) -> Result<Reply> {
    let repository = context.repository()?;
    let found = pulls(repository).find(|(_, pull)| pull.number == number);
    let (conversation, pull) = found.ok_or_else(Problem::not_found)?;
    let mut shown = shown(context, repository, conversation, pull);
    if let (Some(fields), Value::Object(more)) = (shown.as_object_mut(), details(repository, pull)) {
        fields.extend(more);
    }
    Ok(json_reply(200, shown))
}

/// The merged pull requests that brought a commit to the default branch. If there are none, those merged elsewhere and
/// the open ones.
pub(super) fn of_commit(context: &Context<'_>, head: &Head, sha: &str) -> Result<Reply> {
    let repository = context.repository()?;
    if !repository.knows_commit(sha) {
        return Err(Problem::no_commit(sha));
    }
    let with_it: Vec<_> = pulls(repository).filter(|(_, pull)| pull.has_commit(sha)).collect();
    let brought = |pull: &PullSeed| pull.merged && pull.base_ref == repository.default_branch;
    let is_on_default = with_it.iter().any(|(_, pull)| brought(pull));
    let listed =
        with_it.iter().filter(|(_, pull)| if is_on_default { brought(pull) } else { pull.open || pull.merged });
    let listed: Vec<_> = listed.map(|(conversation, pull)| shown(context, repository, conversation, pull)).collect();
    let address = format!("{}/repositories/{}/commits/{sha}/pulls", context.site.api(), repository.id);
    let link = Page::of(head).link(head, &address, listed.len());
    Ok(list_reply(Page::of(head).cut(listed.into_iter()), link))
}

fn pulls(repository: &StoredRepository) -> impl Iterator<Item = (&Conversation, &PullSeed)> {
    repository.conversations.values().filter_map(|own| own.pull.as_ref().map(|pull| (own, pull)))
}

/// The API version of 2026 no longer shows the merge commit.
fn shown(context: &Context<'_>, repository: &StoredRepository, conversation: &Conversation, pull: &PullSeed) -> Value {
    let mut shown = context.site.pull(repository, conversation, pull);
    if let (true, Some(fields)) = (context.is_of_2026, shown.as_object_mut()) {
        fields.remove("merge_commit_sha");
    }
    shown
}

/// What a list leaves out.
fn details(repository: &StoredRepository, pull: &PullSeed) -> Value {
    json!({
        "merged": pull.merged,
        "mergeable": pull.open.then_some(true),
        "mergeable_state": if pull.open { "clean" } else { "unknown" },
        "comments": repository.comments_of(pull.number).count(),
        "review_comments": 0,
        "commits": 1 + pull.commits.len(),
        "maintainer_can_modify": pull.fork.is_some(),
    })
}
