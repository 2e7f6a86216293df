//! Splits the text of a file into tokens: texts with and without quotes, space and comments.

use super::{ConfProblem, Fault};

/// The rest of a text, and the line on which it begins.
pub(super) struct Scanner<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 }
    }

    pub(super) const fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) const fn line(&self) -> usize {
        self.line
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) const fn fault<T>(&self, problem: ConfProblem) -> Result<T, Fault> {
        Err(Fault { line: self.line, problem })
    }

    /// Takes the next `bytes` of the text.
    pub(super) fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Takes the characters that are wanted, up to the first other one.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Takes this text if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let next = self.rest.starts_with(text);
        if next {
            self.take(text.len());
        }
        next
    }

    pub(super) fn at_comment(&self) -> bool {
        self.rest.starts_with('#') || self.rest.starts_with("//")
    }

    /// Skips space, line ends and comments, and commas where they are allowed.
    pub(super) fn skip(&mut self, commas: bool) {
        loop {
            self.take_while(|c| c.is_whitespace() || (commas && c == ','));
            if !self.at_comment() {
                return;
            }
            self.take_while(|c| !is_line_end(c));
        }
    }

    /// Takes the space within a line. After a backslash the line continues on the next one.
    pub(super) fn gap(&mut self) -> &'a str {
        let gap = self.take_while(is_gap);
        while self.rest.starts_with("\\\n") || self.rest.starts_with("\\\r") {
            self.take(1);
            self.take_while(|c| is_gap(c) || is_line_end(c));
        }
        gap
    }

    /// A text in quotes, or in triple quotes, where no character is special.
    pub(super) fn quoted(&mut self) -> Result<String, Fault> {
        if self.eat("\"\"\"") {
            return self.triple_quoted();
        }
        self.eat("\"");
        let text = self.unescaped(|c| c != '"' && !is_line_end(c));
        if self.eat("\"") { Ok(text) } else { self.fault(ConfProblem::UnclosedQuote) }
    }

    /// The rest of a text in triple quotes. Further quotes at its end belong to it.
    fn triple_quoted(&mut self) -> Result<String, Fault> {
        let Some(end) = self.rest.find("\"\"\"") else {
            return self.fault(ConfProblem::UnclosedTripleQuote);
        };
        let text = self.take(end);
        let quotes = self.take_while(|c| c == '"');
        Ok(format!("{text}{}", quotes.strip_prefix("\"\"\"").unwrap_or_default()))
    }

    /// A text without quotes, up to a space or a special character.
    pub(super) fn bare(&mut self) -> Result<String, Fault> {
        let before = self.rest.len();
        let text = self.unescaped(|c| !c.is_whitespace() && !"^`+?!@*&\"[{]}#,=$\\".contains(c));
        if self.rest.len() == before {
            return self.fault(ConfProblem::NeedsQuotes);
        }
        Ok(text)
    }

    /// Takes the wanted characters, and any after a backslash except the end of a line. Replaces the escapes that the SDK
    /// knows. Others stay as they are, even `\u0041`.
    fn unescaped(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        let mut taken = 0;
        while let Some(c) = chars.next() {
            if c == '\\' {
                match chars.next() {
                    None | Some('\n' | '\r') => break,
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('\\' | '=' | '#' | '!' | '"')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                }
            } else if wanted(c) {
                text.push(c);
            } else {
                break;
            }
            taken = self.rest.len() - chars.as_str().len();
        }
        self.take(taken);
        text
    }
}

/// Space within a line.
pub(super) fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// The end of a line, on any system.
pub(super) fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}
