//! Option lines that the official tables have for a slot, level and grade.

use valuation::Grade;

use super::draw::Draw;
use super::kinds::{Branch, Options};

/// Main or additional potential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Main,
    Additional,
}

/// Three lines of a grade: the first of the grade itself, the others mostly of the grade below, so
/// that one reset can give them.
pub(super) fn lines(
    kind: Kind,
    options: Options,
    branch: &Branch,
    level: u16,
    grade: Grade,
    draw: &mut Draw,
) -> [Option<String>; 3] {
    let below = match grade {
        // Below are normal lines, which nobody looks for.
        Grade::Rare | Grade::Epic => Grade::Rare,
        Grade::Unique => Grade::Epic,
        Grade::Legendary => Grade::Unique,
    };
    let mut grade_of = |line| {
        if line == 0 || draw.below(5) == 0 {
            grade
        } else {
            below
        }
    };
    let grades = [grade_of(0), grade_of(1), grade_of(2)];
    grades.map(|grade| {
        let line = match kind {
            Kind::Main => main_line(options, branch, level, grade, draw),
            Kind::Additional => additional_line(options, branch, level, grade, draw),
        };
        Some(line)
    })
}

fn main_line(
    options: Options,
    branch: &Branch,
    level: u16,
    grade: Grade,
    draw: &mut Draw,
) -> String {
    let high = i32::from(level > 200);
    let percent = at(grade, [3, 6, 9, 12]) + high;
    let all_stats = at(grade, [5, 3, 6, 9]) + high;
    let special = draw.below(10);
    match options {
        Options::Weapon | Options::Emblem if special < 7 => {
            let defence = at(grade, [15, 15, 30, 35 + 5 * (special as i32 % 2)]);
            let boss = at(grade, [0, 0, 30, 35 + 5 * (special as i32 % 2)]);
            let has_boss = options == Options::Weapon && boss > 0;
            match special {
                0 | 1 if has_boss => return format!("보스 몬스터 데미지 +{boss}%"),
                2 | 3 => return format!("몬스터 방어율 무시 +{defence}%"),
                4 => return format!("데미지 +{percent}%"),
                _ => return format!("{} +{percent}%", attack(branch.magic)),
            }
        }
        Options::Hat if grade == Grade::Legendary && special < 2 => {
            return format!("스킬 재사용 대기시간 -{}초", special + 1);
        }
        Options::Gloves if grade == Grade::Legendary && special < 4 => {
            return "크리티컬 데미지 +8%".to_owned();
        }
        Options::Accessory if grade == Grade::Legendary && special < 2 => {
            let names = ["아이템 드롭률", "메소 획득량"];
            return format!("{} +20%", names[special as usize]);
        }
        _ => {}
    }
    match draw.below(10) {
        // Only weapons lack lines of HP.
        0..=5 if is_worn(options) || branch.stat != "최대 HP" => {
            format!("{} +{percent}%", branch.stat)
        }
        6 | 7 if grade == Grade::Rare => format!("올스탯 +{all_stats}"),
        6 | 7 => format!("올스탯 +{all_stats}%"),
        _ => format!("{} +{percent}%", draw.pick(&["STR", "DEX", "INT", "LUK"])),
    }
}

fn additional_line(
    options: Options,
    branch: &Branch,
    level: u16,
    grade: Grade,
    draw: &mut Draw,
) -> String {
    let worn = is_worn(options);
    let high = i32::from(level > 200);
    let percent = if worn {
        at(grade, [2, 4, 6, 8]) + high
    } else {
        at(grade, [3, 6, 9, 12])
    };
    let all_stats = if worn {
        at(grade, [3, 2, 5, 6]) + high
    } else {
        at(grade, [5, 3, 6, 9])
    };
    let per_nine = at(grade, [0, 0, 1, 2]);
    let stat = if branch.stat == "최대 HP" {
        "STR"
    } else {
        branch.stat
    };
    match draw.below(10) {
        0 | 1 if worn => {
            let flat = at(grade, [10, 11, 14, 16]) + high;
            format!("{} +{flat}", attack(branch.magic))
        }
        0..=2 if !worn => format!("{} +{percent}%", attack(branch.magic)),
        3 | 4 if per_nine > 0 => format!("캐릭터 기준 9레벨 당 {stat} +{per_nine}"),
        5 if grade == Grade::Rare => format!("올스탯 +{all_stats}"),
        5 => format!("올스탯 +{all_stats}%"),
        6 if options == Options::Gloves && grade == Grade::Legendary => {
            "크리티컬 데미지 +3%".to_owned()
        }
        7 => format!("{} +{percent}%", draw.pick(&["STR", "DEX", "INT", "LUK"])),
        _ => format!("{stat} +{percent}%"),
    }
}

/// Whether the slot's tables are those of armour and accessories.
fn is_worn(options: Options) -> bool {
    !matches!(options, Options::Weapon | Options::Emblem)
}

fn attack(magic: bool) -> &'static str {
    if magic { "마력" } else { "공격력" }
}

/// The number of a grade, lowest grade first.
fn at(grade: Grade, numbers: [i32; 4]) -> i32 {
    match grade {
        Grade::Rare => numbers[0],
        Grade::Epic => numbers[1],
        Grade::Unique => numbers[2],
        Grade::Legendary => numbers[3],
    }
}
