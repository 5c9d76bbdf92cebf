//! What the members of an item hold.

use super::*;

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
