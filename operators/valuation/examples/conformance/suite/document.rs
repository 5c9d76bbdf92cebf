//! `item` and `character`: parts of a document, priced whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use valuation::totals::{self, CharacterValue};
use valuation::{ComponentKind, FlameOptions, Item, Level, Ruleset, RulesetHash, Star};

use super::answer::component;
use super::json::Json;

/// The documents that were read, valued once for each ruleset.
pub(crate) struct Documents<'a> {
    samples: &'a Path,
    valued: BTreeMap<(String, RulesetHash), CharacterValue>,
}

impl<'a> Documents<'a> {
    pub(crate) fn new(samples: &'a Path) -> Self {
        Self {
            samples,
            valued: BTreeMap::new(),
        }
    }

    pub(crate) fn item(&mut self, ruleset: &Ruleset, arguments: &Json) -> Result<Json, String> {
        let preset: usize = arguments.whole("preset")?;
        let index: usize = arguments.whole("index")?;
        let character = self.character_value(ruleset, arguments.text("file")?)?;
        let preset = preset
            .checked_sub(1)
            .and_then(|preset| character.presets.get(preset));
        let item = preset
            .and_then(|(_, items)| items.get(index))
            .ok_or("no such item")?;
        let mut answer = vec![("table_part".to_owned(), item.table_part.as_str().into())];
        for (kind, value) in ComponentKind::ALL.iter().zip(&item.components) {
            answer.push((kind.name().to_owned(), component(value)));
        }
        Ok(Json::Object(answer))
    }

    pub(crate) fn character(
        &mut self,
        ruleset: &Ruleset,
        arguments: &Json,
    ) -> Result<Json, String> {
        let character = self.character_value(ruleset, arguments.text("file")?)?;
        let presets = (1_i128..)
            .zip(&character.presets)
            .map(|(number, (total, _))| {
                Json::object([
                    ("preset", number.into()),
                    ("cost_mesos", total.cost_mesos.0.into()),
                    ("missing_parts", i128::from(total.missing_parts).into()),
                    ("sd_mesos", total.sd_mesos.into()),
                ])
            });
        let best = &character.presets[usize::from(character.preset) - 1].0;
        Ok(Json::object([
            ("presets", Json::List(presets.collect())),
            ("preset", i128::from(character.preset).into()),
            ("cost_mesos", best.cost_mesos.0.into()),
        ]))
    }

    fn character_value(
        &mut self,
        ruleset: &Ruleset,
        file: &str,
    ) -> Result<&CharacterValue, String> {
        let known = (file.to_owned(), ruleset.hash());
        if !self.valued.contains_key(&known) {
            let path = self.samples.join(file);
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("read {}: {error}", path.display()))?;
            let (class, presets) = read(&text)?;
            let value = totals::character_value(ruleset, &class, &presets);
            self.valued.insert(known.clone(), value);
        }
        self.valued
            .get(&known)
            .ok_or_else(|| format!("{file} is not valued"))
    }
}

fn read(text: &str) -> Result<(String, [Vec<Item>; 3]), String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let class = text_of(&document["character_class"]).ok_or("no `character_class`")?;
    let mut presets = [const { Vec::new() }; 3];
    for (number, items) in (1..).zip(&mut presets) {
        let list = document[format!("item_equipment_preset_{number}")].as_array();
        *items = list
            .into_iter()
            .flatten()
            .map(item)
            .collect::<Result<_, String>>()?;
    }
    Ok((class, presets))
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn number<N: TryFrom<i64> + Default>(value: &Value) -> Result<N, String> {
    let number = match value {
        Value::Null => return Ok(N::default()),
        Value::String(text) if text.trim().is_empty() => return Ok(N::default()),
        Value::String(text) => text.replace(',', "").parse().ok(),
        other => other.as_i64(),
    };
    number
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| format!("{value} is no number"))
}

fn item(item: &Value) -> Result<Item, String> {
    let text = |name: &str| text_of(&item[name]);
    let lines = |prefix: &str| [1, 2, 3].map(|line| text(&format!("{prefix}_{line}")));
    let (base, added) = (&item["item_base_option"], &item["item_add_option"]);
    Ok(Item {
        slot: text("item_equipment_slot").unwrap_or_default(),
        part: text("item_equipment_part").unwrap_or_default(),
        name: text("item_name").unwrap_or_default(),
        level: Level(number(&base["base_equipment_level"])?),
        grade: text("potential_option_grade"),
        lines: lines("potential_option"),
        additional_grade: text("additional_potential_option_grade"),
        additional_lines: lines("additional_potential_option"),
        stars: Star(number(&item["starforce"])?),
        scroll: item["starforce_scroll_flag"] == "사용",
        flame: FlameOptions {
            str: number(&added["str"])?,
            dex: number(&added["dex"])?,
            int: number(&added["int"])?,
            luk: number(&added["luk"])?,
            max_hp: number(&added["max_hp"])?,
            all_stat: number(&added["all_stat"])?,
            attack: number(&added["attack_power"])?,
            magic: number(&added["magic_power"])?,
            boss_damage: number(&added["boss_damage"])?,
            damage: number(&added["damage"])?,
        },
        base_attack: number(&base["attack_power"])?,
        base_magic: number(&base["magic_power"])?,
    })
}
