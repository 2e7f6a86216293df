//! Foreign text in Markdown: shown as it is, obeyed never. Pure.
//!
//! Names become code elements in which every ASCII character that is neither letter, digit nor space is written as a
//! numeric reference: such a character cannot begin or end anything in Markdown or HTML, and in code elements GitHub
//! looks for neither mentions nor issues nor emoji. What the parser of Markdown makes links of by itself, it looks for
//! after it has resolved the references, but only within one piece of text; so the pieces are split by an element that
//! shows nothing, and lets a long name wrap.

use std::fmt::Write as _;

use crate::text::plain::{line, plain};
use crate::wording::phrase::{Part, Phrase};

/// How many characters of a task's id are shown.
const ID_DIGITS: usize = 8;

/// A phrase as inline Markdown, on one line.
pub(super) fn phrase(phrase: &Phrase) -> String {
    phrase.parts().iter().map(part).collect()
}

fn part(part: &Part) -> String {
    match part {
        Part::Own(words) => own(words),
        Part::Quoted(name) | Part::Bare(name) => name_of(name),
        Part::Line(text) => sentence(text),
        Part::Page { id, link } => page(id, link.as_deref()),
    }
}

/// A name from outside.
pub(super) fn name_of(name: &str) -> String {
    code(&plain(name))
}

/// A sentence that holds text from outside.
pub(super) fn sentence(text: &str) -> String {
    code(&line(text))
}

/// A run, by the beginning of its id, with a link to its page where that is known.
pub(super) fn page(id: &str, link: Option<&str>) -> String {
    let id = name_of(&id.chars().take(ID_DIGITS).collect::<String>());
    match link.and_then(address) {
        Some(address) => format!("[{id}]({address})"),
        None => format!("task {id}"),
    }
}

/// The tool's own words; nothing in them comes from outside, so that only what would be misread is escaped.
pub(super) fn own(words: &str) -> String {
    words.chars().fold(String::with_capacity(words.len()), |mut out, c| {
        if matches!(c, '<' | '>' | '&' | '|' | '*' | '[' | ']' | '`' | '\\' | '~' | '$' | '@' | '#') {
            reference(&mut out, c);
        } else {
            out.push(c);
        }
        out
    })
}

/// Text that is one line of visible characters already.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 13);
    out.push_str("<code>");
    for c in text.chars() {
        if !c.is_ascii() || c.is_ascii_alphanumeric() || c == ' ' {
            out.push(c);
        } else {
            reference(&mut out, c);
        }
        if matches!(c, '@' | ':' | '.') {
            out.push_str("<wbr>");
        }
    }
    out.push_str("</code>");
    out
}

fn reference(out: &mut String, c: char) {
    let _ = write!(out, "&#{};", u32::from(c));
}

/// A web address as the destination of a link; `None` for anything else.
fn address(link: &str) -> Option<String> {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    is_web.then(|| link.bytes().fold(String::with_capacity(link.len()), percent_encoded))
}

/// Brackets stay, since they are part of an IPv6 address, and percent signs, since what they begin is encoded already.
fn percent_encoded(mut out: String, byte: u8) -> String {
    match char::from(byte) {
        c if c.is_ascii_alphanumeric() || "-._~:/%[]".contains(c) => out.push(c),
        _ => {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_code_without_a_character_that_means_anything() {
        assert_eq!(name_of("val loss"), "<code>val loss</code>");
        assert_eq!(name_of("a|b`</code>\n"), "<code>a&#124;b&#96;&#60;&#47;code&#62;&#92;u&#123;a&#125;</code>");
        assert_eq!(name_of("@org/team"), "<code>&#64;<wbr>org&#47;team</code>");
    }

    #[test]
    fn only_web_addresses_are_linked() {
        assert_eq!(page("0123456789abcdef", Some("https://a.b/c_d?x")), "[<code>01234567</code>](https://a.b/c_d%3Fx)");
        assert_eq!(
            page("1", Some("http://[::1]:8080/a)b|<\"é")),
            "[<code>1</code>](http://[::1]:8080/a%29b%7C%3C%22%C3%A9)"
        );
        for bad in ["javascript:alert(1)", "//a.b", "", "data:text/html,x"] {
            assert_eq!(page("1", Some(bad)), "task <code>1</code>", "{bad}");
        }
    }

    #[test]
    fn own_words_stay_words() {
        assert_eq!(own("CLEARML_NO_BASELINE is fail"), "CLEARML_NO_BASELINE is fail");
        assert_eq!(own("a | b <i> *c*"), "a &#124; b &#60;i&#62; &#42;c&#42;");
    }
}
