//! Looks a setting up: the last value wins, objects behind the same key add up, and substitutions are followed.
//!
//! Only what a setting depends on is looked at, so that a substitution elsewhere in the file may lead nowhere.

use super::Fault;
use super::value::{Object, Piece, Value, names};

/// How many substitutions may be followed for one setting; files in use need two or three.
const MAX_SUBSTITUTIONS: usize = 10;

/// What is found at a path.
enum FoundCommit {
    /// A text; empty for `null`, and for all that would be behind a value that is no object.
    Text(String),
    /// An object or a list, and its line.
    NoText(usize),
}

/// The text of a setting, empty for one that is set to nothing.
pub(super) fn setting(
    root: &Object,
    env: &dyn Fn(&str) -> Option<String>,
    path: &str,
) -> Result<Option<String>, Fault> {
    let mut resolver = Resolver { root, env, left: MAX_SUBSTITUTIONS };
    let named = |fault: Fault| Fault { why: format!("{path}: {}", fault.why), ..fault };
    match resolver.find(root, &names(path)).map_err(named)? {
        None => Ok(None),
        Some(FoundCommit::Text(text)) => Ok(Some(text)),
        Some(FoundCommit::NoText(line)) => Err(Fault { line, why: format!("{path} is not a text") }),
    }
}

struct Resolver<'a> {
    root: &'a Object,
    env: &'a dyn Fn(&str) -> Option<String>,
    /// How many more substitutions may be followed, which also ends those that lead back to themselves.
    left: usize,
}

impl Resolver<'_> {
    /// What the last entry that says anything says about a path. That is often not the last one with such a key: an
    /// object may leave out what an earlier one holds, and an optional variable may be unset.
    fn find(&mut self, object: &Object, path: &[String]) -> Result<Option<FoundCommit>, Fault> {
        for entry in object.iter().rev() {
            let found = match path.strip_prefix(entry.key.as_slice()) {
                Some([]) => self.whole(&entry.value)?,
                Some(rest) => self.within(&entry.value, rest)?,
                None if entry.key.starts_with(path) => Some(FoundCommit::NoText(entry.value.line)),
                None => None,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A value as such; nothing if it consists of optional variables that are unset.
    fn whole(&mut self, value: &Value) -> Result<Option<FoundCommit>, Fault> {
        let mut joined = value.parts.is_empty().then(String::new);
        let mut gap = "";
        for part in &value.parts {
            let followed;
            let text = match &part.piece {
                Piece::Text(text) => text,
                Piece::Object(_) | Piece::List => return Ok(Some(FoundCommit::NoText(value.line))),
                Piece::Reference { path, optional, line } => match self.follow(path, *optional, *line)? {
                    None => continue,
                    Some(FoundCommit::Text(text)) => {
                        followed = text;
                        &followed
                    }
                    Some(FoundCommit::NoText(_)) => return Ok(Some(FoundCommit::NoText(value.line))),
                },
            };
            let joined = joined.get_or_insert_default();
            joined.push_str(gap);
            joined.push_str(text);
            gap = &part.gap;
        }
        Ok(joined.map(FoundCommit::Text))
    }

    /// What a value says about a path that goes on behind it. Behind something that is no object there is nothing,
    /// which is not the same as nothing having been said: it overrides earlier objects.
    fn within(&mut self, value: &Value, path: &[String]) -> Result<Option<FoundCommit>, Fault> {
        let nothing = || Some(FoundCommit::Text(String::new()));
        for part in value.parts.iter().rev() {
            let found = match &part.piece {
                Piece::Object(object) => self.find(object, path)?,
                Piece::Text(_) | Piece::List => nothing(),
                Piece::Reference { path: object, optional, line } => match self.follow(object, *optional, *line)? {
                    None => None,
                    Some(FoundCommit::Text(_)) => nothing(),
                    Some(FoundCommit::NoText(_)) => self.find(self.root, &[names(object).as_slice(), path].concat())?,
                },
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(if value.parts.is_empty() { nothing() } else { None })
    }

    /// What a substitution stands for: a key of the file, or else a variable.
    fn follow(&mut self, path: &str, optional: bool, line: usize) -> Result<Option<FoundCommit>, Fault> {
        let fault = |why: &str| Err(Fault { line, why: why.to_owned() });
        let Some(left) = self.left.checked_sub(1) else {
            return fault("the substitutions are too many, or lead back to themselves");
        };
        self.left = left;
        let found = self.find(self.root, &names(path))?.or_else(|| (self.env)(path).map(FoundCommit::Text));
        if found.is_none() && !optional {
            return fault("the substitution names neither a key of this file nor a variable that is set");
        }
        Ok(found)
    }
}
