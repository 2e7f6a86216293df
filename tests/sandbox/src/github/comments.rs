//! The operations on comments.

use serde_json::Value;

use crate::api::Reply;
use crate::http::{Head, decode_query};
use crate::time;

use super::api::{Context, empty, json_reply, list_reply};
use super::paging::Page;
use super::problem::{Problem, Result};

/// In Unicode code points.
const LONGEST: usize = 65_536;

pub(super) fn list(context: &Context<'_>, head: &Head, number: u64) -> Result<Reply> {
    let (repository, site) = (context.repository()?, context.site);
    let since = decode_query(&head.path).get("since").and_then(Value::as_str).and_then(time::parse);
    let asked = repository.comments_of(number).filter(|comment| since.is_none_or(|since| comment.updated >= since));
    let asked: Vec<_> = asked.collect();
    let shown = Page::of(head).cut(asked.iter()).into_iter().map(|comment| site.comment(repository, comment));
    let address = format!("{}/repositories/{}/issues/{number}/comments", site.api(), repository.id);
    Ok(list_reply(shown.collect(), Page::of(head).link(head, &address, asked.len())))
}

pub(super) fn create(context: &mut Context<'_>, number: u64, body: &[u8]) -> Result<Reply> {
    let text = text_of(body)?;
    if context.repository()?.conversations.get(&number).is_some_and(|conversation| conversation.locked) {
        return Err(Problem::locked());
    }
    let caller = context.caller.clone().ok_or_else(Problem::requires_authentication)?;
    let stored = context.state.comment(context.repository, number, caller.user, &text, caller.installation);
    let stored = stored.ok_or_else(Problem::not_found)?;
    let repository = context.repository()?;
    let mut reply = json_reply(201, context.site.comment(repository, &stored));
    reply.headers.push(("Location".to_owned(), context.site.comment_url(repository, stored.id)));
    Ok(reply)
}

pub(super) fn get(context: &Context<'_>, id: u64) -> Result<Reply> {
    let repository = context.repository()?;
    let comment = repository.comments.get(&id).ok_or_else(Problem::not_found)?;
    Ok(json_reply(200, context.site.comment(repository, comment)))
}

pub(super) fn update(context: &mut Context<'_>, id: u64, body: &[u8]) -> Result<Reply> {
    let text = text_of(body)?;
    let now = context.state.clock.now();
    let repository = context.state.by_id(context.repository).ok_or_else(Problem::not_found)?;
    let comment = repository.comments.get_mut(&id).ok_or_else(Problem::not_found)?;
    comment.body = text;
    comment.updated = now;
    get(context, id)
}

pub(super) fn delete(context: &mut Context<'_>, id: u64) -> Result<Reply> {
    let repository = context.state.by_id(context.repository).ok_or_else(Problem::not_found)?;
    repository.comments.remove(&id).map(|_| empty()).ok_or_else(Problem::not_found)
}

/// The comment's text in a request's body.
fn text_of(body: &[u8]) -> Result<String> {
    let sent: Value = serde_json::from_slice(body).map_err(|_| Problem::not_json())?;
    let Value::Object(mut fields) = sent else {
        return Err(Problem::invalid(&format!("For 'links/0/schema', {sent} is not an object.")));
    };
    match fields.remove("body") {
        None => Err(Problem::invalid("\"body\" wasn't supplied.")),
        Some(Value::String(text)) if text.trim().is_empty() => Err(Problem::invalid_comment("Body cannot be blank")),
        Some(Value::String(text)) if text.chars().count() > LONGEST => {
            Err(Problem::invalid_comment("Body is too long (maximum is 65536 characters)"))
        }
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(Problem::invalid(&format!("For 'properties/body', {other} is not a string."))),
    }
}
