//! Generated documents, read here and by a reference over serde_json.

mod generate;
mod reference;

use model::document::{encode, parse, parse_compact};
use model::snapshot::{Snapshot, binary};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cases;

/// The text of a value: dense, spread out, or with every character escaped that is not ASCII.
fn written(value: &Value, style: u8) -> String {
    match style % 3 {
        0 => value.to_string(),
        1 => serde_json::to_string_pretty(value).expect("a value is JSON"),
        _ => {
            let units = value.to_string();
            units
                .chars()
                .map(|char| match char {
                    char if char.is_ascii() => char.to_string(),
                    char => {
                        let mut pair = [0; 2];
                        let units = char.encode_utf16(&mut pair).iter();
                        units.map(|unit| format!("\\u{unit:04x}")).collect()
                    }
                })
                .collect()
        }
    }
}

/// The compact form of a snapshot.
fn compact(snapshot: &Snapshot) -> Value {
    let item = |item: &valuation::Item| {
        json!({
            "slot": item.slot, "part": item.part, "name": item.name, "level": item.level.0,
            "grade": item.grade, "lines": item.lines, "additionalGrade": item.additional_grade,
            "additionalLines": item.additional_lines, "stars": item.stars.0, "scroll": item.scroll,
            "flame": {
                "int": item.flame.int, "luk": item.flame.luk, "dex": item.flame.dex,
                "allStat": item.flame.all_stat, "attack": item.flame.attack,
                "magic": item.flame.magic, "maxHp": item.flame.max_hp,
                "bossDamage": item.flame.boss_damage, "damage": item.flame.damage,
                "str": item.flame.str,
            },
            "baseAttack": item.base_attack, "baseMagic": item.base_magic,
        })
    };
    let presets = snapshot
        .presets
        .iter()
        .map(|preset| preset.iter().map(item).collect::<Value>());
    json!({"class": snapshot.class, "presets": presets.collect::<Value>()})
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn a_document_is_read_as_the_reference_reads_it(
        document in generate::document(),
        style in any::<u8>(),
    ) {
        let text = written(&document, style);
        let read = parse(text.as_bytes());
        let expected = reference::read(&document);
        prop_assert_eq!(read.as_ref().ok(), expected.as_ref(), "{:?} {}", read, text);

        let encoded = encode(text.as_bytes());
        prop_assert_eq!(encoded.as_ref().err(), read.as_ref().err());
        if let (Ok(bytes), Ok(snapshot)) = (encoded, read) {
            let view = binary::SnapshotView::new(&bytes).unwrap();
            prop_assert_eq!(&view.decode().unwrap(), &snapshot);
            let compact = written(&compact(&snapshot), style);
            prop_assert_eq!(&parse_compact(compact.as_bytes()).unwrap(), &snapshot);
        }
    }
}

#[test]
fn generated_documents_are_of_both_kinds() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::new(cases(1));
    let documents = (0..500).map(|_| {
        generate::document()
            .new_tree(&mut runner)
            .unwrap()
            .current()
    });
    let accepted = documents
        .filter(|document| reference::read(document).is_some())
        .count();
    assert!((100..450).contains(&accepted), "{accepted} of 500");
}
