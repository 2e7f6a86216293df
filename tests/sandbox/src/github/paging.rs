//! Pages of a list, and the `Link` header with the other pages.

use serde_json::Value;

use crate::http::{Head, decode_query};

const USUAL: usize = 30;
const MOST: usize = 100;

/// The requested part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    pub(super) fn of(head: &Head) -> Self {
        let parameters = decode_query(&head.path);
        let number = |name| {
            let text = parameters.get(name).and_then(Value::as_str);
            text.and_then(|text| text.parse().ok()).filter(|number| *number > 0)
        };
        Self { number: number("page").unwrap_or(1), size: number("per_page").unwrap_or(USUAL).min(MOST) }
    }

    pub(super) fn cut<T>(self, all: impl Iterator<Item = T>) -> Vec<T> {
        all.skip((self.number - 1).saturating_mul(self.size)).take(self.size).collect()
    }

    /// None if everything is on one page. `address` has no query.
    pub(super) fn link(self, head: &Head, address: &str, total: usize) -> Option<String> {
        let last = total.div_ceil(self.size).max(1);
        let mut relations = Vec::new();
        if self.number > 1 {
            relations.push((self.number - 1, "prev"));
        }
        if self.number < last {
            relations.extend([(self.number + 1, "next"), (last, "last")]);
        }
        if self.number > 1 {
            relations.push((1, "first"));
        }
        let query = without_page(&head.path);
        let links = relations.iter().map(|(page, relation)| {
            let query = query.iter().map(|pair| (*pair).to_owned()).chain([format!("page={page}")]);
            format!("<{address}?{}>; rel=\"{relation}\"", query.collect::<Vec<_>>().join("&"))
        });
        (!relations.is_empty()).then(|| links.collect::<Vec<_>>().join(", "))
    }
}

/// The query as sent, without the page.
fn without_page(path: &str) -> Vec<&str> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("page=")).collect()
}

#[cfg(test)]
mod tests {
    use super::Page;
    use crate::http::Head;

    fn head(query: &str) -> Head {
        Head { path: format!("/x{query}"), ..Head::default() }
    }

    #[test]
    fn sizes() {
        let sizes = ["", "?per_page=7&page=3", "?per_page=1000", "?per_page=0&page=0", "?per_page=x"];
        let pages = sizes.map(|query| Page::of(&head(query)));
        let expected = [(1, 30), (3, 7), (1, 100), (1, 30), (1, 30)].map(|(number, size)| Page { number, size });
        assert_eq!(pages, expected);
    }

    #[test]
    fn links() {
        let link = |query: &str, total| Page::of(&head(query)).link(&head(query), "u", total);
        assert_eq!(link("?per_page=10", 10), None);
        assert_eq!(link("", 0), None);
        let first = "<u?per_page=10&page=2>; rel=\"next\", <u?per_page=10&page=3>; rel=\"last\"";
        assert_eq!(link("?per_page=10", 21).as_deref(), Some(first));
        let last = "<u?per_page=10&page=2>; rel=\"prev\", <u?per_page=10&page=1>; rel=\"first\"";
        assert_eq!(link("?page=3&per_page=10", 21).as_deref(), Some(last));
    }
}
