//! Equipment by serde_json, as one would write it without a parser of one's own: borrowed texts, the
//! same fields, then the same [`Snapshot`].

use std::borrow::Cow;

use model::snapshot::Snapshot;
use serde::Deserialize;
use valuation::{FlameOptions, Item, Level, Star};

type Text<'a> = Cow<'a, str>;

/// The provider's document.
#[derive(Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow)]
    character_class: Text<'a>,
    #[serde(borrow)]
    item_equipment_preset_1: Vec<DocumentItem<'a>>,
    #[serde(borrow)]
    item_equipment_preset_2: Vec<DocumentItem<'a>>,
    #[serde(borrow)]
    item_equipment_preset_3: Vec<DocumentItem<'a>>,
}

#[derive(Deserialize)]
struct DocumentItem<'a> {
    #[serde(borrow)]
    item_equipment_part: Text<'a>,
    #[serde(borrow)]
    item_equipment_slot: Text<'a>,
    #[serde(borrow)]
    item_name: Text<'a>,
    #[serde(borrow)]
    item_base_option: BaseOption<'a>,
    #[serde(borrow)]
    potential_option_grade: Option<Text<'a>>,
    #[serde(borrow)]
    additional_potential_option_grade: Option<Text<'a>>,
    #[serde(borrow)]
    potential_option_1: Option<Text<'a>>,
    #[serde(borrow)]
    potential_option_2: Option<Text<'a>>,
    #[serde(borrow)]
    potential_option_3: Option<Text<'a>>,
    #[serde(borrow)]
    additional_potential_option_1: Option<Text<'a>>,
    #[serde(borrow)]
    additional_potential_option_2: Option<Text<'a>>,
    #[serde(borrow)]
    additional_potential_option_3: Option<Text<'a>>,
    #[serde(borrow)]
    item_add_option: AddOption<'a>,
    #[serde(borrow)]
    starforce: Text<'a>,
    #[serde(borrow)]
    starforce_scroll_flag: Text<'a>,
}

#[derive(Deserialize)]
struct BaseOption<'a> {
    #[serde(borrow)]
    attack_power: Text<'a>,
    #[serde(borrow)]
    magic_power: Text<'a>,
    base_equipment_level: u16,
}

#[derive(Deserialize)]
struct AddOption<'a> {
    #[serde(borrow)]
    str: Text<'a>,
    #[serde(borrow)]
    dex: Text<'a>,
    #[serde(borrow)]
    int: Text<'a>,
    #[serde(borrow)]
    luk: Text<'a>,
    #[serde(borrow)]
    max_hp: Text<'a>,
    #[serde(borrow)]
    all_stat: Text<'a>,
    #[serde(borrow)]
    attack_power: Text<'a>,
    #[serde(borrow)]
    magic_power: Text<'a>,
    #[serde(borrow)]
    boss_damage: Text<'a>,
    #[serde(borrow)]
    damage: Text<'a>,
}

impl Document<'_> {
    /// The document as a snapshot; items without a slot are none.
    pub(super) fn into_snapshot(self) -> Snapshot {
        let presets = [
            self.item_equipment_preset_1,
            self.item_equipment_preset_2,
            self.item_equipment_preset_3,
        ];
        Snapshot {
            class: self.character_class.into_owned(),
            presets: presets.map(|items| {
                let items = items.into_iter().map(DocumentItem::into_item);
                items.filter(|item| !item.slot.is_empty()).collect()
            }),
        }
    }
}

impl DocumentItem<'_> {
    fn into_item(self) -> Item {
        let lines = [
            self.potential_option_1,
            self.potential_option_2,
            self.potential_option_3,
        ];
        let additional_lines = [
            self.additional_potential_option_1,
            self.additional_potential_option_2,
            self.additional_potential_option_3,
        ];
        let flame = &self.item_add_option;
        Item {
            slot: self.item_equipment_slot.into_owned(),
            part: self.item_equipment_part.into_owned(),
            name: self.item_name.into_owned(),
            level: Level(self.item_base_option.base_equipment_level),
            grade: self.potential_option_grade.and_then(text),
            lines: lines.map(|line| line.and_then(text)),
            additional_grade: self.additional_potential_option_grade.and_then(text),
            additional_lines: additional_lines.map(|line| line.and_then(text)),
            stars: Star(number(&self.starforce) as u8),
            scroll: self.starforce_scroll_flag == "사용",
            flame: FlameOptions {
                str: number(&flame.str),
                dex: number(&flame.dex),
                int: number(&flame.int),
                luk: number(&flame.luk),
                max_hp: number(&flame.max_hp),
                all_stat: number(&flame.all_stat),
                attack: number(&flame.attack_power),
                magic: number(&flame.magic_power),
                boss_damage: number(&flame.boss_damage),
                damage: number(&flame.damage),
            },
            base_attack: number(&self.item_base_option.attack_power),
            base_magic: number(&self.item_base_option.magic_power),
        }
    }
}

fn text(text: Text<'_>) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.into_owned())
}

/// What is no number shows in the comparison of the snapshots.
fn number(text: &str) -> i32 {
    text.parse().unwrap_or(i32::MIN)
}

/// A message with a compact snapshot.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "an event is read with all its members; the snapshot alone is compared"
)]
pub(super) struct CompactEvent<'a> {
    #[serde(borrow)]
    event_id: Text<'a>,
    #[serde(borrow)]
    event_type: Text<'a>,
    #[serde(borrow)]
    occurred_at: Text<'a>,
    #[serde(borrow)]
    aggregate_id: Text<'a>,
    schema_version: Option<u32>,
    version: Option<i64>,
    #[serde(borrow)]
    payload: CompactPayload<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "an event is read with all its members; the snapshot alone is compared"
)]
struct CompactPayload<'a> {
    #[serde(borrow)]
    ocid: Text<'a>,
    #[serde(borrow)]
    equipment_hash: Text<'a>,
    #[serde(borrow)]
    snapshot: Compact<'a>,
}

#[derive(Deserialize)]
struct Compact<'a> {
    #[serde(borrow)]
    class: Text<'a>,
    #[serde(borrow)]
    presets: Vec<Vec<CompactItem<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct CompactItem<'a> {
    #[serde(borrow)]
    slot: Text<'a>,
    #[serde(borrow)]
    part: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    level: u16,
    #[serde(borrow)]
    grade: Option<Text<'a>>,
    #[serde(borrow)]
    lines: Vec<Option<Text<'a>>>,
    #[serde(borrow)]
    additional_grade: Option<Text<'a>>,
    #[serde(borrow)]
    additional_lines: Vec<Option<Text<'a>>>,
    stars: u8,
    scroll: bool,
    flame: CompactFlame,
    base_attack: i32,
    base_magic: i32,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CompactFlame {
    str: i32,
    dex: i32,
    int: i32,
    luk: i32,
    max_hp: i32,
    all_stat: i32,
    attack: i32,
    magic: i32,
    boss_damage: i32,
    damage: i32,
}

impl CompactEvent<'_> {
    /// The snapshot of the message.
    pub(super) fn into_snapshot(self) -> Snapshot {
        let compact = self.payload.snapshot;
        let mut snapshot = Snapshot {
            class: compact.class.into_owned(),
            ..Snapshot::default()
        };
        for (preset, items) in snapshot.presets.iter_mut().zip(compact.presets) {
            preset.extend(items.into_iter().map(CompactItem::into_item));
        }
        snapshot
    }
}

impl CompactItem<'_> {
    fn into_item(self) -> Item {
        let flame = self.flame;
        Item {
            slot: self.slot.into_owned(),
            part: self.part.into_owned(),
            name: self.name.into_owned(),
            level: Level(self.level),
            grade: self.grade.and_then(text),
            lines: three(self.lines),
            additional_grade: self.additional_grade.and_then(text),
            additional_lines: three(self.additional_lines),
            stars: Star(self.stars),
            scroll: self.scroll,
            flame: FlameOptions {
                str: flame.str,
                dex: flame.dex,
                int: flame.int,
                luk: flame.luk,
                max_hp: flame.max_hp,
                all_stat: flame.all_stat,
                attack: flame.attack,
                magic: flame.magic,
                boss_damage: flame.boss_damage,
                damage: flame.damage,
            },
            base_attack: self.base_attack,
            base_magic: self.base_magic,
        }
    }
}

fn three(lines: Vec<Option<Text<'_>>>) -> [Option<String>; 3] {
    let mut lines = lines.into_iter().map(|line| line.and_then(text));
    [(); 3].map(|()| lines.next().flatten())
}
