//! Turns a document into text: cut to a bounded size, and without characters that could mislead in a log.

use std::fmt::Write as _;

use serde::Serialize;

use crate::model::run::TaskId;
use crate::text::sanitize::is_misleading;

/// The bytes of a document. GitHub allows 1 MB for all outputs of a job, and counts two bytes for each character.
pub(super) const MOST_BYTES: usize = 400_000;
/// The characters of a text from outside: the first of these that makes the document fit, else the last.
const LONGEST_TEXT: [usize; 3] = [1000, 100, 10];
const LONGEST_SENTENCE: usize = 2000;
/// The items of a list whose length depends on the server.
pub(super) const MOST_ITEMS: usize = 100;

pub(super) fn fitting<D: Serialize>(document: impl Fn(Room) -> D) -> String {
    let mut text = String::new();
    for longest in LONGEST_TEXT {
        // Serialization cannot fail: all keys are strings, and numbers that are not finite become null.
        let pretty = serde_json::to_string_pretty(&document(Room { longest })).unwrap_or_default();
        text = escape_misleading(&tidy_numbers(&pretty));
        if text.len() <= MOST_BYTES {
            break;
        }
    }
    text
}

/// How long a text from outside may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    longest: usize,
}

impl Room {
    pub(super) fn text(self, text: &str) -> String {
        cut(text, self.longest)
    }

    pub(super) fn list<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        texts.into_iter().take(MOST_ITEMS).map(|text| self.text(text)).collect()
    }

    pub(super) fn ids(self, ids: &[TaskId]) -> Vec<String> {
        self.list(ids.iter().map(TaskId::as_str))
    }
}

pub(super) fn sentence(text: &str) -> String {
    cut(text, LONGEST_SENTENCE)
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

/// Writes whole numbers as `100` rather than `100.0`, and lists of numbers in one line. Relies on the pretty printer:
/// only an item of a list starts a line with a number, and a line that ends with a string ends with a quote.
fn tidy_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_list = false;
    for line in text.lines() {
        let (value, comma) = line.strip_suffix(',').map_or((line, ""), |value| (value, ","));
        let value = value.strip_suffix(".0").unwrap_or(value);
        let item = value.trim_start();
        let is_number = item.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        match (in_list, is_number) {
            (true, true) => out.extend([" ", item, comma]),
            (false, true) | (true, false) => out.extend([item, comma]),
            (false, false) => out.extend([if out.is_empty() { "" } else { "\n" }, value, comma]),
        }
        in_list = is_number;
    }
    out.push('\n');
    out
}

/// Escapes everything invisible or misleading, since the document may be printed in a log. Such characters occur only in
/// strings, where an escape means the same.
fn escape_misleading(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && (is_misleading(c) || (c == '#' && out.ends_with('#'))) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn written(value: &impl Serialize) -> String {
        escape_misleading(&tidy_numbers(&serde_json::to_string_pretty(value).unwrap()))
    }

    proptest! {
        #[test]
        fn strings_read_back_unchanged(texts in any::<BTreeMap<String, String>>()) {
            let read: BTreeMap<String, String> = serde_json::from_str(&written(&texts)).unwrap();
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn numbers_read_back_unchanged(numbers in prop::collection::vec(prop_oneof![prop::num::f64::NORMAL, (-1000..1000).prop_map(f64::from)], 1..4)) {
            let read: BTreeMap<String, Vec<f64>> = serde_json::from_str(&written(&json!({ "a": numbers }))).unwrap();
            prop_assert_eq!(&read["a"], &numbers);
        }

        #[test]
        fn a_cut_text_ends_with_an_ellipsis(text in any::<String>(), longest in 0usize..20) {
            let cut = cut(&text, longest);
            prop_assert!(cut == text || (cut.ends_with('…') && cut.chars().count() == longest + 1));
        }
    }
}
