//! Makes text from outside safe to print on a terminal and in a CI log: no control sequences, no line breaks, no
//! reordered text, and no commands to the CI. Some CIs recognize a command in the middle of a line (`##[`, `##vso[`,
//! `##teamcity[`). Pure.

use std::fmt::Write as _;

/// Longer names are cut: they would bury the verdict.
const LONGEST_NAME: usize = 200;
const LONGEST_SENTENCE: usize = 1000;

/// A name with everything invisible or misleading escaped, cut to a readable length.
pub(crate) fn name(text: &str) -> String {
    sanitize(text, LONGEST_NAME)
}

/// A sentence with everything invisible or misleading escaped, cut to a readable length.
pub(crate) fn sentence(text: &str) -> String {
    sanitize(text, LONGEST_SENTENCE)
}

fn sanitize(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len().min(longest));
    for (n, c) in text.chars().enumerate() {
        if n == longest {
            out.push('…');
            break;
        }
        if is_misleading(c) || (c == '#' && out.ends_with('#')) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character is a control, a line or paragraph separator, a direction mark, of zero width, for private use, a
/// tag, or not a character.
pub(crate) fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_control_sequences_and_ci_commands() {
        assert_eq!(name("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d");
        assert_eq!(name("##vso[task.x]###"), "#\\u{23}vso[task.x]#\\u{23}#");
        assert_eq!(name("проект ü 模型"), "проект ü 模型");
        assert_eq!(name(&"x".repeat(10_000)).chars().count(), LONGEST_NAME + 1);
        assert_eq!(sentence(&"x".repeat(10_000)).chars().count(), LONGEST_SENTENCE + 1);
    }

    proptest! {
        #[test]
        fn leaves_nothing_misleading(text in any::<String>()) {
            let name = name(&text);
            prop_assert!(!name.chars().any(is_misleading) && !name.contains("##"));
        }
    }
}
