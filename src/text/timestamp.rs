//! Reads and writes the server's timestamps: `2026-11-23T12:25:46.313000+00:00`, with or without the fraction, always
//! UTC. Pure.

const MICROS: u64 = 1_000_000;

/// Reads a timestamp as microseconds since 1970.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let mut date = date.split('-');
    let (year, month, day) = (field(date.next()?)?, field(date.next()?)?, field(date.next()?)?);
    let time = time.strip_suffix("+00:00").or_else(|| time.strip_suffix('Z')).unwrap_or(time);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.split(':');
    let (hour, minute, second) = (field(clock.next()?)?, field(clock.next()?)?, field(clock.next()?)?);
    let valid = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 60 || date.next().is_some() || clock.next().is_some() {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * MICROS + micros(fraction)?)
}

fn field(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn micros(fraction: &str) -> Option<u64> {
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    field(&digits)
}

/// Writes it as RFC 3339 in UTC, without a fraction of zero: `2026-11-23T12:25:46Z`.
pub(crate) fn format(micros: u64) -> String {
    let (seconds, fraction) = (micros / MICROS, micros % MICROS);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// The date that is this many days after 1970-01-01: the inverse of [`days`].
fn date(day: u64) -> (u64, u64, u64) {
    // A year has at most 366 days, so the search starts early enough.
    let mut year = 1970 + day / 366;
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let month = (2..=12).take_while(|&month| days(year, month, 1) <= day).last().unwrap_or(1);
    (year, month, day + 1 - days(year, month, 1))
}

/// Days since 1970-01-01. Here a year starts in March, so a leap day is the last day of the year.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::{format, parse};
    use proptest::prelude::*;

    #[test]
    fn reads_the_timestamps_of_the_server() {
        assert_eq!(parse("1970-01-01T00:00:00+00:00"), Some(0));
        assert_eq!(parse("2026-11-23T12:25:46.313000+00:00"), Some(1_795_436_746_313_000));
        assert_eq!(parse("2026-11-23T12:25:46Z"), Some(1_795_436_746_000_000));
        assert_eq!(parse("2024-02-29T00:00:00.5"), Some(1_709_164_800_500_000));
    }

    #[test]
    fn rejects_anything_else() {
        for bad in ["", "yesterday", "2026-13-01T00:00:00", "2026-11-23", "-1-1-1T1:1:1", "2026-11-23T12:25:46+02:00"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        for bad in ["24:00:00", "00:60:00", "00:00:61", "00:00", "00:00:00:00"] {
            assert_eq!(parse(&format!("2026-11-23T{bad}Z")), None, "{bad}");
        }
        for bad in ["1969-12-31", "10000-01-01", "2026-00-01", "2026-01-00", "2026-01-32", "2026-01-01-01", "2026-01"] {
            assert_eq!(parse(&format!("{bad}T00:00:00Z")), None, "{bad}");
        }
    }

    #[test]
    fn reads_a_leap_second() {
        let midnight = parse("2016-12-31T00:00:00Z").unwrap();
        assert_eq!(parse("2016-12-31T23:59:60Z"), Some(midnight + 86_400_000_000));
    }

    #[test]
    fn writes_rfc_3339() {
        assert_eq!(format(0), "1970-01-01T00:00:00Z");
        assert_eq!(format(1_795_436_746_313_000), "2026-11-23T12:25:46.313000Z");
        assert_eq!(format(1_709_164_800_000_000), "2024-02-29T00:00:00Z");
        assert_eq!(format(1_735_689_599_000_000), "2024-12-31T23:59:59Z");
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(micros in 0u64..253_402_300_800_000_000) {
            prop_assert_eq!(parse(&format(micros)), Some(micros));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = parse(&text);
        }

        #[test]
        fn a_later_day_is_greater(y in 1970u64..3000, m in 1u64..=12, d in 1u64..=28) {
            let at = |y, m, d| parse(&format!("{y:04}-{m:02}-{d:02}T00:00:00+00:00")).unwrap();
            prop_assert!(at(y, m, d) < at(y, m, d + 1).max(at(y + 1, m, d)));
            prop_assert_eq!(at(y, m, d) + 86_400_000_000, if d < 28 { at(y, m, d + 1) } else { at(y, m, d) + 86_400_000_000 });
        }
    }
}
