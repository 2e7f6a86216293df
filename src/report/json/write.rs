//! A document as text: as much of it as there is room for, and nothing that could mislead in a log.

use std::fmt::Write as _;

use super::document::Document;
use crate::model::run::TaskId;
use crate::text::plain::is_misleading;

/// The bytes of a document. GitHub takes 1 MB for all outputs of a job and counts two bytes a character.
pub(super) const MOST_BYTES: usize = 400_000;
/// The characters of a text from outside: the first of these with which the document fits, else the last.
const LONGEST: [usize; 3] = [1000, 100, 10];
/// The characters of a sentence.
const LONGEST_SENTENCE: usize = 2000;
/// The items of a list whose length is up to the server.
pub(super) const MOST_ITEMS: usize = 100;

pub(super) fn fitting(document: impl Fn(Room) -> Document) -> String {
    let mut text = String::new();
    for longest in LONGEST {
        text = written(&document(Room { longest }));
        if text.len() <= MOST_BYTES {
            break;
        }
    }
    text
}

/// How much of a text from outside there is room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    longest: usize,
}

impl Room {
    pub(super) fn text(self, text: &str) -> String {
        up_to(text, self.longest)
    }

    pub(super) fn list<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        texts.into_iter().take(MOST_ITEMS).map(|text| self.text(text)).collect()
    }

    pub(super) fn ids(self, ids: &[TaskId]) -> Vec<String> {
        self.list(ids.iter().map(TaskId::as_str))
    }
}

pub(super) fn sentence(text: &str) -> String {
    up_to(text, LONGEST_SENTENCE)
}

pub(super) fn up_to(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

fn written(document: &Document) -> String {
    // Nothing in the document can fail to become JSON: its keys are strings, and what is not a number becomes null.
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    harmless(&with_numbers_in_rows(&text))
}

/// The elements of a list of numbers in one line instead of one each. A line never begins with a number otherwise.
fn with_numbers_in_rows(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within = false;
    for line in text.lines() {
        let item = line.trim_start();
        let is_number = item.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        match (within, is_number) {
            (true, true) => out.extend([" ", item]),
            (false, true) | (true, false) => out.push_str(item),
            (false, false) => out.extend([if out.is_empty() { "" } else { "\n" }, line]),
        }
        within = is_number;
    }
    out.push('\n');
    out
}

/// The document with everything invisible or misleading escaped, since it may land in a log. Such characters occur in
/// strings alone, where an escape means the same.
fn harmless(text: &str) -> String {
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

    proptest! {
        #[test]
        fn escapes_change_no_string(texts in any::<BTreeMap<String, String>>()) {
            let text = serde_json::to_string_pretty(&texts).unwrap();
            let read: BTreeMap<String, String> = serde_json::from_str(&harmless(&with_numbers_in_rows(&text))).unwrap();
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn a_cut_text_says_so(text in any::<String>(), longest in 0usize..20) {
            let cut = up_to(&text, longest);
            prop_assert!(cut == text || (cut.ends_with('…') && cut.chars().count() == longest + 1));
        }
    }
}
