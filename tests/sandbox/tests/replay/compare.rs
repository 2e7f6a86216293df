//! Whether two answers mean the same. Everything is compared; only values that cannot be equal may differ.
//!
//! - Ids (32 hexadecimal digits): an id that was given to the sandbox stays the same. Any other recorded id must match
//!   one of the sandbox's, everywhere and in both directions.
//! - Times: equal, or both in the same format. Where the sandbox's clock follows the recorded one, the times of a task
//!   also have the same order.
//! - Tokens: their claims are compared; session and signing time differ, the lifetime does not.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use regex::Regex;
use serde_json::{Map, Value};

use crate::captures::{Body, Request, Response};
use crate::client::Answer;
use crate::clock;

/// Of a task.
const TIMES: &[&str] =
    &["created", "started", "completed", "published", "status_changed", "last_update", "last_change"];

pub(crate) struct Likeness {
    ours: HashMap<String, String>,
    recorded: HashMap<String, String>,
    /// Recorded tokens, and the sandbox's tokens that replace them.
    tokens: Vec<(String, String)>,
    pub(crate) orders_times: bool,
    id: Regex,
    time: Regex,
    token: Regex,
}

impl Default for Likeness {
    fn default() -> Self {
        Self {
            ours: HashMap::new(),
            recorded: HashMap::new(),
            tokens: Vec::new(),
            orders_times: false,
            id: Regex::new(r"\b[0-9a-f]{32}\b").unwrap(),
            time: Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$").unwrap(),
            token: Regex::new(r"^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$").unwrap(),
        }
    }
}

impl Likeness {
    /// Keeps every id in this text, which was given to the sandbox.
    pub(crate) fn knowing(text: &str) -> Self {
        let mut likeness = Self::default();
        for id in likeness.id.clone().find_iter(text) {
            likeness.same_id(id.as_str(), id.as_str());
        }
        likeness
    }

    /// The request, with recorded ids and tokens replaced by the sandbox's where they are known.
    pub(crate) fn rewrite(&self, request: &Request) -> Request {
        let swap = |text: &str| {
            let text = self.tokens.iter().fold(text.to_owned(), |text, (recorded, ours)| {
                // Some recorded tokens are others with a changed end, so beginnings are replaced.
                let (stem, _) = recorded.split_at(recorded.len() - 3);
                let (our_stem, our_end) = ours.split_at(ours.len() - 3);
                text.replace(recorded, &format!("{our_stem}{our_end}")).replace(stem, our_stem)
            });
            self.translate(&text)
        };
        let headers = request.headers.iter().map(|(name, value)| (name.clone(), swap(value))).collect();
        Request { headers, body: swap(&request.body), ..request.clone() }
    }

    /// A recorded text with the sandbox's ids.
    pub(crate) fn translate(&self, text: &str) -> String {
        let of = |found: &regex::Captures<'_>| self.ours.get(&found[0]).cloned().unwrap_or_else(|| found[0].into());
        self.id.replace_all(text, of).into_owned()
    }

    pub(crate) fn compare(&mut self, expected: &Response, answer: &Answer) -> Result<(), String> {
        if expected.status != answer.status {
            return Err(format!("status {} instead of {}: {}", answer.status, expected.status, start(&answer.body)));
        }
        let header = |headers: &[(String, String)], name: &str| {
            headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
        };
        for name in ["Content-Type", "Content-Encoding"] {
            let (recorded, ours) = (header(&expected.headers, name), header(&answer.headers, name));
            if recorded != ours {
                return Err(format!("{name} {ours:?} instead of {recorded:?}"));
            }
        }
        match &expected.body {
            Body::Text(text) if *text == answer.body => Ok(()),
            Body::Text(text) => Err(format!("{:?} instead of {:?}", start(&answer.body), start(text))),
            Body::Json(recorded) => self.same(recorded, &json(&answer.body)?, false, "$"),
            Body::Beginning(text) => {
                self.same(&json(&closed(text))?, &json(&answer.body)?, true, "$")?;
                let (recorded, ours) = (expected.length, answer.body.len());
                if recorded == ours { Ok(()) } else { Err(format!("{ours} bytes instead of {recorded}")) }
            }
        }
    }

    /// With `beginning`, the recorded value may be incomplete: lists may be shorter, and objects may lack fields.
    pub(crate) fn same(&mut self, recorded: &Value, ours: &Value, beginning: bool, path: &str) -> Result<(), String> {
        let differ =
            || Err(format!("at {path}: {} instead of {}", start(&ours.to_string()), start(&recorded.to_string())));
        match (recorded, ours) {
            (Value::String(recorded), Value::String(own)) => {
                if self.same_text(recorded, own) {
                    Ok(())
                } else {
                    differ()
                }
            }
            (Value::Array(recorded), Value::Array(own)) => {
                if recorded.len() > own.len() || (recorded.len() < own.len() && !beginning) {
                    return differ();
                }
                for (index, (recorded_item, own)) in recorded.iter().zip(own).enumerate() {
                    let last = beginning && index + 1 == recorded.len();
                    self.same(recorded_item, own, last, &format!("{path}[{index}]"))?;
                }
                Ok(())
            }
            (Value::Object(recorded), Value::Object(own)) => {
                // Keys can be ids. Each was in an earlier answer.
                let recorded: &Map<String, Value> =
                    &recorded.iter().map(|(name, value)| (self.translate(name), value.clone())).collect();
                if let Some(name) = own.keys().find(|name| !recorded.contains_key(*name)).filter(|_| !beginning) {
                    return Err(format!("at {path}: {name:?} should not be there"));
                }
                for (name, recorded) in recorded {
                    let Some(own) = own.get(name) else { return Err(format!("at {path}: no {name:?}")) };
                    // Times of the event store are numbers.
                    if matches!(name.as_str(), "timestamp" | "last_update") && recorded.is_u64() && own.is_u64() {
                        continue;
                    }
                    self.same(recorded, own, beginning, &format!("{path}.{name}"))?;
                }
                if self.orders_times {
                    same_order(recorded, own).map_err(|why| format!("at {path}: {why}"))
                } else {
                    Ok(())
                }
            }
            _ if recorded == ours => Ok(()),
            _ => differ(),
        }
    }

    fn same_text(&mut self, recorded: &str, own: &str) -> bool {
        if self.time.is_match(recorded) && self.time.is_match(own) {
            return true;
        }
        if self.token.is_match(recorded) && self.token.is_match(own) {
            return self.same_token(recorded, own);
        }
        let pattern = self.id.clone();
        let ids = |text: &str| -> Vec<String> { pattern.find_iter(text).map(|id| id.as_str().to_owned()).collect() };
        let around = |text: &str| pattern.replace_all(text, "").into_owned();
        let (recorded_ids, own_ids) = (ids(recorded), ids(own));
        around(recorded) == around(own)
            && recorded_ids.len() == own_ids.len()
            && recorded_ids.iter().zip(&own_ids).all(|(recorded, own)| self.same_id(recorded, own))
    }

    pub(crate) fn same_id(&mut self, recorded: &str, own: &str) -> bool {
        let forth = self.ours.entry(recorded.to_owned()).or_insert_with(|| own.to_owned());
        let back = self.recorded.entry(own.to_owned()).or_insert_with(|| recorded.to_owned());
        forth == own && back == recorded
    }

    fn same_token(&mut self, recorded: &str, own: &str) -> bool {
        let (Some(mut expected), Some(mut claims)) = (claims(recorded), claims(own)) else { return false };
        for claims in [&mut expected, &mut claims] {
            let lifetime = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
            let Some(fields) = claims.as_object_mut() else { return false };
            if fields.remove("session_id").is_some() {
                fields.remove("iat");
                fields.insert("exp".to_owned(), lifetime.into());
            }
        }
        self.tokens.push((recorded.to_owned(), own.to_owned()));
        let expected: Option<Value> = serde_json::from_str(&self.translate(&expected.to_string())).ok();
        expected == Some(claims)
    }
}

/// Compares which times are equal, and the order of the others.
fn same_order(recorded: &Map<String, Value>, own: &Map<String, Value>) -> Result<(), String> {
    let sign = |fields: &Map<String, Value>, left: &str, right: &str| {
        let time = |name: &str| fields.get(name).and_then(Value::as_str).and_then(clock::micros);
        let apart = time(left)? - time(right)?;
        Some(if apart.abs() <= clock::ONE_REQUEST { 0 } else { apart.signum() })
    };
    for (index, left) in TIMES.iter().enumerate() {
        for right in TIMES.iter().skip(index + 1) {
            let (recorded, own) = (sign(recorded, left, right), sign(own, left, right));
            if recorded != own {
                return Err(format!("order of {left} and {right}: {own:?} instead of {recorded:?}"));
            }
        }
    }
    Ok(())
}

fn claims(token: &str) -> Option<Value> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON ({error}): {}", start(text)))
}

/// Cuts a beginning of JSON after its last complete element and closes what is open.
fn closed(text: &str) -> String {
    let (mut open, mut in_string, mut escaped) = (Vec::new(), false, false);
    let mut safe = (0, String::new());
    for (at, next) in text.char_indices() {
        if in_string {
            (in_string, escaped) = (escaped || next != '"', next == '\\' && !escaped);
            continue;
        }
        match next {
            '"' => in_string = true,
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => _ = open.pop(),
            _ => {}
        }
        if matches!(next, '{' | '[' | ',') {
            let keep = if next == ',' { at } else { at + 1 };
            safe = (keep, open.iter().rev().collect());
        }
    }
    let (beginning, _) = text.split_at(safe.0);
    format!("{beginning}{}", safe.1)
}

fn start(text: &str) -> String {
    text.chars().take(300).collect()
}

#[test]
fn beginnings_are_closed_after_the_last_complete_element() {
    assert_eq!(closed(r#"{"a":[1,{"b":"x,\"y"},23"#), r#"{"a":[1,{"b":"x,\"y"}]}"#);
    assert_eq!(closed(r#"{"a":{"b":[1.5,2.2"#), r#"{"a":{"b":[1.5]}}"#);
    assert_eq!(closed(r#"{"a":"cut he"#), "{}");
}
