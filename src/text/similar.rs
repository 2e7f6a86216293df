//! "Did you mean": the names nearest to one that does not exist. Pure.

/// How near a name must be to be worth showing, from 0 to 1.
const NEAR: f64 = 0.75;
/// How near a path is that ends with the name.
const BESIDE: f64 = 0.99;
/// How many are shown.
const MOST: usize = 3;

/// The nearest of the names, the nearest first; none when none is near. A path that ends with the name is next to it: who
/// leaves the parents of a sub-project out means that one.
pub(crate) fn nearest(wanted: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let wanted = wanted.trim().to_ascii_lowercase();
    let mut near: Vec<(f64, String)> = names
        .into_iter()
        .map(|name| (likeness(&wanted, &name.trim().to_ascii_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut names: Vec<String> = near.into_iter().map(|(_, name)| name).collect();
    names.dedup();
    names.truncate(MOST);
    names
}

fn likeness(wanted: &str, name: &str) -> f64 {
    let without_parents = name.strip_suffix(wanted).is_some_and(|parents| parents.ends_with('/'));
    strsim::jaro_winkler(wanted, name).max(if without_parents { BESIDE } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_sub_project_is_found_by_its_last_name() {
        let names = ["vision/detector", "vision/detectors", "a/detector", "other"].map(str::to_owned);
        assert_eq!(nearest("Detector", names.clone()), ["a/detector", "vision/detector"]);
        assert_eq!(nearest("", names), [""; 0]);
    }

    #[test]
    fn near_names_are_found_whatever_their_case() {
        let names = ["my_task", "My_Task", "my_task", "other", "my_tusk"].map(str::to_owned);
        assert_eq!(nearest("my_taks", names.clone()), ["My_Task", "my_task", "my_tusk"]);
        assert_eq!(nearest("qqq", names), [""; 0]);
    }
}
