//! Instants as microseconds since the Unix epoch, and their text form in the API.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const SECOND: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

/// The real clock.
pub(crate) fn system_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The document store keeps milliseconds, so stored times lose their microseconds.
pub(crate) fn stored(micros: i64) -> String {
    iso(micros.div_euclid(1000) * 1000)
}

/// `2026-11-23T12:25:46.160000+00:00`, as Python's `isoformat` writes it.
pub(crate) fn iso(micros: i64) -> String {
    let (date, clock) = parts(micros);
    let fraction = micros.rem_euclid(SECOND);
    if fraction == 0 { format!("{date}T{clock}+00:00") } else { format!("{date}T{clock}.{fraction:06}+00:00") }
}

/// `2026-11-23T12:15:17.198Z`, as the event store writes it.
pub(crate) fn iso_millis(micros: i64) -> String {
    let (date, clock) = parts(micros);
    format!("{date}T{clock}.{:03}Z", micros.rem_euclid(SECOND) / 1000)
}

/// `2026-11-23T12:15:17Z`, as GitHub writes it.
pub(crate) fn iso_seconds(micros: i64) -> String {
    let (date, clock) = parts(micros);
    format!("{date}T{clock}Z")
}

fn parts(micros: i64) -> (String, String) {
    let seconds = micros.div_euclid(SECOND);
    let (year, month, day) = civil(seconds.div_euclid(DAY_SECONDS));
    let of_day = seconds.rem_euclid(DAY_SECONDS);
    (
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60),
    )
}

/// Reads the forms above, and times without fraction or zone (taken as UTC).
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut numbers = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    let clock = clock.trim_end_matches('Z');
    let clock = clock.strip_suffix("+00:00").unwrap_or(clock);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut numbers = clock.splitn(3, ':').map(str::parse::<i64>);
    let (hour, minute) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let second = numbers.next().unwrap_or(Ok(0)).ok()?;
    let padded = format!("{fraction:0<6}");
    let fraction = padded.get(..6)?.parse::<i64>().ok()?;
    let seconds = days(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    Some(seconds * SECOND + fraction)
}

/// Days since the epoch to a calendar date (proleptic Gregorian; a year is taken to start in March).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::{iso, iso_millis, parse};

    #[test]
    fn text_and_back() {
        let micros = 1_795_436_746_160_000;
        assert_eq!(iso(micros), "2026-11-23T12:25:46.160000+00:00");
        assert_eq!(iso_millis(micros), "2026-11-23T12:25:46.160Z");
        assert_eq!(parse("2026-11-23T12:25:46.160000+00:00"), Some(micros));
        assert_eq!(parse("2024-02-29T00:00:00").map(iso).as_deref(), Some("2024-02-29T00:00:00+00:00"));
        assert_eq!(parse("nonsense"), None);
    }
}
