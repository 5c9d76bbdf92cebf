//! The items that are explained, component by component.

use anyhow::{Result, anyhow};
use serde::Serialize;
use valuation::totals::ItemValue;
use valuation::{ComponentKind, ComponentValue, Item, Status, key, money_text};

use super::Facts;
use super::compare::{self, Verdict};
use super::formula;
use crate::failure::Failed as _;
use crate::report::{ComponentReport, component_names, component_text};
use crate::table::Table;

/// One item of a preset.
#[derive(Serialize)]
pub(super) struct ItemReport<'a> {
    preset: u8,
    /// Place in the preset, from 1.
    position: u16,
    slot: &'a str,
    name: &'a str,
    level: u16,
    table_part: &'a str,
    cost_mesos: i128,
    missing_parts: u32,
    /// The components whose costs are summed.
    summed: Vec<&'static str>,
    components: Vec<Explained<'a>>,
}

/// One component with its formula.
#[derive(Serialize)]
struct Explained<'a> {
    component: &'static str,
    #[serde(flatten)]
    value: ComponentReport,
    formula: String,
    /// The rows of odds tables and fees that the price depends on.
    depends_on: Vec<String>,
    tables: Verdict,
    view: Verdict,
    #[serde(skip)]
    computed: &'a ComponentValue,
}

/// The items that `asked` names, or all of them.
pub(super) fn pick<'a>(facts: &'a Facts, asked: Option<&str>) -> Result<Vec<ItemReport<'a>>> {
    let preset_and_slot = asked.map(|asked| match asked.split_once('/') {
        Some((preset, slot)) => (preset.trim().parse::<u8>().ok(), slot.trim()),
        None => (Some(facts.value.preset), asked.trim()),
    });
    let is_asked = |preset: u8, item: &Item| {
        preset_and_slot.is_none_or(|(asked, slot)| asked == Some(preset) && item.slot == slot)
    };
    let mut reports = Vec::new();
    let presets = facts
        .input
        .snapshot
        .presets
        .iter()
        .zip(&facts.value.presets);
    for (preset, (items, (_, values))) in (1..).zip(presets) {
        for (position, (item, value)) in (1..).zip(items.iter().zip(values)) {
            if is_asked(preset, item) {
                reports.push(explain(facts, (preset, position), item, value));
            }
        }
    }
    match asked {
        Some(asked) if reports.is_empty() => {
            let preset = facts.value.preset;
            let worn = facts.input.snapshot.presets[usize::from(preset) - 1].iter();
            let slots: Vec<&str> = worn.map(|item| item.slot.as_str()).collect();
            Err(anyhow!("nothing is worn at {asked}"))
                .advise(format!(
                    "name a slot or PRESET/SLOT; preset {preset} has {}",
                    slots.join(", ")
                ))
                .wrong()
        }
        _ => Ok(reports),
    }
}

fn explain<'a>(
    facts: &'a Facts,
    place: (u8, u16),
    item: &'a Item,
    value: &'a ItemValue,
) -> ItemReport<'a> {
    let ruleset = &facts.ruleset;
    let in_tables = facts.tables.comparable();
    let in_tables = in_tables.and_then(|stored| stored.items.get(&place));
    let in_tables = in_tables.filter(|row| row.slot == item.slot && row.name == item.name);
    let in_view = facts.view.comparable().and_then(|view| {
        let worn = &view.presets[usize::from(place.0) - 1].items;
        let shown = view.items.get(*worn.get(usize::from(place.1) - 1)?)?;
        (shown.slot == item.slot && shown.name == item.name).then_some(shown)
    });
    let keyed = key::components(ruleset, &facts.input.snapshot.class, item);
    let components = ComponentKind::ALL.iter().zip(keyed).zip(&value.components);
    let components = components
        .enumerate()
        .map(|(number, ((kind, keyed), computed))| {
            let row = in_tables.and_then(|row| row.components.get(number));
            let shown = in_view.map(|view| &view.components[number]);
            Explained {
                component: kind.name(),
                value: computed.into(),
                formula: formula::of(ruleset, &keyed, computed),
                depends_on: formula::tables(ruleset, &keyed),
                tables: compare::component_in_tables(computed, row, &facts.tables),
                view: compare::component_in_view(computed, shown, &facts.view),
                computed,
            }
        });
    let summed = &ruleset.rules().summed;
    ItemReport {
        preset: place.0,
        position: place.1,
        slot: &item.slot,
        name: &item.name,
        level: item.level.0,
        table_part: &value.table_part,
        cost_mesos: value.total.cost_mesos.0,
        missing_parts: value.total.missing_parts,
        summed: summed.iter().map(|kind| kind.name()).collect(),
        components: components.collect(),
    }
}

impl ItemReport<'_> {
    /// What came out of each comparison.
    pub(super) fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        self.components
            .iter()
            .flat_map(|component| [component.tables, component.view])
    }

    fn in_short(&self) -> String {
        let mut text = money_text::short(Some(valuation::Meso(self.cost_mesos)));
        if self.missing_parts > 0 {
            text += &format!(", {} missing", self.missing_parts);
        }
        text
    }

    /// All components with formulas and tables.
    pub(super) fn in_detail(&self) -> String {
        let mut text = format!(
            "{}/{}  {}, level {}, odds of {}: {} = {}\n",
            self.preset,
            self.slot,
            self.name,
            self.level,
            self.table_part,
            self.in_short(),
            self.summed.join(" + "),
        );
        for component in &self.components {
            let cost = component.computed.cost_mesos;
            let amount = cost.map(|cost| money_text::digits(Some(cost)));
            text += &format!(
                "\n  {}: {}, {}\n    {}\n",
                component.component,
                component.computed.status.name(),
                amount.map_or_else(|| "no cost".to_owned(), |amount| format!("{amount} mesos")),
                component.formula,
            );
            if !component.depends_on.is_empty() {
                text += &format!("    from {}\n", component.depends_on.join("; "));
            }
            text += &format!(
                "    tables: {}   view: {}\n",
                component.tables.name(),
                component.view.name()
            );
        }
        text + "\n"
    }
}

/// Items in one table, a row each.
pub(super) fn listed(items: &[ItemReport<'_>]) -> Table {
    let head = ["item", "name", "sum"].map(str::to_owned).into_iter();
    let head = head.chain(component_names()).chain(["stored".to_owned()]);
    let mut table = Table::new(head)
        .right(2..9)
        .titles(2)
        .nothing(Status::None.name());
    for item in items {
        let head = [
            format!("{}/{}", item.preset, item.slot),
            item.name.to_owned(),
            item.in_short(),
        ];
        let components = item.components.iter();
        let components = components.map(|component| component_text(component.computed));
        let stored = compare::all(item.verdicts()).name().to_owned();
        table.add_row(head.into_iter().chain(components).chain([stored]));
    }
    table
}
