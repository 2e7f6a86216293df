//! Makes the sandbox's clock follow the recorded one, so that recorded events keep their order.

use std::time::Duration;

use clearml_sandbox::Sandbox;
use regex::Regex;

use crate::captures::{Body, Capture};

/// Times of one request differ by some milliseconds on the real server, which reads its clock more than once.
pub(crate) const ONE_REQUEST: i64 = 5000;
/// Two requests are at least this far apart.
const STEP: i64 = 2 * ONE_REQUEST;

pub(crate) struct Clock {
    now: i64,
    /// False for recordings whose order in time does not matter.
    follows: bool,
    time: Regex,
}

impl Clock {
    pub(crate) fn new(now: i64, follows: bool) -> Self {
        Self { now, follows, time: Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|\+00:00)").unwrap() }
    }

    /// Moves to the latest time in the recorded answer, and at least one step on.
    pub(crate) fn follow(&mut self, sandbox: &Sandbox, capture: &Capture) {
        let Some(Body::Json(answer)) = capture.response.as_ref().map(|response| &response.body) else { return };
        if !self.follows {
            return;
        }
        let text = answer.to_string();
        let latest = self.time.find_iter(&text).filter_map(|time| micros(time.as_str())).max();
        let next = latest.unwrap_or_default().max(self.now + STEP);
        sandbox.advance_clock(Duration::from_micros(u64::try_from(next - self.now).unwrap()));
        self.now = next;
    }
}

/// Microseconds since the first day of the month. No recording crosses a month.
pub(crate) fn micros(time: &str) -> Option<i64> {
    let (date, clock) = time.trim_end_matches('Z').trim_end_matches("+00:00").split_once('T')?;
    let day: i64 = date.rsplit('-').next()?.parse().ok()?;
    let mut parts = clock.split(':');
    let (hour, minute): (i64, i64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (second, fraction) = parts.next()?.split_once('.')?;
    let second: i64 = second.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    Some((((day * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}
