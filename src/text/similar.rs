//! "Did you mean": the names most similar to one that does not exist. Pure.

/// How similar a name must be to be suggested, from 0 to 1.
const SIMILAR: f64 = 0.75;
/// How similar a path is whose last parts are the name.
const SAME_ENDING: f64 = 0.99;
const MOST: usize = 3;

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

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_a_sub_project_by_its_last_part() {
        let names = ["vision/detector", "vision/detectors", "a/detector", "other"].map(str::to_owned);
        assert_eq!(nearest("Detector", names.clone()), ["a/detector", "vision/detector"]);
        assert_eq!(nearest("", names), [""; 0]);
    }

    #[test]
    fn ignores_case() {
        let names = ["my_task", "My_Task", "my_task", "other", "my_tusk"].map(str::to_owned);
        assert_eq!(nearest("my_taks", names.clone()), ["My_Task", "my_task", "my_tusk"]);
        assert_eq!(nearest("qqq", names), [""; 0]);
    }
}
