//! Numbers as people read them. Pure.

/// A measured value, in full: what was compared must be what is shown.
pub(crate) fn exact(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let plain = value.abs() < 1e15 && value.abs() >= 1e-4;
    if plain { value.to_string() } else { format!("{value:e}") }
}

/// A computed value: six significant digits, so that a difference of 0.05 is not shown as 0.050000000000000044.
pub(crate) fn rounded(value: f64) -> String {
    let short = format!("{value:.5e}").parse().unwrap_or(value);
    exact(short)
}

/// A computed value with its sign.
pub(crate) fn signed(value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", rounded(value))
}

/// A share in percent with its sign: four significant digits are more than anybody reads.
pub(crate) fn percent(value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    let short = format!("{value:.3e}").parse().unwrap_or(value);
    format!("{sign}{} %", exact(short))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_short_and_honest() {
        assert_eq!(exact(0.85), "0.85");
        assert_eq!(exact(100.0), "100");
        assert_eq!(exact(1e300), "1e300");
        assert_eq!(exact(-2.5e-7), "-2.5e-7");
        assert_eq!(exact(-0.0), "0");
        assert_eq!(rounded(0.8 - 0.75), "0.05");
        assert_eq!(rounded(2.0 / 3.0), "0.666667");
        assert_eq!(signed(0.1 + 0.2), "+0.3");
        assert_eq!(signed(-5.0), "-5");
        assert_eq!(signed(0.0), "0");
        assert_eq!(percent(-7.058_823_5), "-7.059 %");
        assert_eq!(percent(6.25), "+6.25 %");
        assert_eq!(percent(0.0), "0 %");
    }

    proptest! {
        #[test]
        fn what_is_shown_in_full_reads_back_as_itself(value in prop::num::f64::NORMAL) {
            prop_assert_eq!(exact(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
