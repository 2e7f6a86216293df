//! The server's timestamps, `2026-11-23T12:25:46.313000+00:00` with or without the fraction, always UTC. Pure.

const MICROS: u64 = 1_000_000;

/// Microseconds since 1970; `None` for anything that is not such a timestamp.
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

/// Days from 1970-01-01, counting a year from March so that the leap day is its last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    #[test]
    fn the_servers_timestamps_are_read() {
        assert_eq!(parse("1970-01-01T00:00:00+00:00"), Some(0));
        assert_eq!(parse("2026-11-23T12:25:46.313000+00:00"), Some(1_795_436_746_313_000));
        assert_eq!(parse("2026-11-23T12:25:46Z"), Some(1_795_436_746_000_000));
        assert_eq!(parse("2024-02-29T00:00:00.5"), Some(1_709_164_800_500_000));
    }

    #[test]
    fn anything_else_is_none() {
        for bad in ["", "yesterday", "2026-13-01T00:00:00", "2026-11-23", "-1-1-1T1:1:1", "2026-11-23T12:25:46+02:00"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = parse(&text);
        }

        #[test]
        fn later_is_greater(y in 1970u64..3000, m in 1u64..=12, d in 1u64..=28) {
            let at = |y, m, d| parse(&format!("{y:04}-{m:02}-{d:02}T00:00:00+00:00")).unwrap();
            prop_assert!(at(y, m, d) < at(y, m, d + 1).max(at(y + 1, m, d)));
            prop_assert_eq!(at(y, m, d) + 86_400_000_000, if d < 28 { at(y, m, d + 1) } else { at(y, m, d) + 86_400_000_000 });
        }
    }
}
