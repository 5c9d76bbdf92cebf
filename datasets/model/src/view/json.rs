//! Compact JSON: shortened floats, exact money, and cells of mixed types read back.

use std::fmt::{self, Write};

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use valuation::Meso;

/// Significant digits of a shortened float.
const DIGITS: usize = 5;

/// The largest integer written as a JSON number; larger ones are texts, lest a reader rounds them.
const NUMBER_MAX: i128 = i64::MAX as i128;

/// Appends `value` in 5 significant digits, in the shorter of plain and exponent form; `null` when
/// there is none or it is not finite.
pub(super) fn push_float(out: &mut String, value: Option<f64>) {
    let Some(value) = value.filter(|value| value.is_finite()) else {
        out.push_str("null");
        return;
    };
    if value == 0.0 {
        out.push('0');
        return;
    }
    // "d.dddde±x": a mantissa of DIGITS digits and the exponent of its first.
    let scientific = format!("{:.*e}", DIGITS - 1, value.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("the e of {:e}");
    let mut digits: String = mantissa.chars().filter(|&digit| digit != '.').collect();
    digits.truncate(digits.trim_end_matches('0').len());
    let exponent: i32 = exponent.parse().expect("the exponent of {:e}");
    let shift = exponent + 1 - i32::try_from(digits.len()).expect("at most DIGITS digits");

    if value < 0.0 {
        out.push('-');
    }
    if (0..=2).contains(&shift) {
        out.push_str(&digits);
        out.extend(std::iter::repeat_n('0', shift.unsigned_abs() as usize));
    } else if shift < 0 && exponent >= 0 {
        let (whole, fraction) = digits.split_at(exponent.unsigned_abs() as usize + 1);
        write!(out, "{whole}.{fraction}").expect("a String takes all");
    } else if (-2..0).contains(&exponent) {
        out.push_str("0.");
        out.extend(std::iter::repeat_n(
            '0',
            exponent.unsigned_abs() as usize - 1,
        ));
        out.push_str(&digits);
    } else {
        write!(out, "{digits}e{shift}").expect("a String takes all");
    }
}

/// Appends an amount exactly: a number, or a text beyond 2^63 - 1; `null` when there is none.
pub(super) fn push_mesos(out: &mut String, mesos: Option<Meso>) {
    match mesos {
        None => out.push_str("null"),
        Some(Meso(mesos)) if mesos.abs() <= NUMBER_MAX => {
            write!(out, "{mesos}").expect("a String takes all");
        }
        Some(Meso(mesos)) => write!(out, "\"{mesos}\"").expect("a String takes all"),
    }
}

/// Appends a JSON text.
pub(super) fn push_text(out: &mut String, text: &str) {
    let needs_escape = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    // Without a way out on the first one, several bytes are looked at in a step.
    if text
        .bytes()
        .fold(false, |any, byte| any | needs_escape(byte))
    {
        out.push_str(&serde_json::to_string(text).expect("a text is JSON"));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// One value of an array of mixed types.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Cell>),
}

impl Cell {
    /// The exact amount in a number or a text of digits.
    pub(super) fn mesos(&self) -> Option<Meso> {
        match self {
            Self::Integer(number) => Some(Meso(*number)),
            Self::Text(digits) => digits.parse().ok().map(Meso),
            Self::Null | Self::Float(_) | Self::List(_) => None,
        }
    }

    /// The number as a float.
    pub(super) fn float(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "floats have 5 digits here")]
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Null | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The integer, if it fits `N`.
    pub(super) fn integer<N: TryFrom<i128>>(&self) -> Option<N> {
        match self {
            Self::Integer(number) => N::try_from(*number).ok(),
            Self::Null | Self::Float(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Integer(_) | Self::Float(_) | Self::List(_) => None,
        }
    }

    /// The list.
    pub(super) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(cells) => Some(cells),
            Self::Null | Self::Integer(_) | Self::Float(_) | Self::Text(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a number, a text or a list")
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Null)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
        Ok(Cell::Integer(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
        Ok(Cell::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<Cell, A::Error> {
        let mut list = Vec::new();
        while let Some(cell) = cells.next_element()? {
            list.push(cell);
        }
        Ok(Cell::List(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(value: f64) -> String {
        let mut out = String::new();
        push_float(&mut out, Some(value));
        out
    }

    #[test]
    fn a_float_keeps_five_digits_in_the_shorter_form() {
        let forms = [
            (0.0, "0"),
            (1.0, "1"),
            (148.120_678, "148.12"),
            (25_617_874_554.577, "25618e6"),
            (120_000.0, "12e4"),
            (1_200.0, "1200"),
            (0.012_345_678, "0.012346"),
            (0.000_086_529, "86529e-9"),
            (-9.999_999, "-10"),
            (99_999.6, "1e5"),
            (f64::NAN, "null"),
        ];
        for (value, form) in forms {
            assert_eq!(float(value), form, "{value}");
        }
    }

    #[test]
    fn every_shortened_float_is_json_within_half_a_digit() {
        for exponent in -300..300 {
            let value = 1.234_567_89 * 10f64.powi(exponent);
            let read: f64 = serde_json::from_str(&float(value)).unwrap();
            assert!((read / value - 1.0).abs() < 5e-5, "{value} became {read}");
        }
    }

    #[test]
    fn an_amount_is_exact_at_any_size() {
        for mesos in [0, 7, i64::MAX.into(), i128::from(i64::MAX) + 1, i128::MAX] {
            let mut out = String::new();
            push_mesos(&mut out, Some(Meso(mesos)));
            let cell: Cell = serde_json::from_str(&out).unwrap();
            assert_eq!(cell.mesos(), Some(Meso(mesos)));
        }
    }
}
