//! JSON as the server really writes it: its encoder can leave bare `NaN` and `Infinity` in a document. Pure.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Reads a document. Bare `NaN`, `Infinity` and `-Infinity` are read as null.
///
/// # Errors
/// As `serde_json`. Its message may repeat content, so show only its [`place`].
pub(super) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(text).or_else(|error| match without_bare_words(text) {
        Cow::Owned(valid) => serde_json::from_slice(&valid),
        Cow::Borrowed(_) => Err(error),
    })
}

/// Where a document is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Where the error is; `None` when it is in no particular place.
pub(super) fn place(error: &serde_json::Error) -> Option<Place> {
    (error.line() > 0).then(|| Place { line: error.line(), column: error.column() })
}

/// Replaces, outside of strings, the words that JSON does not have.
fn without_bare_words(text: &[u8]) -> Cow<'_, [u8]> {
    const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let mut valid: Option<Vec<u8>> = None;
    let mut in_string = false;
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let word = if in_string { None } else { WORDS.iter().find(|word| rest.starts_with(word)) };
        let done = text.len() - rest.len();
        if let Some(word) = word {
            valid.get_or_insert_with(|| text.get(..done).unwrap_or_default().to_vec()).extend_from_slice(b"null");
            rest = rest.get(word.len()..).unwrap_or_default();
            continue;
        }
        // Inside a string, an escaped character belongs to its backslash.
        let step = if in_string && byte == b'\\' { rest.len().min(2) } else { 1 };
        in_string ^= byte == b'"';
        if let Some(valid) = &mut valid {
            valid.extend_from_slice(rest.get(..step).unwrap_or_default());
        }
        rest = if step == 1 { after } else { rest.get(step..).unwrap_or_default() };
    }
    valid.map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn bare_words_become_null_outside_of_strings() {
        let text = br#"{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" NaN \\", "d": NaN}"#;
        let value: Value = read(text).unwrap();
        assert_eq!(value, json!({"a": null, "b": [null, null], "c": "NaN \" NaN \\", "d": null}));
    }

    #[test]
    fn rejects_what_is_not_json() {
        for bad in ["<html>", "{", "", "NaN NaN", "{\"a\": nan}"] {
            assert!(read::<Value>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read::<Value>(&bytes);
        }

        #[test]
        fn every_document_reads_as_itself(text in ".*", number in any::<i64>()) {
            let document = json!({"NaN": text, "n": number});
            prop_assert_eq!(read::<Value>(document.to_string().as_bytes()).unwrap(), document);
        }
    }
}
