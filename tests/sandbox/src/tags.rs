//! Exact filters over tags and other lists: plain values, `-x`, the `__$` operators and the `filters` dictionaries.

use serde_json::{Map, Value};

use crate::error::{ApiError, Result};
use crate::json;
use crate::workspace::strings;

const OPERATOR: &str = "__$";

/// What an item's list (or single value) must contain.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    any: Vec<Option<String>>,
    all: Vec<Option<String>>,
    none: Vec<Option<String>>,
    /// `filters.<field>.any.exclude`: at least one of these is missing.
    not_all: Vec<Option<String>>,
}

impl Membership {
    fn is_empty(&self) -> bool {
        self.any.is_empty() && self.all.is_empty() && self.none.is_empty() && self.not_all.is_empty()
    }

    pub(crate) fn holds(&self, value: &Value) -> bool {
        let own = match value {
            Value::String(single) => vec![single.clone()],
            other => strings(other),
        };
        // A null in the filter means an empty list.
        let has = |wanted: &Option<String>| match wanted {
            Some(wanted) => own.contains(wanted),
            None => own.is_empty(),
        };
        (self.any.is_empty() && self.not_all.is_empty()
            || self.any.iter().any(has)
            || self.not_all.iter().any(|wanted| !has(wanted)))
            && self.all.iter().all(has)
            && !self.none.iter().any(has)
    }
}

/// The list form: OR unless `__$all` comes first. `-x` and `__$not` exclude.
pub(crate) fn parse_list(field: &str, values: &[Value]) -> Result<Option<Membership>> {
    let mut parsed = Membership::default();
    let (mut all, mut not, mut literal) = (false, false, false);
    for value in values {
        let text = match value {
            Value::Null => None,
            Value::String(text) => Some(text.as_str()),
            other => return Err(ApiError::bad_value(field, &json::python(other))),
        };
        if let Some(operator) = text.filter(|text| text.starts_with(OPERATOR)) {
            match operator.trim_start_matches(OPERATOR) {
                "all" | "and" => (all, literal) = (true, true),
                "any" | "or" => (all, literal) = (false, true),
                "not" => not = true,
                "nop" => not = false,
                _ => {
                    let message = format!("Unsupported operator): field={field}, operator={operator}");
                    return Err(ApiError::new(400, 16, format!("Invalid value for fields ({message}")));
                }
            }
            continue;
        }
        let excluded = text.filter(|_| !literal).and_then(|text| text.strip_prefix('-'));
        match excluded {
            Some(excluded) => parsed.none.push(Some(excluded.to_owned())),
            None if not => parsed.none.push(text.map(str::to_owned)),
            None if all => parsed.all.push(text.map(str::to_owned)),
            None => parsed.any.push(text.map(str::to_owned)),
        }
    }
    Ok((!parsed.is_empty()).then_some(parsed))
}

/// The dictionary form takes every value literally.
pub(crate) fn parse_dictionary(filter: &Map<String, Value>) -> Option<Membership> {
    let values = |operator: &str, list: &str| -> Vec<Option<String>> {
        let values = filter.get(operator).and_then(|side| side.get(list)).and_then(Value::as_array);
        values.into_iter().flatten().map(|value| value.as_str().map(str::to_owned)).collect()
    };
    let parsed = Membership {
        any: values("any", "include"),
        not_all: values("any", "exclude"),
        all: values("all", "include"),
        none: values("all", "exclude"),
    };
    (!parsed.is_empty()).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::parse_list;
    use serde_json::{Value, json};

    fn holds(filter: &Value, tags: &Value) -> bool {
        let filter = filter.as_array().cloned().unwrap_or_default();
        parse_list("tags", &filter).ok().flatten().is_none_or(|filter| filter.holds(tags))
    }

    #[test]
    fn operators() {
        let tags = json!(["a", "b", "-neg"]);
        assert!(holds(&json!(["a", "x"]), &tags) && !holds(&json!(["x"]), &tags));
        assert!(holds(&json!(["__$all", "a", "b"]), &tags) && !holds(&json!(["__$and", "a", "x"]), &tags));
        assert!(!holds(&json!(["-a"]), &tags) && holds(&json!(["-x"]), &tags));
        assert!(!holds(&json!(["__$not", "a"]), &tags));
        assert!(holds(&json!(["-neg"]), &tags) && holds(&json!(["__$any", "-neg"]), &tags));
        assert!(!holds(&json!([null]), &tags) && holds(&json!([null]), &json!([])));
        assert!(holds(&json!([]), &tags));
        assert!(parse_list("tags", &[json!("__$foo")]).is_err());
    }
}
