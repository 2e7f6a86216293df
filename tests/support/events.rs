//! Event files as GitHub writes them.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// A JSON pointer, and the value to put there.
pub(crate) type Edit<'a> = (&'a str, Value);

/// One of GitHub's example payloads from `tests/gate/events`, with some values replaced.
pub(crate) fn payload(file: &str, edits: &[Edit<'_>]) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gate/events").join(file).with_extension("json");
    let mut payload: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    for (pointer, value) in edits {
        *payload.pointer_mut(pointer).unwrap() = value.clone();
    }
    payload
}
