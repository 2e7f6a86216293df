//! Makes text from outside harmless on a terminal and in a CI's log: no control sequence, no line break, no reversed
//! reading, and no command to the CI, which some read out of the middle of a line (`##[`, `##vso[`, `##teamcity[`). Pure.

use std::fmt::Write as _;

/// Longer names are cut: nobody reads them, and they would bury the verdict.
const LONGEST: usize = 200;

/// The text with everything invisible or misleading written as an escape, cut to a readable length.
pub(crate) fn plain(text: &str) -> String {
    up_to(text, LONGEST)
}

/// As [`plain`], for a whole sentence.
pub(crate) fn line(text: &str) -> String {
    up_to(text, 5 * LONGEST)
}

fn up_to(text: &str, longest: usize) -> String {
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

/// Controls, line and paragraph separators, direction marks, zero-width characters, private use, tags and what is no
/// character.
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
    fn control_sequences_are_shown_not_obeyed() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d");
        assert_eq!(plain("##vso[task.x]###"), "#\\u{23}vso[task.x]#\\u{23}#");
        assert_eq!(plain("проект ü 模型"), "проект ü 模型");
        assert_eq!(plain(&"x".repeat(10_000)).chars().count(), LONGEST + 1);
    }

    proptest! {
        #[test]
        fn nothing_misleading_is_left(text in any::<String>()) {
            let plain = plain(&text);
            prop_assert!(!plain.chars().any(is_misleading) && !plain.contains("##"));
        }
    }
}
