//! Option lines in a few bytes: the number of a known pattern and the numbers in it.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::codec::{DecodeError, Reader, put_varint};

use super::text::{put_text, read_text};

/// The known lines, `#` for a number. A part of version 1 of the binary form: an item's bytes are its
/// identity, so a change here is a new version.
const PATTERNS: [&str; 62] = [
    "#% 확률로 받은 피해의 #%를 반사",
    "#초 당 #의 HP 회복",
    "#초 당 #의 MP 회복",
    "<쓸만한 미스틱 도어> 스킬 사용 가능",
    "<쓸만한 샤프 아이즈> 스킬 사용 가능",
    "<쓸만한 어드밴스드 블레스> 스킬 사용 가능",
    "<쓸만한 윈드 부스터> 스킬 사용 가능",
    "<쓸만한 컴뱃 오더스> 스킬 사용 가능",
    "<쓸만한 하이퍼 바디> 스킬 사용 가능",
    "<쓸만한 헤이스트> 스킬 사용 가능",
    "DEX +#",
    "DEX +#%",
    "HP 회복 아이템 및 회복 스킬 효율 +#%",
    "INT +#",
    "INT +#%",
    "LUK +#",
    "LUK +#%",
    "STR +#",
    "STR +#%",
    "공격 시 #% 확률로 #레벨 기절효과 적용",
    "공격 시 #% 확률로 #레벨 봉인효과 적용",
    "공격 시 #% 확률로 #레벨 빙결효과 적용",
    "공격 시 #% 확률로 #레벨 슬로우효과 적용",
    "공격 시 #% 확률로 #레벨 암흑효과 적용",
    "공격 시 #% 확률로 #레벨 중독효과 적용",
    "공격 시 #% 확률로 #의 HP 회복",
    "공격 시 #% 확률로 #의 MP 회복",
    "공격 시 #% 확률로 오토스틸",
    "공격력 +#",
    "공격력 +#%",
    "데미지 +#%",
    "마력 +#",
    "마력 +#%",
    "메소 획득량 +#%",
    "모든 스킬의 MP 소모 -#%",
    "몬스터 방어율 무시 +#%",
    "몬스터 처치 시 #% 확률로 #의 HP 회복",
    "몬스터 처치 시 #% 확률로 #의 MP 회복",
    "방어력 +#",
    "방어력 +#%",
    "보스 몬스터 데미지 +#%",
    "스킬 재사용 대기시간 -#초",
    "아이템 드롭률 +#%",
    "올스탯 +#",
    "올스탯 +#%",
    "이동속도 +#",
    "점프력 +#",
    "최대 HP +#",
    "최대 HP +#%",
    "최대 MP +#",
    "최대 MP +#%",
    "캐릭터 기준 #레벨 당 DEX +#",
    "캐릭터 기준 #레벨 당 INT +#",
    "캐릭터 기준 #레벨 당 LUK +#",
    "캐릭터 기준 #레벨 당 STR +#",
    "크리티컬 데미지 +#%",
    "크리티컬 확률 +#%",
    "피격 시 #% 확률로 #의 데미지 무시",
    "피격 시 #% 확률로 #초간 무적",
    "피격 시 #% 확률로 데미지의 #% 무시",
    "피격 후 무적시간 +#초",
    "보스 몬스터 공격 시 데미지 +#%",
];

/// The code of an absent line, and of one that is written out. Patterns follow.
const ABSENT: u64 = 0;
const WRITTEN_OUT: u64 = 1;
const PATTERN: u64 = 2;

/// Longer lines, or lines with more numbers, are written out.
const LINE_BYTES_MAX: usize = 96;
const NUMBERS_MAX: usize = 2;

static CODES: LazyLock<FxHashMap<&'static [u8], u64>> = LazyLock::new(|| {
    (PATTERN..)
        .zip(PATTERNS)
        .map(|(code, pattern)| (pattern.as_bytes(), code))
        .collect()
});

/// Appends a line.
pub(super) fn put_line(bytes: &mut Vec<u8>, line: Option<&str>) {
    let Some(line) = line else {
        return put_varint(bytes, ABSENT);
    };
    match match_pattern(line) {
        Some((code, numbers)) => {
            put_varint(bytes, code);
            numbers
                .iter()
                .flatten()
                .for_each(|&number| put_varint(bytes, u64::from(number)));
        }
        None => {
            put_varint(bytes, WRITTEN_OUT);
            put_text(bytes, line);
        }
    }
}

/// The code of the line's pattern and its numbers, if the pattern and they alone give the line back.
fn match_pattern(line: &str) -> Option<(u64, [Option<u32>; NUMBERS_MAX])> {
    let line = line.as_bytes();
    if line.len() > LINE_BYTES_MAX {
        return None;
    }
    let mut pattern = [0; LINE_BYTES_MAX];
    let (mut length, mut numbers, mut count, mut at) = (0, [None; NUMBERS_MAX], 0, 0);
    while let Some(&byte) = line.get(at) {
        pattern[length] = match byte {
            b'#' => return None,
            b'0'..=b'9' => {
                let digits = line[at..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                *numbers.get_mut(count)? = Some(number_of(&line[at..at + digits])?);
                count += 1;
                at += digits;
                b'#'
            }
            byte => {
                at += 1;
                byte
            }
        };
        length += 1;
    }
    CODES.get(&pattern[..length]).map(|&code| (code, numbers))
}

/// The number that these digits write as a number is written: at most nine, and no needless zero.
fn number_of(digits: &[u8]) -> Option<u32> {
    if digits.len() > 9 || (digits.len() > 1 && digits[0] == b'0') {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(digit - b'0')),
    )
}

/// Reads a line.
pub(super) fn read_line(reader: &mut Reader<'_>) -> Result<Option<String>, DecodeError> {
    let code = reader.varint()?;
    match code {
        ABSENT => return Ok(None),
        WRITTEN_OUT => {
            return read_text(reader).map(Some);
        }
        _ => {}
    }
    let pattern = usize::try_from(code - PATTERN)
        .ok()
        .and_then(|index| PATTERNS.get(index))
        .ok_or_else(|| reader.invalid("a line has an unknown pattern"))?;
    let mut parts = pattern.split('#');
    let mut line = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        line.push_str(&reader.varint()?.to_string());
        line.push_str(part);
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: Option<&str>) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_line(&mut bytes, line);
        bytes
    }

    #[test]
    fn every_line_comes_back_to_the_letter() {
        let lines = [
            "INT +9%",
            "INT +09%",
            "INT +9876543210%",
            "캐릭터 기준 9레벨 당 INT +2",
            "STR +#%",
            "INT + 9%",
            "피격 시 5% 확률로 데미지의 40% 무시",
            "<쓸만한 샤프 아이즈> 스킬 사용 가능",
            "1 2 3 4",
            "",
            "null",
            "INT +%",
            "漢字 ½ 한글",
            "&lt;쓸만한 샤프 아이즈&gt; 스킬 사용 가능",
        ];
        for line in lines {
            let bytes = written(Some(line));
            let mut reader = Reader::new("a line", &bytes);
            assert_eq!(read_line(&mut reader).unwrap().as_deref(), Some(line));
            reader.end().unwrap();
        }
        assert_eq!(written(None), [0]);
    }

    #[test]
    fn an_official_line_takes_two_or_three_bytes() {
        for pattern in PATTERNS {
            let line = pattern.replace('#', "12");
            assert_eq!(
                written(Some(&line)).len(),
                1 + pattern.matches('#').count(),
                "{line}"
            );
        }
    }
}
