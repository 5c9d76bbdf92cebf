//! Money as people read it: in Korean units, short, or with thousands separators.

use crate::units::Meso;

/// 10^12, 10^8 and 10^4: the units of Korean money texts, largest first.
const UNITS: [(i128, &str); 3] = [
    (1_000_000_000_000, "조"),
    (100_000_000, "억"),
    (10_000, "만"),
];

/// All units from the largest on, the rest below 10,000 dropped: `12조 3456억 7890만`.
/// Nothing, 0, negative amounts and amounts below 10,000 are `0`.
#[must_use]
pub fn units(mesos: Option<Meso>) -> String {
    let mut rest = mesos.map_or(0, |mesos| mesos.0.max(0));
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        let count = rest / unit;
        rest %= unit;
        if count > 0 {
            parts.push(format!("{count}{name}"));
        }
    }
    if parts.is_empty() {
        return "0".to_owned();
    }
    parts.join(" ")
}

/// The largest unit reached, rounded half up to one decimal: `12.3조`; it does not carry into the
/// next unit (`10000억`). Below 10,000 the plain number; nothing, 0 and negative amounts are `0`.
#[must_use]
pub fn short(mesos: Option<Meso>) -> String {
    let mesos = mesos.map_or(0, |mesos| mesos.0.max(0));
    let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| mesos >= *unit) else {
        return mesos.to_string();
    };
    let tenths_of_rest = (mesos % unit * 10 + unit / 2) / unit;
    let whole = mesos / unit + tenths_of_rest / 10;
    match tenths_of_rest % 10 {
        0 => format!("{whole}{name}"),
        tenth => format!("{whole}.{tenth}{name}"),
    }
}

/// Thousands separators: `12,345,678`; nothing is `0`.
#[must_use]
pub fn digits(mesos: Option<Meso>) -> String {
    let mesos = mesos.map_or(0, |mesos| mesos.0);
    let plain = mesos.unsigned_abs().to_string();
    let mut text = String::with_capacity(plain.len() * 4 / 3 + 2);
    if mesos < 0 {
        text.push('-');
    }
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The whole mesos of a decimal text (`-1`, `9999.5`), rounded half away from zero. `None` when it
/// is no such text or beyond 128 bits.
#[must_use]
pub fn whole_mesos(text: &str) -> Option<Meso> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let rounds_up = fraction.as_bytes()[0] >= b'5';
    let magnitude = whole
        .parse::<i128>()
        .ok()?
        .checked_add(i128::from(rounds_up))?;
    Some(Meso(if negative { -magnitude } else { magnitude }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mesos: i128) -> Option<Meso> {
        Some(Meso(mesos))
    }

    #[test]
    fn nothing_is_zero_in_every_form() {
        assert_eq!([units(None), short(None), digits(None)], ["0", "0", "0"]);
        assert_eq!([units(of(0)), short(of(0)), digits(of(0))], ["0", "0", "0"]);
    }

    #[test]
    fn negative_amounts_show_only_as_digits() {
        assert_eq!([units(of(-1)), short(of(-1))], ["0", "0"]);
        assert_eq!(digits(of(-1)), "-1");
        assert_eq!(digits(of(-123_456)), "-123,456");
        assert_eq!(
            digits(of(i128::MIN)),
            "-170,141,183,460,469,231,731,687,303,715,884,105,728"
        );
    }

    #[test]
    fn units_leave_out_what_is_zero_and_what_is_below_ten_thousand() {
        assert_eq!(units(of(9_999)), "0");
        assert_eq!(units(of(10_000)), "1만");
        assert_eq!(units(of(1_000_000_009_999)), "1조");
        assert_eq!(units(of(1_000_000_010_000)), "1조 1만");
    }

    #[test]
    fn short_rounds_half_up_without_carrying_into_the_next_unit() {
        assert_eq!(short(of(10_499)), "1만");
        assert_eq!(short(of(10_500)), "1.1만");
        assert_eq!(short(of(99_999_500)), "10000만");
        assert_eq!(short(of(i128::MAX)), "170141183460469231731687303.7조");
    }

    #[test]
    fn decimals_round_half_away_from_zero() {
        assert_eq!(whole_mesos("9999.5"), of(10_000));
        assert_eq!(whole_mesos("5000.4"), of(5_000));
        assert_eq!(whole_mesos("-0.5"), of(-1));
        assert_eq!(whole_mesos("7"), of(7));
        for not_a_number in ["", "-", "1.", ".5", "1e3", "+1", "1,000"] {
            assert_eq!(whole_mesos(not_a_number), None, "{not_a_number}");
        }
    }
}
