//! Finds a setting. The last value wins, objects with the same path add up, and substitutions are followed.
//!
//! Substitutions are followed only where a setting needs them. Others may be unknown or circular.

use super::parser::{Entry, Name, Piece, Value, names};
use super::{ConfProblem, Fault};
use crate::environment::Environment;

/// Real files need two or three for a setting. The limit also ends circular ones.
const MAX_SUBSTITUTIONS: usize = 10;

/// What is at a path.
enum Found {
    /// A text; empty for `null`, and for anything inside a value that is not an object.
    Text(String),
    /// An object or a list, and its line.
    NotAText(usize),
}

/// The text of a setting; empty if it is set to nothing.
pub(super) fn text(
    entries: &[Entry],
    environment: &Environment,
    setting: &'static str,
) -> Result<Option<String>, Fault> {
    let mut lookup = Lookup { entries, environment, setting, left: MAX_SUBSTITUTIONS };
    match lookup.find(&names(setting))? {
        None => Ok(None),
        Some(Found::Text(text)) => Ok(Some(text)),
        Some(Found::NotAText(line)) => Err(Fault { line, problem: ConfProblem::NotAText(setting) }),
    }
}

struct Lookup<'a> {
    entries: &'a [Entry],
    environment: &'a Environment,
    setting: &'static str,
    /// How many more substitutions may be followed.
    left: usize,
}

impl Lookup<'_> {
    /// The last entry that says something about the path decides. This need not be the last one with that path: an
    /// optional variable can be unset.
    fn find(&mut self, path: &[Name]) -> Result<Option<Found>, Fault> {
        for entry in self.entries.iter().rev() {
            let found = match path.strip_prefix(entry.path.as_slice()) {
                Some([]) => self.whole(entry)?,
                Some(rest) => self.inside(entry, rest)?,
                None if entry.path.starts_with(path) => Some(Found::NotAText(entry.line)),
                None => None,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The value of the entry; `None` if it consists of optional variables that are unset.
    fn whole(&mut self, entry: &Entry) -> Result<Option<Found>, Fault> {
        let Value::Text(parts) = &entry.value else { return Ok(Some(Found::NotAText(entry.line))) };
        let mut joined = parts.is_empty().then(String::new);
        let mut gap = "";
        for (piece, following) in parts {
            let text = match piece {
                Piece::Text(text) => text.clone(),
                Piece::Substitution { path, optional, line } => match self.follow(path, *optional, *line)? {
                    None => continue,
                    Some(Found::Text(text)) => text,
                    Some(Found::NotAText(_)) => return Ok(Some(Found::NotAText(entry.line))),
                },
            };
            let joined = joined.get_or_insert_default();
            joined.push_str(gap);
            joined.push_str(&text);
            gap = following;
        }
        Ok(joined.map(Found::Text))
    }

    /// What an entry says about a path below its own. A value that is not an object says that there is nothing, which
    /// overrides earlier objects.
    fn inside(&mut self, entry: &Entry, rest: &[Name]) -> Result<Option<Found>, Fault> {
        let nothing = || Some(Found::Text(String::new()));
        let parts = match &entry.value {
            Value::Object => return Ok(None),
            Value::List => return Ok(nothing()),
            Value::Text(parts) if parts.is_empty() => return Ok(nothing()),
            Value::Text(parts) => parts,
        };
        for (piece, _) in parts.iter().rev() {
            let Piece::Substitution { path, optional, line } = piece else { return Ok(nothing()) };
            let found = match self.follow(path, *optional, *line)? {
                None => None,
                Some(Found::Text(_)) => nothing(),
                Some(Found::NotAText(_)) => self.find(&[&names(path), rest].concat())?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// What a substitution stands for: a path of the file, otherwise a variable.
    fn follow(&mut self, path: &str, optional: bool, line: usize) -> Result<Option<Found>, Fault> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(Fault { line, problem: ConfProblem::TooManySubstitutions(self.setting) });
        };
        self.left = left;
        let variable = || self.environment.get(path).map(|text| Found::Text(text.to_owned()));
        let found = self.find(&names(path))?.or_else(variable);
        if found.is_none() && !optional {
            return Err(Fault { line, problem: ConfProblem::UnknownSubstitution(self.setting) });
        }
        Ok(found)
    }
}
