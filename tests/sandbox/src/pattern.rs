//! Regular expressions: what the real server accepts (Python compiles them first) and what they match.
//!
//! They run on the `regex` crate, or on `fancy-regex` if they use look-around or back-references. If neither supports a
//! pattern, the error names the sandbox; there is never a wrong match. `$` matches before a final newline, as in Python
//! and PCRE. `\Z` matches at the end only, as in Python (PCRE would also accept a final newline; the recorded server
//! ran on a replacement store that used Python).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::error::{ApiError, Result};

/// A compiled pattern. Clones share it.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    Plain(regex::Regex),
    LooksAround(fancy_regex::Regex),
}

impl Pattern {
    /// An error during a match, such as a stack overflow, counts as no match.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Plain(regex) => regex.is_match(text),
            Self::LooksAround(regex) => regex.is_match(text).unwrap_or_default(),
        }
    }
}

/// Tests send some patterns thousands of times.
static COMPILED: Mutex<Option<HashMap<(String, bool), Pattern>>> = Mutex::new(None);
const MOST_COMPILED: usize = 64;

/// `name`-like filters are case-sensitive, the `_any_` family is not. Neither is anchored.
pub(crate) fn compile(pattern: &str, ignore_case: bool) -> Result<Pattern> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let compiled = compiled.get_or_insert_default();
    let key = (pattern.to_owned(), ignore_case);
    if let Some(known) = compiled.get(&key) {
        return Ok(known.clone());
    }
    let built = build(pattern, ignore_case)?;
    if compiled.len() >= MOST_COMPILED {
        compiled.clear();
    }
    compiled.insert(key, built.clone());
    Ok(built)
}

fn build(pattern: &str, ignore_case: bool) -> Result<Pattern> {
    let translated = Translator::new(pattern).run().map_err(|reason| malformed(&reason))?;
    if let Ok(regex) = regex::RegexBuilder::new(&translated).case_insensitive(ignore_case).build() {
        return Ok(Pattern::Plain(regex));
    }
    fancy_regex::RegexBuilder::new(&translated)
        .case_insensitive(ignore_case)
        .backtrack_limit(usize::MAX)
        .build()
        .map(Pattern::LooksAround)
        .map_err(|error| ApiError::internal(format!("the sandbox cannot run the pattern {pattern:?}: {error}")))
}

fn malformed(reason: &str) -> ApiError {
    ApiError::new(400, 21, format!("Malformed regular expression: err={reason}, extra_info=None"))
}

/// Reads a Python pattern once, finds its errors and writes the same pattern for the `regex` crate.
struct Translator {
    pattern: Vec<char>,
    at: usize,
    out: String,
    groups: Vec<usize>,
    can_repeat: bool,
}

impl Translator {
    fn new(pattern: &str) -> Self {
        Self { pattern: pattern.chars().collect(), at: 0, out: String::new(), groups: Vec::new(), can_repeat: false }
    }

    fn run(mut self) -> std::result::Result<String, String> {
        while let Some(next) = self.peek(0) {
            let can_repeat = !matches!(next, '(' | '|' | '^');
            match next {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.open(),
                ')' => self.close()?,
                '$' => self.emit("(?:\\n?\\z)"),
                '*' | '+' | '?' => self.repeat(next)?,
                '{' if !self.is_bounded_repeat() => self.emit("\\{"),
                '}' if !self.closes_repeat() => self.emit("\\}"),
                _ => self.emit(&next.to_string()),
            }
            self.can_repeat = can_repeat;
        }
        match self.groups.pop() {
            Some(start) => Err(format!("missing ), unterminated subpattern at position {start}")),
            None => Ok(self.out),
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.pattern.get(self.at + ahead).copied()
    }

    fn emit(&mut self, text: &str) {
        self.out.push_str(text);
        self.at += 1;
    }

    fn open(&mut self) {
        self.groups.push(self.at);
        self.emit("(");
        // `(?...` starts a group's flags or name, not a repetition. It is copied up to the start of the group's body.
        if self.peek(0) == Some('?') {
            self.emit("?");
            while let Some(next) = self.peek(0) {
                if matches!(next, ':' | ')' | '>' | '=' | '!') {
                    break;
                }
                self.emit(&next.to_string());
            }
            if let Some(end @ (':' | '>' | '=' | '!')) = self.peek(0) {
                self.emit(&end.to_string());
            }
        }
    }

    fn close(&mut self) -> std::result::Result<(), String> {
        self.groups.pop().ok_or_else(|| format!("unbalanced parenthesis at position {}", self.at))?;
        self.emit(")");
        Ok(())
    }

    fn repeat(&mut self, sign: char) -> std::result::Result<(), String> {
        if !self.can_repeat {
            return Err(format!("nothing to repeat at position {}", self.at));
        }
        self.emit(&sign.to_string());
        // A second sign makes it lazy and is not another repetition.
        if self.peek(0) == Some('?') {
            self.emit("?");
        }
        Ok(())
    }

    fn is_bounded_repeat(&self) -> bool {
        let inside: String = self.pattern.iter().skip(self.at + 1).take_while(|next| **next != '}').collect();
        let closed = self.pattern.iter().skip(self.at + 1).any(|next| *next == '}');
        closed && inside.starts_with(|first: char| first.is_ascii_digit()) && is_bounds(&inside)
    }

    fn closes_repeat(&self) -> bool {
        let before: String = self.pattern.iter().take(self.at).collect();
        before.rsplit_once('{').is_some_and(|(_, inside)| is_bounds(inside))
    }

    fn escape(&mut self, in_class: bool) -> std::result::Result<(), String> {
        let start = self.at;
        let Some(escaped) = self.peek(1) else {
            return Err(format!("bad escape (end of pattern) at position {start}"));
        };
        self.at += 1;
        match escaped {
            'Z' if !in_class => self.emit("\\z"),
            '0' => self.emit("\\x00"),
            'A' | 'b' | 'B' if !in_class => self.emit(&format!("\\{escaped}")),
            'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' | 'u' | 'U' | '1'..='9' => {
                self.emit(&format!("\\{escaped}"));
            }
            _ if escaped.is_ascii_alphabetic() => {
                return Err(format!("bad escape \\{escaped} at position {start}"));
            }
            _ => self.emit(&regex::escape(&escaped.to_string())),
        }
        Ok(())
    }

    fn class(&mut self) -> std::result::Result<(), String> {
        let start = self.at;
        self.emit("[");
        if self.peek(0) == Some('^') {
            self.emit("^");
        }
        let mut first = true;
        loop {
            match self.peek(0) {
                None => return Err(format!("unterminated character set at position {start}")),
                Some(']') if !first => break,
                Some('\\') => self.escape(true)?,
                // Python reads these literally. For the `regex` crate they are set operations.
                Some(special @ ('[' | ']' | '&' | '~')) => self.emit(&format!("\\{special}")),
                Some(other) => self.emit(&other.to_string()),
            }
            first = false;
        }
        self.emit("]");
        Ok(())
    }
}

fn is_bounds(inside: &str) -> bool {
    !inside.is_empty() && inside.chars().all(|next| next.is_ascii_digit() || next == ',')
}

#[cfg(test)]
mod tests {
    use super::compile;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern, false).is_ok_and(|regex| regex.is_match(text))
    }

    fn error(pattern: &str) -> String {
        compile(pattern, false).err().map(|error| error.message).unwrap_or_default()
    }

    #[test]
    fn dollar_accepts_a_final_newline_and_upper_z_does_not() {
        assert!(matches("^$", "") && matches("^$", "\n") && !matches("^$", "\n\n"));
        assert!(matches(r"\A\Z", "") && !matches(r"\A\Z", "\n"));
    }

    #[test]
    fn python_spellings() {
        assert!(matches(r"^a\.b\ \(c\)\+\[d\]$", "a.b (c)+[d]"));
        assert!(matches(r"^\é[[&&~]{2}\-$", "é[&-"));
        assert!(matches(r"^a{,x}$", "a{,x}") && matches("^a{2}?$", "aa"));
        assert!(matches(r"(?i)^MY$", "my") && matches(r"^(?P<n>x)+?$", "xx"));
    }

    #[test]
    fn python_errors() {
        assert!(error("^\\Qa\\E$").contains("bad escape \\Q at position 1,"));
        assert!(error("a.b (c").contains("missing ), unterminated subpattern at position 4,"));
        assert!(error("a)").contains("unbalanced parenthesis at position 1,"));
        assert!(error("*a").contains("nothing to repeat at position 0,"));
        assert!(error("[a").contains("unterminated character set at position 0,"));
        assert!(error("a\\").contains("bad escape (end of pattern) at position 1,"));
        assert!(error("(?:(?:a{999}){999}){999}").contains("the sandbox cannot run"));
    }

    #[test]
    fn looking_around() {
        assert!(matches(r"\A(?!injected(?![\s\S]))[\s\S]", "injected and more"));
        assert!(!matches(r"\A(?!injected(?![\s\S]))[\s\S]", "injected"));
        assert!(matches(r"(a)\1$", "baa\n"));
    }
}
