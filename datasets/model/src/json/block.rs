//! Sixteen and sixty-four bytes at a time: where in a block the bytes that matter stand.

/// Bits of a block of 64 bytes, lowest first.
pub(super) struct Masks {
    pub(super) quote: u64,
    pub(super) backslash: u64,
    /// `{ [ } ]`
    pub(super) bracket: u64,
}

/// The bytes of a block that matter to a skipper.
#[inline(always)]
pub(super) fn masks(block: &[u8; 64]) -> Masks {
    machine::masks(block)
}

/// Bits of the bytes `"`, `\` and, if `CONTROL`, those below 0x20.
#[inline(always)]
pub(super) fn string_ends<const CONTROL: bool>(block: &[u8; 16]) -> u32 {
    machine::string_ends::<CONTROL>(block)
}

#[cfg(not(target_arch = "x86_64"))]
use portable as machine;

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "each call asks for SSE2 alone, which every x86-64 machine has"
)]
mod machine {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8,
    };

    use super::Masks;

    #[inline(always)]
    pub(super) fn masks(block: &[u8; 64]) -> Masks {
        // SAFETY: SSE2 is part of x86-64, the only architecture that this is compiled for.
        unsafe { masks_sse2(block) }
    }

    #[inline(always)]
    pub(super) fn string_ends<const CONTROL: bool>(block: &[u8; 16]) -> u32 {
        // SAFETY: SSE2 is part of x86-64, the only architecture that this is compiled for.
        unsafe { string_ends_sse2::<CONTROL>(block) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn masks_sse2(block: &[u8; 64]) -> Masks {
        let mut masks = Masks {
            quote: 0,
            backslash: 0,
            bracket: 0,
        };
        for (index, part) in block.as_chunks::<16>().0.iter().enumerate() {
            let bytes = load(part);
            // `[` and `]` are `{` and `}` without the bit 0x20.
            let lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
            let bracket = _mm_or_si128(equal(lower, b'{'), equal(lower, b'}'));
            let shift = index * 16;
            masks.quote |= u64::from(bits(equal(bytes, b'"'))) << shift;
            masks.backslash |= u64::from(bits(equal(bytes, b'\\'))) << shift;
            masks.bracket |= u64::from(bits(bracket)) << shift;
        }
        masks
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn string_ends_sse2<const CONTROL: bool>(block: &[u8; 16]) -> u32 {
        let bytes = load(block);
        let mut ends = _mm_or_si128(equal(bytes, b'"'), equal(bytes, b'\\'));
        if CONTROL {
            let low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
            ends = _mm_or_si128(ends, low);
        }
        bits(ends)
    }

    /// The compiler makes one load of this.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(bytes: &[u8; 16]) -> __m128i {
        let value = u128::from_le_bytes(*bytes);
        _mm_set_epi64x((value >> 64) as i64, value as i64)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn equal(bytes: __m128i, byte: u8) -> __m128i {
        _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8))
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn bits(bytes: __m128i) -> u32 {
        _mm_movemask_epi8(bytes) as u32
    }
}

/// The same for any machine.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    use super::Masks;

    fn bits<const N: usize>(block: &[u8; N], is: impl Fn(u8) -> bool) -> u64 {
        block
            .iter()
            .rev()
            .fold(0, |mask, &byte| mask << 1 | u64::from(is(byte)))
    }

    pub(super) fn masks(block: &[u8; 64]) -> Masks {
        Masks {
            quote: bits(block, |byte| byte == b'"'),
            backslash: bits(block, |byte| byte == b'\\'),
            bracket: bits(block, |byte| matches!(byte, b'{' | b'}' | b'[' | b']')),
        }
    }

    pub(super) fn string_ends<const CONTROL: bool>(block: &[u8; 16]) -> u32 {
        bits(block, |byte| {
            byte == b'"' || byte == b'\\' || (CONTROL && byte < 0x20)
        }) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_and_the_portable_form_agree_on_every_byte() {
        for first in 0..=255u8 {
            let block: [u8; 64] =
                std::array::from_fn(|index| first.wrapping_add((index as u8).wrapping_mul(7)));
            let (fast, portable) = (masks(&block), portable::masks(&block));
            assert_eq!(
                (fast.quote, fast.backslash, fast.bracket),
                (portable.quote, portable.backslash, portable.bracket)
            );
            let part = block.first_chunk::<16>().unwrap();
            assert_eq!(
                string_ends::<true>(part),
                portable::string_ends::<true>(part)
            );
            assert_eq!(
                string_ends::<false>(part),
                portable::string_ends::<false>(part)
            );
        }
    }
}
