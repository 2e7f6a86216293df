//! Which items a `get_all` request selects: the plain filters, `filters` and the `_any_` family.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::error::{ApiError, Result};
use crate::json;
use crate::pattern::{self, Pattern};
use crate::schema::{self, Schema};
use crate::tags::{self, Membership};
use crate::time;
use crate::version::Version;

/// A request's parsed filters. An item must match all of them.
pub(crate) struct Query {
    conditions: Vec<Condition>,
}

enum Condition {
    Member { field: String, of: Membership },
    Equal { path: String, to: Vec<Value> },
    Matches { fields: Vec<String>, pattern: Pattern, all: bool },
    Between { path: String, from: Option<f64>, to: Option<f64> },
    Time { field: String, ordering: Comparison, than: i64 },
    NotHidden,
}

#[derive(Clone, Copy)]
enum Comparison {
    AtLeast,
    AtMost,
    After,
    Before,
    Exactly,
}

/// `any`-like names need a match in one of their fields, `all`-like ones in each. A request can have all four.
const MULTI_FIELD: [(&str, bool); 4] = [("_any_", false), ("_or_", false), ("_all_", true), ("_and_", true)];

impl Query {
    pub(crate) fn parse(schema: &Schema, parameters: &Map<String, Value>, api: Version) -> Result<Self> {
        let mut conditions = Vec::new();
        for (name, value) in parameters {
            if schema::names(schema.list_filters, name) {
                conditions.extend(member(name, value)?);
            } else if schema::names(schema.exact_filters, name) {
                conditions.extend(equal(name, value));
            } else if schema.pattern_filters.contains(&name.as_str()) {
                conditions.extend(named(name, value)?);
            } else if schema::names(schema.range_filters, name) {
                conditions.extend(between(name, value)?);
            } else if schema.time_filters.contains(&name.as_str()) {
                conditions.extend(times(name, value)?);
            }
        }
        for (name, all) in MULTI_FIELD {
            conditions.extend(multi_field(schema, name, all, parameters.get(name))?);
        }
        // Older servers do not know `filters` and ignore it, so nothing is filtered.
        if api >= Version(2, 27) {
            conditions.extend(dictionaries(schema, parameters.get("filters"))?);
        }
        if !asks_for_hidden(parameters) {
            conditions.push(Condition::NotHidden);
        }
        Ok(Self { conditions })
    }

    pub(crate) fn selects(&self, item: &Value) -> bool {
        self.conditions.iter().all(|condition| condition.holds(item))
    }
}

fn asks_for_hidden(parameters: &Map<String, Value>) -> bool {
    ["search_hidden", "id"].iter().any(|name| parameters.get(*name).is_some_and(json::truthy))
}

fn member(field: &str, value: &Value) -> Result<Option<Condition>> {
    let values = match value {
        Value::Null => return Ok(None),
        Value::Array(values) => values.clone(),
        single => vec![single.clone()],
    };
    let of = tags::parse_list(field, &values)?;
    Ok(of.map(|of| Condition::Member { field: field.to_owned(), of }))
}

fn equal(path: &str, value: &Value) -> Option<Condition> {
    let to = match value {
        Value::Null => return None,
        Value::Array(values) => values.clone(),
        single => vec![single.clone()],
    };
    Some(Condition::Equal { path: path.to_owned(), to })
}

fn named(field: &str, value: &Value) -> Result<Option<Condition>> {
    let pattern = match value {
        Value::Null => return Ok(None),
        Value::String(pattern) if pattern.is_empty() => return Ok(None),
        Value::String(pattern) => pattern::compile(pattern, false)?,
        Value::Array(_) => return Err(ApiError::internal("unhashable type: 'list'")),
        Value::Object(_) => return Err(ApiError::internal("unhashable type: 'dict'")),
        _ => return Err(ApiError::internal("first argument must be string or compiled pattern")),
    };
    Ok(Some(Condition::Matches { fields: vec![field.to_owned()], pattern, all: true }))
}

fn between(path: &str, value: &Value) -> Result<Option<Condition>> {
    let Some([from, to]) = value.as_array().map(Vec::as_slice) else {
        return if json::truthy(value) {
            Err(ApiError::new(
                400,
                16,
                format!("Invalid value for fields (Expected 2-items list for range field): field={path}"),
            ))
        } else {
            Ok(None)
        };
    };
    Ok(Some(Condition::Between { path: path.to_owned(), from: measure(from), to: measure(to) }))
}

/// The ends of a range are numbers or times.
#[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 stay below 2^53 until 2255")]
fn measure(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| time::parse(value.as_str()?).map(|micros| micros as f64))
}

fn times(field: &str, value: &Value) -> Result<Vec<Condition>> {
    let values = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(values) => values.clone(),
        single => vec![single.clone()],
    };
    values.iter().map(|value| time_condition(field, value)).collect()
}

fn time_condition(field: &str, value: &Value) -> Result<Condition> {
    const SIGNS: [(&str, Comparison); 4] =
        [(">=", Comparison::AtLeast), ("<=", Comparison::AtMost), (">", Comparison::After), ("<", Comparison::Before)];
    let text = value.as_str().ok_or_else(|| ApiError::bad_value(field, &json::python(value)))?;
    let (ordering, text) = SIGNS
        .iter()
        .find_map(|(sign, ordering)| text.strip_prefix(sign).map(|rest| (*ordering, rest)))
        .unwrap_or((Comparison::Exactly, text));
    let than = time::parse(text).ok_or_else(|| {
        ApiError::new(400, 16, format!("Invalid value for fields (invalid time): field={field}, value={text}"))
    })?;
    Ok(Condition::Time { field: field.to_owned(), ordering, than })
}

fn multi_field(schema: &Schema, name: &str, all: bool, value: Option<&Value>) -> Result<Option<Condition>> {
    let Some(value) = value.filter(|value| json::truthy(value)) else { return Ok(None) };
    let malformed = || {
        let reason = format!("incorrect field format: field={name}, field={name}");
        ApiError::new(400, 16, format!("Invalid value for fields (failed parsing query field): error={reason}"))
    };
    let (Some(fields), Some(pattern)) = (value.get("fields"), value.get("pattern")) else {
        return Err(malformed());
    };
    let fields: Vec<String> =
        fields.as_array().ok_or_else(malformed)?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let pattern = pattern.as_str().ok_or_else(malformed)?;
    if fields.is_empty() || pattern.is_empty() {
        return Ok(None);
    }
    let pattern = pattern::compile(pattern, true)?;
    fields.iter().try_for_each(|field| schema.resolve(field, false))?;
    Ok(Some(Condition::Matches { fields, pattern, all }))
}

fn dictionaries(schema: &Schema, filters: Option<&Value>) -> Result<Vec<Condition>> {
    let mut conditions = Vec::new();
    for (field, value) in filters.and_then(Value::as_object).into_iter().flatten() {
        if !schema::names(schema.list_filters, field) {
            continue;
        }
        let Some(value) = value.as_object() else {
            let shown = json::python(value);
            let message = "Validation error (invalid filter for field, dictionary expected)";
            return Err(ApiError::new(400, 12, format!("{message}: field={field}, value={shown}")));
        };
        conditions
            .extend(tags::parse_dictionary(value).into_iter().map(|of| Condition::Member { field: field.clone(), of }));
    }
    Ok(conditions)
}

impl Condition {
    fn holds(&self, item: &Value) -> bool {
        match self {
            Self::Member { field, of } => of.holds(json::at(item, field).unwrap_or(&Value::Null)),
            Self::Equal { path, to } => json::at(item, path).is_some_and(|value| to.contains(value)),
            Self::Matches { fields, pattern, all: true } => fields.iter().all(|field| matches(pattern, item, field)),
            Self::Matches { fields, pattern, all: false } => fields.iter().any(|field| matches(pattern, item, field)),
            Self::Between { path, from, to } => json::at(item, path)
                .and_then(measure)
                .is_some_and(|value| from.is_none_or(|from| value >= from) && to.is_none_or(|to| value <= to)),
            Self::Time { field, ordering, than } => {
                item[field].as_str().and_then(time::parse).is_some_and(|time| ordering.accepts(time.cmp(than)))
            }
            Self::NotHidden => !crate::workspace::strings(&item["system_tags"]).iter().any(|tag| tag == "hidden"),
        }
    }
}

impl Comparison {
    fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::AtLeast => ordering.is_ge(),
            Self::AtMost => ordering.is_le(),
            Self::After => ordering.is_gt(),
            Self::Before => ordering.is_lt(),
            Self::Exactly => ordering.is_eq(),
        }
    }
}

/// A list matches if one of its elements does. Missing values, null and values that are not text never match.
fn matches(pattern: &Pattern, item: &Value, path: &str) -> bool {
    match json::at(item, path) {
        Some(Value::String(text)) => pattern.is_match(text),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).any(|text| pattern.is_match(text)),
        _ => false,
    }
}
