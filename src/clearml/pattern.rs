//! Patterns for the server, whose own matching is neither anchored nor literal. Pure.

/// A pattern that matches exactly this text.
pub(super) fn anchored(text: &str) -> String {
    format!("^{}$", escaped(text))
}

/// Every ASCII character that could mean something in a pattern gets a backslash, which both of the server's pattern
/// languages, Python's and the database's, take for the character itself.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_name_is_literal() {
        assert_eq!(anchored("a.b (c)+[d]"), r"^a\.b\ \(c\)\+\[d\]$");
        assert_eq!(anchored("проект ü"), r"^проект\ ü$");
    }
}
