//! The curves of a metric as a Mermaid chart, which GitHub draws by itself. Pure.
//!
//! A line of such a chart is a list of values that is stretched evenly over the whole x-axis, without gaps and without
//! exponents. So both curves are brought onto the same grid, and values that are too large or too small for plain
//! digits are drawn in units of a power of ten. No name from outside is in it.

use std::fmt::Write as _;

use crate::model::run::{Curve, Curves};
use crate::text::number::exact;

/// Steps of the grid. A power of two: Mermaid finds the places of the points by adding steps up, and would lose the
/// last one to a rounding error.
const STEPS: u32 = 32;
/// Up to 2^46 a sum of steps is exact.
const LARGEST_ITERATION: f64 = 7e13;
/// Curves whose values differ by less than this, relative to their size, are drawn as a flat line.
const FLAT: f64 = 1e-9;

/// A line: whose it is, its colour, and the square that looks like it.
struct Pen {
    whose: &'static str,
    /// At least 3:1 against the backgrounds of both themes of GitHub.
    colour: &'static str,
    square: &'static str,
}

const BASELINE: Pen = Pen { whose: "baseline", colour: "#d9730d", square: "🟧" };
const CANDIDATE: Pen = Pen { whose: "candidate", colour: "#2f81f7", square: "🟦" };

/// A chart and how to read it.
pub(super) struct Chart {
    /// Which line is whose; Markdown of the tool's own words.
    pub(super) legend: String,
    /// The text between the fences, which ends with a line break.
    pub(super) mermaid: String,
}

/// Draws the curves that have more than one point; `None` when there is none.
pub(super) fn chart(curves: &Curves) -> Option<Chart> {
    let both = [(&BASELINE, &curves.baseline), (&CANDIDATE, &curves.candidate)];
    let drawn: Vec<_> = both.into_iter().filter_map(|(pen, curve)| Some((pen, curve, Span::of(curve)?))).collect();
    let spans: Vec<Span> = drawn.iter().map(|(.., span)| *span).collect();
    let axis = Axis::over(&spans)?;
    let lines: Vec<_> = drawn.iter().map(|(_, curve, span)| resampled(curve, axis.span_for(*span))).collect();
    let scale = Scale::of(lines.iter().flatten().copied())?;
    let pens = drawn.iter().map(|(pen, ..)| *pen).collect::<Vec<_>>();
    Some(Chart { legend: legend(&drawn, axis), mermaid: mermaid(&pens, &lines, axis, &scale) })
}

fn legend(drawn: &[(&Pen, &Curve, Span)], axis: Axis) -> String {
    let entry = |(pen, _, span): &(&Pen, &Curve, Span)| match axis {
        Axis::Iterations(_) => format!("{} {}", pen.square, pen.whose),
        Axis::Share => {
            format!("{} {} (iterations {} to {})", pen.square, pen.whose, exact(span.first), exact(span.last))
        }
    };
    drawn.iter().map(entry).collect::<Vec<_>>().join(", ")
}

/// Mermaid measures its texts as small as a narrow page shows them and then overlaps them; so the chart is not wide,
/// and the legend, which older versions lack, is not in it.
fn mermaid(pens: &[&Pen], lines: &[Vec<f64>], axis: Axis, scale: &Scale) -> String {
    let colours: Vec<_> = pens.iter().map(|pen| pen.colour).collect();
    let (title, from, to) = match axis {
        Axis::Iterations(span) => ("iteration", span.first, span.last),
        Axis::Share => ("share of each run in percent", 0.0, 100.0),
    };
    let mut out = format!(
        "%%{{init: {{\"xyChart\": {{\"width\": 600, \"height\": 300, \"showLegend\": false}}, \
         \"themeVariables\": {{\"xyChart\": {{\"plotColorPalette\": \"{}\"}}}}}}}}%%\nxychart-beta\n",
        colours.join(", ")
    );
    let _ = writeln!(out, "    x-axis \"{title}\" {from} --> {to}");
    let _ =
        writeln!(out, "    y-axis \"{}\" {} --> {}", scale.title(), scale.digits(scale.low), scale.digits(scale.high));
    for (pen, line) in pens.iter().zip(lines) {
        let values: Vec<_> = line.iter().map(|value| scale.digits(scale.scaled(*value))).collect();
        let _ = writeln!(out, "    line \"{}\" [{}]", pen.whose, values.join(", "));
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
    /// The range of a curve; `None` when that is less than two iterations.
    fn of(curve: &Curve) -> Option<Self> {
        let (first, last) = (curve.0.first()?.0, curve.0.last()?.0);
        Self { first, last }.checked()
    }

    fn checked(self) -> Option<Self> {
        (self.width() > 0.0).then_some(self)
    }

    /// Half of it, so that the distance of two huge numbers stays finite.
    fn width(self) -> f64 {
        self.last / 2.0 - self.first / 2.0
    }

    /// Where an iteration lies, from 0 to the number of steps.
    fn place(self, iteration: f64) -> f64 {
        (iteration / 2.0 - self.first / 2.0) / self.width() * f64::from(STEPS)
    }
}

/// What the curves are drawn over.
#[derive(Clone, Copy)]
enum Axis {
    /// The iterations, where the runs have the same but for less than a step.
    Iterations(Span),
    /// Each run's own length. A line cannot end before the axis does, so that on an axis of iterations the shorter run
    /// would be shown as longer than it was.
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

    /// What the grid is laid over for a curve of this range.
    const fn span_for(self, own: Span) -> Span {
        match self {
            Self::Iterations(all) => all,
            Self::Share => own,
        }
    }
}

/// The values at the points of the grid, on the straight lines between the points of the curve.
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

/// The y-axis: its unit and its range in that unit.
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

    /// Room above and below the lines; a flat line lies in the middle.
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
        // An axis that goes below zero suggests that the values can.
        let floor = if low >= 0.0 && largest > 0.0 { 0.0 } else { f64::NEG_INFINITY };
        let (low, high) = ((low - room).max(floor), high + room);
        let decimals = usize::try_from(3 - exponent_of(high - low)).unwrap_or(0);
        Self { exponent: self.exponent, low, high, decimals }
    }

    /// In two steps, since not every power of ten that is needed is a finite number.
    fn scaled(&self, value: f64) -> f64 {
        let half = self.exponent / 2;
        value * 10_f64.powi(-half) * 10_f64.powi(half - self.exponent)
    }

    fn title(&self) -> String {
        if self.exponent == 0 { "value".to_owned() } else { format!("value, in units of 1e{}", self.exponent) }
    }

    /// A number of the range with as many digits as can be seen.
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

    /// The lists of a chart.
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
    fn both_curves_are_on_the_grid_of_their_iterations() {
        let chart = drawn(line(64, |x| x), line(64, |x| x / 2.0));
        assert!(chart.mermaid.contains("x-axis \"iteration\" 0 --> 64\n"), "{}", chart.mermaid);
        assert_eq!(chart.legend, "🟧 baseline, 🟦 candidate");
        let lists = lists(&chart.mermaid);
        assert_eq!((lists[0].len(), lists[1].len()), (33, 33));
        assert_eq!((lists[0][0], lists[0][16], lists[1][16], lists[1][32]), (0.0, 16.0, 32.0, 64.0));
    }

    #[test]
    fn few_points_are_joined_by_straight_lines() {
        let chart = drawn(curve(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)]), Curve::default());
        let list = &lists(&chart.mermaid)[0];
        assert_eq!((list[0], list[8], list[16], list[32]), (0.0, 0.5, 1.0, 0.0));
        assert_eq!(chart.legend, "🟦 candidate");
    }

    #[test]
    fn runs_of_different_length_are_drawn_over_their_share() {
        let chart = drawn(line(100, |x| x), line(50, |x| x));
        assert!(chart.mermaid.contains("x-axis \"share of each run in percent\" 0 --> 100\n"), "{}", chart.mermaid);
        assert_eq!(chart.legend, "🟧 baseline (iterations 0 to 50), 🟦 candidate (iterations 0 to 100)");
        let chart = drawn(line(1000, |x| x), line(1001, |x| x));
        assert!(chart.mermaid.contains("x-axis \"iteration\" 0 --> 1001\n"), "{}", chart.mermaid);
    }

    #[test]
    fn what_is_no_curve_is_not_drawn() {
        let none = |candidate| chart(&Curves { candidate, baseline: Curve::default() }).is_none();
        assert!(none(Curve::default()));
        assert!(none(curve(&[(3.0, 1.0)])));
        assert!(none(curve(&[(3.0, 1.0), (3.0, 2.0)])));
        assert_eq!(drawn(line(4, |x| x), curve(&[(0.0, 1.0)])).legend, "🟦 candidate");
    }

    #[test]
    fn a_flat_line_lies_in_the_middle() {
        let of = |value: f64| range(&drawn(line(4, |_| value), Curve::default()).mermaid, "y-axis");
        assert_eq!(of(0.0), (-1.0, 1.0));
        assert_eq!(of(10.0), (9.0, 11.0));
        assert_eq!(of(-10.0), (-11.0, -9.0));
    }

    #[test]
    fn units_replace_exponents() {
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
        fn any_curves_make_a_chart_that_can_be_read(candidate in any_curve(), baseline in any_curve()) {
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
            // As Mermaid finds the places of the points.
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
