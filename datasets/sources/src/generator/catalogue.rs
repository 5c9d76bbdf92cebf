//! The catalogue of item configurations that characters draw from: made so that each has a price.

use valuation::{FlameOptions, Grade, Item, Level, Star};

use super::draw::{Draw, mix_all};
use super::kinds::{BRANCHES, Branch, Options, SLOTS, Slot};
use super::options::{Kind, lines};

/// Every branch has at least one item for every slot.
pub(super) const CONFIGURATIONS_MIN: u32 = (SLOTS.len() * BRANCHES.len()) as u32;

/// Where the catalogue's draws begin. The same for every generator, so that memos of prices serve all.
const SEED: u64 = 0x6d65_736f_666c_6f77;

/// Item configurations, each as an item and as the JSON that a snapshot has of it.
pub struct Catalogue {
    items: Vec<Item>,
    /// The JSON of all items, one behind the other.
    json: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Catalogue {
    /// The first `size` configurations; at least [`CONFIGURATIONS_MIN`].
    pub(super) fn new(size: u32) -> Self {
        let items: Vec<_> = (0..size as usize).map(item).collect();
        let (mut json, mut ends) = (Vec::new(), Vec::new());
        for item in &items {
            super::render::item(&mut json, item);
            ends.push(json.len());
        }
        Self { items, json, ends }
    }

    /// The items, in the order of the catalogue.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The item at `index`.
    pub(super) fn item(&self, index: usize) -> &Item {
        &self.items[index]
    }

    /// The JSON of the item at `index`.
    pub(super) fn json(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.json[start..self.ends[index]]
    }

    /// A configuration for a branch's slot: `choice` is any number.
    pub(super) fn choose(&self, branch: usize, slot: usize, choice: u64) -> usize {
        let first = slot + SLOTS.len() * branch;
        let step = SLOTS.len() * BRANCHES.len();
        let count = (self.items.len() - first).div_ceil(step);
        first + step * (choice % count as u64) as usize
    }
}

/// The configuration at `index`: slots go round fastest, branches next.
fn item(index: usize) -> Item {
    let slot = &SLOTS[index % SLOTS.len()];
    let branch = &BRANCHES[index / SLOTS.len() % BRANCHES.len()];
    let mut draw = Draw::new(mix_all([SEED, index as u64]));
    let (level, pattern) = draw.pick(slot.names);
    let name = pattern.replace("{}", branch.word);
    let has_potential = slot.options != Options::None;
    let grade = has_potential.then(|| grade(&mut draw));
    let additional = (has_potential && draw.below(8) > 0).then(|| grade_of_additional(&mut draw));
    let lines = |kind, grade: Option<Grade>, draw: &mut Draw| {
        grade.map_or_else(Default::default, |grade| {
            lines(kind, slot.options, branch, level, grade, draw)
        })
    };
    let scroll = slot.stars && level <= 150 && draw.below(12) == 0;
    let weapon = slot.slot == "무기";
    let (base_attack, base_magic) = base(slot, branch, level, index, &mut draw);
    Item {
        slot: slot.slot.to_owned(),
        part: slot.part.to_owned(),
        level: Level(level),
        grade: grade.map(|grade| grade.korean().to_owned()),
        lines: lines(Kind::Main, grade, &mut draw),
        additional_grade: additional.map(|grade| grade.korean().to_owned()),
        additional_lines: lines(Kind::Additional, additional, &mut draw),
        stars: Star(stars(
            slot,
            level,
            scroll,
            name.starts_with("제네시스"),
            &mut draw,
        )),
        scroll,
        flame: match (slot.flame, weapon) {
            (false, _) => FlameOptions::default(),
            (true, false) => flame_of_armour(branch, level, &mut draw),
            (true, true) => flame_of_weapon(branch, level, base_attack.max(base_magic), &mut draw),
        },
        name,
        base_attack,
        base_magic,
    }
}

fn grade(draw: &mut Draw) -> Grade {
    match draw.below(20) {
        0..=11 => Grade::Legendary,
        12..=16 => Grade::Unique,
        17 | 18 => Grade::Epic,
        _ => Grade::Rare,
    }
}

fn grade_of_additional(draw: &mut Draw) -> Grade {
    match draw.below(20) {
        0..=5 => Grade::Legendary,
        6..=12 => Grade::Unique,
        13..=16 => Grade::Epic,
        _ => Grade::Rare,
    }
}

/// Stars within what the level allows.
fn stars(slot: &Slot, level: u16, scroll: bool, granted: bool, draw: &mut Draw) -> u8 {
    if !slot.stars {
        return 0;
    }
    if granted {
        return 22;
    }
    let most = match level {
        _ if scroll => 13,
        ..118 => 10,
        118..128 => 15,
        128..138 => 20,
        138.. => 23,
    };
    // Most items stand at the usual stops, some in between.
    match draw.below(10) {
        0..=3 => most.min(17),
        4..=6 => most.min(22),
        7 => 0,
        _ => draw.below(u64::from(most) + 1) as u8,
    }
}

/// Attack and magic that a fresh item has. Items without options differ by it alone.
fn base(slot: &Slot, branch: &Branch, level: u16, index: usize, draw: &mut Draw) -> (i32, i32) {
    if slot.slot == "무기" {
        let attack = match level {
            200.. => 276,
            160..200 => 205,
            _ => 171,
        };
        return if branch.magic {
            (attack * 3 / 5, attack + 65)
        } else {
            (attack, 0)
        };
    }
    if slot.options == Options::None && !slot.flame {
        let number = (index / SLOTS.len()) as i32;
        return (number % 997, number / 997);
    }
    let both = draw.below(10) as i32;
    (both, both)
}

/// Lines that armour can have by one flame, well within its tiers.
fn flame_of_armour(branch: &Branch, level: u16, draw: &mut Draw) -> FlameOptions {
    let (single, double, hp) = if level >= 250 {
        (12, 7, 700)
    } else {
        let level = i32::from(level);
        (level / 20 + 1, level / 40 + 1, level / 10 * 30)
    };
    let mut tier = || 2 + draw.below(3) as i32;
    let mut flame = FlameOptions::default();
    let points = single * tier() + double * tier();
    match branch.stat {
        "STR" => (flame.str, flame.dex) = (points, double * tier()),
        "DEX" => (flame.dex, flame.str) = (points, double * tier()),
        "INT" => (flame.int, flame.luk) = (points, double * tier()),
        "LUK" => (flame.luk, flame.dex) = (points, double * tier()),
        _ => (flame.max_hp, flame.str) = (hp * tier(), double * tier()),
    }
    if tier() > 2 {
        flame.all_stat = tier();
    }
    flame
}

/// Attack of the third tier, so that higher ones reach it, and stats beside it.
fn flame_of_weapon(branch: &Branch, level: u16, base: i32, draw: &mut Draw) -> FlameOptions {
    let attack = base * (i32::from(level) / 40 + 1) * 3 / 100;
    let mut flame = FlameOptions::default();
    if branch.magic {
        flame.magic = attack;
    } else {
        flame.attack = attack;
    }
    flame.all_stat = 2 + draw.below(3) as i32;
    if draw.below(3) == 0 {
        flame.boss_damage = 4;
    }
    flame
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn twenty_thousand_configurations_differ() {
        let catalogue = Catalogue::new(20_000);

        let distinct: BTreeSet<_> = (0..20_000).map(|index| catalogue.json(index)).collect();

        assert!(distinct.len() > 19_000, "{} differ", distinct.len());
    }

    #[test]
    fn an_item_is_chosen_for_its_branch_and_slot() {
        let catalogue = Catalogue::new(CONFIGURATIONS_MIN + 100);
        for choice in 0..5 {
            for (branch, slot) in [(0, 0), (3, 23), (7, 23), (2, 10)] {
                let index = catalogue.choose(branch, slot, choice);
                assert_eq!(catalogue.item(index).slot, SLOTS[slot].slot);
                assert_eq!(index / SLOTS.len() % BRANCHES.len(), branch);
            }
        }
    }

    #[test]
    fn a_larger_catalogue_begins_with_a_smaller_one() {
        let (small, large) = (Catalogue::new(300), Catalogue::new(400));
        assert_eq!(small.items(), &large.items()[..300]);
    }
}
