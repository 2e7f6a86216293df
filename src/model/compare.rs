//! The comparison: the loss, the allowed loss and the verdict. Pure.

use std::fmt;

use serde::Serialize;

/// A value that can be compared. It is finite: neither NaN nor infinity reaches a verdict.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Score(f64);

impl Score {
    /// `None` for NaN and infinities.
    pub(crate) fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number, in the metric's own unit.
    pub(crate) const fn get(self) -> f64 {
        self.0
    }
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Direction {
    /// Higher is better (`MAX`), as for an accuracy.
    Max,
    /// Lower is better (`MIN`), as for a loss.
    Min,
}

impl Direction {
    /// The value, negated where lower is better, so that higher is always better.
    const fn goodness(self, value: f64) -> f64 {
        match self {
            Self::Max => value,
            Self::Min => -value,
        }
    }

    /// Orders two scores from worse to better.
    pub(crate) fn compare(self, a: Score, b: Score) -> std::cmp::Ordering {
        self.goodness(a.0).total_cmp(&self.goodness(b.0))
    }
}

/// The allowed loss. Never negative, always finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tolerance(Kind);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Percent(f64),
    Absolute(f64),
}

impl Tolerance {
    /// Percent of the baseline's absolute value; `None` when negative or not finite.
    pub(crate) fn percent(amount: f64) -> Option<Self> {
        allowed_amount(amount).map(Kind::Percent).map(Self)
    }

    /// In the metric's own unit; `None` when negative or not finite.
    pub(crate) fn absolute(amount: f64) -> Option<Self> {
        allowed_amount(amount).map(Kind::Absolute).map(Self)
    }

    /// The percentage, if it was given as one.
    pub(crate) const fn as_percent(self) -> Option<f64> {
        match self.0 {
            Kind::Percent(percent) => Some(percent),
            Kind::Absolute(_) => None,
        }
    }

    /// The amount in the metric's own unit, if it was given as one.
    pub(crate) const fn as_absolute(self) -> Option<f64> {
        match self.0 {
            Kind::Percent(_) => None,
            Kind::Absolute(amount) => Some(amount),
        }
    }

    /// The allowed loss against this baseline, in the metric's own unit.
    fn allowed(self, baseline: Score) -> f64 {
        match self.0 {
            Kind::Percent(percent) => (percent / 100.0 * baseline.0.abs()).min(f64::MAX),
            Kind::Absolute(amount) => amount,
        }
    }
}

fn allowed_amount(amount: f64) -> Option<f64> {
    (amount.is_finite() && amount >= 0.0).then_some(amount.abs())
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Percent(percent) => write!(f, "threshold {percent}%"),
            Kind::Absolute(amount) => write!(f, "margin {amount}"),
        }
    }
}

/// How a metric is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Criteria {
    pub(crate) direction: Direction,
    /// The allowed loss against the baseline.
    pub(crate) tolerance: Tolerance,
    /// A value to reach, whatever the baseline is: at least this (MAX) or at most this (MIN).
    pub(crate) target: Option<Score>,
}

/// Candidate and baseline, with the limit that applied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) baseline: Score,
    pub(crate) candidate: Score,
    /// The worst value that still passes.
    pub(crate) limit: Score,
}

impl Comparison {
    fn new(criteria: &Criteria, baseline: Score, candidate: Score) -> Self {
        let allowed = criteria.tolerance.allowed(baseline);
        let limit = match criteria.direction {
            Direction::Max => baseline.0 - allowed,
            Direction::Min => baseline.0 + allowed,
        };
        Self { baseline, candidate, limit: Score(limit.clamp(f64::MIN, f64::MAX)) }
    }

    /// Candidate minus baseline, in the metric's own unit; can be infinite when both are huge.
    pub(crate) fn change(&self) -> f64 {
        self.candidate.0 - self.baseline.0
    }

    /// The change in percent of the baseline's absolute value; `None` for a baseline of zero.
    pub(crate) fn change_percent(&self) -> Option<f64> {
        let percent = self.change() / self.baseline.0.abs() * 100.0;
        percent.is_finite().then_some(percent)
    }
}

/// Why a metric fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shortfall {
    /// It is worse than the limit.
    BeyondLimit(Comparison),
    /// It does not reach the target, which needs no baseline.
    BelowTarget {
        candidate: Score,
        target: Score,
        /// `None` without a baseline.
        comparison: Option<Comparison>,
    },
}

/// The result for one metric of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Judgement {
    /// There is no baseline yet.
    First(Score),
    /// Better than the baseline.
    Improved(Comparison),
    /// Equal to the baseline, or the baseline itself.
    Unchanged(Comparison),
    /// Worse than the baseline, within the allowed loss.
    Tolerated(Comparison),
    /// Worse than the limit or the target.
    Degraded(Shortfall),
}

impl Judgement {
    /// Its name in every report.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::First(_) => Verdict::First.name(),
            Self::Improved(_) => Verdict::Improved.name(),
            Self::Unchanged(_) => Verdict::Unchanged.name(),
            Self::Tolerated(_) => Verdict::Tolerated.name(),
            Self::Degraded(_) => Verdict::Degraded.name(),
        }
    }

    pub(crate) const fn passed(&self) -> bool {
        !matches!(self, Self::Degraded(_))
    }

    /// Whether the value is beyond the limit, whether or not it also misses the target.
    pub(crate) fn misses_limit(&self, criteria: &Criteria) -> bool {
        self.comparison().is_some_and(|comparison| !against_baseline(criteria, *comparison).passed())
    }

    pub(crate) const fn misses_target(&self) -> bool {
        matches!(self, Self::Degraded(Shortfall::BelowTarget { .. }))
    }

    pub(crate) const fn candidate(&self) -> Score {
        match self {
            Self::First(candidate) | Self::Degraded(Shortfall::BelowTarget { candidate, .. }) => *candidate,
            Self::Improved(comparison)
            | Self::Unchanged(comparison)
            | Self::Tolerated(comparison)
            | Self::Degraded(Shortfall::BeyondLimit(comparison)) => comparison.candidate,
        }
    }

    /// The comparison with the baseline, if there was one.
    pub(crate) const fn comparison(&self) -> Option<&Comparison> {
        match self {
            Self::First(_) => None,
            Self::Improved(comparison)
            | Self::Unchanged(comparison)
            | Self::Tolerated(comparison)
            | Self::Degraded(Shortfall::BeyondLimit(comparison)) => Some(comparison),
            Self::Degraded(Shortfall::BelowTarget { comparison, .. }) => comparison.as_ref(),
        }
    }
}

/// The result for a candidate, from all required metrics. "No verdict" is not one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is no baseline yet.
    First,
    /// At least one metric is better than the baseline, and none is worse.
    Improved,
    /// Every metric is equal to the baseline.
    Unchanged,
    /// At least one metric is worse than the baseline, none by more than the allowed loss.
    Tolerated,
    /// At least one metric is worse than its limit or target.
    Degraded,
    /// The same, accepted on purpose.
    Accepted,
}

impl Verdict {
    /// The verdict from the judgements of the required metrics: the worst decides.
    pub(crate) fn from_judgements(judgements: &[Judgement], accepted: bool) -> Self {
        let any = |found: fn(&Judgement) -> bool| judgements.iter().any(found);
        if any(|one| matches!(one, Judgement::Degraded(_))) {
            return if accepted { Self::Accepted } else { Self::Degraded };
        }
        let rest = [
            (any(|one| matches!(one, Judgement::Tolerated(_))), Self::Tolerated),
            (any(|one| matches!(one, Judgement::Improved(_))), Self::Improved),
            (any(|one| matches!(one, Judgement::Unchanged(_))), Self::Unchanged),
        ];
        rest.into_iter().find(|(applies, _)| *applies).map_or(Self::First, |(_, verdict)| verdict)
    }

    /// Its name in every report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Tolerated => "tolerated",
            Self::Degraded => "degraded",
            Self::Accepted => "accepted",
        }
    }

    pub(crate) fn passed(self) -> bool {
        self != Self::Degraded
    }
}

/// Two doubles that are this close, relative to the larger, count as equal: `0.8 - 0.1` is not `0.7` in binary, and a run
/// exactly at the limit must pass.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// Judges one metric of a candidate. Without a baseline, only the target can fail it.
pub(crate) fn judge(criteria: &Criteria, baseline: Option<Score>, candidate: Score) -> Judgement {
    let comparison = baseline.map(|baseline| Comparison::new(criteria, baseline, candidate));
    if let Some(target) = criteria.target
        && !reaches(criteria.direction, candidate, target, target.0.abs())
    {
        return Judgement::Degraded(Shortfall::BelowTarget { candidate, target, comparison });
    }
    comparison.map_or(Judgement::First(candidate), |comparison| against_baseline(criteria, comparison))
}

fn against_baseline(criteria: &Criteria, comparison: Comparison) -> Judgement {
    let Comparison { baseline, candidate, limit } = comparison;
    let scale = baseline.0.abs().max(candidate.0.abs());
    let gain = criteria.direction.goodness(candidate.0) - criteria.direction.goodness(baseline.0);
    if gain.abs() <= ROUNDING * scale {
        Judgement::Unchanged(comparison)
    } else if gain > 0.0 {
        Judgement::Improved(comparison)
    } else if reaches(criteria.direction, candidate, limit, baseline.0.abs().max(limit.0.abs())) {
        Judgement::Tolerated(comparison)
    } else {
        Judgement::Degraded(Shortfall::BeyondLimit(comparison))
    }
}

/// Whether `value` is at least as good as `bound`, where the bound's rounding error is relative to `scale`.
fn reaches(direction: Direction, value: Score, bound: Score, scale: f64) -> bool {
    direction.goodness(value.0) >= direction.goodness(bound.0) - ROUNDING * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn criteria(direction: Direction, tolerance: Tolerance) -> Criteria {
        Criteria { direction, tolerance, target: None }
    }

    fn percent(direction: Direction, amount: f64) -> Criteria {
        criteria(direction, Tolerance::percent(amount).unwrap())
    }

    fn score(value: f64) -> Score {
        Score::new(value).unwrap()
    }

    fn verdict(criteria: &Criteria, baseline: f64, candidate: f64) -> &'static str {
        judge(criteria, Some(score(baseline)), score(candidate)).name()
    }

    #[test]
    fn a_tolerance_is_shown_as_it_was_given() {
        let shown = |given: Option<Tolerance>| {
            let given = given.unwrap();
            (given.as_percent(), given.as_absolute(), given.to_string())
        };
        assert_eq!(shown(Tolerance::percent(3.0)), (Some(3.0), None, "threshold 3%".to_owned()));
        assert_eq!(shown(Tolerance::absolute(0.25)), (None, Some(0.25), "margin 0.25".to_owned()));
    }

    #[test]
    fn the_original_example_holds() {
        let max3 = percent(Direction::Max, 3.0);
        assert_eq!(verdict(&max3, 100.0, 97.0), "tolerated");
        assert_eq!(verdict(&max3, 100.0, 96.999_999), "degraded");
        let min3 = percent(Direction::Min, 3.0);
        assert_eq!(verdict(&min3, 100.0, 103.0), "tolerated");
        assert_eq!(verdict(&min3, 100.0, 103.000_001), "degraded");
    }

    #[test]
    fn a_negative_baseline_does_not_invert_the_limit() {
        let max10 = percent(Direction::Max, 10.0);
        assert_eq!(verdict(&max10, -100.0, -105.0), "tolerated");
        assert_eq!(verdict(&max10, -100.0, -110.0), "tolerated");
        assert_eq!(verdict(&max10, -100.0, -111.0), "degraded");
    }

    #[test]
    fn rounding_is_relative_to_the_values() {
        let none = percent(Direction::Max, 0.0);
        let next = 1e6 + 1e6 * f64::EPSILON;
        assert!(next > 1e6);
        assert_eq!((verdict(&none, 1e6, next), verdict(&none, next, 1e6)), ("unchanged", "unchanged"));
        assert_eq!((verdict(&none, 1e-9, 2e-9), verdict(&none, 2e-9, 1e-9)), ("improved", "degraded"));
    }

    #[test]
    fn the_last_bit_of_a_double_decides_nothing() {
        let margin = criteria(Direction::Max, Tolerance::absolute(0.1).unwrap());
        assert_eq!(verdict(&margin, 0.8, 0.7), "tolerated");
        assert_eq!(verdict(&percent(Direction::Max, 0.0), 0.3, 0.1 + 0.2), "unchanged");
        assert_eq!(verdict(&percent(Direction::Min, 0.0), 0.3, 0.1 + 0.2), "unchanged");
    }

    #[test]
    fn a_target_fails_even_the_first_candidate() {
        let target = Criteria { target: Some(score(0.9)), ..percent(Direction::Max, 0.0) };
        assert_eq!(judge(&target, None, score(0.8)).name(), "degraded");
        assert_eq!(judge(&target, None, score(0.9)).name(), "first");
        assert_eq!(verdict(&target, 0.5, 0.8), "degraded");
        assert_eq!(verdict(&target, 0.5, 0.95), "improved");
        let at_most = Criteria { target: Some(score(0.9)), ..percent(Direction::Min, 0.0) };
        assert_eq!(judge(&at_most, None, score(0.91)).name(), "degraded");
    }

    #[test]
    fn rejects_non_finite_numbers_and_negative_tolerances() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Score::new(bad), None);
            assert_eq!(Tolerance::percent(bad), None);
            assert_eq!(Tolerance::absolute(bad), None);
        }
        assert_eq!(Tolerance::percent(-1.0), None);
        assert_eq!(Tolerance::absolute(-f64::MIN_POSITIVE), None);
    }

    fn any_score() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(0.0),
            Just(-0.0),
            -1.0..1.0,
            -1e6..1e6,
            Just(f64::MAX),
            Just(f64::MIN),
            Just(f64::MIN_POSITIVE),
            prop::num::f64::NORMAL,
        ]
    }

    fn any_amount() -> impl Strategy<Value = f64> {
        prop_oneof![Just(0.0), 0.0..200.0, Just(1e300), Just(f64::MAX)]
    }

    fn any_tolerance() -> impl Strategy<Value = Tolerance> {
        (any_amount(), any::<bool>()).prop_map(|(amount, relative)| {
            if relative { Tolerance::percent(amount) } else { Tolerance::absolute(amount) }.unwrap()
        })
    }

    fn any_direction() -> impl Strategy<Value = Direction> {
        prop_oneof![Just(Direction::Max), Just(Direction::Min)]
    }

    fn opposite(direction: Direction) -> Direction {
        if direction == Direction::Max { Direction::Min } else { Direction::Max }
    }

    /// Verdicts from worst to best.
    fn rank(name: &str) -> usize {
        ["degraded", "tolerated", "unchanged", "improved"].iter().position(|known| *known == name).unwrap()
    }

    fn overall(judgements: &[Judgement], accepted: bool) -> &'static str {
        Verdict::from_judgements(judgements, accepted).name()
    }

    #[test]
    fn the_worst_metric_decides() {
        let max5 = percent(Direction::Max, 5.0);
        let judged = |values: &[f64]| -> Vec<Judgement> {
            values.iter().map(|value| judge(&max5, Some(score(100.0)), score(*value))).collect()
        };
        assert_eq!(overall(&judged(&[100.0, 100.0]), false), "unchanged");
        assert_eq!(overall(&judged(&[100.0, 101.0]), false), "improved");
        assert_eq!(overall(&judged(&[99.0, 101.0, 100.0]), false), "tolerated");
        assert_eq!(overall(&judged(&[99.0, 120.0, 94.0]), false), "degraded");
        assert_eq!(overall(&judged(&[99.0, 120.0, 94.0]), true), "accepted");
        assert_eq!(overall(&judged(&[99.0]), true), "tolerated");
        assert_eq!(overall(&[judge(&max5, None, score(1.0))], true), "first");
    }

    proptest! {
        #[test]
        fn the_order_of_the_metrics_changes_nothing(values in prop::collection::vec(90.0..110.0, 1..6), accepted: bool) {
            let max5 = percent(Direction::Max, 5.0);
            let mut all: Vec<Judgement> = values.iter().map(|value| judge(&max5, Some(score(100.0)), score(*value))).collect();
            let before = overall(&all, accepted);
            all.reverse();
            prop_assert_eq!(before, overall(&all, accepted));
            prop_assert_eq!(Verdict::from_judgements(&all, false).passed(), all.iter().all(Judgement::passed));
        }

        #[test]
        fn equal_never_degrades(d in any_direction(), t in any_tolerance(), value in any_score()) {
            prop_assert_eq!(verdict(&criteria(d, t), value, value), "unchanged");
        }

        #[test]
        fn a_better_value_never_has_a_worse_verdict(d in any_direction(), t in any_tolerance(), base in any_score(), a in any_score(), b in any_score()) {
            let (worse, better) = if d.compare(score(a), score(b)).is_le() { (a, b) } else { (b, a) };
            let criteria = criteria(d, t);
            prop_assert!(rank(verdict(&criteria, base, worse)) <= rank(verdict(&criteria, base, better)));
        }

        #[test]
        fn a_wider_threshold_never_fails_more(d in any_direction(), x in any_amount(), y in any_amount(), relative: bool, base in any_score(), value in any_score()) {
            let make = |amount| if relative { Tolerance::percent(amount) } else { Tolerance::absolute(amount) }.unwrap();
            let (narrow, wide) = (make(x.min(y)), make(x.max(y)));
            prop_assert!(
                rank(verdict(&criteria(d, narrow), base, value)) <= rank(verdict(&criteria(d, wide), base, value))
            );
        }

        #[test]
        fn mirroring_direction_and_sign_changes_nothing(d in any_direction(), t in any_tolerance(), base in any_score(), value in any_score()) {
            prop_assert_eq!(
                verdict(&criteria(d, t), base, value),
                verdict(&criteria(opposite(d), t), -base, -value)
            );
        }

        #[test]
        fn the_limit_itself_passes_and_is_never_better_than_the_baseline(d in any_direction(), t in any_tolerance(), base in any_score(), value in any_score()) {
            let criteria = criteria(d, t);
            let limit = judge(&criteria, Some(score(base)), score(value)).comparison().unwrap().limit;
            prop_assert!(limit.get().is_finite());
            prop_assert!(judge(&criteria, Some(score(base)), limit).passed());
            prop_assert!(d.goodness(limit.get()) <= d.goodness(base));
        }

        #[test]
        fn beyond_the_limit_fails(d in any_direction(), amount in 0.0..50.0, base in 1.0..1e6) {
            let criteria = percent(d, amount);
            let allowed = amount / 100.0 * base;
            let beyond = allowed + base * 1e-9;
            let value = if d == Direction::Max { base - beyond } else { base + beyond };
            prop_assert_eq!(verdict(&criteria, base, value), "degraded");
        }
    }
}
