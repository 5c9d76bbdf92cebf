//! Whole documents of real size: the sample, with other items in its places.

use serde_json::{Map, Value};
use valuation::Item;

use super::kinds::SLOTS;
use crate::SourceError;

/// A document as the provider gives it, carried beside the code.
const SAMPLE: &str = include_str!("../../../samples/evan_equip.json");

/// The list of what is worn: a preset's items in an order of their own.
const CURRENT: usize = 3;

/// The sample, cut where what is priced stands.
pub(super) struct DocumentTemplate {
    pieces: Vec<Piece>,
    /// For each preset the slots of its items, as indexes into the slots.
    slots: [Vec<usize>; 3],
}

enum Piece {
    /// Compact JSON that stays.
    Text(String),
    /// The class.
    Class,
    /// A field of an item: preset, place in it, which.
    Field(usize, usize, Field),
}

/// The fields that an item's price depends on, where the document has them.
#[derive(Clone, Copy)]
enum Field {
    Part,
    Slot,
    Name,
    Level,
    Grade,
    Line(usize),
    AdditionalGrade,
    AdditionalLine(usize),
    Stars,
    Scroll,
    BaseAttack,
    BaseMagic,
    Str,
    Dex,
    Int,
    Luk,
    MaxHp,
    AllStat,
    Attack,
    Magic,
    BossDamage,
    Damage,
}

impl DocumentTemplate {
    pub(super) fn new() -> Result<Self, SourceError> {
        let broken = |problem: &str| SourceError::Generator {
            problem: format!("the sample document {problem}"),
        };
        let sample: Map<String, Value> =
            serde_json::from_str(SAMPLE).map_err(|error| broken(&error.to_string()))?;
        let mut lists: [Vec<usize>; 4] = Default::default();
        let mut writer = Writer::default();
        let mut separator = '{';
        for (name, value) in &sample {
            writer.text.push(separator);
            separator = ',';
            writer.name(name);
            let preset = match name.as_str() {
                "character_class" => {
                    writer.cut(Piece::Class);
                    continue;
                }
                "item_equipment" => Some(CURRENT),
                "item_equipment_preset_1" => Some(0),
                "item_equipment_preset_2" => Some(1),
                "item_equipment_preset_3" => Some(2),
                _ => None,
            };
            match (preset, value) {
                (Some(preset), Value::Array(items)) => {
                    writer.items(preset, items);
                    lists[preset] = slots_of(items)
                        .ok_or_else(|| broken("has an item in a slot of no known name"))?;
                }
                _ => writer.value(value),
            }
        }
        writer.text.push('}');
        writer.end();
        let [first, second, third, current] = lists;
        let slots = [first, second, third];
        let in_use = sample.get("preset_no").and_then(Value::as_u64).unwrap_or(0) as usize;
        for piece in &mut writer.pieces {
            if let Piece::Field(preset @ CURRENT, place, _) = piece {
                let worn = slots.get(in_use.wrapping_sub(1)).into_iter().flatten();
                let same = worn.enumerate().find(|&(_, slot)| *slot == current[*place]);
                let (same, _) = same.ok_or_else(|| broken("wears what its preset has not"))?;
                (*preset, *place) = (in_use - 1, same);
            }
        }
        Ok(Self {
            pieces: writer.pieces,
            slots,
        })
    }

    /// The slots of a preset (0 to 2) in the order of the document.
    pub(super) fn slots(&self, preset: usize) -> &[usize] {
        &self.slots[preset]
    }

    /// Appends a document: `item` gives the item at a preset's place.
    pub(super) fn render<'a>(
        &self,
        out: &mut Vec<u8>,
        class: &str,
        item: impl Fn(usize, usize) -> &'a Item,
    ) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Class => quoted(out, class),
                Piece::Field(preset, place, field) => {
                    render_field(out, item(*preset, *place), *field)
                }
            }
        }
    }
}

fn slots_of(items: &[Value]) -> Option<Vec<usize>> {
    let slot_of = |item: &Value| {
        let name = item.get("item_equipment_slot")?.as_str()?;
        SLOTS.iter().position(|slot| slot.slot == name)
    };
    items.iter().map(slot_of).collect()
}

fn render_field(out: &mut Vec<u8>, item: &Item, field: Field) {
    match field {
        Field::Part => quoted(out, &item.part),
        Field::Slot => quoted(out, &item.slot),
        Field::Name => quoted(out, &item.name),
        Field::Level => out.extend_from_slice(item.level.0.to_string().as_bytes()),
        Field::Grade => quoted_or_null(out, item.grade.as_deref()),
        Field::Line(line) => quoted_or_null(out, item.lines[line].as_deref()),
        Field::AdditionalGrade => quoted_or_null(out, item.additional_grade.as_deref()),
        Field::AdditionalLine(line) => quoted_or_null(out, item.additional_lines[line].as_deref()),
        Field::Stars => quoted(out, &item.stars.0.to_string()),
        Field::Scroll => quoted(out, if item.scroll { "사용" } else { "미사용" }),
        Field::BaseAttack => number(out, item.base_attack),
        Field::BaseMagic => number(out, item.base_magic),
        Field::Str => number(out, item.flame.str),
        Field::Dex => number(out, item.flame.dex),
        Field::Int => number(out, item.flame.int),
        Field::Luk => number(out, item.flame.luk),
        Field::MaxHp => number(out, item.flame.max_hp),
        Field::AllStat => number(out, item.flame.all_stat),
        Field::Attack => number(out, item.flame.attack),
        Field::Magic => number(out, item.flame.magic),
        Field::BossDamage => number(out, item.flame.boss_damage),
        Field::Damage => number(out, item.flame.damage),
    }
}

/// Documents write numbers as texts.
fn number(out: &mut Vec<u8>, number: i32) {
    quoted(out, &number.to_string());
}

fn quoted_or_null(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => quoted(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// The texts of the catalogue need no escapes; a test parses them all.
fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes compact JSON and cuts it where something else will stand.
#[derive(Default)]
struct Writer {
    pieces: Vec<Piece>,
    text: String,
}

impl Writer {
    fn end(&mut self) {
        self.pieces
            .push(Piece::Text(std::mem::take(&mut self.text)));
    }

    fn cut(&mut self, piece: Piece) {
        self.end();
        self.pieces.push(piece);
    }

    fn name(&mut self, name: &str) {
        self.value(&Value::from(name));
        self.text.push(':');
    }

    fn value(&mut self, value: &Value) {
        self.text.push_str(&value.to_string());
    }

    fn items(&mut self, preset: usize, items: &[Value]) {
        let mut separator = '[';
        for (place, item) in items.iter().enumerate() {
            self.text.push(separator);
            separator = ',';
            match item {
                Value::Object(members) => self.members(preset, place, "", members),
                other => self.value(other),
            }
        }
        self.text.push(']');
    }

    /// The members of an item, or of its member `parent`.
    fn members(&mut self, preset: usize, place: usize, parent: &str, members: &Map<String, Value>) {
        let mut separator = '{';
        for (name, value) in members {
            self.text.push(separator);
            separator = ',';
            self.name(name);
            match (field(parent, name), value) {
                (Some(field), _) => self.cut(Piece::Field(preset, place, field)),
                (None, Value::Object(members)) => self.members(preset, place, name, members),
                (None, value) => self.value(value),
            }
        }
        self.text.push('}');
    }
}

/// The field that a member is: `parent` is the member of the item in which it stands, or empty.
fn field(parent: &str, name: &str) -> Option<Field> {
    Some(match (parent, name) {
        ("", "item_equipment_part") => Field::Part,
        ("", "item_equipment_slot") => Field::Slot,
        ("", "item_name") => Field::Name,
        ("", "potential_option_grade") => Field::Grade,
        ("", "potential_option_1") => Field::Line(0),
        ("", "potential_option_2") => Field::Line(1),
        ("", "potential_option_3") => Field::Line(2),
        ("", "additional_potential_option_grade") => Field::AdditionalGrade,
        ("", "additional_potential_option_1") => Field::AdditionalLine(0),
        ("", "additional_potential_option_2") => Field::AdditionalLine(1),
        ("", "additional_potential_option_3") => Field::AdditionalLine(2),
        ("", "starforce") => Field::Stars,
        ("", "starforce_scroll_flag") => Field::Scroll,
        ("item_base_option", "base_equipment_level") => Field::Level,
        ("item_base_option", "attack_power") => Field::BaseAttack,
        ("item_base_option", "magic_power") => Field::BaseMagic,
        ("item_add_option", "str") => Field::Str,
        ("item_add_option", "dex") => Field::Dex,
        ("item_add_option", "int") => Field::Int,
        ("item_add_option", "luk") => Field::Luk,
        ("item_add_option", "max_hp") => Field::MaxHp,
        ("item_add_option", "all_stat") => Field::AllStat,
        ("item_add_option", "attack_power") => Field::Attack,
        ("item_add_option", "magic_power") => Field::Magic,
        ("item_add_option", "boss_damage") => Field::BossDamage,
        ("item_add_option", "damage") => Field::Damage,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::catalogue::{CONFIGURATIONS_MIN, Catalogue};

    #[test]
    fn a_document_has_the_size_and_the_members_of_the_sample_and_the_given_items() {
        let template = DocumentTemplate::new().unwrap();
        let catalogue = Catalogue::new(CONFIGURATIONS_MIN);
        let choose = |preset: usize, place: usize| {
            let slot = template.slots(preset)[place];
            catalogue.item(catalogue.choose(0, slot, preset as u64))
        };
        let mut out = Vec::new();

        template.render(&mut out, "히어로", choose);

        assert!(
            (220_000..260_000).contains(&out.len()),
            "{} bytes",
            out.len()
        );
        let document: Value = serde_json::from_slice(&out).unwrap();
        let sample: Value = serde_json::from_str(SAMPLE).unwrap();
        let names = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&document), names(&sample));
        assert_eq!(document["character_class"], "히어로");
        for (preset, list) in ["1", "2", "3"].into_iter().enumerate() {
            let list = format!("item_equipment_preset_{list}");
            let items = document[&list].as_array().unwrap();
            assert_eq!(items.len(), sample[&list].as_array().unwrap().len());
            for (place, item) in items.iter().enumerate() {
                let wanted = choose(preset, place);
                assert_eq!(names(item), names(&sample[&list][place]));
                assert_eq!(item["item_name"], wanted.name.as_str());
                assert_eq!(item["starforce"], wanted.stars.0.to_string());
                assert_eq!(
                    item["potential_option_1"].as_str(),
                    wanted.lines[0].as_deref()
                );
                assert_eq!(
                    item["item_base_option"]["base_equipment_level"],
                    wanted.level.0
                );
                assert_eq!(
                    item["item_add_option"]["all_stat"],
                    wanted.flame.all_stat.to_string()
                );
            }
        }
        let of_slot = |list: &str, slot: &Value| {
            let items = document[list].as_array().unwrap().iter();
            let mut found = items.filter(|item| item["item_equipment_slot"] == *slot);
            found.next().unwrap()["item_name"].clone()
        };
        for item in document["item_equipment"].as_array().unwrap() {
            let slot = &item["item_equipment_slot"];
            assert!(item["item_name"] == of_slot("item_equipment_preset_2", slot));
        }
    }
}
