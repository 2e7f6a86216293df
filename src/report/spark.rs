//! Draws a curve as a line of blocks, for the console. Pure.

use crate::model::run::Curve;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const WIDTH: usize = 32;

/// The lowest and the highest value of the curves; `None` if they have no point.
pub(super) fn range(curves: &[&Curve]) -> Option<(f64, f64)> {
    let values = || curves.iter().flat_map(|curve| &curve.0).map(|(_, y)| *y);
    let (low, high) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    Some((low, high))
}

/// One column for each range of iterations: its last value, on a scale from `low` to `high`.
pub(super) fn line(curve: &Curve, (low, high): (f64, f64)) -> String {
    let points = &curve.0;
    let columns = points.len().min(WIDTH);
    let last_in = |column: usize| points.get((column + 1) * points.len() / columns - 1);
    (0..columns).filter_map(last_in).map(|(_, y)| block(*y, low, high)).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 7, rounded")]
fn block(value: f64, low: f64, high: f64) -> char {
    // Halved, so that the difference of two huge values stays finite.
    let span = high / 2.0 - low / 2.0;
    let share = if span > 0.0 { (value / 2.0 - low / 2.0) / span } else { 0.5 };
    BLOCKS.get((share * 7.0).round() as usize).copied().unwrap_or('█')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(values: &[f64]) -> Curve {
        Curve(values.iter().enumerate().map(|(n, y)| (f64::from(u32::try_from(n).unwrap()), *y)).collect())
    }

    fn drawn(values: &[f64]) -> String {
        let curve = curve(values);
        range(&[&curve]).map_or_else(String::new, |range| line(&curve, range))
    }

    #[test]
    fn draws_from_the_lowest_to_the_highest_value() {
        assert_eq!(drawn(&[0.0, 0.5, 1.0]), "▁▅█");
        assert_eq!(drawn(&[3.0]), "▅");
        assert_eq!(drawn(&[]), "");
        assert_eq!(drawn(&(0..100).map(f64::from).collect::<Vec<_>>()).chars().count(), WIDTH);
    }

    proptest! {
        #[test]
        fn draws_any_curve(values in prop::collection::vec(prop_oneof![any::<f32>().prop_map(f64::from), Just(f64::MAX), Just(f64::MIN)], 0..100)) {
            let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
            let line = drawn(&values);
            prop_assert_eq!(line.chars().count(), values.len().min(WIDTH));
            prop_assert!(line.chars().all(|c| BLOCKS.contains(&c)));
        }
    }
}
