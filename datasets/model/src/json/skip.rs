//! Skipping a list or an object by its bounds: closed strings, brackets that match, depth, and the
//! lengths of strings and names. What stands between is not looked at.

use crate::limits::{DEPTH_MAX, NAME_CHARS_MAX, STRING_CHARS_MAX};
use crate::reason::Reason;

use super::block::{Masks, masks};
use super::cursor::{Checked, fault};
use super::value::decoded_chars;

/// Where the list or object that opens at `start` ends: the place after its closing bracket.
///
/// `depth` levels are open around it.
pub(super) fn container_end(text: &str, start: usize, depth: usize) -> Checked<usize> {
    let mut skipper = Skipper {
        text,
        open: Brackets {
            kinds: 0,
            depth,
            outer: depth,
        },
        ..Skipper::new(text)
    };
    let mut at = start;
    while let Some(block) = text
        .as_bytes()
        .get(at..)
        .and_then(<[u8]>::first_chunk::<64>)
    {
        if let Some(end) = skipper.block(block, at)? {
            return Ok(end);
        }
        at += 64;
    }
    // The last block is filled up with blanks, which change nothing.
    let rest = &text.as_bytes()[at..];
    let mut block = [b' '; 64];
    block[..rest.len()].copy_from_slice(rest);
    match skipper.block(&block, at)? {
        Some(end) => Ok(end),
        None => Err(fault(Reason::Malformed, "the end of the list or object")),
    }
}

/// The state between two blocks.
struct Skipper<'a> {
    text: &'a str,
    open: Brackets,
    /// All ones inside a string, else 0.
    in_string: u64,
    /// Where that string's opening quote stands.
    string_start: usize,
    /// 1 if the first byte of the next block is escaped, else 0.
    escaped: u64,
}

impl<'a> Skipper<'a> {
    fn new(text: &'a str) -> Self {
        let open = Brackets {
            kinds: 0,
            depth: 0,
            outer: 0,
        };
        Self {
            text,
            open,
            in_string: 0,
            string_start: 0,
            escaped: 0,
        }
    }

    /// Takes the 64 bytes at `at`; the end, if it is among them.
    #[inline(always)]
    fn block(&mut self, block: &[u8; 64], at: usize) -> Checked<Option<usize>> {
        let Masks {
            quote,
            backslash,
            bracket,
        } = masks(block);
        let was_escaped = self.escaped;
        let quote = if backslash | was_escaped == 0 {
            quote
        } else {
            quote & !self.escapes(backslash)
        };
        let inside = prefix_xor(quote) ^ self.in_string;
        if backslash & !inside != 0 {
            // Broken JSON, in which a backslash outside a string escapes nothing.
            self.escaped = was_escaped;
            return self.block_by_bytes(block, at);
        }
        if quote != 0 {
            if self.in_string != 0 {
                self.check_length(at + quote.trailing_zeros() as usize)?;
            }
            self.string_start = at + 63 - quote.leading_zeros() as usize;
        }
        self.in_string = ((inside as i64) >> 63) as u64;

        let mut brackets = bracket & !inside;
        while brackets != 0 {
            let index = brackets.trailing_zeros() as usize;
            if self.open.take(block[index])? {
                return Ok(Some(at + index + 1));
            }
            brackets &= brackets - 1;
        }
        Ok(None)
    }

    /// Bits of the escaped bytes, found by carries (after simdjson); carries over to the next block.
    #[inline(always)]
    fn escapes(&mut self, backslash: u64) -> u64 {
        const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        let potential = backslash & !self.escaped;
        let codes = ((potential << 1) | ODD).wrapping_sub(potential) ^ ODD;
        let escaped = codes ^ (backslash | self.escaped);
        self.escaped = (codes & backslash) >> 63;
        escaped
    }

    /// The same as [`block`](Self::block), byte by byte.
    #[cold]
    fn block_by_bytes(&mut self, block: &[u8; 64], at: usize) -> Checked<Option<usize>> {
        let mut escaped = self.escaped != 0;
        for (index, &byte) in block.iter().enumerate() {
            if self.in_string == 0 {
                match byte {
                    b'"' => {
                        self.in_string = u64::MAX;
                        self.string_start = at + index;
                    }
                    b'{' | b'}' | b'[' | b']' if self.open.take(byte)? => {
                        return Ok(Some(at + index + 1));
                    }
                    _ => {}
                }
            } else if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                self.check_length(at + index)?;
                self.in_string = 0;
            }
        }
        self.escaped = u64::from(escaped);
        Ok(None)
    }

    /// Checks the string that ends with the quote at `end`.
    #[inline(always)]
    fn check_length(&self, end: usize) -> Checked<()> {
        if end - self.string_start <= NAME_CHARS_MAX {
            Ok(())
        } else {
            self.check_long(end)
        }
    }

    #[cold]
    fn check_long(&self, end: usize) -> Checked<()> {
        check_string_length(&self.text[self.string_start + 1..end])?;
        let is_name = self.text[end + 1..].trim_ascii_start().starts_with(':');
        if is_name {
            check_name_length(&self.text[self.string_start + 1..end])
        } else {
            Ok(())
        }
    }
}

/// Checks the characters of a string, given as it is written.
#[inline]
pub(super) fn check_string_length(raw: &str) -> Checked<()> {
    if raw.len() > STRING_CHARS_MAX && decoded_chars(raw) > STRING_CHARS_MAX {
        return Err(fault(
            Reason::TooLarge,
            "a string of at most 100,000 characters",
        ));
    }
    Ok(())
}

/// Checks the characters of a member's name, given as it is written.
#[inline]
pub(super) fn check_name_length(raw: &str) -> Checked<()> {
    if raw.len() > NAME_CHARS_MAX && decoded_chars(raw) > NAME_CHARS_MAX {
        return Err(fault(
            Reason::TooLarge,
            "a member's name of at most 256 characters",
        ));
    }
    Ok(())
}

/// The brackets that are open.
struct Brackets {
    /// One bit a level, the innermost lowest: whether it is a list.
    kinds: u64,
    depth: usize,
    outer: usize,
}

impl Brackets {
    /// Takes a bracket; whether it closes the outermost one.
    #[inline(always)]
    fn take(&mut self, bracket: u8) -> Checked<bool> {
        // `[` and `]` lack the bit 0x20 of `{` and `}`; the closing ones have the bit 0x04.
        let is_list = u64::from(bracket & 0x20 == 0);
        if bracket & 0x04 == 0 {
            if self.depth == DEPTH_MAX {
                return Err(too_deep());
            }
            self.kinds = self.kinds << 1 | is_list;
            self.depth += 1;
            return Ok(false);
        }
        if self.kinds & 1 != is_list {
            return Err(fault(Reason::Malformed, "brackets that match"));
        }
        self.kinds >>= 1;
        self.depth -= 1;
        Ok(self.depth == self.outer)
    }
}

/// The fault of nesting deeper than the limit.
#[cold]
pub(super) fn too_deep() -> Box<crate::Rejection> {
    fault(Reason::TooDeep, "at most 50 levels from the message's root")
}

/// Each bit of the answer is the parity of the bits up to and including it.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}
