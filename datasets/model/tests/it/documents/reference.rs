//! What a document says, by the rules alone: over a parsed value, and with no thought of speed.

use model::snapshot::Snapshot;
use serde_json::Value;
use valuation::{FlameOptions, Item, Level, Star};

/// The snapshot of the document; `None` if a member is not what it must be.
pub(super) fn read(document: &Value) -> Option<Snapshot> {
    let names = [1, 2, 3].map(|number| format!("item_equipment_preset_{number}"));
    let presets = names.map(|name| document.get(name));
    if presets.iter().all(Option::is_none) {
        return None;
    }
    let mut snapshot = Snapshot {
        class: text(document.get("character_class"))?.unwrap_or_default(),
        ..Snapshot::default()
    };
    for (preset, value) in snapshot.presets.iter_mut().zip(presets) {
        match value {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                let items = items.iter().map(item).collect::<Option<Vec<_>>>()?;
                preset.extend(items.into_iter().filter(|item| !item.slot.is_empty()));
            }
            Some(_) => return None,
        }
    }
    Some(snapshot)
}

fn item(item: &Value) -> Option<Item> {
    let members = item.as_object()?;
    let get = |name: &str| members.get(name);
    let within = |object: &str, name: &str| match get(object) {
        None | Some(Value::Null) => Some(None),
        Some(Value::Object(object)) => Some(object.get(name).cloned()),
        Some(_) => None,
    };
    let points = |name: &str| {
        number(
            within("item_add_option", name)?.as_ref(),
            i32::MIN,
            i32::MAX,
        )
    };
    let base = |name: &str| {
        number(
            within("item_base_option", name)?.as_ref(),
            i32::MIN,
            i32::MAX,
        )
    };
    let filled = |name: &str| Some(text(get(name))?.filter(|text| !text.trim().is_empty()));
    let grade = |name: &str| Some(filled(name)?.filter(|grade| grade.to_lowercase() != "null"));
    let line = |name: &str| Some(filled(name)?.filter(|line| line != "null"));
    let lines = |prefix: &str| {
        Some([
            line(&format!("{prefix}_1"))?,
            line(&format!("{prefix}_2"))?,
            line(&format!("{prefix}_3"))?,
        ])
    };
    let level = match within("item_base_option", "base_equipment_level")? {
        Some(level) => Some(level),
        None => first_level(item).cloned(),
    };
    text(get("item_icon"))?;
    number(get("special_ring_level"), i32::MIN, i32::MAX)?;
    Some(Item {
        slot: filled("item_equipment_slot")?.unwrap_or_default(),
        part: filled("item_equipment_part")?.unwrap_or_default(),
        name: filled("item_name")?.unwrap_or_default(),
        level: Level(number(level.as_ref(), 0, 300)? as u16),
        grade: grade("potential_option_grade")?,
        lines: lines("potential_option")?,
        additional_grade: grade("additional_potential_option_grade")?,
        additional_lines: lines("additional_potential_option")?,
        stars: Star(number(get("starforce"), 0, 30)? as u8),
        scroll: text(get("starforce_scroll_flag"))?.as_deref() == Some("사용"),
        flame: FlameOptions {
            str: points("str")?,
            dex: points("dex")?,
            int: points("int")?,
            luk: points("luk")?,
            max_hp: points("max_hp")?,
            all_stat: points("all_stat")?,
            attack: points("attack_power")?,
            magic: points("magic_power")?,
            boss_damage: points("boss_damage")?,
            damage: points("damage")?,
        },
        base_attack: base("attack_power")?,
        base_magic: base("magic_power")?,
    })
}

/// The first `base_equipment_level` at any depth, in the order of the text.
fn first_level(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            if name == "base_equipment_level" {
                Some(value)
            } else {
                first_level(value)
            }
        }),
        Value::Array(elements) => elements.iter().find_map(first_level),
        _ => None,
    }
}

/// A text of at most 1,024 bytes, or nothing.
fn text(value: Option<&Value>) -> Option<Option<String>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) if text.len() <= 1_024 => Some(Some(text.clone())),
        Some(_) => None,
    }
}

/// An integer, or a text of an optional sign and digits with commas before each three, in a range.
fn number(value: Option<&Value>, min: i32, max: i32) -> Option<i32> {
    let number = match value {
        None | Some(Value::Null) => 0,
        Some(Value::Number(number)) => i128::from(number.as_i64()?),
        Some(Value::String(text)) if text.trim().is_empty() => 0,
        Some(Value::String(text)) => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let mut groups = digits.split(',');
            let head = groups.next()?;
            let groups: Vec<&str> = groups.collect();
            let grouped = groups.is_empty() || head.len() <= 3;
            let whole = grouped && !head.is_empty() && groups.iter().all(|group| group.len() == 3);
            let digits = digits.replace(',', "");
            if !whole || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let number: i128 = digits.parse().ok()?;
            if text.starts_with('-') {
                -number
            } else {
                number
            }
        }
        Some(_) => return None,
    };
    i32::try_from(number)
        .ok()
        .filter(|number| (min..=max).contains(number))
}
