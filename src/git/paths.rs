//! Which paths of a repository are the code. Pure.

use std::fmt;

/// Paths from the repository's root, each with plain names between single slashes; none means the whole tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CodePaths(Vec<String>);

impl CodePaths {
    /// Reads one path a line. Spaces around a path and blank lines are dropped; patterns are not known, so `*` is a
    /// character like any other. The repository's root (`.`) is the whole tree, whatever stands beside it.
    ///
    /// # Errors
    /// A phrase that says which path is wrong and why.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut paths = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let path = normal(line).map_err(|problem| format!("names {line:?}, which {problem}"))?;
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        if paths.iter().any(String::is_empty) {
            paths.clear();
        }
        Ok(Self(paths))
    }

    /// Whether all of the tree is the code.
    pub(crate) const fn is_whole_tree(&self) -> bool {
        self.0.is_empty()
    }

    /// The paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The path without `.`, doubled slashes and slashes at the end; empty for the root.
fn normal(path: &str) -> Result<String, &'static str> {
    if path.contains('\u{fffd}') {
        return Err("is not valid UTF-8");
    }
    if path.chars().any(char::is_control) {
        return Err("holds a control character");
    }
    if path.contains('\\') {
        return Err("holds a backslash; between folders stands a /");
    }
    if path.starts_with('/') || is_drive(path) {
        return Err("is absolute; paths start at the repository's root, as in src/train.py");
    }
    let names: Vec<&str> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    if names.contains(&"..") {
        return Err("holds ..; paths start at the repository's root and lead straight down");
    }
    Ok(names.join("/"))
}

/// Whether the path starts at a drive of Windows, as in `C:/src`.
fn is_drive(path: &str) -> bool {
    let drive = path.split_once(':').filter(|(_, rest)| rest.starts_with('/')).map(|(drive, _)| drive);
    drive.is_some_and(|drive| drive.len() == 1 && drive.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// For the report.
impl fmt::Display for CodePaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole_tree() { f.write_str("the whole tree") } else { f.write_str(&self.0.join(", ")) }
    }
}
