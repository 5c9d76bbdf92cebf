//! `mesoflow explain`: which event, tables, rules and formula gave this number, and is it so?

mod compare;
mod formula;
mod input;
mod item;
mod rules;
mod stored;

use anyhow::{Result, anyhow};
use clap::Args as ClapArgs;
use model::Epoch;
use model::view::{CharacterView, Marker, Stamped};
use serde::Serialize;
use valuation::totals::{self, CharacterValue};
use valuation::{Ruleset, money_text};

use crate::failure::Failed as _;
use crate::instant::{epoch_text, epoch_with_time, time_text};
use crate::job::{self, JobArg};
use crate::table::Table;
use crate::terminal::{self, Colour, coloured};

use compare::{Standing, Verdict};
use input::Input;
use item::ItemReport;
use stored::StoredValuation;

/// Says where a character's value comes from, computes it again and compares.
///
/// The newest accepted event of the character is read from the job's input table and valued with
/// the ruleset that the job keeps; what the tables and the view say must be equal.
/// Exit code 1 when it is not.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The character's ocid, as in the events.
    ocid: String,
    /// A slot (of the preset that counts) or PRESET/SLOT, for example 무기 or 2/무기. Without it all
    /// items are listed with what they cost.
    item: Option<String>,
    #[command(flatten)]
    job: JobArg,
}

/// What an explanation is made from.
struct Facts {
    input: Input,
    ruleset: Ruleset,
    /// Where the ruleset was found.
    kept_in: String,
    value: CharacterValue,
    tables: Told<StoredValuation>,
    view: Told<CharacterView>,
}

/// What a store says, if that is about the explained event.
struct Told<T> {
    value: Option<T>,
    as_of: Option<Epoch>,
    standing: Standing,
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let waiting = terminal::spinner("reading tables and view, and computing again");
    let facts = gather(args);
    waiting.finish_and_clear();
    let facts = facts?;
    let picked = item::pick(&facts, args.item.as_deref())?;
    let report = report(args, &facts, picked);
    if json {
        terminal::print_json(&report)?;
    } else {
        terminal::print(&text(&report, args.item.is_some()))?;
    }
    match report.verdict {
        Verdict::Differs => Err(anyhow!("what is stored of {} differs", args.ocid)).advise(
            "keep the job's folder as it is and report it with the output of this command: \
             equal inputs and rules must give equal values",
        ),
        Verdict::Equal | Verdict::NotCompared => Ok(()),
    }
}

fn gather(args: &Args) -> Result<Facts> {
    let job = args.job.read()?;
    let lake = job::lake(&job)?;
    let input = input::newest(&lake, &args.ocid)?;
    let mut views = match job.views.kind {
        runtime::config::ViewsKind::None => None,
        runtime::config::ViewsKind::Embedded if !job::views_file(&job).is_file() => None,
        _ => Some(job::views(&job)?),
    };
    let reading = views
        .as_mut()
        .map(|views| job::answered(views.character(&args.ocid)))
        .transpose()?;
    let (marker, held) = reading.map_or((None, None), |reading| (reading.marker, reading.value));

    let bound = rules::bound(&job.folder)?;
    let wanted = marker
        .as_ref()
        .and_then(|marker| rule_hash(marker, held.as_ref()))
        .or_else(|| rules::in_force(&bound, input.committed));
    let (ruleset, kept_in) = rules::load(&job, wanted.as_deref())?;
    let hash = ruleset.hash().to_string();

    let holds = input.epoch..=input.committed;
    let view = told_by_view(marker.as_ref(), held, &hash, &holds);
    let tables = stored::read(&lake, &args.ocid, input.committed)?;
    let tables = match tables {
        None => Told::nothing(),
        Some((as_of, value)) => {
            let other = rules::in_force(&bound, as_of).is_some_and(|other| other != hash);
            Told {
                value: Some(value),
                as_of: Some(as_of),
                standing: compare::standing(as_of..=as_of, holds, other),
            }
        }
    };
    let value = totals::character_value(&ruleset, &input.snapshot.class, &input.snapshot.presets);
    Ok(Facts {
        input,
        ruleset,
        kept_in,
        value,
        tables,
        view,
    })
}

impl<T> Told<T> {
    fn nothing() -> Self {
        Self {
            value: None,
            as_of: None,
            standing: Standing::Absent,
        }
    }

    /// The value, where it is about the explained event.
    fn comparable(&self) -> Option<&T> {
        let value = self.value.as_ref();
        value.filter(|_| self.standing == Standing::Comparable)
    }
}

/// The ruleset that a value of a view was computed with.
fn rule_hash(marker: &Marker, held: Option<&Stamped<CharacterView>>) -> Option<String> {
    let reached = marker
        .progress
        .as_ref()
        .filter(|_| held.is_some_and(|held| Some(held.changed_at) > marker.as_of));
    let origin = reached.map(|progress| &progress.origin);
    Some(origin.or(marker.origin.as_ref())?.ruleset.clone())
}

fn told_by_view(
    marker: Option<&Marker>,
    held: Option<Stamped<CharacterView>>,
    hash: &str,
    holds: &std::ops::RangeInclusive<Epoch>,
) -> Told<CharacterView> {
    let Some(marker) = marker.filter(|marker| marker.as_of.is_some()) else {
        return Told::nothing();
    };
    let as_of = marker.as_of.unwrap_or_default();
    let other = rule_hash(marker, held.as_ref()).is_some_and(|other| other != hash);
    // The value has not changed since; where there is none, all that is known is that it is gone.
    let changed_at = held.as_ref().map_or(as_of, |held| held.changed_at);
    let true_of = changed_at..=as_of.max(changed_at);
    Told {
        value: held.map(|held| held.payload),
        as_of: Some(as_of),
        standing: compare::standing(true_of, holds.clone(), other),
    }
}

#[derive(Serialize)]
struct Report<'a> {
    ocid: &'a str,
    verdict: Verdict,
    event: EventReport,
    class: &'a str,
    ruleset: RulesetReport<'a>,
    tables: StoreReport,
    view: StoreReport,
    presets: Vec<PresetReport>,
    items: Vec<ItemReport<'a>>,
}

#[derive(Serialize)]
struct EventReport {
    event_id: Option<String>,
    topic: &'static str,
    partition: i32,
    offset: i64,
    occurred_at: Option<String>,
    appended_at: Option<String>,
    /// The epoch in which it was accepted, or the retained epoch if that is later.
    epoch: u64,
    epoch_time: Option<String>,
}

#[derive(Serialize)]
struct RulesetReport<'a> {
    name: &'a str,
    hash: String,
    kept_in: &'a str,
}

#[derive(Serialize)]
struct StoreReport {
    as_of: Option<u64>,
    standing: Standing,
}

#[derive(Serialize)]
struct PresetReport {
    preset: u8,
    counts: bool,
    cost_mesos: i128,
    missing_parts: u32,
    items: usize,
    tables: Verdict,
    view: Verdict,
}

fn report<'a>(args: &'a Args, facts: &'a Facts, items: Vec<ItemReport<'a>>) -> Report<'a> {
    let Facts { input, value, .. } = facts;
    let presets: Vec<PresetReport> = (1..)
        .zip(&value.presets)
        .map(|(preset, (total, worn))| PresetReport {
            preset,
            counts: preset == value.preset,
            cost_mesos: total.cost_mesos.0,
            missing_parts: total.missing_parts,
            items: worn.len(),
            tables: compare::preset_in_tables(total, preset, &facts.tables),
            view: compare::preset_in_view(total, worn.len(), preset, &facts.view),
        })
        .collect();
    let of_presets = presets
        .iter()
        .flat_map(|preset| [preset.tables, preset.view]);
    let of_items = items.iter().flat_map(ItemReport::verdicts);
    Report {
        ocid: &args.ocid,
        verdict: compare::all(of_presets.chain(of_items)),
        event: EventReport {
            event_id: input.event_id.map(|id| id.to_string()),
            topic: model::Topic::Equipment.name(),
            partition: input.partition,
            offset: input.offset,
            occurred_at: time_text(input.occurred_at),
            appended_at: time_text(input.appended_at),
            epoch: input.epoch.0,
            epoch_time: epoch_text(input.epoch),
        },
        class: &input.snapshot.class,
        ruleset: RulesetReport {
            name: facts.ruleset.name(),
            hash: facts.ruleset.hash().to_string(),
            kept_in: &facts.kept_in,
        },
        tables: StoreReport {
            as_of: facts.tables.as_of.map(|epoch| epoch.0),
            standing: facts.tables.standing,
        },
        view: StoreReport {
            as_of: facts.view.as_of.map(|epoch| epoch.0),
            standing: facts.view.standing,
        },
        presets,
        items,
    }
}

fn text(report: &Report, in_detail: bool) -> String {
    let event = &report.event;
    let unknown = || "unknown".to_owned();
    let mut text = format!(
        "{} {}\n\nevent    {} of {}, partition {}, offset {}\n         occurred {}, appended {}, accepted in epoch {}\nruleset  {} {:.12}, {}\n",
        report.class,
        report.ocid,
        event.event_id.clone().unwrap_or_else(unknown),
        event.topic,
        event.partition,
        event.offset,
        event.occurred_at.clone().unwrap_or_else(unknown),
        event.appended_at.clone().unwrap_or_else(unknown),
        epoch_with_time(Epoch(event.epoch)),
        report.ruleset.name,
        report.ruleset.hash,
        report.ruleset.kept_in,
    );
    for (name, store) in [("tables", &report.tables), ("view", &report.view)] {
        let as_of = store.as_of.map(|epoch| epoch_with_time(Epoch(epoch)));
        let as_of = as_of.map_or_else(String::new, |as_of| format!("as of epoch {as_of}, "));
        text += &format!("{name:<8} {as_of}{}\n", store.standing.words());
    }
    text += "\n";
    let names = ["preset", "to rebuild", "items", "missing", "tables", "view"];
    let mut table = Table::new(names).right(1..4);
    for preset in &report.presets {
        let star = if preset.counts { " *" } else { "" };
        table.add_row([
            format!("{}{star}", preset.preset),
            money_text::digits(Some(valuation::Meso(preset.cost_mesos))),
            preset.items.to_string(),
            preset.missing_parts.to_string(),
            preset.tables.name().to_owned(),
            preset.view.name().to_owned(),
        ]);
    }
    text += &format!("{table}\n\n");
    if in_detail {
        text.extend(report.items.iter().map(ItemReport::in_detail));
    } else {
        text += &format!("{}\n", item::listed(&report.items));
    }
    let colour = match report.verdict {
        Verdict::Equal => Colour::Good,
        Verdict::NotCompared => Colour::Odd,
        Verdict::Differs => Colour::Bad,
    };
    text + &format!(
        "computed again: {}\n",
        coloured(colour, report.verdict.name())
    )
}
