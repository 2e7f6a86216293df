//! Makes a flat list of paths and values of the text of a file. Nothing is merged or substituted yet.

use std::rc::Rc;

use super::scan::{Scanner, is_gap, is_line_end};
use super::{ConfProblem, Fault};

/// Objects and lists can nest this deep; the SDK's own parser fails at about 50.
const MAX_DEPTH: usize = 64;

/// A part of a path. It is shared, so that a long one is not copied into every path below it.
pub(super) type Name = Rc<str>;

/// A value and where it is. Entries are in the order of the file, and a path can occur several times.
pub(super) struct Entry {
    /// The names from the root.
    pub(super) path: Vec<Name>,
    pub(super) line: usize,
    pub(super) value: Value,
}

pub(super) enum Value {
    /// Texts and substitutions to join; `null` is none at all. Substitutions alone can also be an object or a list.
    Text(Vec<Part>),
    /// Its content comes in entries of its own, before this one.
    Object,
    /// No setting is in a list, so its content is not kept.
    List,
}

pub(super) struct Part {
    pub(super) piece: Piece,
    /// The space that follows, which counts if more text follows.
    pub(super) gap: String,
}

pub(super) enum Piece {
    /// Any text, number or truth value, as it is written.
    Text(String),
    /// `${path}`, or `${?path}` if it is optional.
    Substitution { path: String, optional: bool, line: usize },
}

/// The names in a dotted path.
pub(super) fn names(path: &str) -> Vec<Name> {
    path.split('.').filter(|name| !name.is_empty()).map(Name::from).collect()
}

/// The entries of a file, and the lines of its `include`s.
pub(super) fn parse(text: &str) -> Result<(Vec<Entry>, Vec<usize>), Fault> {
    let mut parser = Parser { scan: Scanner::new(text), path: Vec::new(), entries: Vec::new(), includes: Vec::new() };
    parser.file()?;
    Ok((parser.entries, parser.includes))
}

struct Parser<'a> {
    scan: Scanner<'a>,
    /// Where the parser is.
    path: Vec<Name>,
    entries: Vec<Entry>,
    includes: Vec<usize>,
}

impl Parser<'_> {
    /// The whole file: an object, whose braces can be left out.
    fn file(&mut self) -> Result<(), Fault> {
        self.scan.skip(false);
        match self.scan.peek() {
            Some('[') => return self.scan.fault(ConfProblem::IsAList),
            Some('{') => self.object()?,
            _ => self.entries()?,
        }
        self.scan.skip(true);
        match self.scan.peek() {
            None => Ok(()),
            Some('}') => self.scan.fault(ConfProblem::Unopened('}')),
            Some(_) => self.scan.fault(ConfProblem::TextAfterEnd),
        }
    }

    /// An object in braces.
    fn object(&mut self) -> Result<(), Fault> {
        let line = self.scan.line();
        self.scan.eat("{");
        self.entries()?;
        if self.scan.eat("}") { Ok(()) } else { Err(Fault { line, problem: ConfProblem::Unclosed('{') }) }
    }

    /// Keys and their values, up to a closing brace.
    fn entries(&mut self) -> Result<(), Fault> {
        loop {
            self.scan.skip(true);
            if matches!(self.scan.peek(), None | Some('}')) {
                return Ok(());
            }
            if self.include()? {
                continue;
            }
            let depth = self.path.len();
            self.key()?;
            self.assigned()?;
            self.path.truncate(depth);
        }
    }

    /// Takes an `include` if one comes next, and notes its line. What it names is never opened. The name is in quotes,
    /// perhaps inside `file(..)`, `url(..)` and `required(..)`; without quotes, `include` is an ordinary key.
    fn include(&mut self) -> Result<bool, Fault> {
        let word = "include";
        let Some((first, rest)) = self.scan.rest().split_at_checked(word.len()) else { return Ok(false) };
        let name = rest.trim_start_matches(|c| is_gap(c) || c == '(' || c.is_ascii_lowercase());
        if !first.eq_ignore_ascii_case(word) || !rest.starts_with([' ', '\t', '"']) || !name.starts_with('"') {
            return Ok(false);
        }
        self.includes.push(self.scan.line());
        self.scan.take(word.len() + rest.len() - name.len());
        self.scan.quoted()?;
        self.scan.take_while(|c| is_gap(c) || c == ')');
        Ok(true)
    }

    /// Adds the names of a key to the path.
    fn key(&mut self) -> Result<(), Fault> {
        let is_key = |c: char| !is_line_end(c) && !"{}[]=:+,#\"$".contains(c);
        let depth = self.path.len();
        loop {
            match self.scan.peek() {
                Some('"') => self.path.push(self.scan.quoted()?.into()),
                Some(c) if is_key(c) => self.path.extend(names(self.scan.take_while(is_key).trim())),
                _ if self.path.len() == depth => return self.scan.fault(ConfProblem::NoKey),
                _ if self.path.len() > MAX_DEPTH => return self.scan.fault(ConfProblem::TooDeep),
                _ => return Ok(()),
            }
        }
    }

    /// What follows a key: a value after a sign, or an object.
    fn assigned(&mut self) -> Result<(), Fault> {
        let line = self.scan.line();
        self.scan.skip(false);
        if self.scan.peek() == Some('{') {
            self.object()?;
            self.add(line, Value::Object);
            return Ok(());
        }
        let appends = self.scan.eat("+=");
        if !(appends || self.scan.eat("=") || self.scan.eat(":")) {
            return Err(Fault { line, problem: ConfProblem::NoValue });
        }
        self.scan.skip(false);
        self.value()?;
        // Lists are not kept, and objects add up anyway. Nobody needs to append to a text.
        if appends && matches!(self.entries.last(), Some(Entry { value: Value::Text(_), .. })) {
            return Err(Fault { line, problem: ConfProblem::NotAppendable });
        }
        Ok(())
    }

    /// A value: everything up to the end of the line, a comma, or a closing bracket. Parts next to each other are
    /// joined, which works for texts, for objects and for lists, but not for a mixture.
    fn value(&mut self) -> Result<(), Fault> {
        self.scan.gap();
        let line = self.scan.line();
        let is_quoted = self.scan.peek() == Some('"');
        let (mut parts, mut kind) = (Vec::new(), None);
        while let Some(next) = self.scan.peek().filter(|c| !"\n\r,}]".contains(*c) && !self.scan.at_comment()) {
            let own = if matches!(next, '{' | '[') { next } else { '"' };
            if next != '$' && *kind.get_or_insert(own) != own {
                return Err(Fault { line, problem: ConfProblem::MixedValue });
            }
            if own == '"' {
                let piece = self.piece(next)?;
                parts.push(Part { piece, gap: self.scan.gap().to_owned() });
                continue;
            }
            if self.path.len() >= MAX_DEPTH {
                return self.scan.fault(ConfProblem::TooDeep);
            }
            if !parts.is_empty() {
                self.add(line, Value::Text(std::mem::take(&mut parts)));
            }
            if next == '{' {
                self.object()?
            } else {
                self.list()?
            }
            self.add(line, if next == '{' { Value::Object } else { Value::List });
            self.scan.gap();
        }
        if !is_quoted && matches!(parts.as_slice(), [Part { piece: Piece::Text(text), .. }] if is_null(text)) {
            parts.clear();
        }
        if !parts.is_empty() || !matches!(kind, Some('{' | '[')) {
            self.add(line, Value::Text(parts));
        }
        Ok(())
    }

    fn piece(&mut self, next: char) -> Result<Piece, Fault> {
        match next {
            '$' => self.substitution(),
            '"' => self.scan.quoted().map(Piece::Text),
            _ => self.scan.bare().map(Piece::Text),
        }
    }

    /// A list, whose values have to be valid but are not kept.
    fn list(&mut self) -> Result<(), Fault> {
        let (line, kept) = (self.scan.line(), self.entries.len());
        self.path.push(Name::from(""));
        self.scan.eat("[");
        loop {
            self.scan.skip(true);
            match self.scan.peek() {
                Some(']') => break,
                None => return Err(Fault { line, problem: ConfProblem::Unclosed('[') }),
                Some('}') => return self.scan.fault(ConfProblem::Unopened('}')),
                Some(_) => self.value()?,
            }
        }
        self.scan.eat("]");
        self.path.pop();
        self.entries.truncate(kept);
        Ok(())
    }

    /// `${path}` or `${?path}`. The SDK does not accept quotes in it either.
    fn substitution(&mut self) -> Result<Piece, Fault> {
        let line = self.scan.line();
        let is_path = |c: char| !is_line_end(c) && !"{}\"".contains(c);
        if self.scan.eat("${") {
            let optional = self.scan.eat("?");
            let path = self.scan.take_while(is_path).trim().to_owned();
            if self.scan.eat("}") && (1..=MAX_DEPTH).contains(&names(&path).len()) {
                return Ok(Piece::Substitution { path, optional, line });
            }
        }
        self.scan.fault(ConfProblem::NotASubstitution)
    }

    fn add(&mut self, line: usize, value: Value) {
        self.entries.push(Entry { path: self.path.clone(), line, value });
    }
}

fn is_null(text: &str) -> bool {
    text.eq_ignore_ascii_case("null")
}
