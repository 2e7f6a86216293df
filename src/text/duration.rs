//! Durations for people. Pure.

use std::time::Duration;

/// A duration such as `3 min 20 s`, without the units that are zero.
pub(crate) fn format(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let shown: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if shown.is_empty() { "0 s".to_owned() } else { shown.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_units_that_are_zero() {
        assert_eq!(format(Duration::ZERO), "0 s");
        assert_eq!(format(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(format(Duration::from_hours(2)), "2 h");
    }
}
