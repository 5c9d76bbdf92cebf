//! Texts in fewer bytes: a Korean syllable takes two.
//!
//! A byte below 0x80 is itself; 0x80 to 0xab begin a syllable (U+AC00 and on, high byte first); any
//! other character stands as its UTF-8, whose first byte is above 0xc1.

use std::borrow::Cow;

use crate::codec::{DecodeError, Reader, put_varint};

const FIRST_SYLLABLE: u32 = 0xac00;
const LAST_SYLLABLE: u32 = 0xd7a3;

/// Appends the length of the packed text in bytes, and the packed text.
pub(super) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let start = bytes.len();
    // The length goes in front; most texts are shorter than 128 bytes, so that it is one byte.
    bytes.push(0);
    for char in text.chars() {
        match u32::from(char) {
            ascii @ 0..0x80 => bytes.push(ascii as u8),
            syllable @ FIRST_SYLLABLE..=LAST_SYLLABLE => {
                let [.., high, low] = (syllable - FIRST_SYLLABLE).to_be_bytes();
                bytes.extend([0x80 | high, low]);
            }
            _ => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    let length = bytes.len() - start - 1;
    if length < 0x80 {
        bytes[start] = length as u8;
    } else {
        let mut written = Vec::new();
        put_varint(&mut written, length as u64);
        bytes.splice(start..=start, written);
    }
}

/// Reads a packed text; what [`put_text`] would not write is refused.
pub(super) fn read_text(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let packed = reader.bytes()?;
    unpack(packed).ok_or_else(|| reader.invalid("a packed text is broken"))
}

fn unpack(mut packed: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(packed.len() * 3 / 2);
    while let Some(&first) = packed.first() {
        let length = match first {
            0..0x80 => 1,
            0x80..0xc0 => {
                let syllable =
                    FIRST_SYLLABLE + (u32::from(first & 0x3f) << 8 | u32::from(*packed.get(1)?));
                text.push(char::from_u32(syllable).filter(|_| syllable <= LAST_SYLLABLE)?);
                packed = &packed[2..];
                continue;
            }
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0.. => 4,
        };
        let (char, rest) = packed.split_at_checked(length)?;
        let char = std::str::from_utf8(char).ok()?;
        let is_syllable = char
            .chars()
            .any(|char| (FIRST_SYLLABLE..=LAST_SYLLABLE).contains(&u32::from(char)));
        if is_syllable {
            return None;
        }
        text.push_str(char);
        packed = rest;
    }
    Some(text)
}

/// The slots of a character; most parts have the name of one. A part of version 1 of the binary form.
const WORDS: [&str; 28] = [
    "모자",
    "얼굴장식",
    "눈장식",
    "귀고리",
    "상의",
    "하의",
    "신발",
    "장갑",
    "망토",
    "보조무기",
    "무기",
    "반지1",
    "반지2",
    "반지3",
    "반지4",
    "펜던트",
    "펜던트2",
    "훈장",
    "벨트",
    "어깨장식",
    "포켓 아이템",
    "기계 심장",
    "뱃지",
    "엠블렘",
    "반지",
    "한벌옷",
    "방패",
    "포스실드",
];

/// Appends a slot or part: its number among the known ones, else 0 and the text.
pub(super) fn put_word(bytes: &mut Vec<u8>, word: &str) {
    match WORDS.iter().position(|&known| known == word) {
        Some(index) => bytes.push(index as u8 + 1),
        None => {
            bytes.push(0);
            put_text(bytes, word);
        }
    }
}

/// Reads a slot or part.
pub(super) fn read_word(reader: &mut Reader<'_>) -> Result<Cow<'static, str>, DecodeError> {
    match reader.byte()? {
        0 => read_text(reader).map(Cow::Owned),
        code => WORDS
            .get(usize::from(code) - 1)
            .map(|&word| Cow::Borrowed(word))
            .ok_or_else(|| reader.invalid("a slot has an unknown number")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(20_261_124),
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_text_comes_back(text in any::<String>(), word in "[가-힣 a-z0-9]{0,300}") {
            for text in [text, word] {
                let mut bytes = Vec::new();
                put_text(&mut bytes, &text);
                put_word(&mut bytes, &text);
                let mut reader = Reader::new("a text", &bytes);
                prop_assert_eq!(read_text(&mut reader).unwrap(), text.as_str());
                prop_assert_eq!(read_word(&mut reader).unwrap(), text.as_str());
                reader.end().unwrap();
            }
        }

        #[test]
        fn what_is_read_is_what_would_be_written(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            if let Some(text) = unpack(&bytes) {
                let mut written = Vec::new();
                put_text(&mut written, &text);
                prop_assert_eq!(&written[1..], &bytes[..]);
            }
        }
    }

    #[test]
    fn a_syllable_takes_two_bytes() {
        let mut bytes = Vec::new();
        put_text(&mut bytes, "에테르넬 메이지햇");
        assert_eq!(bytes.len(), 1 + 8 * 2 + 1);
        assert_eq!(
            WORDS.map(|word| {
                bytes.clear();
                put_word(&mut bytes, word);
                bytes.len()
            }),
            [1; 28]
        );
    }
}
