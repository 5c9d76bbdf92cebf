//! Presets, items and the JSON around them.

use super::*;

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
        (r#""item_name":[1,,2]"#, "item_name[1]"),
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
