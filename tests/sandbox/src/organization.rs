//! The `organization` service: counts.

use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::error::Result;
use crate::listing::Listing;
use crate::schema;

/// Counts tasks and projects by the filters of their listings.
pub(crate) fn get_entities_count(call: &mut Call<'_>) -> Result<Value> {
    let mut data = Map::new();
    for (name, schema) in [("tasks", &schema::TASK), ("projects", &schema::PROJECT)] {
        let Some(filters) = call.parameters.get(name).and_then(Value::as_object) else { continue };
        let mut filters = filters.clone();
        if let Some(hidden) = call.parameters.get("search_hidden") {
            filters.insert("search_hidden".to_owned(), hidden.clone());
        }
        let listing = Listing { schema, extended: false, requested: call.requested };
        let count = listing.count(call.workspace, &filters)?;
        let limit = call.parameters.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        data.insert(name.to_owned(), json!(count.min(limit.unwrap_or(usize::MAX))));
    }
    Ok(Value::Object(data))
}
