//! Messages to begin with: golden ones, and one of each topic with all its members.

use model::Topic;
use serde_json::{Value, json};

/// Topic and value of each golden record of one kind that is a text.
fn golden_texts() -> Vec<(Topic, String)> {
    let text = std::fs::read_to_string(crate::repository("datasets/golden/events.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let records = lines.flat_map(|line| {
        let topic: Topic = serde_json::from_value(line["in"]["topic"].clone()).unwrap();
        let records = line["in"]["records"].as_array().unwrap().clone();
        records.into_iter().map(move |record| (topic, record))
    });
    records
        .filter_map(|(topic, record)| Some((topic, record["value"].as_str()?.to_owned())))
        .collect()
}

/// Golden messages that differ in more than ids, times and names: one of each length and topic.
pub(crate) fn golden() -> Vec<(Topic, String)> {
    let mut messages = golden_texts();
    messages.sort_by_key(|(topic, text)| (*topic, text.len()));
    messages.dedup_by_key(|(topic, text)| (*topic, text.len()));
    messages
}

/// One message of each topic with every member, and one with a document.
pub(crate) fn complete() -> Vec<(Topic, String)> {
    let message = |topic, event_type: &str, payload: Value| {
        let message = json!({
            "eventId": "0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d11", "eventType": event_type,
            "occurredAt": "2026-11-24T10:15:30.123Z", "aggregateId": "ocid-a", "schemaVersion": 1,
            "version": 42, "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "payload": payload, "other": {"a": [1, 2, {"b": "\"\\ 가"}]},
        });
        (topic, message.to_string())
    };
    let item = json!({
        "slot": "모자", "part": "모자", "name": "에테르넬 메이지햇", "level": 250, "grade": "레전드리",
        "lines": ["INT +9%", "INT +9%", null], "additionalGrade": "유니크",
        "additionalLines": ["INT +6%", null, null], "stars": "22", "scroll": false,
        "flame": {"int": 130, "luk": 42, "dex": 28, "allStat": 5}, "baseAttack": "1,234", "baseMagic": 0,
    });
    let worn = json!({
        "item_equipment_slot": "무기", "item_equipment_part": "스태프", "item_name": "제네시스 스태프",
        "item_icon": "icon", "item_base_option": {"attack_power": "249", "magic_power": "406",
        "base_equipment_level": 200}, "potential_option_grade": "레전드리",
        "potential_option_1": "마력 +12%", "potential_option_2": null, "starforce": "22",
        "starforce_scroll_flag": "미사용", "item_add_option": {"int": "0", "magic_power": "250"},
        "special_ring_level": 0, "item_etc_option": {"str": "0"},
    });
    vec![
        message(
            Topic::Equipment,
            "EquipmentUpdated",
            json!({"ocid": "ocid-a", "equipmentHash": "h1",
                "snapshot": {"class": "에반", "presets": [[item.clone()], [], [item]]}}),
        ),
        message(
            Topic::Equipment,
            "EquipmentUpdated",
            json!({"ocid": "ocid-a", "equipmentHash": "h2",
                "equipment": {"character_class": "에반", "item_equipment_preset_1": [worn.clone()],
                    "item_equipment_preset_2": null, "item_equipment_preset_3": [worn]}}),
        ),
        message(
            Topic::Enrich,
            "CharacterEnriched",
            json!({"ocid": "ocid-a", "name": "이름", "world": "스카니아", "class": "에반", "level": 280,
                "guild": "길드"}),
        ),
        message(
            Topic::Likes,
            "LikeToggled",
            json!({"likerAccountId": "acc-1", "targetOcid": "ocid-a", "liked": true,
                "ownOcids": ["ocid-b", "ocid-c"]}),
        ),
        message(
            Topic::Donations,
            "DonationReceived",
            json!({"requestId": "r1", "senderId": "s1", "receiverId": "ocid-a", "amount": 5,
                "reverses": "r0"}),
        ),
    ]
}

/// An input of [`admit`](crate::admit::admit): the topic, then the message.
pub(crate) fn input(topic: Topic, message: &[u8]) -> Vec<u8> {
    let index = Topic::ALL.into_iter().position(|known| known == topic);
    let index = index.expect("a topic is one of all");
    [&[index as u8], message].concat()
}
