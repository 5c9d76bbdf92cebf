//! The two forms of the sample, in files and in messages.

use super::*;

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
