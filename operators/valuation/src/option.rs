//! The grammar of potential lines: the official patterns, and what each is worth to somebody.

use thiserror::Error;

use crate::units::Stat;

/// What a line adds: one kind of thing, by an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Effect {
    /// What is added.
    pub kind: EffectKind,
    /// How much, in the unit of the kind. Amounts beyond `u32` stand as `u32::MAX`.
    pub amount: u32,
}

/// The things that a line can add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKind {
    /// Percent of a stat.
    StatPercent(Stat),
    /// Points of a stat.
    StatFlat(Stat),
    /// Points of a stat for every 9 character levels.
    StatPerNineLevels(Stat),
    /// Percent of all four stats.
    AllStatPercent,
    /// Points of all four stats.
    AllStatFlat,
    /// Percent of maximum HP.
    HpPercent,
    /// Points of maximum HP.
    HpFlat,
    /// Percent of attack power.
    AttackPercent,
    /// Points of attack power.
    AttackFlat,
    /// Percent of magic power.
    MagicPercent,
    /// Points of magic power.
    MagicFlat,
    /// Percent of damage to boss monsters.
    BossDamage,
    /// Percent of a monster's defence that is ignored.
    IgnoredDefence,
    /// Percent of damage.
    Damage,
    /// Percent of critical damage.
    CriticalDamage,
    /// Seconds off the cooldown of skills, positive.
    Cooldown,
    /// Percent of item drop rate.
    ItemDrop,
    /// Percent of mesos obtained.
    MesoObtained,
}

/// A line that is none of the official patterns.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no known potential option")]
pub struct UnknownOption(pub String);

/// Reads one line. A known line that adds nothing of worth, and a blank or literal `null` one,
/// give `None`.
///
/// ```
/// use valuation::option::{parse, Effect, EffectKind};
/// use valuation::Stat;
///
/// let effect = parse("INT : +9%")?.expect("an effect");
/// assert_eq!(effect, Effect { kind: EffectKind::StatPercent(Stat::Int), amount: 9 });
/// assert_eq!(parse("최대 MP +12%")?, None);
/// assert!(parse("INT +9 %").is_err());
/// # Ok::<(), valuation::option::UnknownOption>(())
/// ```
///
/// # Errors
/// When the line is none of the official patterns.
pub fn parse(line: &str) -> Result<Option<Effect>, UnknownOption> {
    let text = line.trim();
    if is_blank(text) {
        return Ok(None);
    }
    let Pattern {
        text: pattern,
        numbers,
    } = Pattern::of(text);
    match meaning(&pattern, &numbers) {
        Some(Meaning::Worthless) => Ok(None),
        Some(Meaning::Adds(kind)) => Ok(numbers
            .last()
            .copied()
            .filter(|&amount| amount > 0)
            .map(|amount| Effect { kind, amount })),
        None => Err(UnknownOption(line.to_owned())),
    }
}

/// Whether a text of the document stands for nothing: blank, or the literal `null`.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.eq_ignore_ascii_case("null")
}

/// Whether `line` is of the limited family that `family` names: a part of its text in which `N`
/// stands for any number.
#[must_use]
pub fn is_of_family(line: &str, family: &str) -> bool {
    Pattern::of(line).text.contains(&family.replace('N', PLACE))
}

/// A line with a place in place of each run of digits, and the runs.
struct Pattern {
    text: String,
    numbers: Vec<u32>,
}

/// Stands for a number in a pattern. No official text contains it.
const PLACE: &str = "#";

impl Pattern {
    fn of(line: &str) -> Self {
        let line = line.trim().replace("&lt;", "<").replace("&gt;", ">");
        let line = line.replacen(" : +", " +", 1).replacen(" : -", " -", 1);
        let mut text = String::with_capacity(line.len());
        let mut numbers = Vec::with_capacity(2);
        let mut inside = false;
        for char in line.chars() {
            if let Some(digit) = char.to_digit(10) {
                if inside {
                    let number: &mut u32 = numbers.last_mut().expect("a run has a number");
                    *number = number.saturating_mul(10).saturating_add(digit);
                } else {
                    numbers.push(digit);
                    text.push_str(PLACE);
                }
                inside = true;
            } else {
                // A `#` in the text itself must not pass for a number.
                text.push(if char == '#' { '\u{fffd}' } else { char });
                inside = false;
            }
        }
        Self { text, numbers }
    }
}

enum Meaning {
    Adds(EffectKind),
    Worthless,
}

fn meaning(pattern: &str, numbers: &[u32]) -> Option<Meaning> {
    use EffectKind as Kind;
    let kind = match pattern {
        "STR +#" => Kind::StatFlat(Stat::Str),
        "DEX +#" => Kind::StatFlat(Stat::Dex),
        "INT +#" => Kind::StatFlat(Stat::Int),
        "LUK +#" => Kind::StatFlat(Stat::Luk),
        "STR +#%" => Kind::StatPercent(Stat::Str),
        "DEX +#%" => Kind::StatPercent(Stat::Dex),
        "INT +#%" => Kind::StatPercent(Stat::Int),
        "LUK +#%" => Kind::StatPercent(Stat::Luk),
        "캐릭터 기준 #레벨 당 STR +#" => per_levels(Stat::Str, numbers)?,
        "캐릭터 기준 #레벨 당 DEX +#" => per_levels(Stat::Dex, numbers)?,
        "캐릭터 기준 #레벨 당 INT +#" => per_levels(Stat::Int, numbers)?,
        "캐릭터 기준 #레벨 당 LUK +#" => per_levels(Stat::Luk, numbers)?,
        "올스탯 +#" => Kind::AllStatFlat,
        "올스탯 +#%" => Kind::AllStatPercent,
        "최대 HP +#" => Kind::HpFlat,
        "최대 HP +#%" => Kind::HpPercent,
        "공격력 +#" => Kind::AttackFlat,
        "공격력 +#%" => Kind::AttackPercent,
        "마력 +#" => Kind::MagicFlat,
        "마력 +#%" => Kind::MagicPercent,
        "보스 몬스터 데미지 +#%" | "보스 몬스터 공격 시 데미지 +#%" => {
            Kind::BossDamage
        }
        "몬스터 방어율 무시 +#%" => Kind::IgnoredDefence,
        "데미지 +#%" => Kind::Damage,
        "크리티컬 데미지 +#%" => Kind::CriticalDamage,
        "스킬 재사용 대기시간 -#초" => Kind::Cooldown,
        "아이템 드롭률 +#%" => Kind::ItemDrop,
        "메소 획득량 +#%" => Kind::MesoObtained,
        worthless if WORTHLESS.contains(&worthless) => return Some(Meaning::Worthless),
        _ => return None,
    };
    Some(Meaning::Adds(kind))
}

/// The official text says 9 levels; another number would be another option.
fn per_levels(stat: Stat, numbers: &[u32]) -> Option<EffectKind> {
    (numbers.first() == Some(&9)).then_some(EffectKind::StatPerNineLevels(stat))
}

/// Official lines that are worth nothing to any class.
const WORTHLESS: [&str; 34] = [
    "최대 MP +#",
    "최대 MP +#%",
    "방어력 +#",
    "방어력 +#%",
    "이동속도 +#",
    "점프력 +#",
    "크리티컬 확률 +#%",
    "모든 스킬의 MP 소모 -#%",
    "HP 회복 아이템 및 회복 스킬 효율 +#%",
    "#초 당 #의 HP 회복",
    "#초 당 #의 MP 회복",
    "몬스터 처치 시 #% 확률로 #의 HP 회복",
    "몬스터 처치 시 #% 확률로 #의 MP 회복",
    "공격 시 #% 확률로 #의 HP 회복",
    "공격 시 #% 확률로 #의 MP 회복",
    "공격 시 #% 확률로 #레벨 기절효과 적용",
    "공격 시 #% 확률로 #레벨 봉인효과 적용",
    "공격 시 #% 확률로 #레벨 빙결효과 적용",
    "공격 시 #% 확률로 #레벨 슬로우효과 적용",
    "공격 시 #% 확률로 #레벨 암흑효과 적용",
    "공격 시 #% 확률로 #레벨 중독효과 적용",
    "공격 시 #% 확률로 오토스틸",
    "#% 확률로 받은 피해의 #%를 반사",
    "피격 시 #% 확률로 #의 데미지 무시",
    "피격 시 #% 확률로 데미지의 #% 무시",
    "피격 시 #% 확률로 #초간 무적",
    "피격 후 무적시간 +#초",
    "<쓸만한 미스틱 도어> 스킬 사용 가능",
    "<쓸만한 샤프 아이즈> 스킬 사용 가능",
    "<쓸만한 어드밴스드 블레스> 스킬 사용 가능",
    "<쓸만한 윈드 부스터> 스킬 사용 가능",
    "<쓸만한 컴뱃 오더스> 스킬 사용 가능",
    "<쓸만한 하이퍼 바디> 스킬 사용 가능",
    "<쓸만한 헤이스트> 스킬 사용 가능",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(kind: EffectKind, amount: u32) -> Result<Option<Effect>, UnknownOption> {
        Ok(Some(Effect { kind, amount }))
    }

    #[test]
    fn a_number_follows_its_sign_and_not_another_number_of_the_text() {
        let kind = EffectKind::StatPerNineLevels(Stat::Int);
        assert_eq!(parse("캐릭터 기준 9레벨 당 INT +2"), effect(kind, 2));
        assert_eq!(parse("공격 시 20% 확률로 300의 HP 회복"), Ok(None));
    }

    #[test]
    fn both_wordings_of_boss_damage_are_known() {
        for line in [
            "보스 몬스터 데미지 +40%",
            "보스 몬스터 공격 시 데미지 : +40%",
        ] {
            assert_eq!(parse(line), effect(EffectKind::BossDamage, 40), "{line}");
        }
    }

    #[test]
    fn a_colon_may_stand_before_the_sign() {
        assert_eq!(parse("올스탯 : +6%"), effect(EffectKind::AllStatPercent, 6));
        assert_eq!(
            parse("스킬 재사용 대기시간 : -2초"),
            effect(EffectKind::Cooldown, 2)
        );
    }

    #[test]
    fn escaped_brackets_are_read() {
        assert_eq!(parse("&lt;쓸만한 헤이스트&gt; 스킬 사용 가능"), Ok(None));
        assert!(is_of_family(
            "&lt;쓸만한 헤이스트&gt; 스킬 사용 가능",
            "쓸만한"
        ));
    }

    #[test]
    fn absent_lines_have_no_effect() {
        for line in ["", "  ", "null"] {
            assert_eq!(parse(line), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn other_texts_are_unknown() {
        for line in [
            "STR -9%",
            "STR +%",
            "STR +#%",
            "STR +9.5%",
            "str +9%",
            "STR +9%%",
            "STR 9%",
            "캐릭터 기준 8레벨 당 STR +2",
            "<쓸만한 것> 스킬 사용 가능",
            "STR+9%",
            "STR : : +9%",
            "공격력",
        ] {
            assert!(parse(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn an_amount_beyond_all_bounds_does_not_wrap() {
        let line = "STR +99999999999999999999%";
        assert_eq!(
            parse(line),
            effect(EffectKind::StatPercent(Stat::Str), u32::MAX)
        );
    }

    #[test]
    fn families_are_told_by_text_with_any_numbers() {
        let family = "피격 시 N% 확률로 데미지의 N% 무시";
        assert!(is_of_family("피격 시 5% 확률로 데미지의 40% 무시", family));
        assert!(!is_of_family("피격 시 5% 확률로 40의 데미지 무시", family));
        assert!(is_of_family("피격 후 무적시간 +3초", "피격 후 무적시간"));
    }
}
