//! JSON as the real server reads and writes it (bare `NaN` tokens in, only ASCII out), and Python's view of a value.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

/// What a bare `NaN`, `Infinity` or `-Infinity` token becomes. JSON has no value for them, but Python does.
pub(crate) const NOT_FINITE: &str = "\u{0}not finite";

pub(crate) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| {
        let replaced = replace_tokens(text);
        if replaced == text { Err(error) } else { serde_json::from_str(&replaced) }
    })
}

fn replace_tokens(text: &str) -> String {
    let quoted = Value::from(NOT_FINITE).to_string();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(next) = rest.chars().next() {
        let token = ["-Infinity", "Infinity", "NaN"].into_iter().find(|token| rest.starts_with(token));
        if let (false, Some(token)) = (in_string, token) {
            out.push_str(&quoted);
            rest = rest.get(token.len()..).unwrap_or_default();
            continue;
        }
        let mut length = next.len_utf8();
        if in_string && next == '\\' {
            length += rest.chars().nth(1).map_or(0, char::len_utf8);
        } else if next == '"' {
            in_string = !in_string;
        }
        out.push_str(rest.get(..length).unwrap_or_default());
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// The real encoder escapes everything outside ASCII, with uppercase hexadecimal digits.
pub(crate) fn ascii(value: &Value) -> String {
    let text = value.to_string();
    if text.is_ascii() {
        return text;
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut units = [0; 2];
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04X}");
        }
    }
    out
}

/// The value as Python's `str` shows it inside an error message.
pub(crate) fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("'{key}': {}", python(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// Python's truth: null, false, zero and empty values are false.
pub(crate) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// Follows a dotted path. A null on the way counts as missing.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, part| value.get(&*unescaped(part))).filter(|value| !value.is_null())
}

/// The key that a part of a path means. Paths escape the characters with a meaning for the store.
pub(crate) fn unescaped(part: &str) -> Cow<'_, str> {
    if !part.contains('%') {
        return Cow::Borrowed(part);
    }
    let plain = |part: &str| part.replace("%2E", ".").replace("%24", "$").replace("%_%_", "__");
    let whole = part.split("%%").map(plain).collect::<Vec<_>>().join("%");
    Cow::Owned(whole.strip_prefix("%_").map_or(whole.clone(), |rest| format!("_{rest}")))
}

#[cfg(test)]
mod tests {
    use super::{NOT_FINITE, ascii, at, parse, unescaped};
    use serde_json::{Value, json};

    #[test]
    fn bare_tokens_are_read_outside_strings_only() {
        let read = parse(r#"{"a": NaN, "b": "NaN \" Infinity", "c": [-Infinity]}"#).ok();
        assert_eq!(read, Some(json!({"a": NOT_FINITE, "b": "NaN \" Infinity", "c": [NOT_FINITE]})));
        assert!(parse(r#"{"a": "#).is_err());
    }

    #[test]
    fn escaped_keys() {
        assert_eq!(unescaped("a%2Eb%24%%c"), "a.b$%c");
        assert_eq!((&*unescaped("%_x"), &*unescaped("a%_%_b")), ("_x", "a__b"));
        assert_eq!(at(&json!({"a": {"b.c": 1}}), "a.b%2Ec"), Some(&json!(1)));
    }

    #[test]
    fn written_in_ascii() {
        assert_eq!(ascii(&json!({"k": "é日😀"})), r#"{"k":"\u00E9\u65E5\uD83D\uDE00"}"#);
        assert_eq!(parse(&ascii(&Value::from("é😀"))).ok(), Some(Value::from("é😀")));
    }
}
