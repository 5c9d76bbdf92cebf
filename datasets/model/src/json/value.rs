//! What a member can hold.

use std::borrow::Cow;

/// A value of a member that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// The member does not stand in the object.
    Absent,
    Null,
    Bool(bool),
    /// An integer that 64 bits hold.
    Integer(i64),
    /// An integer beyond them.
    BigInteger,
    /// A number with a fraction or an exponent.
    Fraction,
    Text(Text<'a>),
    /// An object or list, skipped by its bounds: where it stands.
    Object(Range),
    List(Range),
}

/// Where a skipped value begins in the message, and how many levels are open around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(super) start: usize,
    pub(super) depth: usize,
}

impl Value<'_> {
    /// Absent and null are the same wherever a member is optional, and both missing where it is not.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }
}

/// A string, checked, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    pub(super) raw: &'a str,
    pub(super) escaped: bool,
}

impl<'a> Text<'a> {
    /// The characters; copied only if there are escapes.
    #[inline]
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(self.decode_escapes())
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    #[cold]
    fn decode_escapes(self) -> String {
        let mut decoded = String::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some((plain, escape)) = rest.split_once('\\') {
            decoded.push_str(plain);
            let (char, length) =
                escaped_char(escape.as_bytes()).expect("the cursor has checked the escapes");
            decoded.push(char);
            rest = &escape[length..];
        }
        decoded.push_str(rest);
        decoded
    }
}

/// The character of the escape that follows a backslash, and how many bytes it takes.
pub(super) fn escaped_char(escape: &[u8]) -> Option<(char, usize)> {
    let char = match escape.first()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(&escape[1..]).map(|(char, length)| (char, length + 1)),
        _ => return None,
    };
    Some((char, 1))
}

/// The character of `XXXX`, or of the two halves `XXXX\uXXXX`; half a pair is none.
fn unicode_escape(digits: &[u8]) -> Option<(char, usize)> {
    let unit = hex4(digits)?;
    if let Some(char) = char::from_u32(unit) {
        return Some((char, 4));
    }
    let low = hex4(digits.get(4..)?.strip_prefix(b"\\u")?)?;
    let is_pair = (0xd800..0xdc00).contains(&unit) && (0xdc00..0xe000).contains(&low);
    let char = char::from_u32(0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff)))?;
    is_pair.then_some((char, 10))
}

fn hex4(digits: &[u8]) -> Option<u32> {
    digits
        .first_chunk::<4>()?
        .iter()
        .try_fold(0, |value, &digit| {
            Some(value << 4 | char::from(digit).to_digit(16)?)
        })
}

/// The number of characters of a string that is written so; a broken escape counts as its character.
pub(super) fn decoded_chars(raw: &str) -> usize {
    let mut chars = 0;
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        chars += plain.chars().count() + 1;
        let length = escaped_char(escape.as_bytes()).map_or_else(
            || escape.chars().next().map_or(0, char::len_utf8),
            |(_, length)| length,
        );
        rest = &escape[length..];
    }
    chars + rest.chars().count()
}
