//! A sentence that keeps the tool's own words and names from outside apart, so that each renderer can escape the names
//! in its own way. Pure.

use std::borrow::Cow;

use crate::gate::outcome::RunSummary;
use crate::text::sanitize;

/// How many names are listed; the rest is only counted.
const MOST_NAMES: usize = 12;

/// One piece of a sentence.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// The tool's own words: nothing in them comes from outside.
    Words(Cow<'static, str>),
    /// A name from outside that needs quotes.
    Quoted(String),
    /// A name from outside that needs no quotes, such as an id or a metric.
    Name(String),
    /// A whole sentence that contains text from outside, such as an error message of a server.
    Sentence(String),
    /// A link to a run, or its id if the address is unknown.
    Run { id: String, link: Option<String> },
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Phrase(Vec<Part>);

/// Starts a phrase with the tool's own words.
pub(crate) fn say(words: impl Into<Cow<'static, str>>) -> Phrase {
    Phrase::default().say(words)
}

/// Starts a phrase with a name in quotes.
pub(crate) fn quoted(name: &str) -> Phrase {
    Phrase(vec![Part::Quoted(name.to_owned())])
}

/// Starts a phrase with a name.
pub(crate) fn name(name: &str) -> Phrase {
    Phrase(vec![Part::Name(name.to_owned())])
}

/// Starts a phrase with a sentence that contains text from outside.
pub(crate) fn sentence(sentence: &str) -> Phrase {
    Phrase(vec![Part::Sentence(sentence.to_owned())])
}

/// Starts a phrase with a link to a run.
pub(crate) fn run(run: &RunSummary) -> Phrase {
    Phrase(vec![Part::Run { id: run.id.as_str().to_owned(), link: run.link.clone() }])
}

/// Starts a phrase with a list.
pub(crate) fn listed(items: impl IntoIterator<Item = Phrase, IntoIter: ExactSizeIterator>) -> Phrase {
    Phrase::default().listed(items)
}

impl Phrase {
    pub(crate) fn parts(&self) -> &[Part] {
        &self.0
    }

    pub(crate) fn say(mut self, words: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Part::Words(words.into()));
        self
    }

    pub(crate) fn quoted(self, name: &str) -> Self {
        self.then(quoted(name))
    }

    pub(crate) fn sentence(self, text: &str) -> Self {
        self.then(sentence(text))
    }

    pub(crate) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The items with commas between them; only the first few of many.
    pub(crate) fn listed(self, items: impl IntoIterator<Item = Self, IntoIter: ExactSizeIterator>) -> Self {
        let items = items.into_iter();
        let rest = items.len().saturating_sub(MOST_NAMES);
        let shown = items.take(MOST_NAMES).enumerate();
        let list = shown.fold(self, |list, (n, item)| if n == 0 { list } else { list.say(", ") }.then(item));
        if rest == 0 { list } else { list.say(format!(" and {rest} more")) }
    }

    /// The phrase as one line of plain text, for the console, the outputs and JSON.
    pub(crate) fn plain(&self) -> String {
        self.0.iter().fold(String::new(), |mut out, part| {
            match part {
                Part::Words(words) => out.push_str(words),
                Part::Quoted(name) => out.extend(["\"", &sanitize::name(name), "\""]),
                Part::Name(name) => out.push_str(&sanitize::name(name)),
                Part::Sentence(sentence) => out.push_str(&sanitize::sentence(sentence)),
                Part::Run { link: Some(link), .. } => out.push_str(link),
                Part::Run { id, link: None } => out.extend(["task ", &sanitize::name(id)]),
            }
            out
        })
    }
}
