//! Makes values of the text of a file. It knows the whole syntax, but keeps only what a setting can need.

use std::mem::discriminant;

use super::Fault;
use super::scan::{Scanner, is_gap, is_line_end};
use super::value::{Entry, Object, Part, Piece, Value, names};

/// Objects and lists may nest this deep; the SDK's own parser gives up at about 50.
const MAX_DEPTH: usize = 64;

/// What a file says, and the lines of its `include`s.
pub(super) fn parse(text: &str) -> Result<(Object, Vec<usize>), Fault> {
    let mut parser = Parser { scan: Scanner::new(text), includes: Vec::new() };
    let root = parser.file()?;
    Ok((root, parser.includes))
}

struct Parser<'a> {
    scan: Scanner<'a>,
    includes: Vec<usize>,
}

impl Parser<'_> {
    /// The whole file: an object, whose braces may be left out.
    fn file(&mut self) -> Result<Object, Fault> {
        self.scan.skip(false);
        let root = match self.scan.peek() {
            Some('[') => return self.scan.fault("the file is a list, where keys are expected"),
            Some('{') => self.object(0)?,
            _ => self.entries(0)?,
        };
        self.scan.skip(true);
        match self.scan.peek() {
            None => Ok(root),
            Some('}') => self.scan.fault("a '}' closes nothing"),
            Some(_) => self.scan.fault("something follows the end of the configuration"),
        }
    }

    /// An object in braces.
    fn object(&mut self, depth: usize) -> Result<Object, Fault> {
        let line = self.scan.line();
        self.scan.eat("{");
        let object = self.entries(depth)?;
        if self.scan.eat("}") { Ok(object) } else { Err(Fault { line, why: "a '{' is never closed".to_owned() }) }
    }

    /// Keys and their values, up to a brace that closes them.
    fn entries(&mut self, depth: usize) -> Result<Object, Fault> {
        let mut object = Object::new();
        loop {
            self.scan.skip(true);
            if matches!(self.scan.peek(), None | Some('}')) {
                return Ok(object);
            }
            if self.include()? {
                continue;
            }
            let key = self.key()?;
            let depth = depth + key.len();
            if depth > MAX_DEPTH {
                return self.scan.fault("objects are nested too deeply");
            }
            let value = self.assigned(depth)?;
            object.push(Entry { key, value });
        }
    }

    /// Takes an `include` if one comes next, and notes its line; what it names is never opened. The name is in quotes,
    /// which `file(..)`, `url(..)` and `required(..)` may enclose; without one it is an ordinary key.
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

    /// The names a key consists of.
    fn key(&mut self) -> Result<Vec<String>, Fault> {
        let is_key = |c: char| !is_line_end(c) && !"{}[]=:+,#\"$".contains(c);
        let mut key = Vec::new();
        loop {
            match self.scan.peek() {
                Some('"') => key.push(self.scan.quoted()?),
                Some(c) if is_key(c) => key.extend(names(self.scan.take_while(is_key).trim())),
                _ if key.is_empty() => return self.scan.fault("a key is expected"),
                _ => return Ok(key),
            }
        }
    }

    /// What follows a key: a value behind a sign, or an object right away.
    fn assigned(&mut self, depth: usize) -> Result<Value, Fault> {
        let line = self.scan.line();
        self.scan.skip(false);
        if self.scan.peek() == Some('{') {
            let parts = vec![Part { piece: Piece::Object(self.object(depth)?), gap: String::new() }];
            return Ok(Value { line, parts });
        }
        let extended = self.scan.eat("+=");
        if !(extended || self.scan.eat("=") || self.scan.eat(":")) {
            return Err(Fault { line, why: "a key is not followed by ':', '=' or '{'".to_owned() });
        }
        self.scan.skip(false);
        let value = self.value(depth)?;
        // Lists are not kept, and objects add up anyhow; what `+=` makes of a text is not worth knowing.
        if extended && !matches!(value.parts.as_slice(), [Part { piece: Piece::Object(_) | Piece::List, .. }]) {
            return Err(Fault { line, why: "only a list or an object may follow '+='".to_owned() });
        }
        Ok(value)
    }

    /// A value: everything up to the end of the line, a comma, or a closing bracket.
    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        self.scan.gap();
        let line = self.scan.line();
        let quoted = self.scan.peek() == Some('"');
        let mut parts = Vec::new();
        while let Some(piece) = self.piece(depth)? {
            parts.push(Part { piece, gap: self.scan.gap().to_owned() });
        }
        let mut kinds = parts
            .iter()
            .filter(|part| !matches!(part.piece, Piece::Reference { .. }))
            .map(|part| discriminant(&part.piece));
        let first = kinds.next();
        if kinds.any(|kind| Some(kind) != first) {
            return Err(Fault { line, why: "a value mixes text, lists and objects".to_owned() });
        }
        if let [Part { piece: Piece::Text(text), .. }] = parts.as_slice()
            && !quoted
            && text.eq_ignore_ascii_case("null")
        {
            parts.clear();
        }
        Ok(Value { line, parts })
    }

    /// The next part of a value, or nothing where the value ends.
    fn piece(&mut self, depth: usize) -> Result<Option<Piece>, Fault> {
        if self.scan.at_comment() {
            return Ok(None);
        }
        let piece = match self.scan.peek() {
            None | Some('\n' | '\r' | ',' | '}' | ']') => return Ok(None),
            Some('{' | '[') if depth >= MAX_DEPTH => {
                return self.scan.fault("objects or lists are nested too deeply");
            }
            Some('{') => Piece::Object(self.object(depth)?),
            Some('[') => self.list(depth)?,
            Some('$') => self.reference()?,
            Some('"') => Piece::Text(self.scan.quoted()?),
            Some(_) => Piece::Text(self.scan.bare()?),
        };
        Ok(Some(piece))
    }

    /// A list, whose values have to be sound but are not kept.
    fn list(&mut self, depth: usize) -> Result<Piece, Fault> {
        let line = self.scan.line();
        self.scan.eat("[");
        loop {
            self.scan.skip(true);
            match self.scan.peek() {
                Some(']') => {
                    self.scan.eat("]");
                    return Ok(Piece::List);
                }
                None => return Err(Fault { line, why: "a '[' is never closed".to_owned() }),
                Some('}') => return self.scan.fault("a '}' stands where a ']' is expected"),
                Some(_) => self.value(depth + 1)?,
            };
        }
    }

    /// `${path}` or `${?path}`; the SDK knows no quotes in it either.
    fn reference(&mut self) -> Result<Piece, Fault> {
        let line = self.scan.line();
        let is_path = |c: char| !is_line_end(c) && !"{}\"".contains(c);
        if self.scan.eat("${") {
            let optional = self.scan.eat("?");
            let path = self.scan.take_while(is_path).trim().to_owned();
            if self.scan.eat("}") && (1..=MAX_DEPTH).contains(&names(&path).len()) {
                return Ok(Piece::Reference { path, optional, line });
            }
        }
        self.scan.fault("a '$' begins no substitution; a text with '$' has to be quoted")
    }
}
