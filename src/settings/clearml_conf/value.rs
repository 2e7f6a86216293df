//! A configuration as it is written: nothing is merged, joined or substituted yet.

/// Keys and their values in the order of the file; the same key may come again.
pub(super) type Object = Vec<Entry>;

/// A key with its value.
pub(super) struct Entry {
    /// The names of the key; several stand for objects in each other (`api.host`).
    pub(super) key: Vec<String>,
    pub(super) value: Value,
}

/// What stands behind a key: parts next to each other, of which one is the rule and none stands for `null`.
pub(super) struct Value {
    /// The line it begins on.
    pub(super) line: usize,
    pub(super) parts: Vec<Part>,
}

/// A part of a value.
pub(super) struct Part {
    pub(super) piece: Piece,
    /// The space behind it, which counts if more text follows.
    pub(super) gap: String,
}

/// What a part of a value is.
pub(super) enum Piece {
    /// Any text, number or truth value, as it is written.
    Text(String),
    /// What stands between two braces.
    Object(Object),
    /// A list; no setting is in one, so what it holds is forgotten.
    List,
    /// `${path}`, or `${?path}` if `optional`.
    Reference { path: String, optional: bool, line: usize },
}

/// The names a dotted path consists of.
pub(super) fn names(path: &str) -> Vec<String> {
    path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
