//! `mesoflow value`: what does the equipment of one document cost to rebuild?

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::Args as ClapArgs;
use model::document;
use model::snapshot::Snapshot;
use serde::Serialize;
use valuation::totals::{self, CharacterValue, ItemValue};
use valuation::{Item, Ruleset, money_text};

use crate::command::run::rules_advice;
use crate::failure::Failed as _;
use crate::report::{ComponentsReport, ItemRow, PresetRow, items_table, presets_table};
use crate::terminal;

/// Values the equipment of one document of the provider.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The document, JSON or gzip; `-` reads it from standard input.
    document: PathBuf,
    /// A shipped ruleset by name, or the path of a ruleset file.
    #[arg(long, default_value = odds::SHIPPED[0])]
    ruleset: String,
    /// Lists every item with its components.
    #[arg(long)]
    items: bool,
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let ruleset = ruleset(&args.ruleset)?;
    let snapshot = read(&args.document)?;
    let value = totals::character_value(&ruleset, &snapshot.class, &snapshot.presets);
    if json {
        return terminal::print_json(&report(&ruleset, &snapshot, &value));
    }
    terminal::print(&text(&ruleset, &snapshot, &value, args.items))
}

fn ruleset(name: &str) -> Result<Ruleset> {
    runtime::load_rules(name)
        .with_context(|| format!("--ruleset {name}"))
        .advise(rules_advice())
        .wrong()
}

fn read(path: &Path) -> Result<Snapshot> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("read standard input")?;
        bytes
    } else {
        fs::read(path)
            .with_context(|| format!("read {}", path.display()))
            .advise("name a document of the provider, as JSON or gzip, or `-`")
            .wrong()?
    };
    document::parse(&bytes)
        .map_err(|rejection| anyhow!("{}: {rejection}", path.display()))
        .advise("give the equipment document as the provider sends it, as JSON or gzip")
        .wrong()
}

fn text(ruleset: &Ruleset, snapshot: &Snapshot, value: &CharacterValue, items: bool) -> String {
    let presets = value.presets.each_ref().map(|(total, items)| PresetRow {
        cost_mesos: total.cost_mesos,
        missing_parts: total.missing_parts,
        sd_mesos: total.sd_mesos,
        p90_mesos: total.p90_mesos,
        items: items.len(),
    });
    let mut text = format!("{}\n", presets_table(presets, value.preset));
    if items {
        let presets = snapshot.presets.iter().zip(&value.presets);
        for (number, (items, (_, values))) in (1..).zip(presets) {
            let rows = items.iter().zip(values).map(|(item, value)| ItemRow {
                slot: &item.slot,
                name: &item.name,
                level: Some(item.level.0),
                cost_mesos: value.total.cost_mesos,
                components: &value.components,
            });
            text += &format!("\npreset {number}\n{}\n", items_table(rows));
        }
    }
    text + &format!(
        "* the preset that counts   class {}   ruleset {} {}\n",
        snapshot.class,
        ruleset.name(),
        ruleset.hash().short()
    )
}

#[derive(Serialize)]
struct PresetReport<'a> {
    preset: u8,
    cost_mesos: i128,
    cost_text: String,
    missing_parts: u32,
    sd_mesos: f64,
    p90_mesos: f64,
    counts: bool,
    class: &'a str,
    ruleset: String,
    items: Vec<ItemReport<'a>>,
}

#[derive(Serialize)]
struct ItemReport<'a> {
    slot: &'a str,
    name: &'a str,
    level: u16,
    table_part: &'a str,
    cost_mesos: i128,
    missing_parts: u32,
    components: ComponentsReport,
}

fn report<'a>(
    ruleset: &Ruleset,
    snapshot: &'a Snapshot,
    value: &'a CharacterValue,
) -> Vec<PresetReport<'a>> {
    (1..)
        .zip(snapshot.presets.iter().zip(&value.presets))
        .map(|(preset, (items, (total, values)))| PresetReport {
            preset,
            cost_mesos: total.cost_mesos.0,
            cost_text: money_text::units(Some(total.cost_mesos)),
            missing_parts: total.missing_parts,
            sd_mesos: total.sd_mesos,
            p90_mesos: total.p90_mesos,
            counts: preset == value.preset,
            class: &snapshot.class,
            ruleset: ruleset.hash().to_string(),
            items: items
                .iter()
                .zip(values)
                .map(|(item, value)| item_report(item, value))
                .collect(),
        })
        .collect()
}

fn item_report<'a>(item: &'a Item, value: &'a ItemValue) -> ItemReport<'a> {
    ItemReport {
        slot: &item.slot,
        name: &item.name,
        level: item.level.0,
        table_part: &value.table_part,
        cost_mesos: value.total.cost_mesos.0,
        missing_parts: value.total.missing_parts,
        components: (&value.components).into(),
    }
}
