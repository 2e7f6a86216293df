//! Which paths of a repository are the code. Pure.

/// Paths from the repository's root, as names joined by single slashes. No paths mean the whole tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CodePaths(Vec<String>);

/// A path that cannot be compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PathError {
    pub(crate) path: String,
    pub(crate) problem: PathProblem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathProblem {
    NotUtf8,
    ControlCharacter,
    Backslash,
    Absolute,
    /// It contains `..`.
    ParentFolder,
}

impl CodePaths {
    /// Reads one path per line. Spaces around a path and blank lines are dropped. There are no patterns: `*` is an
    /// ordinary character. If the repository's root (`.`) is one of the paths, the code is the whole tree.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        let mut paths = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let path = normalize(line).map_err(|problem| PathError { path: line.to_owned(), problem })?;
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        if paths.iter().any(String::is_empty) {
            paths.clear();
        }
        Ok(Self(paths))
    }

    pub(crate) const fn is_whole_tree(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a path is one of these, or below one.
    pub(super) fn contain(&self, path: &str) -> bool {
        let is_below =
            |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.iter().any(is_below)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The path without `.`, doubled slashes and slashes at the end; empty for the root.
fn normalize(path: &str) -> Result<String, PathProblem> {
    if path.contains('\u{fffd}') {
        return Err(PathProblem::NotUtf8);
    }
    if path.chars().any(char::is_control) {
        return Err(PathProblem::ControlCharacter);
    }
    if path.contains('\\') {
        return Err(PathProblem::Backslash);
    }
    if path.starts_with('/') || has_drive(path) {
        return Err(PathProblem::Absolute);
    }
    let names: Vec<&str> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    if names.contains(&"..") {
        return Err(PathProblem::ParentFolder);
    }
    Ok(names.join("/"))
}

/// Whether the path starts at a drive of Windows, as in `C:/src`.
pub(super) fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [drive, b':', b'/', ..] if drive.is_ascii_alphabetic())
}
