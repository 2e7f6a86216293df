//! The retry policy: which requests are sent again, after which pause, and for how long. Pure: `http` sleeps and measures.

use std::time::Duration;

use crate::net::http::Answer;
use crate::net::limits::Limits;

/// A rate limit that ends sooner is waited for.
const LONGEST_RATE_LIMIT: Duration = Duration::from_secs(5);

/// Whether a request may be sent again when its response was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Sending it twice has the same effect as sending it once.
    Idempotent,
    /// The caller must check first what the lost request did.
    NotIdempotent,
    /// The response is nice to have: one attempt with a short time limit.
    BestEffort,
}

/// What one client retries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    pub(crate) limits: Limits,
    /// The statuses after which the same request may succeed a moment later.
    pub(crate) transient: &'static [u16],
    /// The time until a rate limit ends, if the answer is one and says when.
    pub(crate) rate_limit: fn(&Answer) -> Option<Duration>,
}

impl RetryPolicy {
    /// The pause after the nth failed attempt, counted from 0, if there is to be another one. A pause that the server asks
    /// for replaces the usual one.
    pub(crate) fn pause_after_failure(&self, retry: Retry, n: u32, requested: Option<Duration>) -> Option<Duration> {
        let doubled = self.limits.first_pause.saturating_mul(2_u32.saturating_pow(n));
        (retry == Retry::Idempotent).then(|| requested.unwrap_or(doubled.min(self.limits.longest_pause)))
    }

    /// The pause after a rate limit refused the request, if it ends soon. A refused request did nothing, so even a write
    /// is sent again. The pause is at least a second, because a server could ask for none again and again.
    pub(crate) fn pause_after_rate_limit(&self, retry: Retry, answer: &Answer) -> Option<Duration> {
        let wait = (self.rate_limit)(answer)?;
        (retry != Retry::BestEffort && wait <= LONGEST_RATE_LIMIT).then_some(wait.max(Duration::from_secs(1)))
    }
}

/// The time that a client may still spend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    limits: Limits,
    total: Duration,
    retries: Duration,
}

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GaveUp {
    /// All the time for retries is used up.
    After(Duration),
    /// The server asks for a longer pause than the tool makes.
    LongPause(Duration),
}

impl Budget {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, total: limits.total, retries: limits.retry_budget }
    }

    /// The time that is left for one request.
    pub(crate) const fn total(&self) -> Duration {
        self.total
    }

    /// Counts the time until an answer.
    pub(crate) fn charge_answer(&mut self, elapsed: Duration) {
        self.total = self.total.saturating_sub(elapsed);
    }

    /// Counts the time of a failed attempt, or of a pause.
    pub(crate) fn charge_failure(&mut self, elapsed: Duration) {
        self.charge_answer(elapsed);
        self.retries = self.retries.saturating_sub(elapsed);
    }

    /// Shortens a pause to the time that is left, and counts it.
    pub(crate) fn take_pause(&mut self, wanted: Duration) -> Result<Duration, GaveUp> {
        let left = self.retries.min(self.total);
        if left.is_zero() {
            return Err(GaveUp::After(self.limits.retry_budget));
        }
        if wanted > left && wanted > self.limits.longest_pause {
            return Err(GaveUp::LongPause(wanted));
        }
        let pause = wanted.min(left);
        self.charge_failure(pause);
        Ok(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::http::HeaderMap;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pauses_double_up_to_the_longest_unless_the_server_asks_for_another() {
        let policy = RetryPolicy { limits: Limits::REAL, transient: &[], rate_limit: |_| None };
        let pause = |n, requested| policy.pause_after_failure(Retry::Idempotent, n, requested).unwrap();
        let pauses: Vec<u128> = (0..7).map(|n| pause(n, None).as_millis()).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        assert_eq!(pause(u32::MAX, None), seconds(8));
        assert_eq!(pause(3, Some(seconds(30))), seconds(30));
        for retry in [Retry::NotIdempotent, Retry::BestEffort] {
            assert_eq!(policy.pause_after_failure(retry, 0, Some(seconds(1))), None, "{retry:?}");
        }
    }

    #[test]
    fn waits_for_a_short_rate_limit_for_at_least_a_second() {
        let answer = |wait: u16| Answer { status: wait, headers: HeaderMap::new(), body: Vec::new() };
        let rate_limit = |answer: &Answer| (answer.status < 100).then(|| seconds(answer.status.into()));
        let policy = RetryPolicy { limits: Limits::REAL, transient: &[], rate_limit };
        let pauses = |retry| [0, 1, 5, 6, 200].map(|wait| policy.pause_after_rate_limit(retry, &answer(wait)));
        let short = [Some(seconds(1)), Some(seconds(1)), Some(seconds(5)), None, None];
        assert_eq!((pauses(Retry::Idempotent), pauses(Retry::NotIdempotent)), (short, short));
        assert_eq!(pauses(Retry::BestEffort), [None; 5]);
    }

    #[test]
    fn retries_end_when_either_budget_is_used_up() {
        let limits = Limits { total: seconds(100), retry_budget: seconds(20), ..Limits::REAL };
        let mut budget = Budget::new(limits);
        budget.charge_answer(seconds(50));
        assert_eq!(budget.take_pause(seconds(8)), Ok(seconds(8)), "answers do not count as retries");
        budget.charge_failure(seconds(9));
        assert_eq!(budget.take_pause(seconds(8)), Ok(seconds(3)), "the last pause is shortened");
        assert_eq!(budget.take_pause(seconds(1)), Err(GaveUp::After(seconds(20))));
        assert_eq!(budget.total(), seconds(30));

        let mut budget = Budget::new(limits);
        budget.charge_answer(seconds(100));
        assert_eq!(budget.take_pause(seconds(1)), Err(GaveUp::After(seconds(20))));
    }

    #[test]
    fn a_long_pause_is_made_only_if_it_fits_into_the_budget() {
        let mut budget = Budget::new(Limits::REAL);
        assert_eq!(budget.take_pause(seconds(61)), Err(GaveUp::LongPause(seconds(61))));
        assert_eq!(budget.take_pause(seconds(59)), Ok(seconds(59)));
        assert_eq!(budget.take_pause(seconds(8)), Ok(seconds(1)));
    }
}
