//! What of an item an answer shows: `only_fields` with dotted paths and exclusions, joined references, old spellings.

use serde_json::{Map, Value, json};

use crate::error::{ApiError, Result};
use crate::metrics;
use crate::schema::{self, Kind, Schema};
use crate::version::Version;
use crate::workspace::{Workspace, id_of, strings};

/// How an endpoint shows items.
#[derive(Clone, Copy)]
pub(crate) struct View<'w> {
    pub(crate) schema: &'static Schema,
    pub(crate) workspace: &'w Workspace,
    /// `get_all_ex`: references are objects, joins work, the id is always there.
    pub(crate) extended: bool,
    /// The version the client asked for in the path.
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

    /// The item as the answer shows it.
    pub(crate) fn show(self, item: &Value, fields: &Fields) -> Value {
        let full = self.dressed(item);
        let everything = fields.included.iter().any(|path| path == "*");
        let mut shown = if fields.included.is_empty() || everything {
            let mut shown = full.clone();
            if !everything {
                self.schema.left_out.iter().for_each(|path| remove(&mut shown, path));
            }
            shown
        } else {
            let mut shown = json!({});
            fields.included.iter().for_each(|path| self.copy(&full, &mut shown, path));
            shown
        };
        fields.excluded.iter().for_each(|path| remove(&mut shown, path));
        if self.extended {
            shown["id"] = item["id"].clone();
        }
        shown
    }

    /// The whole item, with references, metrics and tags in the form this client gets.
    fn dressed(self, item: &Value) -> Value {
        let mut item = item.clone();
        let own = self.workspace.api_version;
        if let Some(last_metrics) = item.get_mut("last_metrics").filter(|_| own < Version(2, 31)) {
            metrics::as_of(last_metrics, own);
        }
        if self.requested < Version(2, 3) {
            let mut tags: Vec<String> =
                strings(&item["tags"]).into_iter().chain(strings(&item["system_tags"])).collect();
            tags.sort();
            tags.dedup();
            item["tags"] = tags.into();
        }
        if self.extended {
            for (name, _) in self.schema.fields.iter().filter(|(_, kind)| *kind == Kind::Reference) {
                if let Some(id) = item.get(*name).filter(|id| id.is_string()).cloned() {
                    item[*name] = json!({"id": id});
                }
            }
        }
        item
    }

    fn copy(self, from: &Value, to: &mut Value, path: &str) {
        let (top, below) = path.split_once('.').map_or((path, None), |(top, below)| (top, Some(below)));
        let Some(value) = from.get(top).filter(|value| !value.is_null()) else { return };
        match (below, self.schema.kind(top)) {
            (Some(below), Some(Kind::Reference)) => {
                to[top]["id"] = value["id"].clone();
                if let Some(joined) = self.joined(top, &id_of(value), below) {
                    to[top][below] = joined;
                }
            }
            _ => copy_path(from, to, path),
        }
    }

    fn joined(self, reference: &str, id: &str, field: &str) -> Option<Value> {
        let items = match reference {
            "project" => &self.workspace.projects,
            "parent" if self.schema.object == "Project" => &self.workspace.projects,
            "parent" => &self.workspace.tasks,
            _ => return schema::joined_name(reference).filter(|_| field == "name"),
        };
        items.iter().find(|item| item["id"] == id)?.get(field).cloned()
    }
}

/// Copies one path; the parents that exist are shown even where the end of the path does not.
fn copy_path(from: &Value, to: &mut Value, path: &str) {
    let (top, below) = path.split_once('.').map_or((path, None), |(top, below)| (top, Some(below)));
    let Some(value) = from.get(top).filter(|value| !value.is_null()) else { return };
    match below {
        None => to[top] = value.clone(),
        Some(below) => {
            if !to[top].is_object() {
                to[top] = Value::Object(Map::new());
            }
            copy_path(value, &mut to[top], below);
        }
    }
}

fn remove(item: &mut Value, path: &str) {
    match path.split_once('.') {
        Some((top, below)) => item.get_mut(top).into_iter().for_each(|value| remove(value, below)),
        None => {
            if let Some(fields) = item.as_object_mut() {
                fields.remove(path);
            }
        }
    }
}
