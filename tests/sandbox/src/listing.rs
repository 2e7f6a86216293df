//! `get_all` and `get_all_ex` of tasks, projects and models: select, sort, cut into pages or scroll, show.

use serde_json::{Map, Value, json};

use crate::error::{ApiError, Result};
use crate::order;
use crate::projection::View;
use crate::query::Query;
use crate::schema::Schema;
use crate::version::Version;
use crate::workspace::Workspace;

/// A listing endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Listing {
    pub(crate) schema: &'static Schema,
    pub(crate) extended: bool,
    pub(crate) requested: Version,
}

/// Where to start and how many items to return.
struct Window {
    skip: usize,
    take: usize,
    scroll_id: Option<String>,
}

impl Listing {
    /// How many items the filters select.
    pub(crate) fn count(self, workspace: &Workspace, parameters: &Map<String, Value>) -> Result<usize> {
        let query = Query::parse(self.schema, parameters, workspace.api_version)?;
        Ok(self.items(workspace).iter().filter(|item| query.selects(item)).count())
    }

    fn items(self, workspace: &Workspace) -> &[Value] {
        match self.schema.object {
            "Task" => &workspace.tasks,
            "Model" => &workspace.models,
            _ => &workspace.projects,
        }
    }

    /// The items, and the scroll id if the client scrolls.
    pub(crate) fn run(
        self,
        workspace: &mut Workspace,
        parameters: &Map<String, Value>,
    ) -> Result<(Vec<Value>, Option<String>)> {
        let window = window(workspace, parameters)?;
        let query = Query::parse(self.schema, parameters, workspace.api_version)?;
        let view = View { schema: self.schema, workspace, extended: self.extended, requested: self.requested };
        let fields = view.fields(parameters.get("only_fields"))?;
        let mut selected: Vec<&Value> = self.items(workspace).iter().filter(|item| query.selects(item)).collect();
        order::sort(&mut selected, parameters.get("order_by"), self.extended);
        let page = selected.into_iter().skip(window.skip).take(window.take);
        let shown: Vec<Value> = page.map(|item| view.show(item, &fields)).collect();
        if let Some(id) = &window.scroll_id {
            workspace.scrolls.insert(id.clone(), window.skip + shown.len());
        }
        Ok((shown, window.scroll_id))
    }
}

/// The answer's `data`.
pub(crate) fn answer(name: &str, (items, scroll_id): (Vec<Value>, Option<String>)) -> Value {
    let mut data = json!({ name: items });
    if let Some(scroll_id) = scroll_id {
        data["scroll_id"] = scroll_id.into();
    }
    data
}

fn window(workspace: &mut Workspace, parameters: &Map<String, Value>) -> Result<Window> {
    if parameters.contains_key("scroll_id") {
        return scroll(workspace, parameters);
    }
    let page = integer(parameters, "page")?.unwrap_or(0);
    let size = integer(parameters, "page_size")?;
    let Ok(page) = usize::try_from(page) else {
        return Err(ApiError::new(400, 12, "Validation error (page must be >=0): field=page"));
    };
    let Some(size) = size.map_or(Some(workspace.page_cap), |size| usize::try_from(size).ok().filter(|size| *size > 0))
    else {
        return Err(ApiError::new(400, 12, "Validation error (page_size must be >0): field=page_size"));
    };
    let take = size.min(workspace.page_cap);
    Ok(Window { skip: page.saturating_mul(take), take, scroll_id: None })
}

/// The answers of a scroll are not capped.
fn scroll(workspace: &mut Workspace, parameters: &Map<String, Value>) -> Result<Window> {
    let size = integer(parameters, "size")?.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    let Some(take) = size else {
        let message = "Integer size parameter greater than 1 should be provided when working with scroll";
        return Err(ApiError::validation(message));
    };
    let Some(id) = parameters.get("scroll_id").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
        let scroll_id = Some(workspace.new_id());
        return Ok(Window { skip: 0, take, scroll_id });
    };
    match workspace.scrolls.get(id) {
        Some(skip) => Ok(Window { skip: *skip, take, scroll_id: Some(id.to_owned()) }),
        // Not in the captures: the real server drops a scroll after ten minutes, and this one never does.
        None => Err(ApiError::new(400, 104, format!("Invalid scroll id: scroll_id={id}"))),
    }
}

/// Numbers in a query string arrive as text.
fn integer(parameters: &Map<String, Value>, name: &str) -> Result<Option<i64>> {
    let value = parameters.get(name).unwrap_or(&Value::Null);
    let parsed = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    match (value, parsed) {
        (Value::Null, _) => Ok(None),
        (_, Some(number)) => Ok(Some(number)),
        _ => Err(ApiError::validation(format!("integer expected for {name}"))),
    }
}
