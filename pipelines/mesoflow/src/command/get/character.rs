//! One character: totals, items, components.

use anyhow::Result;
use model::view::{CharacterView, ItemView, PresetView};
use serde::Serialize;
use valuation::money_text;
use views::ViewReader;

use super::{Key, Stamp, complete, stamp, unknown};
use crate::job;
use crate::report::{ComponentsReport, ItemRow, PresetRow, items_table, presets_table};
use crate::terminal;

pub(super) fn run(views: &mut dyn ViewReader, key: &Key, json: bool) -> Result<()> {
    let reading = job::answered(views.character(&key.ocid))?;
    let marker = complete(views, reading.marker)?;
    let value = reading
        .value
        .ok_or_else(|| unknown("there is no character", key, &marker))?;
    let stamp = stamp(&marker, value.changed_at);
    if json {
        return terminal::print_json(&report(&key.ocid, &value.payload, stamp));
    }
    terminal::print(&text(&key.ocid, &value.payload, &stamp))
}

#[derive(Serialize)]
struct CharacterReport<'a> {
    ocid: &'a str,
    #[serde(flatten)]
    stamp: Stamp,
    class: &'a str,
    /// The preset that counts.
    preset: u8,
    presets: Vec<PresetReport<'a>>,
}

#[derive(Serialize)]
struct PresetReport<'a> {
    preset: u8,
    counts: bool,
    cost_mesos: i128,
    cost_text: String,
    missing_parts: u32,
    sd_mesos: f64,
    p90_mesos: f64,
    items: Vec<ItemReport<'a>>,
}

#[derive(Serialize)]
struct ItemReport<'a> {
    slot: &'a str,
    name: &'a str,
    cost_mesos: i128,
    missing_parts: u32,
    components: ComponentsReport,
}

fn report<'a>(ocid: &'a str, character: &'a CharacterView, stamp: Stamp) -> CharacterReport<'a> {
    let presets = (1..).zip(&character.presets);
    CharacterReport {
        ocid,
        stamp,
        class: &character.class,
        preset: character.preset,
        presets: presets
            .map(|(number, preset)| PresetReport {
                preset: number,
                counts: number == character.preset,
                cost_mesos: preset.cost_mesos.0,
                cost_text: money_text::units(Some(preset.cost_mesos)),
                missing_parts: preset.missing_parts,
                sd_mesos: preset.sd_mesos,
                p90_mesos: preset.p90_mesos,
                items: worn(character, preset)
                    .map(|item| ItemReport {
                        slot: &item.slot,
                        name: &item.name,
                        cost_mesos: item.cost_mesos.0,
                        missing_parts: item.missing_parts,
                        components: (&item.components).into(),
                    })
                    .collect(),
            })
            .collect(),
    }
}

/// The items of a preset, in the order of the document.
fn worn<'a>(
    character: &'a CharacterView,
    preset: &'a PresetView,
) -> impl Iterator<Item = &'a ItemView> {
    preset.items.iter().map(|&place| &character.items[place])
}

fn text(ocid: &str, character: &CharacterView, stamp: &Stamp) -> String {
    let presets = character.presets.each_ref().map(|preset| PresetRow {
        cost_mesos: preset.cost_mesos,
        missing_parts: preset.missing_parts,
        sd_mesos: preset.sd_mesos,
        p90_mesos: preset.p90_mesos,
        items: preset.items.len(),
    });
    let items = worn(character, character.best()).map(|item| ItemRow {
        slot: &item.slot,
        name: &item.name,
        level: None,
        cost_mesos: item.cost_mesos,
        components: &item.components,
    });
    let ruleset = stamp.ruleset.as_deref().unwrap_or("unknown");
    format!(
        "{}\n\npreset {}\n{}\n* the preset that counts   {} {ocid}   ruleset {:.12}\n{}",
        presets_table(presets, character.preset),
        character.preset,
        items_table(items),
        character.class,
        ruleset,
        stamp.lines(),
    )
}
