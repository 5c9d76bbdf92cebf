//! Reading instants of the world as producers write them.

use crate::Millis;

/// Reads `YYYY-MM-DDTHH:MM:SS`, optionally a fraction of 1 to 9 digits, and `Z` or `±HH:MM` (RFC 3339
/// with capital letters). Rounded down to whole milliseconds.
pub(crate) fn parse_instant(text: &str) -> Option<Millis> {
    let bytes = text.as_bytes();
    let (moment, rest) = bytes.split_first_chunk::<19>()?;
    let number = |range: std::ops::Range<usize>| digits(&moment[range]);
    let separated = moment[4] == b'-'
        && moment[7] == b'-'
        && moment[10] == b'T'
        && moment[13] == b':'
        && moment[16] == b':';
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let exists = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !(separated && exists) {
        return None;
    }
    let (fraction_millis, zone) = fraction(rest)?;
    let offset_minutes = zone_minutes(zone)?;
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some(Millis((minutes * 60 + second) * 1_000 + fraction_millis))
}

/// The milliseconds of `.123…` and what follows; 0 if there is no fraction.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(fraction) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let count = fraction
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (fraction, zone) = fraction.split_at(count);
    if !(1..=9).contains(&count) {
        return None;
    }
    let millis = (0..3).fold(0, |millis, place| {
        millis * 10
            + fraction
                .get(place)
                .map_or(0, |digit| i64::from(digit - b'0'))
    });
    Some((millis, zone))
}

/// Minutes that the zone is ahead of UTC.
fn zone_minutes(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[h1, h2])?, digits(&[m1, m2])?);
            let ahead = hours * 60 + minutes;
            (hours < 24 && minutes < 60).then_some(if sign == b'-' { -ahead } else { ahead })
        }
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar, counted in years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_equal_those_of_a_calendar_library() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2026-11-24T10:15:30.123Z",
            "2026-11-24T10:15:30.1239999Z",
            "2024-02-29T23:59:59.9Z",
            "2000-02-29T12:00:00+09:00",
            "1969-12-31T23:59:59.999-00:30",
            "0001-01-01T00:00:00Z",
            "9999-12-29T23:59:59.123456789Z",
        ] {
            let expected: jiff::Timestamp = text.parse().unwrap();
            let millis = expected.as_nanosecond().div_euclid(1_000_000) as i64;
            assert_eq!(parse_instant(text), Some(Millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "",
            "yesterday",
            "2026-11-24",
            "2026-11-24T10:15:30",
            "2026-11-24 10:15:30Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T10:60:30Z",
            "2026-11-24T10:15:60Z",
            "2026-11-24T10:15:30.Z",
            "2026-11-24T10:15:30.1234567890Z",
            "2026-11-24T10:15:30+0900",
            "2026-11-24T10:15:30+24:00",
            "2026-11-24T10:15:30Zx",
            "٢026-11-24T10:15:30Z",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }
}
