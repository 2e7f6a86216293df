//! Text from outside in Markdown: shown exactly, with no effect. Pure.
//!
//! Names become code elements. Every ASCII character in them except letters, digits and spaces is written as a numeric
//! reference, so it cannot start or end anything in Markdown or HTML. In code elements GitHub does not look for mentions,
//! issues or emoji either. GitHub's automatic links are an exception: they are detected after references are resolved, but
//! only within one piece of text. An element that shows nothing (`<wbr>`) splits the pieces, and lets a long name wrap.

use std::fmt::Write as _;

use crate::text::sanitize;
use crate::wording::phrase::{Part, Phrase};

/// How many characters of a task id are shown.
const ID_DIGITS: usize = 8;

/// A phrase as inline Markdown, on one line.
pub(super) fn inline(phrase: &Phrase) -> String {
    let part = |part: &Part| match part {
        Part::Words(words) => own(words),
        Part::Quoted(name) | Part::Name(name) => name_of(name),
        Part::Sentence(text) => sentence(text),
        Part::Run { id, link } => run(id, link.as_deref()),
    };
    phrase.parts().iter().map(part).collect()
}

/// A name from outside.
pub(super) fn name_of(name: &str) -> String {
    code(&sanitize::name(name))
}

/// A sentence that contains text from outside.
pub(super) fn sentence(text: &str) -> String {
    code(&sanitize::sentence(text))
}

/// A run by the beginning of its id, with a link if there is one.
fn run(id: &str, link: Option<&str>) -> String {
    let id = name_of(&id.chars().take(ID_DIGITS).collect::<String>());
    match link.and_then(address) {
        Some(address) => format!("[{id}]({address})"),
        None => format!("task {id}"),
    }
}

/// The tool's own words, which contain no text from outside: only characters with a meaning in Markdown are escaped.
pub(super) fn own(words: &str) -> String {
    escaped(words, |c| matches!(c, '<' | '>' | '&' | '|' | '*' | '[' | ']' | '`' | '\\' | '~' | '$' | '@' | '#'))
}

fn code(text: &str) -> String {
    let text = escaped(text, |c| c.is_ascii() && !c.is_ascii_alphanumeric() && c != ' ');
    // The references of the characters that automatic links contain.
    let text =
        ['@', ':', '.'].map(reference).iter().fold(text, |text, link| text.replace(link, &format!("{link}<wbr>")));
    format!("<code>{text}</code>")
}

fn escaped(text: &str, must_escape: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if must_escape(c) {
            out.push_str(&reference(c));
        } else {
            out.push(c);
        }
        out
    })
}

fn reference(c: char) -> String {
    format!("&#{};", u32::from(c))
}

/// A web address as the target of a link; `None` for anything else.
fn address(link: &str) -> Option<String> {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    is_web.then(|| link.bytes().fold(String::with_capacity(link.len()), percent_encoded))
}

/// Keeps brackets, which are part of an IPv6 address, and percent signs, because they start an encoded character.
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
    fn escapes_everything_in_a_name() {
        assert_eq!(name_of("val loss"), "<code>val loss</code>");
        assert_eq!(name_of("a|b`</code>\n"), "<code>a&#124;b&#96;&#60;&#47;code&#62;&#92;u&#123;a&#125;</code>");
        assert_eq!(name_of("@org/team"), "<code>&#64;<wbr>org&#47;team</code>");
    }

    #[test]
    fn links_only_web_addresses() {
        assert_eq!(run("0123456789abcdef", Some("https://a.b/c_d?x")), "[<code>01234567</code>](https://a.b/c_d%3Fx)");
        assert_eq!(
            run("1", Some("http://[::1]:8080/a)b|<\"é")),
            "[<code>1</code>](http://[::1]:8080/a%29b%7C%3C%22%C3%A9)"
        );
        for bad in ["javascript:alert(1)", "//a.b", "", "data:text/html,x"] {
            assert_eq!(run("1", Some(bad)), "task <code>1</code>", "{bad}");
        }
    }

    #[test]
    fn keeps_own_words_readable() {
        assert_eq!(own("CLEARML_NO_BASELINE is fail"), "CLEARML_NO_BASELINE is fail");
        assert_eq!(own("a | b <i> *c*"), "a &#124; b &#60;i&#62; &#42;c&#42;");
    }
}
