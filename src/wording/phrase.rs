//! A sentence made of the tool's own words and of names from outside, kept apart so that each renderer can make the
//! latter harmless in its own way. Pure.

use std::borrow::Cow;

use crate::gate::outcome::RunSummary;
use crate::text::plain::{line, plain};

/// How many names are listed before the rest is only counted.
const MOST_NAMES: usize = 12;

/// One piece of a sentence.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// The tool's own words: nothing in them comes from outside.
    Own(Cow<'static, str>),
    /// A name from outside, to be told apart from the words around it.
    Quoted(String),
    /// A name from outside that stands for itself, as an id or a metric does.
    Bare(String),
    /// A whole sentence that holds text from outside, such as the message of a server.
    Line(String),
    /// A run, by its page in the web app or its id.
    Page {
        /// The id.
        id: String,
        /// The page, where it is known.
        link: Option<String>,
    },
}

/// A sentence, or a part of one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phrase(Vec<Part>);

/// Begins a phrase with the tool's own words.
pub(crate) fn say(words: impl Into<Cow<'static, str>>) -> Phrase {
    Phrase::default().say(words)
}

impl Phrase {
    /// The pieces in their order.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.0
    }

    pub(crate) fn say(self, words: impl Into<Cow<'static, str>>) -> Self {
        self.with(Part::Own(words.into()))
    }

    pub(crate) fn quoted(self, name: &str) -> Self {
        self.with(Part::Quoted(name.to_owned()))
    }

    pub(crate) fn bare(self, name: &str) -> Self {
        self.with(Part::Bare(name.to_owned()))
    }

    pub(crate) fn line(self, sentence: &str) -> Self {
        self.with(Part::Line(sentence.to_owned()))
    }

    pub(crate) fn page(self, run: &RunSummary) -> Self {
        self.with(Part::Page { id: run.id.as_str().to_owned(), link: run.link.clone() })
    }

    pub(crate) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The items with commas between them; of many only the first.
    pub(crate) fn listed(self, items: impl ExactSizeIterator<Item = Self>) -> Self {
        let rest = items.len().saturating_sub(MOST_NAMES);
        let shown = items.take(MOST_NAMES).enumerate();
        let list = shown.fold(self, |list, (n, item)| if n == 0 { list } else { list.say(", ") }.then(item));
        if rest == 0 { list } else { list.say(format!(" and {rest} more")) }
    }

    fn with(mut self, part: Part) -> Self {
        self.0.push(part);
        self
    }

    /// The phrase as one line of plain text: for the console, the outputs and JSON.
    pub(crate) fn plain(&self) -> String {
        self.0.iter().fold(String::new(), |mut out, part| {
            match part {
                Part::Own(words) => out.push_str(words),
                Part::Quoted(name) => out.extend(["\"", &plain(name), "\""]),
                Part::Bare(name) => out.push_str(&plain(name)),
                Part::Line(sentence) => out.push_str(&line(sentence)),
                Part::Page { link: Some(link), .. } => out.push_str(link),
                Part::Page { id, link: None } => out.extend(["task ", &plain(id)]),
            }
            out
        })
    }
}
