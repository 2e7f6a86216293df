//! Numbers for people. Pure.

/// A measured value with all its digits: the report shows what was compared.
pub(crate) fn exact(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if (1e-4..1e15).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// A computed value with six significant digits, so that a difference of 0.05 is not shown as 0.050000000000000044.
pub(crate) fn rounded(value: f64) -> String {
    exact(to_digits(value, 6))
}

/// A computed value with its sign.
pub(crate) fn signed(value: f64) -> String {
    with_sign(value, rounded(value))
}

/// A percentage with its sign and four significant digits.
pub(crate) fn percent(value: f64) -> String {
    with_sign(value, exact(to_digits(value, 4))) + "%"
}

/// The value rounded to this many significant digits.
pub(crate) fn to_digits(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

fn with_sign(value: f64, text: String) -> String {
    if value > 0.0 { format!("+{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_as_few_digits_as_possible() {
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
        assert_eq!(percent(-7.058_823_5), "-7.059%");
        assert_eq!(percent(6.25), "+6.25%");
        assert_eq!(percent(0.0), "0%");
    }

    proptest! {
        #[test]
        fn an_exact_number_reads_back_as_itself(value in prop::num::f64::NORMAL) {
            prop_assert_eq!(exact(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }

        #[test]
        fn rounding_changes_only_later_digits(value in prop::num::f64::NORMAL) {
            prop_assert!((to_digits(value, 12) / value - 1.0).abs() < 1e-11);
        }
    }
}
