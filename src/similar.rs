//! "Did you mean": the names nearest to one that does not exist. Pure.

/// How near a name must be to be worth showing, from 0 to 1.
const NEAR: f64 = 0.75;
/// How many are shown.
const MOST: usize = 3;

/// The nearest of the names, the nearest first; none when none is near.
pub(crate) fn nearest(wanted: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let wanted = wanted.trim().to_ascii_lowercase();
    let mut near: Vec<(f64, String)> = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.trim().to_ascii_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut names: Vec<String> = near.into_iter().map(|(_, name)| name).collect();
    names.dedup();
    names.truncate(MOST);
    names
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found_whatever_their_case() {
        let names = ["my_task", "My_Task", "my_task", "other", "my_tusk"].map(str::to_owned);
        assert_eq!(nearest("my_taks", names.clone()), ["My_Task", "my_task", "my_tusk"]);
        assert_eq!(nearest("qqq", names), [""; 0]);
    }
}
