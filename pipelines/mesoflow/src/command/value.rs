//! `mesoflow value`: what does the equipment of one document cost to rebuild?

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::Args as ClapArgs;
use comfy_table::{CellAlignment, Table, presets};
use model::document;
use model::snapshot::Snapshot;
use serde::Serialize;
use valuation::component::{ComponentKind, ComponentValue};
use valuation::totals::{self, CharacterValue, ItemValue};
use valuation::{Item, Ruleset, money_text};

use crate::WrongRequest;

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
    /// Prints JSON: an array of one object a preset.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let ruleset = ruleset(&args.ruleset)?;
    let snapshot = read(&args.document)?;
    let value = totals::character_value(&ruleset, &snapshot.class, &snapshot.presets);
    let mut out = io::stdout().lock();
    let text = if args.json {
        format!(
            "{}\n",
            serde_json::to_string_pretty(&json(&ruleset, &snapshot, &value))?
        )
    } else {
        table(&ruleset, &snapshot, &value, args.items)
    };
    out.write_all(text.as_bytes()).context("print the value")
}

/// The ruleset of a shipped name or of a path.
fn ruleset(name: &str) -> Result<Ruleset> {
    if odds::SHIPPED.contains(&name) {
        return Ok(odds::shipped(name)?);
    }
    let path = Path::new(name);
    if !path.exists() {
        let problem = anyhow!(
            "--ruleset {name}: neither a shipped ruleset ({}) nor a file",
            odds::SHIPPED.join(", ")
        );
        return Err(problem.context(WrongRequest));
    }
    odds::load(path).map_err(|error| anyhow::Error::new(error).context(WrongRequest))
}

fn read(path: &Path) -> Result<Snapshot> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes)
            .context("read standard input")?;
        bytes
    } else {
        fs::read(path).map_err(|error| {
            anyhow::Error::new(error)
                .context(format!("read {}", path.display()))
                .context(WrongRequest)
        })?
    };
    document::parse(&bytes)
        .map_err(|rejection| anyhow!("{}: {rejection}", path.display()).context(WrongRequest))
}

fn table(ruleset: &Ruleset, snapshot: &Snapshot, value: &CharacterValue, items: bool) -> String {
    let mut text = String::new();
    let mut totals = Table::new();
    totals.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "preset",
        "to rebuild, in mesos",
        "",
        "± sd",
        "items",
        "missing",
    ]);
    for (number, (total, items)) in (1..).zip(&value.presets) {
        let chosen = if number == value.preset { " *" } else { "" };
        totals.add_row([
            format!("{number}{chosen}"),
            money_text::digits(Some(total.cost_mesos)),
            money_text::units(Some(total.cost_mesos)),
            format!("{:.0} %", percent(total.sd_mesos, total.cost_mesos.0)),
            items.len().to_string(),
            total.missing_parts.to_string(),
        ]);
    }
    for column in [1, 2, 3, 4, 5] {
        if let Some(column) = totals.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    text.push_str(&format!("{totals}\n"));
    if items {
        for (number, (preset, (_, values))) in
            (1..).zip(snapshot.presets.iter().zip(&value.presets))
        {
            text.push_str(&format!(
                "\npreset {number}\n{}\n",
                items_table(preset, values)
            ));
        }
    }
    text.push_str(&format!(
        "* the preset that counts   class {}   ruleset {} {}\n",
        snapshot.class,
        ruleset.name(),
        ruleset.hash().short()
    ));
    text
}

fn items_table(items: &[Item], values: &[ItemValue]) -> Table {
    let mut table = Table::new();
    let kinds = ComponentKind::ALL.iter().map(|kind| kind.name());
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_header(["slot", "item", "level", "sum"].into_iter().chain(kinds));
    for (item, value) in items.iter().zip(values) {
        let components = value
            .components
            .iter()
            .map(|component| match component.cost_mesos {
                Some(cost) if cost.0 > 0 => money_text::short(Some(cost)),
                _ => component.status.name().to_owned(),
            });
        let head = [
            item.slot.clone(),
            item.name.clone(),
            item.level.0.to_string(),
            money_text::short(Some(value.total.cost_mesos)),
        ];
        table.add_row(head.into_iter().chain(components));
    }
    table
}

/// `part` in percent of `whole`; 0 of nothing.
fn percent(part: f64, whole: i128) -> f64 {
    if whole == 0 {
        0.0
    } else {
        100.0 * part / whole as f64
    }
}

#[derive(Serialize)]
struct PresetJson<'a> {
    preset: u8,
    cost_mesos: i128,
    cost_text: String,
    missing_parts: u32,
    sd_mesos: f64,
    p90_mesos: f64,
    counts: bool,
    class: &'a str,
    ruleset: String,
    items: Vec<ItemJson<'a>>,
}

#[derive(Serialize)]
struct ItemJson<'a> {
    slot: &'a str,
    name: &'a str,
    level: u16,
    table_part: &'a str,
    cost_mesos: i128,
    missing_parts: u32,
    components: serde_json::Map<String, serde_json::Value>,
}

fn json<'a>(
    ruleset: &Ruleset,
    snapshot: &'a Snapshot,
    value: &'a CharacterValue,
) -> Vec<PresetJson<'a>> {
    (1..)
        .zip(snapshot.presets.iter().zip(&value.presets))
        .map(|(preset, (items, (total, values)))| PresetJson {
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
                .map(|(item, value)| item_json(item, value))
                .collect(),
        })
        .collect()
}

fn item_json<'a>(item: &'a Item, value: &'a ItemValue) -> ItemJson<'a> {
    let component = |component: &ComponentValue| {
        serde_json::json!({
            "status": component.status.name(),
            "cost_mesos": component.cost_mesos.map(|cost| cost.0),
            "tries": component.tries,
            "sd_mesos": component.sd_mesos,
        })
    };
    ItemJson {
        slot: &item.slot,
        name: &item.name,
        level: item.level.0,
        table_part: &value.table_part,
        cost_mesos: value.total.cost_mesos.0,
        missing_parts: value.total.missing_parts,
        components: ComponentKind::ALL
            .iter()
            .zip(&value.components)
            .map(|(kind, value)| (kind.name().to_owned(), component(value)))
            .collect(),
    }
}
