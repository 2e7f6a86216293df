//! docs/report.schema.json accepts every JSON report, and rejects reports that differ slightly.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join("docs/report.schema.json")).unwrap()).unwrap()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap()
}

/// Asserts that the schema accepts a JSON report; returns the report.
#[track_caller]
pub(crate) fn assert_valid(report: &str) -> Value {
    let parsed = serde_json::from_str(report).unwrap();
    let validator = validator(&schema());
    let faults: Vec<String> =
        validator.iter_errors(&parsed).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{report}");
    parsed
}

/// The JSON reports among the snapshots: the names of their files and what is in them.
fn snapshots() -> Vec<(String, String)> {
    let files = fs::read_dir(folder().join("tests/gate/snapshots")).unwrap().map(|file| file.unwrap().path());
    let reports = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut reports: Vec<_> =
        reports.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect();
    reports.sort();
    assert!(!reports.is_empty(), "there is no snapshot of a JSON report");
    reports
}

/// Walks a report together with its schema, and collects reports with one change, which the schema must reject.
struct Walk<'a> {
    schema: &'a Value,
    report: &'a Value,
    /// What was changed, and the report with the change.
    changed: Vec<(String, Value)>,
    /// The objects and enums of the schema that the report uses.
    met: BTreeSet<String>,
}

impl Walk<'_> {
    /// `place` is the path in the schema, and `at` the path in the report.
    fn visit(&mut self, place: &str, at: &str) {
        let (part, value) = (self.schema.pointer(place).unwrap(), self.report.pointer(at).unwrap());
        if let Some(reference) = part["$ref"].as_str() {
            return self.visit(reference.strip_prefix('#').unwrap(), at);
        }
        if !part["anyOf"].is_null() && !value.is_null() {
            return self.visit(&format!("{place}/anyOf/0"), at);
        }
        if part.get("enum").or(part.get("const")).is_some() {
            self.met.insert(place.to_owned());
            self.change("another word", at, json!("another word"));
        }
        let (is_named, is_open) = (part["properties"].is_object(), part["additionalProperties"].is_object());
        match value {
            Value::Object(fields) if is_named || is_open => {
                self.met.insert(place.to_owned());
                self.fields(place, at, fields, is_named);
            }
            Value::Array(items) => {
                self.change("no list", at, json!({}));
                let places = (0..items.len()).map(|n| format!("{at}/{n}"));
                places.for_each(|at| self.visit(&format!("{place}/items"), &at));
            }
            Value::Object(_) => {}
            _ => self.change("of another type", at, json!([])),
        }
    }

    fn fields(&mut self, place: &str, at: &str, fields: &Map<String, Value>, is_named: bool) {
        self.change("no object", at, json!("text"));
        self.change("one more", at, with(fields, |fields| fields.insert("one more".to_owned(), json!("x"))));
        for name in fields.keys().filter(|_| is_named) {
            self.change(&format!("without {name}"), at, with(fields, |fields| fields.remove(name)));
            self.visit(&format!("{place}/properties/{name}"), &format!("{at}/{name}"));
        }
    }

    fn change(&mut self, what: &str, at: &str, value: Value) {
        let mut report = self.report.clone();
        *report.pointer_mut(at).unwrap() = value;
        self.changed.push((format!("{at}: {what}"), report));
    }
}

fn with(fields: &Map<String, Value>, change: impl Fn(&mut Map<String, Value>) -> Option<Value>) -> Value {
    let mut fields = fields.clone();
    change(&mut fields);
    Value::Object(fields)
}

/// Collects the paths of all objects and enums in the schema.
fn places(schema: &Value, place: &str, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("enum")
                || fields.contains_key("const")
                || fields.contains_key("additionalProperties")
            {
                found.insert(place.to_owned());
            }
            fields.iter().for_each(|(name, part)| places(part, &format!("{place}/{name}"), found));
        }
        Value::Array(parts) => {
            parts.iter().enumerate().for_each(|(n, part)| places(part, &format!("{place}/{n}"), found));
        }
        _ => {}
    }
}

#[test]
fn the_schema_is_valid() {
    let schema = schema();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    let mut found = BTreeSet::new();
    places(&schema, "", &mut found);
    for place in found {
        let part = schema.pointer(&place).unwrap();
        if let Some(fields) = part["properties"].as_object() {
            let required: BTreeSet<&str> =
                part["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(required, fields.keys().map(String::as_str).collect(), "{place} requires what it names");
            assert_eq!(part["additionalProperties"], json!(false), "{place}");
            assert!(fields.values().all(|field| field["description"].is_string()), "{place} says what it holds");
        }
    }
}

#[test]
fn the_schema_rejects_slightly_different_reports() {
    let schema = schema();
    let validator = validator(&schema);
    let mut missing = BTreeSet::new();
    places(&schema, "", &mut missing);
    for (name, report) in snapshots() {
        let report: Value = serde_json::from_str(&report).unwrap();
        let mut walk = Walk { schema: &schema, report: &report, changed: Vec::new(), met: BTreeSet::new() };
        walk.visit("", "");
        for (what, changed) in walk.changed {
            assert!(!validator.is_valid(&changed), "{name} is still valid with {what}");
        }
        missing.retain(|place| !walk.met.contains(place));
    }
    assert!(missing.is_empty(), "no snapshot has {missing:#?}");
}
