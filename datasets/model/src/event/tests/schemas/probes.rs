//! What the schemas are probed with: messages, their members, and values for these.

use super::*;

/// The first item of the snapshot in [`message`].
const COMPACT_ITEM: &str = "payload.snapshot.presets.0.0";
const DOCUMENT: &str = "payload.equipment";
/// The first item of the document in [`documented`].
pub(super) const ITEM: &str = "payload.equipment.item_equipment_preset_1.0";

/// A message with a document that has every member of the first level.
pub(super) fn documented() -> Json {
    let mut message = message(Topic::Equipment);
    message["payload"] = json!({
        "ocid": KEY, "equipmentHash": "h1",
        "equipment": {
            "character_class": "에반",
            "item_equipment_preset_1": [{
                "item_equipment_slot": "모자", "starforce": "22",
                "item_base_option": {"base_equipment_level": 250}, "item_add_option": {"int": "30"},
            }],
        },
    });
    message
}

/// Messages of a topic, each with paths of the members to probe in it.
pub(super) fn probed(topic: Topic) -> Vec<(Json, Vec<String>)> {
    let within = |parent: &str, names: &[&str]| -> Vec<String> {
        names
            .iter()
            .map(|name| format!("{parent}.{name}"))
            .collect()
    };
    let payload = within(
        "payload",
        match topic {
            Topic::Equipment => EquipmentMember::NAMES,
            Topic::Enrich => EnrichMember::NAMES,
            Topic::Likes => LikeMember::NAMES,
            Topic::Donations => DonationMember::NAMES,
        },
    );
    let envelope = EnvelopeMember::NAMES.iter().map(|&name| name.to_owned());
    let whole = envelope.chain(payload.clone()).collect();
    let mut probed = vec![(message(topic), whole)];
    if topic == Topic::Equipment {
        let compact = [
            within("payload.snapshot", CompactRoot::NAMES),
            within(COMPACT_ITEM, CompactMember::NAMES),
        ];
        probed.push((message(topic), compact.concat()));
        let flame = format!("{COMPACT_ITEM}.flame");
        let mut with_flame = message(topic);
        set(&mut with_flame, &flame, json!({}));
        probed.push((with_flame, within(&flame, FlameOption::NAMES)));
        let document = [
            payload,
            within(DOCUMENT, DocumentRoot::NAMES),
            within(ITEM, DocumentMember::NAMES),
            within(&format!("{ITEM}.item_base_option"), DocumentBase::NAMES),
            within(
                &format!("{ITEM}.item_add_option"),
                FlameOption::DOCUMENT_NAMES,
            ),
        ];
        probed.push((documented(), document.concat()));
    }
    probed
}

/// Values of every type, at the limits and beyond them. No number is written as `1.0`, and no text of a
/// number is out of range: schemas cannot tell.
pub(super) fn probes() -> Vec<Json> {
    let texts = [
        "",
        " ",
        "\u{3000}",
        "x",
        "7",
        "+7",
        "-0",
        "0,007",
        "1,23",
        "1.5",
        "--7",
        "a\u{1}",
        "a\n",
        "\u{7f}",
        "\u{85}",
        ID,
        "0191d5a07f3a7c519c1e2b7c5a0f9d11",
        "2026-11-24T10:15:30Z",
        "2026-11-24T10:15:30.123456789+09:00",
        "2026-11-24t10:15:30z",
        "2026-02-30T10:15:30Z",
        "2026-11-24T10:15:30",
        "2026-11-24T10:15:60Z",
        "LikeToggle",
    ];
    let lengths = [1, 2, 3].into_iter().flat_map(|bytes| {
        let unit = ["a", "é", "가"][bytes - 1];
        [ID_BYTES_MAX, TEXT_BYTES_MAX]
            .into_iter()
            .flat_map(move |limit| {
                [limit / bytes, limit / bytes + 1].map(|count| unit.repeat(count))
            })
    });
    let integers = [
        i64::MIN,
        i64::from(i32::MIN) - 1,
        i64::from(i32::MIN),
        -1,
        0,
        1,
        2,
        30,
        31,
        300,
        301,
        i64::from(i32::MAX),
        i64::from(i32::MAX) + 1,
        i64::MAX,
    ];
    let others = [
        json!(null),
        json!(true),
        json!(1.5),
        json!(1u64 << 63),
        json!([]),
        json!([null]),
        json!(["x"]),
        json!(["", "x"]),
        json!([7]),
        json!([null, null, null]),
        json!(["x", "y", "z", "w"]),
        json!([[]]),
        json!([[], null, []]),
        json!([[], [], [], []]),
        json!([[{}]]),
        json!([["x"]]),
        json!([{}]),
        json!({}),
        json!({"x": 1}),
        json!({"int": "x"}),
        json!({"presets": [[]]}),
        json!({"presets": []}),
        json!({"item_equipment_preset_1": []}),
        json!(["가".repeat(43)]),
        json!(["가".repeat(342)]),
    ];
    let texts = texts
        .map(Json::from)
        .into_iter()
        .chain(lengths.map(Json::from));
    texts
        .chain(integers.map(Json::from))
        .chain(others)
        .collect()
}
