//! Random characters from items as they are worn.

use model::snapshot::Snapshot;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use valuation::{FlameOptions, Item, Level, Star};

const CLASSES: [&str; 5] = ["아델", "나이트로드", "제논", "데몬어벤져", "모르는 직업"];
const WORN: [(&str, &str, &str); 6] = [
    ("모자", "모자", "앱솔랩스 나이트헬름"),
    ("상의", "한벌옷", "아케인셰이드 나이트슈트"),
    ("무기", "튜너", "제네시스 튜너"),
    ("보조무기", "포스실드", "루인 포스실드"),
    ("장갑", "장갑", "타일런트 헤르메스 글러브"),
    ("반지1", "반지", "리스트레인트 링"),
];
const LINES: [&str; 8] = [
    "STR +12%",
    "DEX +9%",
    "LUK +9%",
    "올스탯 +6%",
    "최대 HP +12%",
    "공격력 +9%",
    "보스 몬스터 공격 시 데미지 +30%",
    "알 수 없는 잠재능력",
];
const GRADES: [&str; 5] = ["레어", "에픽", "유니크", "레전드리", "신화"];

fn one_of<'a>(random: &mut ChaCha8Rng, texts: &[&'a str]) -> &'a str {
    texts[random.random_range(0..texts.len())]
}

fn lines(random: &mut ChaCha8Rng) -> [Option<String>; 3] {
    [(); 3].map(|()| {
        random
            .random_bool(0.7)
            .then(|| one_of(random, &LINES).to_string())
    })
}

pub(crate) fn item(random: &mut ChaCha8Rng) -> Item {
    let (slot, part, name) = WORN[random.random_range(0..WORN.len())];
    Item {
        slot: slot.into(),
        part: part.into(),
        name: name.into(),
        level: Level([0, 150, 160, 200][random.random_range(0..4)]),
        grade: random
            .random_bool(0.8)
            .then(|| one_of(random, &GRADES).to_string()),
        lines: lines(random),
        additional_grade: random
            .random_bool(0.5)
            .then(|| one_of(random, &GRADES).to_string()),
        additional_lines: lines(random),
        stars: Star([0, 12, 17][random.random_range(0..3)]),
        scroll: random.random_bool(0.1),
        flame: FlameOptions {
            str: random.random_range(0..2) * 40,
            attack: random.random_range(0..4),
            ..FlameOptions::default()
        },
        base_attack: 171,
        base_magic: 0,
    }
}

/// A character of up to 8 different items from `catalogue`, most of them in several presets.
pub(crate) fn character(random: &mut ChaCha8Rng, catalogue: &[Item]) -> Snapshot {
    let own: Vec<&Item> = (0..random.random_range(0..8))
        .map(|_| &catalogue[random.random_range(0..catalogue.len())])
        .collect();
    Snapshot {
        class: one_of(random, &CLASSES).into(),
        presets: [(); 3].map(|()| {
            own.iter()
                .filter(|_| random.random_bool(0.6))
                .map(|&item| item.clone())
                .collect()
        }),
    }
}
