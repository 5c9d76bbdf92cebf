//! Documents and compact snapshots: what is read, what counts as nothing, what is refused and where.

mod forms;
mod structure;
mod values;

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
