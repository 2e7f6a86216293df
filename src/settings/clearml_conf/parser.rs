//! Makes a flat list of paths and values of the text of a file. Nothing is merged or substituted yet.

use std::rc::Rc;

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
    /// Texts and substitutions to join, each with the space that follows; `null` is none at all. Substitutions alone can
    /// also stand for an object or a list.
    Text(Vec<(Piece, String)>),
    /// Its content comes in entries of its own, before this one.
    Object,
    /// No setting is in a list, so its content does not matter.
    List,
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
    let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser { rest, line: 1, path: Vec::new(), entries: Vec::new(), includes: Vec::new() };
    parser.skip(false);
    // The braces around the whole file can be left out.
    if parser.rest.starts_with('{') {
        parser.object()?;
    } else {
        parser.content()?;
    }
    parser.skip(true);
    if !parser.rest.is_empty() {
        return parser.fault(ConfProblem::TextAfterEnd);
    }
    Ok((parser.entries, parser.includes))
}

struct Parser<'a> {
    /// What is not read yet, and the line on which it begins.
    rest: &'a str,
    line: usize,
    /// The names from the root to here.
    path: Vec<Name>,
    entries: Vec<Entry>,
    includes: Vec<usize>,
}

/// The syntax.
impl Parser<'_> {
    fn object(&mut self) -> Result<(), Fault> {
        let line = self.line;
        self.eat("{");
        self.content()?;
        if self.eat("}") { Ok(()) } else { Err(Fault { line, problem: ConfProblem::Unclosed('{') }) }
    }

    /// Keys and their values, up to a closing brace.
    fn content(&mut self) -> Result<(), Fault> {
        loop {
            self.skip(true);
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return Ok(());
            }
            if !self.include()? {
                let depth = self.path.len();
                self.key()?;
                self.assigned()?;
                self.path.truncate(depth);
            }
        }
    }

    /// Takes an `include` if one comes next, and notes its line. What it names is never opened. The name is in quotes,
    /// perhaps inside `file(..)`, `url(..)` and `required(..)`; without quotes, `include` is an ordinary key.
    fn include(&mut self) -> Result<bool, Fault> {
        let Some((word, rest)) = self.rest.split_at_checked("include".len()) else { return Ok(false) };
        let name = rest.trim_start_matches(|c: char| " \t(".contains(c) || c.is_ascii_lowercase());
        if !word.eq_ignore_ascii_case("include") || !rest.starts_with([' ', '\t', '"']) || !name.starts_with('"') {
            return Ok(false);
        }
        self.includes.push(self.line);
        self.take(self.rest.len() - name.len());
        self.quoted()?;
        self.take_while(|c| " \t)".contains(c));
        Ok(true)
    }

    /// Adds the names of a key to the path.
    fn key(&mut self) -> Result<(), Fault> {
        let is_key = |c: char| !"\n\r{}[]=:+,#\"$".contains(c);
        let depth = self.path.len();
        loop {
            match self.rest.chars().next() {
                Some('"') => {
                    let name = self.quoted()?;
                    self.path.push(name.into());
                }
                Some(c) if is_key(c) => {
                    let names = names(self.take_while(is_key).trim());
                    self.path.extend(names);
                }
                _ if self.path.len() == depth => return self.fault(ConfProblem::NoKey),
                _ if self.path.len() > MAX_DEPTH => return self.fault(ConfProblem::TooDeep),
                _ => return Ok(()),
            }
        }
    }

    /// What follows a key: a value after a sign, or an object.
    fn assigned(&mut self) -> Result<(), Fault> {
        let line = self.line;
        self.skip(false);
        if self.rest.starts_with('{') {
            self.object()?;
            self.add(line, Value::Object);
            return Ok(());
        }
        let appends = self.eat("+=");
        if !(appends || self.eat("=") || self.eat(":")) {
            return Err(Fault { line, problem: ConfProblem::NoValue });
        }
        self.skip(false);
        self.value()?;
        // Lists do not matter, and objects add up anyway. Nobody needs to append to a text.
        if appends && matches!(self.entries.last(), Some(Entry { value: Value::Text(_), .. })) {
            return Err(Fault { line, problem: ConfProblem::NotAppendable });
        }
        Ok(())
    }

    /// A value: everything up to the end of the line, a comma, or a closing bracket. Parts next to each other are
    /// joined, which works for texts, for objects and for lists, but not for a mixture.
    fn value(&mut self) -> Result<(), Fault> {
        self.gap();
        let line = self.line;
        // A text in quotes is never null.
        let mut is_null = self.rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("null"));
        let (mut parts, mut kind) = (Vec::new(), None);
        while let Some(next) = self.rest.chars().next().filter(|c| !"\n\r,}]".contains(*c) && !self.is_at_comment()) {
            let own = if matches!(next, '{' | '[') { next } else { '"' };
            if next != '$' && *kind.get_or_insert(own) != own {
                return Err(Fault { line, problem: ConfProblem::MixedValue });
            }
            if own == '"' {
                let piece = self.piece(next)?;
                is_null &= parts.is_empty() && matches!(&piece, Piece::Text(text) if text.len() == 4);
                parts.push((piece, self.gap().to_owned()));
                continue;
            }
            if self.path.len() >= MAX_DEPTH {
                return self.fault(ConfProblem::TooDeep);
            }
            if !parts.is_empty() {
                self.add(line, Value::Text(std::mem::take(&mut parts)));
            }
            let value = if next == '{' { self.object().map(|()| Value::Object)? } else { self.list()? };
            self.add(line, value);
            self.gap();
        }
        if !parts.is_empty() || !matches!(kind, Some('{' | '[')) {
            self.add(line, Value::Text(if is_null { Vec::new() } else { parts }));
        }
        Ok(())
    }

    /// A list. No path leads to its content, since no name that is looked up is empty.
    fn list(&mut self) -> Result<Value, Fault> {
        let line = self.line;
        self.path.push(Name::from(""));
        self.eat("[");
        loop {
            self.skip(true);
            if self.eat("]") {
                break;
            }
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return Err(Fault { line, problem: ConfProblem::Unclosed('[') });
            }
            self.value()?;
        }
        self.path.pop();
        Ok(Value::List)
    }

    /// A text or a substitution. The SDK does not accept quotes in a substitution either.
    fn piece(&mut self, next: char) -> Result<Piece, Fault> {
        if next == '"' {
            return self.quoted().map(Piece::Text);
        }
        let (line, length) = (self.line, self.rest.len());
        if self.eat("${") {
            let optional = self.eat("?");
            let path = self.take_while(|c| !"\n\r{}\"".contains(c)).trim().to_owned();
            if self.eat("}") && (1..=MAX_DEPTH).contains(&names(&path).len()) {
                return Ok(Piece::Substitution { path, optional, line });
            }
        }
        if next == '$' {
            return self.fault(ConfProblem::NotASubstitution);
        }
        let text = self.unescaped(|c| !c.is_whitespace() && !"^`+?!@*&\"[{]}#,=$\\".contains(c));
        if self.rest.len() == length { self.fault(ConfProblem::NeedsQuotes) } else { Ok(Piece::Text(text)) }
    }

    /// A text in quotes, or in triple quotes, where no character is special.
    fn quoted(&mut self) -> Result<String, Fault> {
        if self.eat("\"\"\"") {
            let Some(end) = self.rest.find("\"\"\"") else { return self.fault(ConfProblem::UnclosedQuote) };
            // Further quotes at its end belong to it.
            let quotes = self.rest.split_at(end).1;
            let more = quotes.len() - quotes.trim_start_matches('"').len() - 3;
            let text = self.take(end + more).to_owned();
            self.take(3);
            return Ok(text);
        }
        self.eat("\"");
        let text = self.unescaped(|c| !"\"\n\r".contains(c));
        if self.eat("\"") { Ok(text) } else { self.fault(ConfProblem::UnclosedQuote) }
    }

    /// Takes the wanted characters, and any after a backslash except the end of a line. Replaces the escapes that the SDK
    /// knows. Others stay as they are, even `\u0041`.
    fn unescaped(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        let mut taken = 0;
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    None | Some('\n' | '\r') => break,
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('\\' | '=' | '#' | '!' | '"')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                },
                c if wanted(c) => text.push(c),
                _ => break,
            }
            taken = self.rest.len() - chars.as_str().len();
        }
        self.take(taken);
        text
    }
}

/// The text.
impl<'a> Parser<'a> {
    const fn fault<T>(&self, problem: ConfProblem) -> Result<T, Fault> {
        Err(Fault { line: self.line, problem })
    }

    fn add(&mut self, line: usize, value: Value) {
        self.entries.push(Entry { path: self.path.clone(), line, value });
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        self.take(self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len()))
    }

    /// Takes this text if it comes next.
    fn eat(&mut self, text: &str) -> bool {
        let is_next = self.rest.starts_with(text);
        self.take(if is_next { text.len() } else { 0 });
        is_next
    }

    fn is_at_comment(&self) -> bool {
        self.rest.starts_with('#') || self.rest.starts_with("//")
    }

    /// Skips space, line ends and comments, and commas where they are allowed.
    fn skip(&mut self, commas: bool) {
        self.take_while(|c| c.is_whitespace() || (commas && c == ','));
        while self.is_at_comment() {
            self.take_while(|c| !"\n\r".contains(c));
            self.take_while(|c| c.is_whitespace() || (commas && c == ','));
        }
    }

    /// Takes the space within a line. After a backslash the line continues on the next one.
    fn gap(&mut self) -> &'a str {
        let gap = self.take_while(|c| " \t".contains(c));
        while self.rest.starts_with("\\\n") || self.rest.starts_with("\\\r") {
            self.take(1);
            self.take_while(|c| " \t\n\r".contains(c));
        }
        gap
    }
}
