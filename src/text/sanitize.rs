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

/// Whether a character is a control, a line or paragraph separator, a direction mark, invisible, blank, for private use, a
/// tag, or not a character. A blank is one that looks like an ordinary space, or like nothing, and is not a space: the
/// fillers of Hangul and Braille, and spaces of other widths except the wide one of Chinese and Japanese.
pub(crate) fn is_misleading(c: char) -> bool {
    c.is_control() || is_blank(c) || is_ignorable(c) || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{e000}'..='\u{f8ff}')
}

const fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{2800}' | '\u{1d159}'
    )
}

/// Whether a character is normally drawn as nothing: `Default_Ignorable_Code_Point` of Unicode, and the format characters
/// of shorthand, annotations, music and Egyptian hieroglyphs.
const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}'
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

    #[test]
    fn escapes_blank_and_invisible_characters() {
        let characters = "\u{a0}\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{180b}\u{180e}\u{2003}\u{200b}\u{200d}\u{202f}\u{2028}\
                          \u{2060}\u{2800}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{1d173}\u{e0100}\u{e0020}";
        for c in characters.chars() {
            assert_eq!(name(&format!("a{c}b")), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
        assert_eq!(name("日本\u{3000}語 한글 ⠁ é e\u{301} 👍"), "日本\u{3000}語 한글 ⠁ é e\u{301} 👍");
    }

    proptest! {
        #[test]
        fn leaves_nothing_misleading(text in any::<String>()) {
            let name = name(&text);
            prop_assert!(!name.chars().any(is_misleading) && !name.contains("##"));
        }
    }
}
