//! Documents and compact snapshots: what is read, what counts as nothing, what is refused and where.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use valuation::FlameOptions;

use super::flame::FlameOption;
use super::*;
use crate::named::Named as _;
use crate::snapshot::binary;

const SAMPLE: &str = include_str!("../../../samples/evan_equip.json");

/// A document of one item.
fn document(item: &str) -> String {
    format!(r#"{{"item_equipment_preset_1":[{{"item_equipment_slot":"모자",{item}}}]}}"#)
}

/// A snapshot of one item.
fn compact(item: &str) -> String {
    format!(r#"{{"presets":[[{{"slot":"모자",{item}}}]]}}"#)
}

fn item_of(text: &str) -> valuation::Item {
    parse(text.as_bytes()).unwrap().presets[0][0].clone()
}

fn compact_item_of(text: &str) -> valuation::Item {
    parse_compact(text.as_bytes()).unwrap().presets[0][0].clone()
}

/// Reason and path of the rejection.
fn refused<T: std::fmt::Debug>(read: Result<T, Rejection>) -> (Reason, String) {
    let rejection = read.unwrap_err();
    (rejection.reason, rejection.path)
}

fn invalid_at(path: &str) -> (Reason, String) {
    (Reason::InvalidField, path.to_owned())
}

fn malformed_at(path: &str) -> (Reason, String) {
    (Reason::Malformed, path.to_owned())
}

/// The compact form of a snapshot, by hand.
fn write_compact(snapshot: &Snapshot) -> Value {
    let item = |item: &valuation::Item| {
        json!({
            "slot": item.slot, "part": item.part, "name": item.name, "level": item.level.0,
            "grade": item.grade, "lines": item.lines,
            "additionalGrade": item.additional_grade, "additionalLines": item.additional_lines,
            "stars": item.stars.0, "scroll": item.scroll,
            "flame": {
                "int": item.flame.int, "luk": item.flame.luk, "dex": item.flame.dex,
                "str": item.flame.str, "allStat": item.flame.all_stat,
                "attack": item.flame.attack, "magic": item.flame.magic,
                "maxHp": item.flame.max_hp, "bossDamage": item.flame.boss_damage,
                "damage": item.flame.damage,
            },
            "baseAttack": item.base_attack, "baseMagic": item.base_magic,
        })
    };
    let presets = snapshot
        .presets
        .iter()
        .map(|items| items.iter().map(item).collect::<Value>());
    json!({"class": snapshot.class, "presets": presets.collect::<Value>()})
}

#[test]
fn the_sample_is_read_whole() {
    let snapshot = parse(SAMPLE.as_bytes()).unwrap();

    assert_eq!(snapshot.class, "에반");
    assert_eq!(snapshot.presets.each_ref().map(Vec::len), [23, 24, 23]);
    let hat = &snapshot.presets[0][0];
    assert_eq!((hat.level.0, hat.stars.0, hat.scroll), (250, 22, false));
    assert_eq!(hat.grade.as_deref(), Some("레전드리"));
    assert_eq!(
        hat.lines[2].as_deref(),
        Some("피격 시 5% 확률로 데미지의 40% 무시")
    );
    assert_eq!(hat.additional_lines[1].as_deref(), Some("INT +7%"));
    assert_eq!((hat.flame.int, hat.flame.luk, hat.flame.dex), (130, 42, 28));
    assert_eq!((hat.flame.all_stat, hat.base_magic), (5, 10));
}

#[test]
fn a_document_and_its_compact_form_give_the_same_snapshot() {
    let whole = parse(SAMPLE.as_bytes()).unwrap();
    let compact = write_compact(&whole).to_string();

    assert_eq!(parse_compact(compact.as_bytes()).unwrap(), whole);
    let bytes = encode(SAMPLE.as_bytes()).unwrap();
    assert_eq!(bytes, binary::encode(&whole));
    let view = binary::SnapshotView::new(&bytes).unwrap();
    assert_eq!(view.decode().unwrap(), whole);
}

#[test]
fn a_file_may_be_gzip_and_a_message_may_not() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(SAMPLE.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();

    assert_eq!(parse(&packed), parse(SAMPLE.as_bytes()));
    assert_eq!(refused(encode(&packed)), malformed_at(""));
    assert_eq!(
        refused(parse(&packed[..packed.len() / 2])),
        malformed_at("")
    );

    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(&vec![b' '; MESSAGE_BYTES_MAX + 1])
        .unwrap();
    let bomb = encoder.finish().unwrap();
    assert_eq!(refused(parse(&bomb)).0, Reason::TooLarge);
}

#[test]
fn nothing_null_and_blanks_are_the_same_in_a_document() {
    let bare = item_of(r#"{"item_equipment_preset_1":[{"item_equipment_slot":"모자"}]}"#);
    for nothing in ["null", r#""""#, r#"" ""#, r#""\t\u3000""#] {
        let text = document(&format!(
            r#""item_equipment_part":{nothing},"item_name":{nothing},"item_icon":{nothing},
            "potential_option_grade":{nothing},"potential_option_1":{nothing},
            "additional_potential_option_grade":{nothing},"additional_potential_option_3":{nothing},
            "starforce":{nothing},"starforce_scroll_flag":{nothing},"special_ring_level":{nothing},
            "item_base_option":{{"base_equipment_level":{nothing},"attack_power":{nothing}}},
            "item_add_option":{{"int":{nothing}}}"#
        ));
        assert_eq!(item_of(&text), bare, "{nothing}");
    }
    let null_objects = document(r#""item_base_option":null,"item_add_option":null"#);
    assert_eq!(item_of(&null_objects), bare);
}

#[test]
fn a_grade_in_any_case_and_a_line_called_null_are_none() {
    let item = item_of(&document(
        r#""potential_option_grade":"Null","potential_option_1":"null","potential_option_2":"NULL""#,
    ));

    assert_eq!(item.grade, None);
    assert_eq!(item.lines, [None, Some("NULL".to_owned()), None]);
}

#[test]
fn items_without_a_slot_are_dropped() {
    let text = r#"{"item_equipment_preset_2":[{"item_name":"a"},{"item_equipment_slot":" "},
        {"item_equipment_slot":null},{"item_equipment_slot":"null"}]}"#;
    let snapshot = parse(text.as_bytes()).unwrap();

    assert_eq!(snapshot.presets.each_ref().map(Vec::len), [0, 1, 0]);
    assert_eq!(snapshot.presets[1][0].slot, "null");
    let compact = r#"{"presets":[[{"name":"a"},{"slot":""}]]}"#;
    assert!(parse_compact(compact.as_bytes()).unwrap().presets[0].is_empty());
}

#[test]
fn numbers_are_integers_or_texts_of_sign_digits_and_commas() {
    for (number, points) in [
        ("12", 12),
        ("-12", -12),
        (r#""12""#, 12),
        (r#""+1,234""#, 1_234),
        (r#""-1,234,567""#, -1_234_567),
        ("2147483647", i32::MAX),
        (r#""-2147483648""#, i32::MIN),
        (r#""\u0031""#, 1),
    ] {
        let whole = item_of(&document(&format!(
            r#""item_add_option":{{"max_hp":{number}}}"#
        )));
        let compact = compact_item_of(&compact(&format!(r#""flame":{{"maxHp":{number}}}"#)));
        assert_eq!(whole.flame.max_hp, points, "{number}");
        assert_eq!(compact.flame.max_hp, points, "{number}");
    }
    for number in [
        "1.0",
        "1e3",
        "true",
        "[]",
        "{}",
        r#""1.5""#,
        r#""x""#,
        r#"" 1""#,
        r#""1,23""#,
        r#""null""#,
        "2147483648",
        r#""-2147483649""#,
        "99999999999999999999",
    ] {
        let whole = document(&format!(r#""item_add_option":{{"max_hp":{number}}}"#));
        assert_eq!(
            refused(parse(whole.as_bytes())),
            invalid_at("item_equipment_preset_1[0].item_add_option.max_hp"),
            "{number}"
        );
        let compact = compact(&format!(r#""flame":{{"maxHp":{number}}}"#));
        assert_eq!(
            refused(parse_compact(compact.as_bytes())),
            invalid_at("presets[0][0].flame.maxHp"),
            "{number}"
        );
    }
}

#[test]
fn levels_end_at_300_and_stars_at_30() {
    for (level, stars) in [("300", "30"), (r#""300""#, r#""30""#), ("0", "0")] {
        let item = item_of(&document(&format!(
            r#""starforce":{stars},"item_base_option":{{"base_equipment_level":{level}}}"#
        )));
        let same = compact_item_of(&compact(&format!(r#""stars":{stars},"level":{level}"#)));
        assert_eq!(item, same);
    }
    for level in ["301", "-1", r#""301""#, r#""-1""#] {
        let whole = document(&format!(
            r#""item_base_option":{{"base_equipment_level":{level}}}"#
        ));
        assert_eq!(
            refused(parse(whole.as_bytes())),
            invalid_at("item_equipment_preset_1[0].item_base_option.base_equipment_level")
        );
        let compact = compact(&format!(r#""level":{level}"#));
        assert_eq!(
            refused(parse_compact(compact.as_bytes())),
            invalid_at("presets[0][0].level")
        );
    }
    for stars in ["31", "-1", r#""31""#] {
        let whole = document(&format!(r#""starforce":{stars}"#));
        assert_eq!(
            refused(parse(whole.as_bytes())),
            invalid_at("item_equipment_preset_1[0].starforce")
        );
        let compact = compact(&format!(r#""stars":{stars}"#));
        assert_eq!(
            refused(parse_compact(compact.as_bytes())),
            invalid_at("presets[0][0].stars")
        );
    }
}

#[test]
fn a_level_may_stand_at_any_depth_and_the_base_option_comes_first() {
    let elsewhere = r#""x":{"y":[{"base_equipment_level":"160"},{"base_equipment_level":2}]}"#;
    assert_eq!(item_of(&document(elsewhere)).level.0, 160);
    let both = format!(r#"{elsewhere},"item_base_option":{{"base_equipment_level":200}}"#);
    assert_eq!(item_of(&document(&both)).level.0, 200);
    let null = format!(r#"{elsewhere},"item_base_option":{{"base_equipment_level":null}}"#);
    assert_eq!(item_of(&document(&null)).level.0, 0);
    let not_a_name = r#""item_name":"base_equipment_level","x":["base_equipment_level"]"#;
    assert_eq!(item_of(&document(not_a_name)).level.0, 0);
    let wrong = document(r#""x":{"base_equipment_level":"high"}"#);
    assert_eq!(
        refused(parse(wrong.as_bytes())),
        invalid_at("item_equipment_preset_1[0].base_equipment_level")
    );
}

#[test]
fn stars_by_scrolls_are_those_marked_used() {
    for (flag, scroll) in [("사용", true), ("미사용", false), (" 사용", false)] {
        let text = document(&format!(r#""starforce_scroll_flag":"{flag}""#));
        assert_eq!(item_of(&text).scroll, scroll);
    }
    assert!(compact_item_of(&compact(r#""scroll":true"#)).scroll);
    let wrong = compact(r#""scroll":"사용""#);
    assert_eq!(
        refused(parse_compact(wrong.as_bytes())),
        invalid_at("presets[0][0].scroll")
    );
}

#[test]
fn a_document_needs_one_preset_and_each_is_a_list_or_null() {
    for text in [
        "{}",
        r#"{"character_class":"에반"}"#,
        r#"{"item_equipment":[]}"#,
    ] {
        assert_eq!(refused(parse(text.as_bytes())), invalid_at(""), "{text}");
    }
    for value in ["{}", "1", r#""x""#, "false"] {
        let text = format!(r#"{{"item_equipment_preset_1":[],"item_equipment_preset_3":{value}}}"#);
        assert_eq!(
            refused(parse(text.as_bytes())),
            invalid_at("item_equipment_preset_3")
        );
    }
    let null = parse(br#"{"item_equipment_preset_2":null}"#).unwrap();
    assert_eq!(null, Snapshot::default());
    let no_object = r#"{"item_equipment_preset_2":[null]}"#;
    assert_eq!(
        refused(parse(no_object.as_bytes())),
        invalid_at("item_equipment_preset_2[0]")
    );
}

#[test]
fn a_snapshot_has_one_to_three_presets() {
    for text in [r#"{}"#, r#"{"presets":null}"#, r#"{"presets":[]}"#] {
        assert_eq!(refused(parse_compact(text.as_bytes())), invalid_at(""));
    }
    let four = r#"{"presets":[[],[],[],[]]}"#;
    assert_eq!(
        refused(parse_compact(four.as_bytes())),
        invalid_at("presets[3]")
    );
    let no_list = r#"{"presets":[null,{}]}"#;
    assert_eq!(
        refused(parse_compact(no_list.as_bytes())),
        invalid_at("presets[1]")
    );
    let four_lines = compact(r#""lines":[null,"",null,"INT +9%"]"#);
    assert_eq!(
        refused(parse_compact(four_lines.as_bytes())),
        invalid_at("presets[0][0].lines[3]")
    );
}

#[test]
fn texts_end_at_1024_bytes() {
    let long = |bytes: usize| format!(r#""item_name":"{}a""#, "가".repeat(bytes / 3));

    assert_eq!(item_of(&document(&long(1_024))).name.len(), 1_024);
    assert_eq!(
        refused(parse(document(&long(1_026)).as_bytes())),
        invalid_at("item_equipment_preset_1[0].item_name")
    );
    let class = format!(
        r#"{{"character_class":"{}","item_equipment_preset_1":[]}}"#,
        "a".repeat(1_025)
    );
    assert_eq!(
        refused(parse(class.as_bytes())),
        invalid_at("character_class")
    );
}

#[test]
fn of_members_that_are_not_read_only_the_bounds_count() {
    let junk = r#""x":[1,,{"a":1,"a":,}],"item_total_option":{"str" "str":: tru},"y":nonsense"#;
    let text = document(&format!(
        r#"{junk},"item_base_option":{{{junk},"attack_power":3}}"#
    ));
    assert_eq!(item_of(&text).base_attack, 3);
    for broken in [r#""x":[}"#, r#""x":"a"#, r#""x":[[]"#] {
        let text = document(broken);
        assert_eq!(
            refused(parse(text.as_bytes())).0,
            Reason::Malformed,
            "{broken}"
        );
    }
}

#[test]
fn members_that_are_read_stand_once() {
    for (item, path) in [
        (r#""starforce":"1","starforce":"1""#, "starforce"),
        (
            r#""item_add_option":{"int":1,"in\u0074":1}"#,
            "item_add_option.int",
        ),
        (r#""item_name":{"a":1,"a":1}"#, "item_name.a"),
        (r#""item_name":[1,,2]"#, "item_name"),
    ] {
        let path = format!("item_equipment_preset_1[0].{path}");
        assert_eq!(
            refused(parse(document(item).as_bytes())),
            malformed_at(&path)
        );
    }
    let twice = r#"{"item_equipment_preset_1":[],"item_equipment_preset_1":[]}"#;
    assert_eq!(
        refused(parse(twice.as_bytes())),
        malformed_at("item_equipment_preset_1")
    );
    // All members of a snapshot are its own.
    let unknown = compact(r#""x":1,"x":1"#);
    assert_eq!(
        refused(parse_compact(unknown.as_bytes())),
        malformed_at("presets[0][0].x")
    );
}

#[test]
fn broken_json_counts_before_a_wrong_member_that_stands_earlier() {
    let text =
        r#"{"character_class":7,"item_equipment_preset_1":[{"starforce":31},{"starforce":tru}]}"#;

    assert_eq!(
        refused(parse(text.as_bytes())),
        malformed_at("item_equipment_preset_1[1].starforce")
    );
    let fixed = text.replace("tru", "30");
    assert_eq!(
        refused(parse(fixed.as_bytes())),
        invalid_at("character_class")
    );
}

#[test]
fn equal_items_of_all_presets_are_stored_once_however_they_are_written() {
    let text = r#"{"item_equipment_preset_1":[{"item_equipment_slot":"모자","starforce":"1"}],
        "item_equipment_preset_2":[{"starforce":1, "item_equipment_slot":"모자"}],
        "item_equipment_preset_3":[{"item_equipment_slot":"모자","starforce":"1"},
            {"item_equipment_slot":"모자","starforce":"2"}]}"#;
    let bytes = encode(text.as_bytes()).unwrap();
    let view = binary::SnapshotView::new(&bytes).unwrap();

    assert_eq!(view.items().len(), 2);
    assert_eq!(view.presets(), &[vec![0], vec![0], vec![0, 1]]);
    assert_eq!(view.decode().unwrap(), parse(text.as_bytes()).unwrap());
}

#[test]
fn each_bonus_option_has_its_own_place_in_both_forms() {
    for (index, (short, long)) in FlameOption::NAMES
        .iter()
        .zip(FlameOption::DOCUMENT_NAMES)
        .enumerate()
    {
        let whole = item_of(&document(&format!(r#""item_add_option":{{"{long}":7}}"#)));
        let compact = compact_item_of(&compact(&format!(r#""flame":{{"{short}":7}}"#)));
        assert_eq!(whole, compact);
        let FlameOptions {
            int,
            luk,
            dex,
            all_stat,
            attack,
            magic,
            max_hp,
            boss_damage,
            damage,
            str,
        } = whole.flame;
        let all = [
            int,
            luk,
            dex,
            all_stat,
            attack,
            magic,
            max_hp,
            boss_damage,
            damage,
            str,
        ];
        assert_eq!(all.iter().position(|&points| points == 7), Some(index));
        assert_eq!(all.iter().sum::<i32>(), 7);
    }
}
