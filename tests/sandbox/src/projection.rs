//! What an answer shows of an item: `only_fields` with dotted paths and exclusions, joined references, old spellings.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::error::{ApiError, Result};
use crate::json;
use crate::metrics;
use crate::schema::{self, Kind, Schema};
use crate::version::Version;
use crate::workspace::{Workspace, id_of, strings};

/// How an endpoint shows items.
#[derive(Clone, Copy)]
pub(crate) struct View<'w> {
    pub(crate) schema: &'static Schema,
    pub(crate) workspace: &'w Workspace,
    /// `get_all_ex`: references are objects, joins work, the id is always included.
    pub(crate) extended: bool,
    /// The API version in the request's path.
    pub(crate) requested: Version,
}

/// The parsed `only_fields`.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    included: Vec<String>,
    excluded: Vec<String>,
}

impl View<'_> {
    pub(crate) fn fields(self, only_fields: Option<&Value>) -> Result<Fields> {
        let wanted = match only_fields {
            Some(Value::String(single)) => vec![single.clone()],
            Some(list) => strings(list),
            None => Vec::new(),
        };
        let mut fields = Fields::default();
        for path in wanted {
            let (path, list) = match path.strip_prefix('-') {
                Some(excluded) => (excluded.to_owned(), &mut fields.excluded),
                None => (path, &mut fields.included),
            };
            self.check(&path)?;
            list.push(path);
        }
        Ok(fields)
    }

    fn check(self, path: &str) -> Result<()> {
        let top = path.split('.').next().unwrap_or(path);
        if path != "*" && self.schema.kind(top).is_none() {
            let object = self.schema.object;
            let message = format!("Fields not defined for object: fields=({top}), object={object}");
            return Err(ApiError::new(400, 14, message));
        }
        if path == "*" { Ok(()) } else { self.schema.resolve(path, self.extended) }
    }

    /// The item in the form of the answer.
    pub(crate) fn show(self, item: &Value, fields: &Fields) -> Value {
        let everything = fields.included.iter().any(|path| path == "*");
        let mut shown = json!({});
        if fields.included.is_empty() || everything {
            for name in item.as_object().into_iter().flat_map(Map::keys) {
                if everything || !self.schema.left_out.contains(&name.as_str()) {
                    shown[name] = self.field(item, name).map_or(Value::Null, Cow::into_owned);
                }
            }
        } else {
            fields.included.iter().for_each(|path| self.copy(item, &mut shown, path));
        }
        fields.excluded.iter().for_each(|path| remove(&mut shown, path));
        if self.extended {
            shown["id"] = item["id"].clone();
        }
        shown
    }

    /// One field in the form for this client: references, metrics and tags depend on the client's version.
    fn field<'i>(self, item: &'i Value, name: &str) -> Option<Cow<'i, Value>> {
        let value = item.get(name)?;
        let own = self.workspace.api_version;
        if self.extended && self.schema.kind(name) == Some(Kind::Reference) && value.is_string() {
            return Some(Cow::Owned(json!({"id": value})));
        }
        match name {
            "last_metrics" if own < Version(2, 31) => {
                let mut metrics = value.clone();
                metrics::as_of(&mut metrics, own);
                Some(Cow::Owned(metrics))
            }
            "tags" if self.requested < Version(2, 3) => {
                let mut tags: Vec<String> = strings(value).into_iter().chain(strings(&item["system_tags"])).collect();
                tags.sort();
                tags.dedup();
                Some(Cow::Owned(tags.into()))
            }
            "execution" if self.extended && value["queue"].is_string() => {
                let mut execution = value.clone();
                execution["queue"] = json!({"id": value["queue"]});
                Some(Cow::Owned(execution))
            }
            "models" if self.extended => Some(Cow::Owned(linked(value, |id| json!({"id": id})))),
            _ => Some(Cow::Borrowed(value)),
        }
    }

    fn copy(self, from: &Value, to: &mut Value, path: &str) {
        let (top, below) = path.split_once('.').map_or((path, None), |(top, below)| (top, Some(below)));
        let Some(value) = self.field(from, top).filter(|value| !value.is_null()) else { return };
        match (below, self.schema.kind(top)) {
            (Some(below), Some(Kind::Reference)) => {
                to[top]["id"] = value["id"].clone();
                if let Some(joined) = self.joined(top, &id_of(&value), below) {
                    to[top][below] = joined;
                }
            }
            (Some(below), _) if self.extended && top == "models" && below.contains(".model.") => {
                let known = |id: &Value| self.workspace.models.iter().find(|model| model["id"] == *id).cloned();
                let joined = linked(&from["models"], |id| known(id).unwrap_or_else(|| json!({"id": id})));
                copy_below(&joined, &mut to[top], below);
                let (link, _) = below.split_once(".model.").unwrap_or_default();
                copy_below(&joined, &mut to[top], &format!("{link}.model.id"));
            }
            (None, _) => to[top] = value.into_owned(),
            (Some(below), _) => copy_below(&value, &mut to[top], below),
        }
    }

    fn joined(self, reference: &str, id: &str, field: &str) -> Option<Value> {
        let items = match reference {
            "project" => &self.workspace.projects,
            "parent" if self.schema.object == "Project" => &self.workspace.projects,
            "parent" | "task" => &self.workspace.tasks,
            _ => return schema::joined_name(reference).filter(|_| field == "name"),
        };
        items.iter().find(|item| item["id"] == id)?.get(field).cloned()
    }
}

/// A task's models, with `show` applied to each reference.
fn linked(models: &Value, show: impl Fn(&Value) -> Value) -> Value {
    let mut models = models.clone();
    for link in models.as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_array_mut).flatten() {
        link["model"] = show(&link["model"]);
    }
    models
}

/// Copies what is at the path below a value. Parents that exist are included even if the end of the path is missing.
/// In a list, this applies to each element.
fn copy_below(from: &Value, to: &mut Value, path: &str) {
    if let Value::Array(items) = from {
        let kept = to.as_array().cloned().unwrap_or_default();
        let copies = items.iter().enumerate().map(|(index, item)| {
            let mut copy = kept.get(index).cloned().unwrap_or_default();
            copy_below(item, &mut copy, path);
            copy
        });
        *to = copies.collect();
        return;
    }
    if !to.is_object() {
        *to = Value::Object(Map::new());
    }
    let (top, below) = path.split_once('.').map_or((path, None), |(top, below)| (top, Some(below)));
    let top = &*json::unescaped(top);
    let Some(value) = from.get(top).filter(|value| !value.is_null()) else { return };
    match below {
        None => to[top] = value.clone(),
        Some(below) => copy_below(value, &mut to[top], below),
    }
}

fn remove(item: &mut Value, path: &str) {
    match path.split_once('.') {
        Some((top, below)) => {
            item.get_mut(&*json::unescaped(top)).into_iter().for_each(|value| remove(value, below));
        }
        None => {
            if let Some(fields) = item.as_object_mut() {
                fields.remove(&*json::unescaped(path));
            }
        }
    }
}
