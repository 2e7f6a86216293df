//! Draws the curves of a metric as a Mermaid chart, which GitHub displays. Pure.
//!
//! Mermaid spreads the values of a line evenly over the whole x-axis, and allows neither gaps nor exponents. Therefore both
//! curves are resampled on the same grid, and very large or small values are drawn in units of a power of ten. A chart
//! contains no text from outside.

use std::fmt::Write as _;

use crate::model::run::{Curve, Curves};
use crate::text::number::exact;

/// Steps of the grid. It is a power of two because Mermaid adds up steps to place the points, and a rounding error would
/// lose the last point.
const STEPS: u32 = 32;
/// A sum of steps is exact up to about 2^46.
const LARGEST_ITERATION: f64 = 7e13;
/// A curve whose values differ by less than this, relative to their size, is drawn as a flat line.
const FLAT: f64 = 1e-9;

struct Style {
    label: &'static str,
    /// Has a contrast of at least 3:1 with the backgrounds of GitHub's light and dark themes.
    color: &'static str,
    /// An emoji of this color, for the legend.
    square: &'static str,
}

const BASELINE: Style = Style { label: "baseline", color: "#d9730d", square: "🟧" };
const CANDIDATE: Style = Style { label: "candidate", color: "#2f81f7", square: "🟦" };

pub(super) struct Chart {
    /// Markdown that says which line is which.
    pub(super) legend: String,
    /// The text of the code block; ends with a line break.
    pub(super) mermaid: String,
}

/// Draws the curves that have more than one point, if there are any.
pub(super) fn chart(curves: &Curves) -> Option<Chart> {
    let both = [(&BASELINE, &curves.baseline), (&CANDIDATE, &curves.candidate)];
    let drawn: Vec<_> = both.into_iter().filter_map(|(style, curve)| Some((style, curve, Span::of(curve)?))).collect();
    let spans: Vec<Span> = drawn.iter().map(|(.., span)| *span).collect();
    let axis = Axis::over(&spans)?;
    let lines: Vec<_> = drawn.iter().map(|(_, curve, span)| resampled(curve, axis.span_for(*span))).collect();
    let scale = Scale::of(lines.iter().flatten().copied())?;
    let styles = drawn.iter().map(|(style, ..)| *style).collect::<Vec<_>>();
    Some(Chart { legend: legend(&drawn, axis), mermaid: mermaid(&styles, &lines, axis, &scale) })
}

fn legend(drawn: &[(&Style, &Curve, Span)], axis: Axis) -> String {
    let entry = |(style, _, span): &(&Style, &Curve, Span)| match axis {
        Axis::Iterations(_) => format!("{} {}", style.square, style.label),
        Axis::Share => {
            format!("{} {} (iterations {} to {})", style.square, style.label, exact(span.first), exact(span.last))
        }
    };
    drawn.iter().map(entry).collect::<Vec<_>>().join(", ")
}

/// The chart is narrow, because in a wide one Mermaid's labels overlap on a narrow page. The legend is outside of it,
/// because older versions of Mermaid have none.
fn mermaid(styles: &[&Style], lines: &[Vec<f64>], axis: Axis, scale: &Scale) -> String {
    let colors: Vec<_> = styles.iter().map(|style| style.color).collect();
    let (title, from, to) = match axis {
        Axis::Iterations(span) => ("iteration", span.first, span.last),
        Axis::Share => ("percent of each run", 0.0, 100.0),
    };
    let mut out = format!(
        "%%{{init: {{\"xyChart\": {{\"width\": 600, \"height\": 300, \"showLegend\": false}}, \
         \"themeVariables\": {{\"xyChart\": {{\"plotColorPalette\": \"{}\"}}}}}}}}%%\nxychart-beta\n",
        colors.join(", ")
    );
    let _ = writeln!(out, "    x-axis \"{title}\" {from} --> {to}");
    let _ =
        writeln!(out, "    y-axis \"{}\" {} --> {}", scale.title(), scale.digits(scale.low), scale.digits(scale.high));
    for (style, line) in styles.iter().zip(lines) {
        let values: Vec<_> = line.iter().map(|value| scale.digits(scale.scaled(*value))).collect();
        let _ = writeln!(out, "    line \"{}\" [{}]", style.label, values.join(", "));
    }
    out
}

/// A range of iterations, never empty.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    first: f64,
    last: f64,
}

impl Span {
    /// The range of a curve with at least two different iterations.
    fn of(curve: &Curve) -> Option<Self> {
        let (first, last) = (curve.0.first()?.0, curve.0.last()?.0);
        Self { first, last }.checked()
    }

    fn checked(self) -> Option<Self> {
        (self.width() > 0.0).then_some(self)
    }

    /// Half of the width, so that the distance of two huge numbers stays finite.
    fn width(self) -> f64 {
        self.last / 2.0 - self.first / 2.0
    }

    /// The place of an iteration on the grid, from 0 to the number of steps.
    fn place(self, iteration: f64) -> f64 {
        (iteration / 2.0 - self.first / 2.0) / self.width() * f64::from(STEPS)
    }
}

/// The x-axis.
#[derive(Clone, Copy)]
enum Axis {
    /// Iterations, if the ranges of the runs differ by no more than a step.
    Iterations(Span),
    /// The progress of each run. A line always reaches the end of the axis, so an axis of iterations would stretch the
    /// shorter run.
    Share,
}

impl Axis {
    fn over(spans: &[Span]) -> Option<Self> {
        let first = spans.iter().map(|span| span.first).reduce(f64::min)?.floor();
        let last = spans.iter().map(|span| span.last).reduce(f64::max)?.ceil();
        let all = Span { first, last };
        let step = all.width() * 2.0 / f64::from(STEPS);
        let alike = |span: &Span| (span.first - first).abs() <= step && (last - span.last).abs() <= step;
        let exact = first.abs() <= LARGEST_ITERATION && last.abs() <= LARGEST_ITERATION;
        Some(if exact && spans.iter().all(alike) { Self::Iterations(all) } else { Self::Share })
    }

    /// The range that the grid covers for a curve of the range `own`.
    const fn span_for(self, own: Span) -> Span {
        match self {
            Self::Iterations(all) => all,
            Self::Share => own,
        }
    }
}

/// The values at the points of the grid, by linear interpolation.
fn resampled(curve: &Curve, span: Span) -> Vec<f64> {
    let points: Vec<(f64, f64)> = curve.0.iter().map(|(x, y)| (span.place(*x), *y)).collect();
    (0..=STEPS).filter_map(|step| at(&points, f64::from(step))).collect()
}

fn at(points: &[(f64, f64)], place: f64) -> Option<f64> {
    let before = points.iter().rev().find(|(x, _)| *x <= place);
    let after = points.iter().find(|(x, _)| *x > place);
    match (before, after) {
        (Some((x0, y0)), Some((x1, y1))) => {
            let share = (place - x0) / (x1 - x0);
            Some(y0 * (1.0 - share) + y1 * share)
        }
        (Some((_, y)), None) | (None, Some((_, y))) => Some(*y),
        (None, None) => None,
    }
}

/// The y-axis: its unit, and its range in that unit.
struct Scale {
    exponent: i32,
    low: f64,
    high: f64,
    decimals: usize,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let (low, high) = (values.clone().reduce(f64::min)?, values.reduce(f64::max)?);
        let largest = low.abs().max(high.abs());
        let exponent = if largest == 0.0 || (1e-3..1e6).contains(&largest) { 0 } else { exponent_of(largest) };
        let unit = Self { exponent, low, high, decimals: 0 };
        Some(unit.padded(unit.scaled(low), unit.scaled(high)))
    }

    /// Adds room above and below the lines. A flat line is in the middle.
    fn padded(&self, low: f64, high: f64) -> Self {
        let largest = low.abs().max(high.abs());
        let flat = high - low <= largest * FLAT;
        let room = if !flat {
            (high - low) / 20.0
        } else if largest > 0.0 {
            largest / 10.0
        } else {
            1.0
        };
        // An axis below zero would suggest that the values can be negative.
        let floor = if low >= 0.0 && largest > 0.0 { 0.0 } else { f64::NEG_INFINITY };
        let (low, high) = ((low - room).max(floor), high + room);
        let decimals = usize::try_from(3 - exponent_of(high - low)).unwrap_or(0);
        Self { exponent: self.exponent, low, high, decimals }
    }

    /// Scales in two steps, because the power of ten itself may not be finite.
    fn scaled(&self, value: f64) -> f64 {
        let half = self.exponent / 2;
        value * 10_f64.powi(-half) * 10_f64.powi(half - self.exponent)
    }

    fn title(&self) -> String {
        if self.exponent == 0 { "value".to_owned() } else { format!("value, in units of 1e{}", self.exponent) }
    }

    /// A number with as many digits as the chart can show.
    fn digits(&self, value: f64) -> String {
        let text = format!("{value:.*}", self.decimals);
        let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        if short == "-0" { "0".to_owned() } else { short.to_owned() }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the exponent of a double")]
fn exponent_of(value: f64) -> i32 {
    value.log10().floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(points: &[(f64, f64)]) -> Curve {
        Curve(points.to_vec())
    }

    fn line(last: u32, value: impl Fn(f64) -> f64) -> Curve {
        Curve((0..=last).map(f64::from).map(|x| (x, value(x))).collect())
    }

    fn drawn(candidate: Curve, baseline: Curve) -> Chart {
        chart(&Curves { candidate, baseline }).unwrap()
    }

    /// The values of each line of a chart.
    fn lists(mermaid: &str) -> Vec<Vec<f64>> {
        let lists = mermaid.lines().filter_map(|line| line.trim().strip_prefix("line ")?.split_once('['));
        lists.map(|(_, list)| list.trim_end_matches(']').split(", ").map(|v| v.parse().unwrap()).collect()).collect()
    }

    /// The range of an axis.
    fn range(mermaid: &str, axis: &str) -> (f64, f64) {
        let line = mermaid.lines().find(|line| line.trim().starts_with(axis)).unwrap();
        let (low, high) = line.rsplit_once('"').unwrap().1.split_once("-->").unwrap();
        (low.trim().parse().unwrap(), high.trim().parse().unwrap())
    }

    #[test]
    fn resamples_both_curves_on_one_grid() {
        let chart = drawn(line(64, |x| x), line(64, |x| x / 2.0));
        assert!(chart.mermaid.contains("x-axis \"iteration\" 0 --> 64\n"), "{}", chart.mermaid);
        assert_eq!(chart.legend, "🟧 baseline, 🟦 candidate");
        let lists = lists(&chart.mermaid);
        assert_eq!((lists[0].len(), lists[1].len()), (33, 33));
        assert_eq!((lists[0][0], lists[0][16], lists[1][16], lists[1][32]), (0.0, 16.0, 32.0, 64.0));
    }

    #[test]
    fn interpolates_between_few_points() {
        let chart = drawn(curve(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)]), Curve::default());
        let list = &lists(&chart.mermaid)[0];
        assert_eq!((list[0], list[8], list[16], list[32]), (0.0, 0.5, 1.0, 0.0));
        assert_eq!(chart.legend, "🟦 candidate");
    }

    #[test]
    fn draws_runs_of_different_length_by_their_progress() {
        let chart = drawn(line(100, |x| x), line(50, |x| x));
        assert!(chart.mermaid.contains("x-axis \"percent of each run\" 0 --> 100\n"), "{}", chart.mermaid);
        assert_eq!(chart.legend, "🟧 baseline (iterations 0 to 50), 🟦 candidate (iterations 0 to 100)");
        let chart = drawn(line(1000, |x| x), line(1001, |x| x));
        assert!(chart.mermaid.contains("x-axis \"iteration\" 0 --> 1001\n"), "{}", chart.mermaid);
    }

    #[test]
    fn draws_nothing_for_less_than_two_iterations() {
        let none = |candidate| chart(&Curves { candidate, baseline: Curve::default() }).is_none();
        assert!(none(Curve::default()));
        assert!(none(curve(&[(3.0, 1.0)])));
        assert!(none(curve(&[(3.0, 1.0), (3.0, 2.0)])));
        assert_eq!(drawn(line(4, |x| x), curve(&[(0.0, 1.0)])).legend, "🟦 candidate");
    }

    #[test]
    fn draws_a_flat_line_in_the_middle() {
        let of = |value: f64| range(&drawn(line(4, |_| value), Curve::default()).mermaid, "y-axis");
        assert_eq!(of(0.0), (-1.0, 1.0));
        assert_eq!(of(10.0), (9.0, 11.0));
        assert_eq!(of(-10.0), (-11.0, -9.0));
    }

    #[test]
    fn writes_units_instead_of_exponents() {
        let chart = drawn(line(4, |x| x * 1e300), Curve::default());
        assert!(chart.mermaid.contains("y-axis \"value, in units of 1e300\" 0 --> 4.2\n"), "{}", chart.mermaid);
        let chart = drawn(line(4, |x| x * 1e-310), Curve::default());
        assert!(chart.mermaid.contains("in units of 1e-310"), "{}", chart.mermaid);
    }

    fn any_curve() -> impl Strategy<Value = Curve> {
        let x = prop_oneof![(-10..5000_i32).prop_map(f64::from), prop::num::f64::NORMAL, -1.0..1.0];
        let y = prop_oneof![
            -1.0..1.0,
            prop::num::f64::NORMAL,
            prop::num::f64::SUBNORMAL,
            Just(0.5),
            Just(0.0),
            Just(f64::MAX),
            Just(f64::MIN)
        ];
        prop::collection::vec((x, y), 0..60).prop_map(|mut points| {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            Curve(points)
        })
    }

    proptest! {
        #[test]
        fn any_curves_make_a_valid_chart(candidate in any_curve(), baseline in any_curve()) {
            let Some(chart) = chart(&Curves { candidate, baseline }) else { return Ok(()) };
            let text = &chart.mermaid;
            prop_assert!(text.len() < 3000, "{text}");
            let body = text.split_once("xychart-beta").unwrap().1;
            let outside: String = body.split('"').step_by(2).collect();
            prop_assert!(outside.chars().all(|c| c.is_ascii_digit() || " \n.,-[]>axisyline".contains(c)), "{text}");
            let ((x0, x1), (y0, y1)) = (range(text, "x-axis"), range(text, "y-axis"));
            prop_assert!(x0 < x1 && y0 < y1, "{text}");
            for list in lists(text) {
                prop_assert_eq!(list.len(), 33);
                prop_assert!(list.iter().all(|y| y.is_finite() && *y >= y0 && *y <= y1), "{}", text);
            }
            // This is how Mermaid places the points.
            let step = (x1 - x0) / 32.0;
            let mut places = 0;
            let mut x = x0;
            while x <= x1 {
                places += 1;
                x += step;
            }
            prop_assert_eq!(places, 33, "{}", text);
        }
    }
}
