//! "Did you mean": the names most similar to one that does not exist. Pure.

use crate::text::sanitize::is_misleading;

/// How similar a name must be to be suggested, from 0 to 1.
const SIMILAR: f64 = 0.75;
/// How similar a path is whose last parts are the name.
const SAME_ENDING: f64 = 0.99;
const MOST: usize = 3;
/// How many typos a word can have, and how many letters it needs for each.
const MOST_TYPOS: usize = 2;
const LETTERS_PER_TYPO: usize = 5;
const LONGEST_WORD: usize = 100;

/// The most similar names, best first. A path that ends with the name counts as almost equal: users often leave out the
/// parents of a sub-project.
pub(crate) fn nearest(wanted: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let wanted = wanted.trim().to_ascii_lowercase();
    let scored = names.into_iter().map(|name| (similarity(&wanted, &name.trim().to_ascii_lowercase()), name));
    let mut similar: Vec<(f64, String)> = scored.filter(|(score, _)| *score >= SIMILAR).collect();
    similar.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    similar.dedup_by(|a, b| a.1 == b.1);
    similar.into_iter().take(MOST).map(|(_, name)| name).collect()
}

fn similarity(wanted: &str, name: &str) -> f64 {
    let has_same_ending = name.strip_suffix(wanted).is_some_and(|parents| parents.ends_with('/'));
    if has_same_ending { SAME_ENDING } else { strsim::jaro_winkler(wanted, name) }
}

/// The name that is most probably a misspelling of the wanted one: with other blanks, hyphens or case, or with a typo or two
/// in a long word. Names that differ in a number or a short word, such as `best-v1` and `best-v2`, are different on purpose.
pub(crate) fn misspelling<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let others = names.into_iter().filter(|name| *name != wanted);
    others.filter_map(|name| Some((typos(wanted, name)?, name))).min().map(|(_, name)| name)
}

/// The number of typos that make the one name the other; `None` if they look different on purpose.
fn typos(wanted: &str, name: &str) -> Option<usize> {
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '-' | '_') || is_misleading(c);
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase().split(is_gap).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (wanted, name) = (words(wanted), words(name));
    if wanted.concat() == name.concat() {
        return (!wanted.is_empty()).then_some(0);
    }
    let typos = |(wanted, name): (&String, &String)| {
        let length = wanted.chars().count();
        // A long name costs time, and is none that someone typed.
        let is_comparable = length.abs_diff(name.chars().count()) <= MOST_TYPOS && length <= LONGEST_WORD;
        let distance = if wanted == name {
            0
        } else if is_comparable {
            strsim::osa_distance(wanted, name)
        } else {
            length
        };
        (distance <= MOST_TYPOS.min(length / LETTERS_PER_TYPO)).then_some(distance)
    };
    (wanted.len() == name.len()).then(|| wanted.iter().zip(&name).map(typos).sum()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{misspelling, nearest};

    #[test]
    fn finds_a_sub_project_by_its_last_part() {
        let names = ["vision/detector", "vision/detectors", "a/detector", "other"].map(str::to_owned);
        assert_eq!(nearest("Detector", names.clone()), ["a/detector", "vision/detector"]);
        assert_eq!(nearest("", names), [""; 0]);
    }

    #[test]
    fn finds_a_misspelling() {
        let tag = "Best Performance";
        for name in [
            "best performance",
            "Best  Performance",
            " Best Performance ",
            "Best\u{a0}Performance",
            "Best\u{200b}Performance",
            "BestPerformance",
            "best-performance",
            "BEST_PERFORMANCE",
            "Best Performence",
            "Best Perfromance",
            "Best Perfomace",
        ] {
            assert_eq!(misspelling(tag, ["prod", name, tag]), Some(name));
        }
        assert_eq!(misspelling(tag, ["Best Performence", "best performance"]), Some("best performance"));
        assert_eq!(misspelling("\u{200b}", ["\u{200b}\u{200b}", ""]), None);
    }

    #[test]
    fn names_that_differ_on_purpose_are_no_misspellings() {
        for (wanted, name) in [
            ("Best Performance", "Best Performance 2"),
            ("Best Performance", "Worst Performance"),
            ("Best Performance", "Performance"),
            ("best-v1", "best-v2"),
            ("best-cpu", "best-gpu"),
            ("team-a", "team-b"),
            ("best", "beta"),
            ("★", "☆"),
        ] {
            assert_eq!(misspelling(wanted, [name]), None, "{name}");
        }
        let long = "x".repeat(100_000);
        assert_eq!(misspelling(&long, [format!("{long}y").as_str()]), None);
    }

    #[test]
    fn ignores_case() {
        let names = ["my_task", "My_Task", "my_task", "other", "my_tusk"].map(str::to_owned);
        assert_eq!(nearest("my_taks", names.clone()), ["My_Task", "my_task", "my_tusk"]);
        assert_eq!(nearest("qqq", names), [""; 0]);
    }
}
